"""Bitcoin signed messages: prove that whoever speaks owns an address.

A signature is 65 bytes in base64: a header, then r and s of an ECDSA signature over the message,
32 bytes each. The header says which of the four possible public keys signed and which form of
address is made from it. So a check recovers the key, makes the address, and compares texts.

Source: `MessageSign` of Bitcoin Core (`src/common/signmessage.cpp`), and BIP-137 for addresses
that wrap a witness program.
"""

import base64
import binascii
import hashlib
from enum import IntEnum
from typing import Final, NamedTuple

from coincurve import PrivateKey, PublicKey

from downstream_node.addresses import base58

SIGNATURE_CHARACTERS: Final = 88
"""Length of every signature in base64, padding included."""

SECRET_BYTES: Final = 32
"""Length in bytes of a private key."""

_SIGNATURE_BYTES: Final = 65
_MAGIC: Final = b"\x18Bitcoin Signed Message:\n"

# The greatest length of each short form, what is written before it, and its bytes.
_COMPACT_SIZES: Final = ((0xFC, b"", 1), (0xFFFF, b"\xfd", 2), (0xFFFFFFFF, b"\xfe", 4))

_FIRST_HEADER: Final = 27
_KEYS_PER_FORM: Final = 4

# A script hash of version 0 witness programs: OP_0, then a push of the 20 bytes that follow.
_WITNESS_PROGRAM_PREFIX: Final = b"\x00\x14"


class _Form(IntEnum):
    """The forms of address that a header can name, in the order of their headers.

    Headers 39 to 42 (P2WPKH) would be next. Their addresses are written in bech32, which this
    node does not take, so no signature under those headers can be valid here.
    """

    P2PKH_UNCOMPRESSED = 0  # headers 27 to 30
    P2PKH = 1  # headers 31 to 34
    P2SH_P2WPKH = 2  # headers 35 to 38


class _Signature(NamedTuple):
    """A signature taken apart; *recoverable* is r, s and the number of the key, 65 bytes."""

    form: _Form
    recoverable: bytes


def verify(address: str, message: str, signature: str) -> bool:
    """Whether *signature* is one of *message* by the key behind *address*.

    Args:
        address: a mainnet P2PKH (1…) or P2SH (3…) address; of the second kind only those that
            wrap the witness program of one key have signatures.
        message: any text, taken as UTF-8.
        signature: standard base64 of 65 bytes, in exactly the 88 characters an encoder writes.

    Returns False for everything else, and raises nothing, whatever the three texts are.
    """
    # A malformed address needs no check of its own: it equals none that is made from a key.
    parsed = _parse(signature)
    if parsed is None:
        return False
    signer = _recover(parsed.recoverable, message)
    return signer is not None and _address(signer, parsed.form) == address


def sign(private_key: bytes, message: str) -> str:
    """Return the signature of *message* for the address that `address_of` gives.

    The signature is deterministic (RFC 6979). Raises ValueError for a *private_key* that is
    not 32 bytes of a number between 0 and the order of secp256k1, both excluded, and for a
    *message* that has no UTF-8 form (lone surrogates).
    """
    recoverable = _key(private_key).sign_recoverable(_digest(message), hasher=None)
    header = _FIRST_HEADER + _KEYS_PER_FORM * _Form.P2PKH + recoverable[-1]
    return base64.b64encode(bytes([header]) + recoverable[:-1]).decode("ascii")


def address_of(private_key: bytes) -> str:
    """Return the P2PKH address of the compressed public key of *private_key* (32 bytes).

    Raises ValueError as `sign` does.
    """
    return _address(_key(private_key).public_key, _Form.P2PKH)


def _parse(signature: str) -> _Signature | None:
    """Take *signature* apart; None when it is malformed or its header names no form of ours."""
    raw = _decode_base64(signature)
    if raw is None:
        return None
    form, key_number = divmod(raw[0] - _FIRST_HEADER, _KEYS_PER_FORM)
    if not _Form.P2PKH_UNCOMPRESSED <= form <= _Form.P2SH_P2WPKH:
        return None
    return _Signature(_Form(form), raw[1:] + bytes([key_number]))


def _decode_base64(signature: str) -> bytes | None:
    """Return the 65 bytes of *signature*, or None unless it is their canonical base64."""
    if len(signature) != SIGNATURE_CHARACTERS:
        return None
    try:
        raw = binascii.a2b_base64(signature, strict_mode=True)
    except ValueError:  # not base64, or not even ASCII
        return None
    # Strict decoding still lets the unused bits of the last character be anything.
    canonical = len(raw) == _SIGNATURE_BYTES and base64.b64encode(raw) == signature.encode()
    return raw if canonical else None


def _recover(recoverable: bytes, message: str) -> PublicKey | None:
    """Return the key that made *recoverable* over *message*, or None when there is none."""
    try:
        return PublicKey.from_signature_and_message(recoverable, _digest(message), hasher=None)
    except ValueError:  # no such point on the curve, r or s out of range, text without UTF-8
        return None


def _digest(message: str) -> bytes:
    """Return SHA-256, applied twice, of *message* with the magic and its length before it.

    Raises UnicodeEncodeError, a ValueError, for lone surrogates.
    """
    data = message.encode("utf-8")
    return hashlib.sha256(
        hashlib.sha256(_MAGIC + _compact_size(len(data)) + data).digest()
    ).digest()


def _compact_size(length: int) -> bytes:
    """Return *length* in Bitcoin's variable-length form: 1, 3, 5 or 9 bytes, little-endian."""
    for greatest, prefix, width in _COMPACT_SIZES:
        if length <= greatest:
            return prefix + length.to_bytes(width, "little")
    return b"\xff" + length.to_bytes(8, "little")


def _address(key: PublicKey, form: _Form) -> str:
    """Return the mainnet address of *key* in *form*."""
    key_hash = _hash160(key.format(compressed=form is not _Form.P2PKH_UNCOMPRESSED))
    if form is _Form.P2SH_P2WPKH:
        script_hash = _hash160(_WITNESS_PROGRAM_PREFIX + key_hash)
        return base58.encode(bytes([base58.P2SH_VERSION]) + script_hash)
    return base58.encode(bytes([base58.P2PKH_VERSION]) + key_hash)


def _hash160(data: bytes) -> bytes:
    """Return RIPEMD-160 of SHA-256 of *data*: 20 bytes."""
    return hashlib.new("ripemd160", hashlib.sha256(data).digest()).digest()


def _key(private_key: bytes) -> PrivateKey:
    # coincurve pads a short secret and reads only the first 32 bytes of a long one.
    if len(private_key) != SECRET_BYTES:
        message = f"a private key has {SECRET_BYTES} bytes, not {len(private_key)}"
        raise ValueError(message)
    return PrivateKey(private_key)
