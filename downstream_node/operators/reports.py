"""What the operator's page shows and its JSON form sends: pure values.

Times are aware UTC dates, durations seconds, sizes bytes. Lists are bounded and sorted with the
most pressing first.
"""

from datetime import datetime
from typing import Literal

from downstream_node.status.reports import FailureKind, Outage, Report

Severity = Literal["urgent", "soon", "note"]


class Problem(Report, frozen=True, kw_only=True):
    """Something that needs the operator."""

    name: str
    """Stays the same for one kind of problem, for alarms: like "pool_empty"."""
    severity: Severity
    """urgent: farmers suffer now; soon: they will; note: worth knowing."""
    text: str
    """What is wrong."""
    action: str
    """What to do."""


class Farmers(Report, frozen=True, kw_only=True):
    """How many farmers there are."""

    total: int
    online: int
    gone: int
    """Went offline within the last hour."""


class Gone(Report, frozen=True, kw_only=True):
    """A farmer that went offline within the last hour."""

    farmer: str
    since: datetime


class PoolLevel(Report, frozen=True, kw_only=True):
    """Chunks of one kind that wait in the pool."""

    scheme: str | None
    """None: came back from a farmer and is not tagged anew yet."""
    size: int
    count: int
    ready: bool
    """Whether they can be handed out: tagged for the scheme that is in force."""


class Pool(Report, frozen=True, kw_only=True):
    """The pool of chunks."""

    ready: int
    """Chunks that can be handed out."""
    untagged: int
    """Chunks that wait for a tag of the scheme that is in force."""
    one_request: int
    """What one request may take."""
    levels: list[PoolLevel]


class Expiring(Report, frozen=True, kw_only=True):
    """A farmer that has contracts which end soon unless it answers."""

    farmer: str
    online: bool
    contracts: int
    """Open ones in all."""
    expiring: int
    """Those that expire within the next interval."""
    first: datetime


class FailureCount(Report, frozen=True, kw_only=True):
    """Failures of one kind, of all farmers."""

    kind: FailureKind
    hour: int
    day: int
    week: int


class Failing(Report, frozen=True, kw_only=True):
    """A farmer with its failures of the last 24 hours."""

    farmer: str
    count: int
    unanswered: int
    invalid: int
    corrupted: int
    last: datetime


class Slow(Report, frozen=True, kw_only=True):
    """A farmer that is online, and how long it takes to answer."""

    farmer: str
    wait: float
    """Mean seconds from the moment when a challenge could be answered to its answer."""
    heartbeats: int


class JobReport(Report, frozen=True, kw_only=True):
    """A background job and its last pass."""

    name: str
    every: float
    last_run: datetime | None
    took: float | None
    did: int | None
    """Contracts, chunks or rows."""
    error: str | None
    late: float | None
    """Seconds by which the next pass is overdue, 0 if it is not; None: it never ran."""


class Outages(Report, frozen=True, kw_only=True):
    """One page of the ledger of outages, newest first."""

    outages: list[Outage]
    next: int | None
    """The id before which the next page begins."""


class Health(Report, frozen=True, kw_only=True):
    """What is failing now."""

    as_of: datetime
    node: str
    problems: list[Problem]
    """Most pressing first; none: nothing needs the operator."""
    farmers: Farmers
    gone: list[Gone]
    pool: Pool
    interval: float
    """Seconds within which `expiring` looks: time to answer a challenge."""
    expiring: list[Expiring]
    failures: list[FailureCount]
    failing: list[Failing]
    slowest: list[Slow]
    jobs: list[JobReport]
    outages: Outages
