"""Reading JSON and base64 that somebody else wrote, with one kind of failure."""

import binascii
from typing import TypeVar

import msgspec

from downstream_node.errors import MalformedProof

T = TypeVar("T")


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
