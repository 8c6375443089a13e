"""What needs the operator, in words: pure rules over the numbers of the page.

The page, its JSON form and alarms all get their problems from here, so they cannot disagree.
"""

from collections.abc import Iterator

from downstream_node.dashboard.words import counted, duration, operator
from downstream_node.operators.reports import (
    Farmers,
    JobReport,
    Pool,
    Problem,
    Severity,
)
from downstream_node.status.reports import Outage

LATE = 60.0
"""Seconds by which a job may be overdue before it counts as late: a pass may take a while."""
ORDER: tuple[Severity, ...] = ("urgent", "soon", "note")


def sorted_by_urgency(problems: Iterator[Problem]) -> list[Problem]:
    """*problems*, the most urgent first."""
    return sorted(problems, key=lambda problem: ORDER.index(problem.severity))


def of_pool(pool: Pool) -> Iterator[Problem]:
    """Problems of a pool that is empty, or below what one request may take."""
    if pool.ready >= pool.one_request:
        return
    waiting = f" Waiting for a tag: {pool.untagged}." if pool.untagged else ""
    if pool.ready == 0:
        yield Problem(
            name="pool_empty",
            severity="urgent",
            text=f"The pool is empty: farmers who ask for chunks get none.{waiting}",
            action=f"Make chunks: {operator.FILL}.",
        )
        return
    yield Problem(
        name="pool_low",
        severity="soon",
        text=f"The pool has {counted(pool.ready, 'ready chunk', 'ready chunks')}, and one request "
        f"may take {pool.one_request}.{waiting}",
        action=f"Make more: {operator.FILL}.",
    )


def of_farmers(farmers: Farmers) -> Iterator[Problem]:
    """Problems of a network in which nobody is online, or somebody has just gone."""
    if farmers.total == 0:
        yield Problem(
            name="no_farmers",
            severity="note",
            text="No farmer has joined yet.",
            action="Put farmers on the whitelist and tell them where the node is.",
        )
    elif farmers.online == 0:
        yield Problem(
            name="none_online",
            severity="urgent",
            text=f"No farmer is online, of {farmers.total}.",
            action="If all went at once, look at the network, the proxy and the log.",
        )
    if farmers.gone:
        yield Problem(
            name="gone_offline",
            severity="soon",
            text=f"{counted(farmers.gone, 'farmer', 'farmers')} went offline within the last hour.",
            action="See who below. One or two come and go; many at once point to the network.",
        )


def of_jobs(jobs: list[JobReport]) -> Iterator[Problem]:
    """Problems of background jobs: the last pass failed, or none came when it should have."""
    for job in jobs:
        if job.error:
            yield Problem(
                name="job_failed",
                severity="urgent",
                text=f'The job "{job.name}" failed: {job.error}',
                action="The log has the whole error. The job is tried again by itself.",
            )
        if job.late is None:
            yield Problem(
                name="job_never_ran",
                severity="soon",
                text=f'The job "{job.name}" has not run yet.',
                action="It runs within a second or two of the start, unless JOBS is off.",
            )
        elif job.late > LATE:
            yield Problem(
                name="job_late",
                severity="urgent",
                text=f'The job "{job.name}" is {duration(job.late)} late.',
                action="Is JOBS off in all processes, or does a pass hang? See the log; restart.",
            )


def of_outages(outages: list[Outage]) -> Iterator[Problem]:
    """One problem for all *outages* of the last 24 hours."""
    down = [outage.seconds for outage in outages if outage.seconds > 0]
    if down:
        yield Problem(
            name="outage",
            severity="note",
            text=f"The node was down for {duration(sum(down))} in the last 24 hours, in "
            f"{counted(len(down), 'outage', 'outages')}. It cost no farmer anything.",
            action="If you did not stop it yourself, look into the log and the system's journal.",
        )
    if len(down) < len(outages):
        yield Problem(
            name="clock_set_back",
            severity="soon",
            text="The machine's clock was set back in the last 24 hours.",
            action="Keep it right with NTP.",
        )


def of_files(damaged: int, names: list[str]) -> Iterator[Problem]:
    """The problem of *damaged* files in custody, some of them with these *names* (hashes)."""
    if damaged:
        others = " and others" if damaged > len(names) else ""
        yield Problem(
            name="files_damaged",
            severity="urgent",
            text=f"{counted(damaged, 'file', 'files')} in custody damaged: "
            f"{', '.join(names)}{others}.",
            action="Look at the disk first: damage seldom comes alone. Put the files back from a "
            f"backup, or take them in again; then {operator.VERIFY}.",
        )


def of_places(located: bool, path: str) -> Iterator[Problem]:
    """The problem of a node without a usable GeoIP file at *path*."""
    if not located:
        yield Problem(
            name="no_geoip",
            severity="note",
            text=f"There is no usable GeoIP file at {path}: new farmers have no place on the map.",
            action="Put a GeoLite2-City file there, or leave it if you need no map.",
        )
