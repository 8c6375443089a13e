"""Reading JSON and base64 that somebody else wrote, with one kind of failure."""

import binascii
from typing import TypeVar

import msgspec

from downstream_node.errors import MalformedProof

T = TypeVar("T")

_LAST_OF_32_BYTES = frozenset(b"AEIMQUYcgkosw048=")
"""Characters of base64 whose two lowest bits are not set, and padding: two `=` mean another
length, which is refused elsewhere."""


def decode(decoder: msgspec.json.Decoder[T], text: bytes) -> T:
    """Return the value that *decoder* reads from JSON *text*; MalformedProof if it cannot."""
    try:
        return decoder.decode(text)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise MalformedProof(f"not the form of a proof: {error}") from error


def convert(value: object, kind: type[T]) -> T:
    """Return *value*, decoded JSON, as a *kind*; MalformedProof if it does not fit."""
    try:
        return msgspec.convert(value, kind)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise MalformedProof(f"not the form of a {kind.__name__.lower()}: {error}") from error


def require_canonical(text: bytes) -> None:
    """Raise MalformedProof if a hash in the JSON *text* has another spelling than `to_base64`'s.

    msgspec refuses all that is not base64 but overlooks set bits after the last byte, so that
    one proof would have many spellings. In 32 bytes these bits are in the last character, the
    one before `="`; looking for it is much faster than to encode every hash again.
    """
    if b"\\u" in text:
        raise MalformedProof("not base64 in its canonical form: characters are escaped")
    for piece in text.split(b'="')[:-1]:
        if piece[-1] not in _LAST_OF_32_BYTES:
            raise MalformedProof("not base64 in its canonical form")


def to_base64(raw: bytes) -> str:
    """Return *raw* in standard base64 with padding."""
    return binascii.b2a_base64(raw, newline=False).decode("ascii")


def from_base64(text: str) -> bytes:
    """Return the bytes of *text* in standard base64 with padding; MalformedProof otherwise.

    Only the one text that `to_base64` writes is accepted. Python's decoder (and msgspec's)
    would also take stray characters or set bits after the last byte, so that one proof would
    have many spellings.
    """
    try:
        raw = binascii.a2b_base64(text)
    except ValueError as error:
        raise MalformedProof(f"not base64: {error}") from error
    if to_base64(raw) != text:
        raise MalformedProof("not base64 in its canonical form")
    return raw
