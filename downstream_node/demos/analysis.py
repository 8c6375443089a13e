"""What analysts found in recordings: their programs' JSON is taken in, their reviewers judge.

The JSON of a session is read from the folder `analysis` of DEMOS_PATH, SESSION.json, or comes with
the request. Of it the node keeps how often which algorithm found which player.
"""

import logging
from collections import Counter
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Any

import msgspec
from sqlalchemy import Connection, delete, false, insert, select, update

from downstream_node.clock import WallTime
from downstream_node.database import AnyRow, Conflict, insert_missing
from downstream_node.demos import ids, reports
from downstream_node.demos.models import DemoAnalysis, DemoReview, DemoSession
from downstream_node.demos.states import State, Verdict
from downstream_node.errors import DemoRefused, DownstreamError
from downstream_node.node import Node

log = logging.getLogger(__name__)

FOLDER = "analysis"
"""Below DEMOS_PATH."""
LARGEST = 64 << 20
"""Bytes of one analysis."""
MOST_ID = (1 << 63) - 1
MOST_ID_DIGITS = 19

INGESTED = "demo already ingested"
ACTIVE = "session is still active"
UNKNOWN = "session does not exist"
NO_BLOB = "No analysis blob was found."
NOT_THE_SCHEMA = "Analysis data does not conform to schema."
MALFORMED = "Malformed JSON data in analysis blob."
TOO_LARGE = f"The analysis blob is larger than {LARGEST} bytes."

END = r"$(?!\n)"
"""Of a text, in JSON Schema and in Python, whose $ also stands before a last line break."""

Algorithm = Annotated[str, msgspec.Meta(min_length=1, max_length=64, pattern=f"^[ -~]+{END}")]
Number = Annotated[int, msgspec.Meta(ge=0)]
PlayerId = Annotated[int, msgspec.Meta(ge=0, le=MOST_ID)]
PlayerText = Annotated[str, msgspec.Meta(max_length=MOST_ID_DIGITS, pattern=f"^[0-9]+{END}")]

NOTHING = msgspec.Raw(b"null")


class Detection(msgspec.Struct, frozen=True):
    """At this tick an algorithm found a player."""

    tick: int
    algorithm: Algorithm
    player: PlayerId | PlayerText
    data: msgspec.Raw = msgspec.field(default_factory=lambda: NOTHING)
    """Whatever the algorithm says of it; the node keeps none of it."""


class Analysis(msgspec.Struct, frozen=True):
    """What analysts' programs make of one session."""

    author: str
    detections: list[Detection]
    duration: Annotated[float, msgspec.Meta(ge=0)]
    map: str
    server_ip: str


class NotIngested(DownstreamError):
    """An analysis is not taken in; the text is the document's."""


class Outcome(msgspec.Struct, frozen=True):
    """What became of one session's analysis."""

    ingested: bool
    reason: str | None


def decoded(blob: bytes) -> Analysis:
    """The analysis in *blob*. Raises NotIngested, whatever it is."""
    try:
        return msgspec.json.decode(blob, type=Analysis)
    except msgspec.ValidationError:
        raise NotIngested(NOT_THE_SCHEMA) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise NotIngested(MALFORMED) from None


def counted(analysis: Analysis) -> Counter[tuple[int, str]]:
    """How often each player was found by each algorithm. Raises NotIngested."""
    found = Counter((int(one.player), one.algorithm) for one in analysis.detections)
    # A text may have as many digits as the greatest number, and be greater.
    if any(player > MOST_ID for player, _ in found):
        raise NotIngested(NOT_THE_SCHEMA)
    return found


def blob_of(node: Node, session_id: str) -> bytes:
    """The JSON in the folder for this session, an id with digits only. Raises NotIngested."""
    path = Path(node.settings.DEMOS_PATH) / FOLDER / f"{session_id}.json"
    try:
        with path.open("rb") as file:
            blob = file.read(LARGEST + 1)
    except FileNotFoundError:
        raise NotIngested(NO_BLOB) from None
    except OSError:
        log.exception("The analysis of session %s cannot be read.", session_id)
        raise NotIngested(NO_BLOB) from None
    if len(blob) > LARGEST:
        raise NotIngested(TOO_LARGE)
    return blob


def ingest_stored(
    node: Node, session_ids: Iterable[str | int], now: WallTime
) -> dict[str, Outcome]:
    """Take in what lies in the folder for these sessions: by session, what became of it."""
    # Each once: of one that is named twice, the second answer would be that it is ingested already.
    names = dict.fromkeys(map(str, session_ids))
    return {name: outcome(node, name, None, now) for name in names}


def ingest_given(
    node: Node, analyses: Mapping[str, msgspec.Raw], now: WallTime
) -> dict[str, Outcome]:
    """The same for what came with the request, by session."""
    return {given: outcome(node, given, bytes(blob), now) for given, blob in analyses.items()}


def outcome(node: Node, given: str | int, blob: bytes | None, now: WallTime) -> Outcome:
    """What becomes of one session's analysis; a refusal is an outcome, too. Raises Busy."""
    try:
        ingest(node, given, blob, now)
    except NotIngested as refusal:
        return Outcome(ingested=False, reason=str(refusal))
    return Outcome(ingested=True, reason=None)


def ingest(node: Node, given: str | int, blob: bytes | None, now: WallTime) -> None:
    """Take in the analysis of one session, once. Raises NotIngested, Busy."""
    session_id = ids.given(given)
    if session_id is None:
        raise NotIngested(UNKNOWN)
    node.database.read(lambda connection: require_ready(connection, session_id))
    found = counted(decoded(blob_of(node, session_id) if blob is None else blob))
    node.database.write(lambda connection: replace(connection, session_id, found, now))


def require_ready(connection: Connection, session_id: str) -> None:
    """Raise NotIngested unless the session waits for its analysis."""
    query = select(DemoSession.state, DemoSession.is_ingested)
    row = connection.execute(query.where(DemoSession.session_id == session_id)).one_or_none()
    if row is None:
        raise NotIngested(UNKNOWN)
    if row.is_ingested:
        raise NotIngested(INGESTED)
    # A session that is closed is not open: its stream ended before.
    if row.state != State.CLOSED:
        raise NotIngested(ACTIVE)


def replace(
    connection: Connection, session_id: str, found: Mapping[tuple[int, str], int], now: WallTime
) -> None:
    """Write what was found instead of all that was known, if nobody has meanwhile."""
    taken = update(DemoSession).where(
        DemoSession.session_id == session_id,
        DemoSession.state == State.CLOSED,
        DemoSession.is_ingested.is_(False),
    )
    # First, so that of two only one goes on, and the other waits here for its end.
    if connection.execute(taken.values(is_ingested=True)).rowcount != 1:
        require_ready(connection, session_id)
        raise Conflict
    session = connection.execute(
        select(DemoSession.id).where(DemoSession.session_id == session_id)
    ).scalar_one()
    connection.execute(delete(DemoAnalysis).where(DemoAnalysis.session == session))
    connection.execute(delete(DemoReview).where(DemoReview.session == session))
    rows = [
        {"session": session, "target": player, "algorithm": algorithm, "detections": number}
        for (player, algorithm), number in sorted(found.items())
    ]
    if rows:
        connection.execute(insert(DemoAnalysis), [row | {"created": now} for row in rows])


def again(node: Node, session_id: str) -> bool:
    """Let a session be analysed anew; what is known stays until then. False if it is not there."""
    waits = update(DemoSession).where(
        DemoSession.session_id == session_id, DemoSession.is_ingested.is_(True)
    )
    changed = waits.values(is_ingested=False)
    return bool(node.database.write(lambda connection: connection.execute(changed).rowcount))


def waiting(node: Node, limit: int) -> list[str]:
    """The oldest closed sessions that have bytes and no analysis yet: their ids."""
    query = select(DemoSession.session_id).where(
        DemoSession.state == State.CLOSED,
        # As a comparison: for IS FALSE, MariaDB uses no index.
        DemoSession.is_ingested == false(),
        DemoSession.pruned.is_(None),
        DemoSession.size > 0,
    )
    ask = query.order_by(DemoSession.started, DemoSession.id).limit(limit)
    return list(node.database.read(lambda connection: connection.execute(ask).scalars().all()))


def of(node: Node, session: int) -> list[AnyRow]:
    """What was found in one session (the row's id): target, algorithm, detections, created."""
    columns = (
        *(DemoAnalysis.target, DemoAnalysis.algorithm),
        *(DemoAnalysis.detections, DemoAnalysis.created),
    )
    query = select(*columns).where(DemoAnalysis.session == session)
    ordered = query.order_by(DemoAnalysis.target, DemoAnalysis.algorithm)
    return list(node.database.read(lambda connection: connection.execute(ordered).all()))


# Reviews


def review(  # noqa: PLR0913, PLR0917 - what a review says
    node: Node,
    reviewer: int,
    session_id: str | int,
    target: str | int,
    verdict: Verdict,
    now: WallTime,
) -> None:
    """Say what *reviewer* makes of a player; instead of what they said before.

    Raises DemoRefused: 402 for an unknown session, 403 for what is no player's id.
    """
    player = reports.player_in(target)
    if player is None:
        raise DemoRefused(HTTPStatus.FORBIDDEN, reports.UNKNOWN_TARGET)

    def work(connection: Connection) -> None:
        session = reports.locked(connection, session_id)
        key: dict[str, Any] = {"session": session, "target": player, "reviewer": reviewer}
        said: dict[str, Any] = {"verdict": verdict, "created": now}
        insert_missing(connection, DemoReview, **key, **said)
        connection.execute(update(DemoReview).filter_by(**key).values(**said))

    node.database.write(work)


def reviews_of(node: Node, session: int) -> list[AnyRow]:
    """The reviews of one session (the row's id): target, reviewer, verdict, created."""
    columns = (DemoReview.target, DemoReview.reviewer, DemoReview.verdict, DemoReview.created)
    query = select(*columns).where(DemoReview.session == session)
    ordered = query.order_by(DemoReview.target, DemoReview.created, DemoReview.reviewer)
    return list(node.database.read(lambda connection: connection.execute(ordered).all()))
