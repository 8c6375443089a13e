"""What a node says in v1, as frozen values. The node is a stranger: its word is checked here."""

import re
from typing import Annotated, TypeVar

import msgspec

MOST_PRINTED = 200
"""Characters of a node's message that are shown."""

FileHash = Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{64}\Z")]
"""The name of a contract. It becomes a file name, so nothing else is let through."""

Token = Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-fA-F]{1,128}\Z")]
"""It becomes a part of paths on the node, and is hex in every version of the protocol."""

NodeName = Annotated[str, msgspec.Meta(pattern=r"\A\S{1,100}\Z")]
"""One word: it becomes a part of the message that we sign."""

Size = Annotated[int, msgspec.Meta(ge=1)]

Value = TypeVar("Value")


class About(msgspec.Struct, frozen=True):
    """What a node says of itself; the original has no name."""

    node: NodeName = "downstream"


class Joined(msgspec.Struct, frozen=True):
    """A token, and what its proofs are to be made with."""

    token: Token
    type: str
    heartbeat: object


class Offer(msgspec.Struct, frozen=True):
    """One new contract. Its first challenge is asked for like all later ones."""

    file_hash: FileHash
    seed: str
    size: Size
    tag: object


class Offers(msgspec.Struct, frozen=True):
    """The answer to /chunk."""

    chunks: tuple[Offer, ...]


class Challenge(msgspec.Struct, frozen=True):
    """A challenge that may be answered for `due` seconds from now, or why there is none.

    If `answered`, this challenge is done, and the next one is to be had after `due` seconds.
    """

    file_hash: str
    challenge: object = None
    due: float = 0.0
    answered: bool = False
    status: str | None = None
    error: str | None = None

    @property
    def end(self) -> str | None:
        """Why the contract has no challenge any more; None if there is one."""
        if self.error is not None or self.status is not None:
            return self.error or self.status
        return "the node gave no challenge" if self.challenge is None else None


class Challenges(msgspec.Struct, frozen=True):
    """The answer to /challenge."""

    challenges: tuple[Challenge, ...]


class Report(msgspec.Struct, frozen=True):
    """What became of one proof: status "ok", or an error."""

    file_hash: str
    status: str | None = None
    error: str | None = None

    @property
    def refusal(self) -> str | None:
        """Why the proof was not accepted; None if it was."""
        if self.status == "ok" and self.error is None:
            return None
        return self.error or self.status or "the node gave no reason"


class Reports(msgspec.Struct, frozen=True):
    """The answer to /answer."""

    report: tuple[Report, ...]


class Refusal(msgspec.Struct, frozen=True):
    """The form of all errors."""

    message: str = ""


class Proof(msgspec.Struct, frozen=True):
    """What we send: the proof that answers the challenge of one contract."""

    file_hash: str
    proof: object


def decode(content: bytes, kind: type[Value]) -> Value | None:
    """Return JSON *content* as a *kind*, or None if it has another form."""
    try:
        return msgspec.json.decode(content, type=kind)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None


def printable(text: str) -> str:
    """Return *text* as it can be shown: a stranger's words must not steer our terminal."""
    shown = re.sub(r"\s+", " ", text[:MOST_PRINTED])
    return "".join(character if character.isprintable() else "?" for character in shown)
