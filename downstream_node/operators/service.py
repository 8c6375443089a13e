"""What is failing now: one report from a bounded number of queries at one instant."""

from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import get_args

from sqlalchemy import Connection

from downstream_node.clock import SECOND, Instant, WallTime, calendar
from downstream_node.custody import queries as files
from downstream_node.farmers.history import DAY
from downstream_node.jobs import JOBS, Job
from downstream_node.node import Node
from downstream_node.operators import problems, queries
from downstream_node.operators.queries import JobState, Level, OutageRow
from downstream_node.operators.reports import (
    Expiring,
    Failing,
    FailureCount,
    Farmers,
    Gone,
    Health,
    JobReport,
    Outages,
    Pool,
    PoolLevel,
    Problem,
    Slow,
)
from downstream_node.status.reports import FailureKind, Outage

HOUR = 3600 * SECOND
WEEK = 7 * DAY
MOST_FARMERS = 10
"""Farmers in each list: those with whom to begin."""
MOST_FILES = 3
OUTAGES_PER_PAGE = 20
KINDS: tuple[FailureKind, ...] = get_args(FailureKind)


@dataclass(frozen=True)
class View:
    """One look at the node: what to read with, at which instant."""

    node: Node
    connection: Connection
    now: Instant
    wall: WallTime

    def date(self, instant: int) -> datetime:
        """*instant* as a date."""
        return calendar(self.node.clock.to_wall(instant))

    def ago(self, milliseconds: int) -> Instant:
        """The instant so long ago."""
        return Instant(self.now - milliseconds)


def health(node: Node, before: int | None = None) -> Health:
    """What is failing now, with the page of the ledger that begins *before* this outage."""
    now, wall = node.clock.now(), node.wall_clock()
    return node.database.read(lambda connection: look(View(node, connection, now, wall), before))


def look(view: View, before: int | None) -> Health:
    """The report of one look."""
    interval = view.node.settings.DEFAULT_INTERVAL
    farmers, pool, jobs = farmers_of(view), pool_of(view), jobs_of(view)
    return Health(
        as_of=calendar(view.wall),
        node=view.node.settings.NODE_NAME,
        problems=problems_of(view, farmers, pool, jobs),
        farmers=farmers,
        gone=gone_of(view),
        pool=pool,
        interval=interval,
        expiring=expiring_of(view, interval * SECOND),
        failures=failures_of(view),
        failing=failing_of(view),
        slowest=slowest_of(view),
        jobs=jobs,
        outages=outages_of(view, before),
    )


def problems_of(view: View, farmers: Farmers, pool: Pool, jobs: list[JobReport]) -> list[Problem]:
    """What needs the operator, most urgent first."""
    recent = queries.outages_since(view.connection, WallTime(view.wall - DAY))
    node = view.node
    return problems.sorted_by_urgency(
        chain(
            problems.of_pool(pool),
            problems.of_farmers(farmers),
            problems.of_jobs(jobs),
            problems.of_outages([outage_report(row) for row in recent]),
            problems.of_files(*damaged_files(view)),
            problems.of_places(node.locator.is_ready(), node.settings.MMDB_PATH),
        )
    )


def damaged_files(view: View) -> tuple[int, list[str]]:
    """How many files in custody are damaged, and the hashes of some."""
    hashes = files.damaged(view.connection, MOST_FILES)
    return files.count_damaged(view.connection), [sha256.hex() for sha256 in hashes]


def farmers_of(view: View) -> Farmers:
    """How many farmers there are."""
    found = queries.presence(view.connection, view.now, view.ago(HOUR))
    return Farmers(total=found.farmers, online=found.online, gone=found.gone)


def gone_of(view: View) -> list[Gone]:
    """Who went offline within the last hour, the last ones first."""
    rows = queries.gone_farmers(view.connection, view.now, view.ago(HOUR), MOST_FARMERS)
    return [Gone(farmer=farmer, since=view.date(until)) for farmer, until in rows]


def pool_of(view: View) -> Pool:
    """The pool, by scheme and size."""
    scheme = view.node.scheme.name
    levels = [level_report(level, scheme) for level in queries.pool_levels(view.connection)]
    return Pool(
        ready=sum(level.count for level in levels if level.ready),
        untagged=sum(level.count for level in levels if not level.ready),
        one_request=view.node.settings.MAX_CHUNKS_PER_REQUEST,
        # What can be handed out first; None does not compare with names.
        levels=sorted(levels, key=lambda level: (not level.ready, level.scheme or "", level.size)),
    )


def level_report(level: Level, scheme: str) -> PoolLevel:
    """*level*, where *scheme* is in force."""
    return PoolLevel(
        scheme=level.scheme, size=level.size, count=level.count, ready=level.scheme == scheme
    )


def expiring_of(view: View, interval: int) -> list[Expiring]:
    """Whose contracts end within *interval* milliseconds unless they are answered."""
    until = Instant(view.now + interval)
    return [
        Expiring(
            farmer=row.farmer_id,
            online=row.online,
            contracts=row.contracts,
            expiring=row.count,
            first=view.date(row.first),
        )
        for row in queries.expiring(view.connection, view.now, until, MOST_FARMERS)
    ]


def failures_of(view: View) -> list[FailureCount]:
    """Failures by kind in the last hour, day and week; kinds without one are there with 0."""
    since = [view.ago(HOUR), view.ago(DAY), view.ago(WEEK)]
    counted = queries.failures_by_kind(view.connection, since)
    counts = {kind: counted.get(kind, [0, 0, 0]) for kind in KINDS}
    return [
        FailureCount(kind=kind, hour=hour, day=day, week=week)
        for kind, (hour, day, week) in counts.items()
    ]


def failing_of(view: View) -> list[Failing]:
    """The farmers with most failures in the last 24 hours."""
    rows = queries.failing_farmers(view.connection, view.ago(DAY), KINDS, MOST_FARMERS)
    return [
        Failing(
            farmer=row.farmer_id,
            count=row.count,
            last=view.date(row.last),
            **dict(zip(KINDS, row.kinds, strict=True)),
        )
        for row in rows
    ]


def slowest_of(view: View) -> list[Slow]:
    """The farmers that are online and take longest to answer."""
    return [
        Slow(farmer=row.farmer_id, wait=row.wait / SECOND, heartbeats=row.heartbeats)
        for row in queries.slowest(view.connection, view.now, MOST_FARMERS)
    ]


def jobs_of(view: View) -> list[JobReport]:
    """All background jobs."""
    states = queries.job_states(view.connection)
    return [job_report(job, states.get(job.name), view.wall) for job in JOBS]


def job_report(job: Job, state: JobState | None, wall: WallTime) -> JobReport:
    """*job*, of which *state* is known."""
    if state is None:
        state = JobState(next_run=wall, last_run=None, took=None, did=None, error=None)
        late = None
    else:
        late = max(0, wall - state.next_run) / SECOND
    return JobReport(
        name=job.name,
        every=job.every / SECOND,
        last_run=None if state.last_run is None else calendar(WallTime(state.last_run)),
        took=None if state.took is None else state.took / SECOND,
        did=state.did,
        error=state.error,
        late=late,
    )


def outages_of(view: View, before: int | None) -> Outages:
    """One page of the ledger of outages."""
    rows = queries.outages(view.connection, before, OUTAGES_PER_PAGE + 1)
    shown = rows[:OUTAGES_PER_PAGE]
    return Outages(
        outages=[outage_report(row) for row in shown],
        next=shown[-1].id if len(rows) > OUTAGES_PER_PAGE else None,
    )


def outage_report(row: OutageRow) -> Outage:
    """One row of the ledger."""
    return Outage(begin=calendar(WallTime(row.began)), seconds=row.milliseconds / SECOND)
