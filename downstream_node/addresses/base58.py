"""Base58Check, the text form of Bitcoin addresses.

Every byte string has exactly one text and every accepted text stands for exactly one byte
string, so two addresses are equal when their texts are equal.
Source: Bitcoin Core `src/base58.cpp` and the developer guide's chapter on addresses.
"""

import hashlib
from typing import Final

from downstream_node.errors import MalformedAddress

ALPHABET: Final = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"

P2PKH_VERSION: Final = 0
"""Version byte of a mainnet address that names a public key's hash (texts begin with 1)."""

P2SH_VERSION: Final = 5
"""Version byte of a mainnet address that names a script's hash (texts begin with 3)."""

HASH_BYTES: Final = 20
"""Length in bytes of the hash that an address names."""

MAX_CHARACTERS: Final = 64
"""Longest text that `decode` looks at; an address has at most 35 characters."""

_CHECKSUM_BYTES: Final = 4

# The most bytes that 64 digits of base 58 always have room for: 46, checksum included.
MAX_PAYLOAD_BYTES: Final = 46 - _CHECKSUM_BYTES
"""Longest payload that `encode` takes, in bytes: what `decode` is sure to read back."""

_DIGITS: Final = {character: digit for digit, character in enumerate(ALPHABET)}


def encode(payload: bytes) -> str:
    """Return the text of *payload* (version byte first) with its checksum.

    Raises ValueError for more than MAX_PAYLOAD_BYTES bytes.
    """
    if len(payload) > MAX_PAYLOAD_BYTES:
        message = f"at most {MAX_PAYLOAD_BYTES} bytes have a Base58Check text, not {len(payload)}"
        raise ValueError(message)
    data = payload + _checksum(payload)
    return ALPHABET[0] * _leading_zeros(data) + _to_digits(int.from_bytes(data, "big"))


def decode(text: str) -> bytes:
    """Return the payload of *text*: its bytes without the checksum, which has been checked.

    Raises MalformedAddress for an empty or overlong text, a character outside the alphabet
    (white space too), or a wrong checksum.
    """
    # Converting takes quadratic time: the length must be known to be small before it begins.
    if not 0 < len(text) <= MAX_CHARACTERS:
        raise MalformedAddress(f"An address has 1 to {MAX_CHARACTERS} characters.")
    data = _to_bytes(text)
    payload, checksum = data[:-_CHECKSUM_BYTES], data[-_CHECKSUM_BYTES:]
    if checksum != _checksum(payload):
        raise MalformedAddress(f"The checksum of {text} is wrong.")
    return payload


def is_bitcoin_address(text: str) -> bool:
    """Whether *text* is a mainnet P2PKH or P2SH address: one of the two versions, 20 bytes."""
    try:
        payload = decode(text)
    except MalformedAddress:
        return False
    return len(payload) == 1 + HASH_BYTES and payload[0] in (P2PKH_VERSION, P2SH_VERSION)


def _to_digits(number: int) -> str:
    """Return *number* in base 58, most significant digit first; zero has no digits."""
    digits = []
    while number:
        number, digit = divmod(number, len(ALPHABET))
        digits.append(ALPHABET[digit])
    return "".join(reversed(digits))


def _to_bytes(text: str) -> bytes:
    """Return the bytes that the digits stand for, with one zero byte for each leading `1`."""
    number = 0
    for character in text:
        digit = _DIGITS.get(character)
        if digit is None:
            raise MalformedAddress(f"An address has no character {character!r}.")
        number = number * len(ALPHABET) + digit
    zeros = len(text) - len(text.lstrip(ALPHABET[0]))
    return bytes(zeros) + number.to_bytes((number.bit_length() + 7) // 8, "big")


def _leading_zeros(data: bytes) -> int:
    return len(data) - len(data.lstrip(b"\0"))


def _checksum(payload: bytes) -> bytes:
    """Return the first four bytes of SHA-256 applied twice."""
    return hashlib.sha256(hashlib.sha256(payload).digest()).digest()[:_CHECKSUM_BYTES]
