"""Which recordings are let go, by rule; and a pass that does it. Their rows stay, with why.

A recording in which somebody is reported, or was detected, is kept whatever its age.
"""

import logging
from collections.abc import Iterable, Iterator
from functools import partial
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, func, select, update

from downstream_node.clock import SECOND, WallTime
from downstream_node.custody import service as custody
from downstream_node.custody.models import FileClaim
from downstream_node.database import AnyRow
from downstream_node.demos.filing import SOURCE
from downstream_node.demos.models import DemoAnalysis, DemoReport, DemoSession
from downstream_node.demos.states import State
from downstream_node.errors import DownstreamError
from downstream_node.node import Node
from downstream_node.settings import Settings

log = logging.getLogger(__name__)

PAGE = 500
DAY = 86_400
TOO_OLD = "It was kept for {days:g} days, and nobody in it was reported or detected."
NO_SPACE = "Recordings had more space than they may, and nobody in it was reported or detected."
TOO_MANY = (
    "No recording is let go: by DEMOS_RETENTION and DEMOS_SPACE it would be more than %g of %d. "
    "If that is right, `demos prune --force` does it once."
)


class Rules(NamedTuple):
    """When recordings are let go."""

    retention: int
    """Milliseconds after its end in which a recording is kept in any case; 0: for ever."""
    space: int
    """Bytes that all recordings may have; 0: any number."""
    most: float
    """The share of all kept recordings that one pass lets go; more, and it lets go none."""


class Kept(NamedTuple):
    """All recordings whose bytes are there."""

    number: int
    size: int
    """Bytes."""


class Candidate(NamedTuple):
    """A recording in which nobody is reported or was detected."""

    id: int
    session_id: str
    sha256: bytes
    size: int
    started: int
    ended: int


class Doomed(NamedTuple):
    """A recording that is to go, and why."""

    candidate: Candidate
    reason: str


class TooMany(DownstreamError):
    """The rules would let go more than one pass may."""


# The rules


def rules_of(values: Settings) -> Rules:
    """The rules of a node with these settings."""
    return Rules(values.DEMOS_RETENTION * SECOND, values.DEMOS_SPACE, values.DEMOS_MOST_PRUNED)


def doomed(candidates: Iterable[Candidate], kept: Kept, rules: Rules, now: int) -> Iterator[Doomed]:
    """Those of *candidates*, the oldest first, that *rules* let go at *now*."""
    size = kept.size
    too_old = TOO_OLD.format(days=rules.retention / SECOND / DAY)
    for candidate in candidates:
        crowded = bool(rules.space) and size > rules.space
        # No recording ends before it starts, so from here on none has been kept for long enough.
        young = not rules.retention or candidate.started > now - rules.retention
        if young and not crowded:
            return
        is_old = bool(rules.retention) and candidate.ended <= now - rules.retention
        if is_old or crowded:
            size -= candidate.size
            yield Doomed(candidate, too_old if is_old else NO_SPACE)


def within(chosen: Iterable[Doomed], kept: Kept, rules: Rules) -> list[Doomed]:
    """All of *chosen*. Raises TooMany as soon as they are more than one pass may let go."""
    found: list[Doomed] = []
    for one in chosen:
        found.append(one)
        if len(found) > rules.most * kept.number:
            raise TooMany
    return found


# The pass


def prune(node: Node, *, force: bool = False) -> int:
    """Let recordings go as the settings say; how many.

    If that would be more than DEMOS_MOST_PRUNED of all, none, unless it is *force*d: a wrong
    setting or clock should not empty an archive.
    """
    rules = rules_of(node.settings)
    finish(node)
    if not rules.retention and not rules.space:
        return 0
    kept = node.database.read(kept_now)
    now = node.wall_clock()
    chosen = doomed(candidates(node), kept, rules, now)
    try:
        going = list(chosen) if force else within(chosen, kept, rules)
    except TooMany:
        # No traceback: nothing failed.
        log.error(TOO_MANY, rules.most, kept.number)  # noqa: TRY400
        return 0
    return sum(let_go(node, one, now) for one in going)


def let_go(node: Node, one: Doomed, now: WallTime) -> bool:
    """Let one recording go, unless somebody is reported or detected in it by now."""
    candidate = one.candidate
    if not node.database.write(lambda connection: mark(connection, one, now)):
        return False
    custody.release(node, candidate.sha256, SOURCE, candidate.session_id, one.reason)
    log.info("Recording %s is let go: %s", candidate.session_id, one.reason)
    return True


def finish(node: Node) -> None:
    """Give up the bytes of recordings whose pass was interrupted behind their mark."""
    for row in node.database.read(marked_and_claimed):
        custody.release(node, row.sha256, SOURCE, row.session_id, row.prune_reason or "")


# SQL


def is_kept() -> list[ColumnElement[bool]]:
    """What a recording is whose bytes are there."""
    return [
        DemoSession.state == State.CLOSED,
        DemoSession.is_filed.is_(True),
        DemoSession.sha256.is_not(None),
        DemoSession.pruned.is_(None),
    ]


def is_needed() -> ColumnElement[bool]:
    """Whether somebody is reported or was detected in a recording."""
    reported = select(DemoReport.target).where(DemoReport.session == DemoSession.id)
    detected = select(DemoAnalysis.target).where(
        DemoAnalysis.session == DemoSession.id, DemoAnalysis.detections > 0
    )
    return reported.exists() | detected.exists()


def kept_now(connection: Connection) -> Kept:
    """How many recordings there are, and how large."""
    query = select(func.count(), func.coalesce(func.sum(DemoSession.size), 0)).where(*is_kept())
    number, size = connection.execute(query).one()
    return Kept(number, int(size))


def candidates(node: Node) -> Iterator[Candidate]:
    """Recordings that nobody needs, the oldest first, read page by page."""
    after = (-1, 0)
    while rows := node.database.read(partial(candidates_behind, after=after)):
        yield from (Candidate(*row) for row in rows)
        after = (rows[-1].started, rows[-1].id)


def candidates_behind(connection: Connection, *, after: tuple[int, int]) -> list[AnyRow]:
    """The next ones behind this start and row."""
    at, identity = DemoSession.started, DemoSession.id
    columns = (identity, DemoSession.session_id, DemoSession.sha256, DemoSession.size, at)
    query = select(*columns, DemoSession.ended).where(
        *is_kept(),
        ~is_needed(),
        at >= after[0],
        (at > after[0]) | (identity > after[1]),
    )
    return list(connection.execute(query.order_by(at, identity).limit(PAGE)).all())


def mark(connection: Connection, one: Doomed, now: WallTime) -> bool:
    """Note that a recording is let go; False if it is already, or is needed by now."""
    here = DemoSession.id == one.candidate.id
    # Whoever reports locks this row, too: after this, no report is made that is not seen here.
    connection.execute(select(DemoSession.id).where(here).with_for_update())
    gone = update(DemoSession).where(here, *is_kept(), ~is_needed())
    values = {"pruned": now, "prune_reason": one.reason}
    return connection.execute(gone.values(values)).rowcount == 1


def marked_and_claimed(connection: Connection) -> list[AnyRow]:
    """Recordings that are let go and have a claim all the same."""
    query = select(DemoSession.session_id, DemoSession.sha256, DemoSession.prune_reason)
    query = query.join(FileClaim, FileClaim.reference == DemoSession.session_id)
    query = query.where(FileClaim.source == SOURCE, DemoSession.pruned.is_not(None))
    return list(connection.execute(query.limit(PAGE)).all())
