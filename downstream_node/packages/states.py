"""How far a package is, in the node's own words and in the document's. Pure."""

from dataclasses import dataclass
from enum import StrEnum

from downstream_node.packages.reading.watch import Step as ReadingStep

DEMO = "demo"
"""The id of the package that is open to all."""


class Source(StrEnum):
    """Where a package comes from; with the secret this gives the link again."""

    DISCORD = "discord"
    HOST = "host"
    """A link to a host of PACKAGES_ALLOWED_HOSTS."""
    UPLOAD = "upload"


class State(StrEnum):
    """What happens with a package next."""

    QUEUED = "queued"
    """A worker that holds a box of it may take it."""
    WAITING = "waiting"
    """Nobody alive can open it: its owner has to show the secret again."""
    WORKING = "working"
    DONE = "done"
    FAILED = "failed"


class Stage(StrEnum):
    """What a worker does with it."""

    QUEUED = "queued"
    DOWNLOADING = "downloading"
    CHECKING = ReadingStep.CHECKING
    ACCOUNT = ReadingStep.ACCOUNT
    MESSAGES = ReadingStep.MESSAGES
    ANALYTICS = ReadingStep.ANALYTICS
    SESSIONS = ReadingStep.SESSIONS
    WRITING = ReadingStep.WRITING
    STORING = "storing"
    DONE = "done"


class Step(StrEnum):
    """The same in the document's words."""

    LOCKED = "LOCKED"
    DOWNLOADING = "DOWNLOADING"
    ANALYZING = "ANALYZING"
    PROCESSED = "PROCESSED"


STEPS = {
    Stage.QUEUED: Step.LOCKED,
    Stage.DOWNLOADING: Step.DOWNLOADING,
    Stage.DONE: Step.PROCESSED,
}
"""All other stages are ANALYZING."""


class Code(StrEnum):
    """Why a request or a package came to nothing. The first four are the document's.

    Packages that are refused have the codes of `reading.limits.Refusal` and `links.FetchRefusal`.
    """

    INVALID_LINK = "INVALID_LINK"
    UNKNOWN_PACKAGE_ID = "UNKNOWN_PACKAGE_ID"
    UNAUTHORIZED = "UNAUTHORIZED"
    SERVER_ERROR = "SERVER_ERROR"
    INVALID_REQUEST = "INVALID_REQUEST"
    DATA_NOT_AVAILABLE = "DATA_NOT_AVAILABLE"
    """The package is known, and not finished."""
    NO_WORKER = "NO_WORKER"
    """Nobody could process it for PACKAGES_WAIT, and its owner did not come back."""
    TIMED_OUT = "TIMED_OUT"
    TOO_MANY_REQUESTS = "TOO_MANY_REQUESTS"
    TOO_MANY_STREAMS = "TOO_MANY_STREAMS"
    INVALID_SIGNATURE = "INVALID_SIGNATURE"
    BUSY = "BUSY"
    ALREADY_KNOWN = "ALREADY_KNOWN"
    UNKNOWN_UPLOAD = "UNKNOWN_UPLOAD"
    WRONG_OFFSET = "WRONG_OFFSET"
    CHECKSUM_MISMATCH = "CHECKSUM_MISMATCH"
    UNSUPPORTED_VERSION = "UNSUPPORTED_VERSION"
    STORAGE_FULL = "STORAGE_FULL"


@dataclass(frozen=True, slots=True)
class Queue:
    """Packages that are queued or being processed, by tier."""

    premium: int
    standard: int

    @property
    def total(self) -> int:
        """Of both tiers."""
        return self.premium + self.standard


@dataclass(frozen=True, slots=True)
class Position:
    """Where one package stands in the queue."""

    ahead: int
    """Packages that go before it: 0 if it is next, or not in the queue."""
    now: Queue
    joined: Queue
    """The queue when it joined, itself included."""
    ahead_when_joined: int
