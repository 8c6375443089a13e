"""Recordings as the pages tell of them: where they stand, since when, who is found in them."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from downstream_node.clock import SECOND, WallTime, calendar
from downstream_node.custody import queries as files
from downstream_node.custody import service as custody
from downstream_node.custody.queries import StoredFile
from downstream_node.database import AnyRow
from downstream_node.demos import analysis, reports
from downstream_node.demos.listing import Demo
from downstream_node.demos.states import State
from downstream_node.node import Node

Standing = Literal["live", "closed", "filed", "empty", "damaged", "gone"]
Job = Literal["none", "waiting", "ingested"]
SHORT_HASH = 8
"""Digits of a hash that a list shows."""


@dataclass(frozen=True, slots=True)
class Line:
    """One recording in a list."""

    demo: Demo
    standing: Standing
    started: datetime
    seconds: float
    """How long it was, or has been, recorded."""
    job: Job

    @property
    def map(self) -> str:
        """The map: as the file says, else as the client said."""
        return self.demo.header_map or self.demo.map

    @property
    def sha256(self) -> str:
        """The hash in hex, "" while there is none."""
        return self.demo.sha256.hex() if self.demo.sha256 else ""

    @property
    def short(self) -> str:
        """The first digits of the hash."""
        return self.sha256[:SHORT_HASH]


@dataclass(frozen=True, slots=True)
class Kept:
    """What is known of the file of a recording."""

    filed: datetime
    verified: datetime | None
    redundancy: int


@dataclass(slots=True)
class Suspect:
    """One player of a recording, and all that is said of them."""

    steam_id: int
    reason: str | None = None
    reported: datetime | None = None
    detections: list[tuple[str, int]] = field(default_factory=list)
    """By algorithm, how often."""
    verdicts: list[tuple[str, bool, datetime]] = field(default_factory=list)
    """What a reviewer says, whether it is the one who looks, and since when."""


def lines(node: Node, demos: Collection[Demo], now: WallTime) -> list[Line]:
    """*demos* as a list shows them at *now*."""
    hashes = [demo.sha256 for demo in demos if demo.sha256 and demo.pruned is None]
    kept = node.database.read(lambda found: files.kept_among(found, hashes)) if hashes else set()
    return [line(demo, now, is_there=demo.sha256 in kept) for demo in demos]


def line(demo: Demo, now: WallTime, *, is_there: bool, is_damaged: bool = False) -> Line:
    """One recording; *is_there*: its file is kept."""
    standing = standing_of(demo, is_there=is_there, is_damaged=is_damaged)
    # Another machine's clock may be a little ahead.
    seconds = max(0, (now if demo.ended is None else demo.ended) - demo.started) / SECOND
    return Line(demo, standing, calendar(WallTime(demo.started)), seconds, job_of(demo))


def standing_of(demo: Demo, *, is_there: bool, is_damaged: bool) -> Standing:
    """Where *demo* stands."""
    if demo.state == State.ACTIVE:
        return "live"
    if demo.pruned is not None:
        return "gone"
    if not demo.is_filed:
        return "closed"
    if demo.sha256 is None:
        return "empty"
    if not is_there:
        return "gone"
    return "damaged" if is_damaged else "filed"


def job_of(demo: Demo) -> Job:
    """Whether analysts have looked into *demo*: as `analysis.waiting` has it."""
    if demo.is_ingested:
        return "ingested"
    is_closed = demo.state == State.CLOSED
    return "waiting" if is_closed and demo.pruned is None and demo.size else "none"


@dataclass(frozen=True, slots=True)
class Whole:
    """One recording with all that everybody may know of it."""

    line: Line
    kept: Kept | None
    let_go: datetime | None
    reason: str | None
    """Why it was let go."""


def whole(node: Node, demo: Demo, now: WallTime) -> Whole:
    """*demo* with what custody says of its file."""
    stored = custody.find(node, demo.sha256) if demo.sha256 else None
    is_there = stored is not None and stored.removed is None
    is_damaged = stored is not None and stored.damaged is not None
    told = line(demo, now, is_there=is_there, is_damaged=is_damaged)
    if told.standing != "gone":
        return Whole(told, kept(stored) if stored else None, None, None)
    if demo.pruned is not None:
        return Whole(told, None, calendar(WallTime(demo.pruned)), demo.prune_reason)
    removed = stored.removed if stored else None
    since = None if removed is None else calendar(WallTime(removed))
    return Whole(told, None, since, stored.reason if stored else None)


def kept(stored: StoredFile) -> Kept:
    """What is known of a file that is kept."""
    verified = None if stored.verified is None else calendar(WallTime(stored.verified))
    return Kept(calendar(WallTime(stored.taken_in)), verified, stored.redundancy)


def suspects(node: Node, session: int, viewer: int) -> list[Suspect]:
    """All players of whom something is said in a session (the row's id), by Steam id."""
    return gathered(
        reports.of(node, session),
        analysis.of(node, session),
        analysis.reviews_of(node, session),
        viewer,
    )


def gathered(
    reported: Iterable[AnyRow], detected: Iterable[AnyRow], judged: Iterable[AnyRow], viewer: int
) -> list[Suspect]:
    """Reports, detections and verdicts by player."""
    found: dict[int, Suspect] = {}

    def of(steam_id: int) -> Suspect:
        return found.setdefault(steam_id, Suspect(steam_id))

    for row in reported:
        of(row.target).reason = row.reason
        of(row.target).reported = calendar(WallTime(row.created))
    for row in detected:
        of(row.target).detections.append((row.algorithm, row.detections))
    for row in judged:
        since = calendar(WallTime(row.created))
        of(row.target).verdicts.append((row.verdict, row.reviewer == viewer, since))
    return [found[steam_id] for steam_id in sorted(found)]
