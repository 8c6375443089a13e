"""What every proof scheme offers: the node's side and the farmer's side.

Schemes are pure: no I/O, no clock, no random source. A contract's secret comes in as an
argument, and everything about challenge *k* of that contract follows from it.
"""

import hmac
from dataclasses import dataclass
from typing import Protocol

from downstream_node.errors import InvalidSettings

Data = bytes | bytearray | memoryview


@dataclass(frozen=True, slots=True)
class Encoding:
    """What encoding a file yields: one part for the farmer, one for the node."""

    tag: bytes
    """The farmer's part, as JSON text."""

    commitment: bytes
    """What the node keeps, beside the contract's secret, to verify proofs."""


class Prover(Protocol):
    """The farmer's side of a scheme."""

    def prove(self, data: Data, tag: object, challenge: object, /) -> object:
        """Return the JSON-able proof that *data* answers *challenge*.

        *tag* and *challenge* are decoded JSON as the node sent it.
        Raises MalformedProof when they do not have the scheme's wire form or do not fit *data*.
        """
        ...


class Scheme(Prover, Protocol):
    """The node's side of a scheme, which can also prove (as tests and self-checks do)."""

    @property
    def name(self) -> str:
        """The `type` on the wire."""
        ...

    @property
    def challenges(self) -> int:
        """How many challenges one contract has; their indices start at 0."""
        ...

    def public(self) -> object:
        """Return the JSON-able `heartbeat` that a farmer gets together with its token."""
        ...

    def check_size(self, size: int, /) -> None:
        """Raise InvalidSettings, with the reason, if a proof for *size* bytes proves nothing."""
        ...

    def encode(self, data: Data, secret: bytes, /) -> Encoding:
        """Prepare *data* for a contract with this *secret* (32 bytes).

        Raises InvalidSettings as `check_size` does.
        """
        ...

    def challenge(self, secret: bytes, index: int, commitment: bytes, /) -> object:
        """Return the JSON-able challenge number *index*; IndexError if there is none."""
        ...

    def verify(self, proof: bytes, secret: bytes, index: int, commitment: bytes, /) -> bool:
        """Say whether *proof*, the JSON text of one proof, answers challenge *index*.

        Raises MalformedProof, and nothing else, for any text that is not a proof's wire form.
        """
        ...


def derive(secret: bytes, index: int) -> bytes:
    """Return the 32 bytes that belong to challenge *index*: HMAC-SHA-256(secret, index).

    The index is hashed as 8 bytes, big-endian. Random access: no state walks along a chain.
    """
    return hmac.digest(secret, index.to_bytes(8, "big"), "sha256")


def derive_all(secret: bytes, count: int) -> list[bytes]:
    """Return `derive` of every index below *count*, keying the HMAC only once."""
    keyed = hmac.new(secret, digestmod="sha256")
    derived = []
    for index in range(count):
        one = keyed.copy()
        one.update(index.to_bytes(8, "big"))
        derived.append(one.digest())
    return derived


def require_fraction(check_fraction: float) -> float:
    """Return *check_fraction*, or raise InvalidSettings unless it lies in (0, 1]."""
    if not 0 < check_fraction <= 1:  # written so that it refuses NaN, too
        raise InvalidSettings(
            f"check_fraction is {check_fraction}: it must be above 0 and at most 1, "
            "since it is the part of a file that one proof covers"
        )
    return check_fraction
