"""Background work: each job is one pass that returns what it did; one loop repeats them.

Every serving process runs the loop; a guarded UPDATE decides which of them takes a pass.
"""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import BigInteger, Connection, String, select, update
from sqlalchemy.orm import Mapped, mapped_column

from downstream_node.chats.dropping import import_dropped
from downstream_node.chunks.maker import tag_returned
from downstream_node.clock import SECOND, Instant, WallTime, monotonic
from downstream_node.contracts.closing import FORGET_PER_PASS, close_expired, forget_closed
from downstream_node.custody.checking import check_some
from downstream_node.custody.tidying import TIDY_EVERY, tidy
from downstream_node.database import Base, exact_text, insert_missing
from downstream_node.demos import retention, scoring
from downstream_node.demos.filing import file_closed
from downstream_node.demos.sessions import close_stale
from downstream_node.farmers import history
from downstream_node.measures import telemetry
from downstream_node.measures.aggregating import aggregate_all
from downstream_node.measures.collecting import forget_old_receipts
from downstream_node.node import Node
from downstream_node.packages import looking_after
from downstream_node.service_time import BEAT_EVERY
from downstream_node.settings import Settings
from downstream_node.status.network import SAMPLE_EVERY, sample

log = logging.getLogger(__name__)

TICK_SECONDS = 1.0
LONGEST_ERROR = 500
CLOSING_GRACE = 5 * SECOND
"""Closing waits this long beyond the expiry, so that an answer that came in time but still
waits for the database finds its contract open."""


class JobRow(Base):
    """When a job is to run next, and what its last pass did; wall time."""

    __tablename__ = "jobs"

    name: Mapped[str] = mapped_column(exact_text(64), primary_key=True)
    next_run: Mapped[int] = mapped_column(BigInteger, default=0)
    last_run: Mapped[int | None] = mapped_column(BigInteger, doc="when the last pass ended")
    took: Mapped[int | None] = mapped_column(BigInteger, doc="milliseconds")
    did: Mapped[int | None] = mapped_column(BigInteger, doc="contracts, chunks, files or rows")
    error: Mapped[str | None] = mapped_column(String(LONGEST_ERROR), doc="why the last pass failed")


@dataclass(frozen=True)
class Job:
    """Work that is repeated every *every* milliseconds."""

    name: str
    every: int
    run: Callable[[Node], int]
    is_long: bool = False
    """A pass may take minutes, so it has a thread of its own."""


def close_late(node: Node) -> int:
    """Close contracts that expired CLOSING_GRACE ago."""
    return close_expired(node, Instant(node.clock.now() - CLOSING_GRACE))


def forget(node: Node) -> int:
    """Delete contracts closed longer ago than CLOSED_CONTRACT_RETENTION."""
    return forget_closed(node, node.clock.now())


def forget_history(node: Node) -> int:
    """Delete what is known of farmers from more than HISTORY_RETENTION ago."""
    now = node.clock.now()
    before = Instant(now - node.settings.HISTORY_RETENTION * SECOND)
    before_day = node.clock.to_wall(before) // history.DAY
    return node.database.write(
        lambda connection: history.forget(connection, before, before_day, FORGET_PER_PASS)
    )


def aggregate_measures(node: Node) -> int:
    """Count the measures of the definitions whose time has come, and release what may be seen."""
    return sum(aggregate_all(node).values())


JOBS = (
    Job("close expired contracts", 2 * SECOND, close_late),
    Job("tag returned chunks", 2 * SECOND, tag_returned),
    Job("forget closed contracts", 60 * SECOND, forget),
    Job("sample the network", SAMPLE_EVERY, sample),
    Job("forget old history", 60 * SECOND, forget_history),
    Job("record telemetry", telemetry.RECORD_EVERY, telemetry.record),
    Job("aggregate measures", 60 * SECOND, aggregate_measures),
    Job("forget receipts of measures", 60 * SECOND, forget_old_receipts),
    Job("check files", 10 * SECOND, check_some),
    Job("tidy files", TIDY_EVERY, tidy),
    Job("look after packages", looking_after.LOOK_EVERY, looking_after.look_after),
    Job("tidy packages", looking_after.TIDY_EVERY, looking_after.tidy),
    Job("close stale recordings", 5 * SECOND, close_stale),
    Job("file closed recordings", SECOND, file_closed, is_long=True),
    Job("let go of recordings", 3600 * SECOND, retention.prune, is_long=True),
    Job("score recordings", 60 * SECOND, scoring.score_some, is_long=True),
)


def jobs_of(values: Settings) -> tuple[Job, ...]:
    """The jobs of a node with these settings."""
    watch_every = values.CHATS_WATCH_EVERY * SECOND
    watching = Job("import dropped chats", watch_every, import_dropped, is_long=True)
    return (*JOBS, watching) if watch_every else JOBS


def is_due(next_run: int | None, job: Job, now: WallTime) -> bool:
    """Whether *job* should run; a time far ahead was written before the clock was set back."""
    return next_run is None or not now < next_run <= now + job.every


def next_run_of(connection: Connection, job: Job) -> int | None:
    """When *job* is to run next, None before its first pass."""
    query = select(JobRow.next_run).where(JobRow.name == job.name)
    return connection.execute(query).scalar_one_or_none()


def claim(connection: Connection, job: Job, now: WallTime) -> bool:
    """Whether this process takes the pass of *job* that is due now."""
    insert_missing(connection, JobRow, name=job.name, next_run=0)
    seen = next_run_of(connection, job)
    if not is_due(seen, job, now):
        return False
    guarded = update(JobRow).where(JobRow.name == job.name, JobRow.next_run == seen)
    return connection.execute(guarded.values(next_run=now + job.every)).rowcount == 1


def run_due(node: Node, is_long: bool | None = None) -> dict[str, int]:
    """One pass of every job that is due and not taken by another process: what each did.

    Of the long jobs only, or of the others only, if *is_long* says so. A job that fails is noted
    with its error, and the others run all the same.
    """
    jobs = [job for job in jobs_of(node.settings) if is_long in (None, job.is_long)]
    passes = {job.name: run_noted(node, job) for job in jobs if is_mine(node, job)}
    return {name: did for name, did in passes.items() if did is not None}


def run_noted(node: Node, job: Job) -> int | None:
    """One pass of *job*, noted in its row: what it did, or None if it failed."""
    began = monotonic()
    did, error = None, None
    try:
        did = job.run(node)
    except Exception as failure:
        log.exception("The job %r failed; its next pass follows.", job.name)
        error = f"{type(failure).__name__}: {failure}"[:LONGEST_ERROR]
    took = round((monotonic() - began) * SECOND)
    ended = node.wall_clock()
    note = update(JobRow).where(JobRow.name == job.name)
    note = note.values(last_run=ended, took=took, did=did, error=error)
    node.database.write(lambda connection: connection.execute(note))
    return did


def is_mine(node: Node, job: Job) -> bool:
    """Whether this process is to run *job* now. Takes no lock while the job is not due."""
    now = node.wall_clock()
    with node.database.reading() as connection:
        due = is_due(next_run_of(connection, job), job, now)
    return due and node.database.write(lambda connection: claim(connection, job, now))


class Loop:
    """A thread that repeats one pass every so many seconds until it is stopped."""

    def __init__(self, name: str, seconds: float, run: Callable[[], object]) -> None:
        self._seconds = seconds
        self._run_pass = run
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> "Loop":
        """Start the thread."""
        self._thread.start()
        return self

    def stop(self) -> None:
        """Stop after the current pass, and wait for it."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._run_pass()
            except Exception:
                # A pass that fails (database away, disk full) must not end all later passes.
                log.exception("A background pass failed; the next one follows.")
            self._stop.wait(self._seconds)


def start_loops(node: Node) -> list[Loop]:
    """The threads of a serving process.

    The node's own beat has a thread to itself: if it waited for a long pass of a job, the wait
    would look like an outage.
    """
    loops = [Loop("beat", BEAT_EVERY / SECOND, node.clock.beat)]
    if node.settings.JOBS:
        loops.append(Loop("jobs", TICK_SECONDS, lambda: run_due(node, is_long=False)))
        loops.append(Loop("long jobs", TICK_SECONDS, lambda: run_due(node, is_long=True)))
    return [loop.start() for loop in loops]
