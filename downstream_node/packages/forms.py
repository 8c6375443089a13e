"""The JSON of the document, and what ours adds to it."""

import msgspec

from downstream_node.clock import WallTime, iso
from downstream_node.packages.queries import THOUSANDTHS
from downstream_node.packages.service import Status
from downstream_node.packages.states import STEPS, Code, Position, Stage, State, Step


class Submission(msgspec.Struct):
    """The body of POST /process. The link is read by `links.read_link`, whatever it is."""

    package_link: object


class Accepted(msgspec.Struct, rename="camel"):
    """The answer to POST /process."""

    is_accepted: bool
    package_id: str | None
    error_message_code: str | None


class QueuePosition(msgspec.Struct, rename="camel"):
    """Where a package stands: first in the words of the document, then in those of its later form.

    Numbers of one's own are of packages that go before; totals are of all in the queue.
    """

    user: int = 0
    total: int = 0
    user_when_started: int = 0
    total_when_started: int = 0
    premium_queue_total: int = 0
    standard_queue_total: int = 0
    premium_queue_user: int = 0
    standard_queue_user: int = 0
    standard_when_joined: int = 0
    premium_when_joined: int = 0


class StatusAnswer(msgspec.Struct, rename="camel"):
    """The answer to GET /process/<id>/status; the last five are ours."""

    is_data_available: bool = False
    is_upgraded: bool = False
    is_errored: bool = False
    error_message_code: str | None = None
    is_processing: bool = False
    processing_step: str | None = None
    processing_queue_position: QueuePosition = msgspec.field(default_factory=QueuePosition)
    processing_detail: str | None = None
    processing_progress: float = 0.0
    is_partial: bool | None = None
    size: int | None = None
    expires_at: str | None = None


class Blob(msgspec.Struct):
    """The answer to GET /process/<id>/blob."""

    url: str
    iv: str | None
    ttl: int


class Deleted(msgspec.Struct, rename="camel"):
    """The answer to DELETE /process/<id>."""

    is_deleted: bool
    error_message_code: str | None


class Failure(msgspec.Struct, rename="camel"):
    """All other errors."""

    error_message_code: str


class Health(msgspec.Struct):
    """The answer to GET /health."""

    status: str
    hostname: str
    workers: int


def status_answer(status: Status | None) -> StatusAnswer:
    """How far a package is, as JSON has it; None: there is no such package."""
    if status is None:
        return StatusAnswer(is_errored=True, error_message_code=Code.UNKNOWN_PACKAGE_ID)
    package = status.package
    stage = Stage(package.stage)
    waiting = package.state == State.WAITING
    return StatusAnswer(
        is_data_available=package.state == State.DONE,
        is_upgraded=bool(package.is_upgraded),
        is_errored=package.state == State.FAILED,
        error_message_code=package.error,
        is_processing=package.state in {State.QUEUED, State.WAITING, State.WORKING},
        processing_step=STEPS.get(stage, Step.ANALYZING),
        processing_queue_position=queue_position(status.position, upgraded=package.is_upgraded),
        processing_detail=State.WAITING if waiting else stage,
        processing_progress=package.progress / THOUSANDTHS,
        is_partial=package.is_partial,
        size=package.size,
        expires_at=iso(WallTime(package.expires)) if package.expires else None,
    )


def queue_position(position: Position, *, upgraded: bool) -> QueuePosition:
    """*position* in both vocabularies."""
    return QueuePosition(
        user=position.ahead,
        total=position.now.total,
        user_when_started=position.ahead_when_joined,
        total_when_started=position.joined.total,
        premium_queue_total=position.now.premium,
        standard_queue_total=position.now.standard,
        premium_queue_user=position.ahead if upgraded else 0,
        standard_queue_user=0 if upgraded else position.ahead,
        standard_when_joined=position.joined.standard,
        premium_when_joined=position.joined.premium,
    )
