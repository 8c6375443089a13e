"""What the status API and the dashboard show, as values: pure, and the source of their schemas.

Times are aware UTC dates, durations seconds, sizes bytes, percentages 0 to 100. Positions are
rounded to a tenth of a degree (about 11 km), so that nobody's house is on the map.
"""

import datetime as dt
from typing import Literal

import msgspec

WindowName = Literal["24h", "7d", "30d", "life"]
FailureKind = Literal["unanswered", "invalid", "corrupted"]
State = Literal["online", "offline", "new"]


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """Base of all reports."""


class Totals(Report, frozen=True, kw_only=True):
    """The network in one line."""

    as_of: dt.datetime
    node: str
    farmers: int
    online: int
    contracts: int
    size: int
    """Bytes in open contracts."""
    heartbeats: int
    countries: int
    """Countries with a farmer that is online."""


class FarmerSummary(Report, frozen=True, kw_only=True):
    """One farmer in a list.

    `state` "new": it has not answered a challenge yet; `uptime`: per cent of the time since its
    first answer; `mean_wait`: seconds from the moment when a challenge could be answered to its
    answer, on average; `size`: bytes in open contracts.
    """

    id: str
    address: str
    country: str | None
    city: str | None
    lat: float | None
    lon: float | None
    state: State
    """"new": it has not answered a challenge yet."""
    uptime: float
    """Per cent of the time since the first answer, as in window "life"."""
    heartbeats: int
    contracts: int
    size: int
    joined: dt.datetime
    last_answer: dt.datetime | None
    mean_wait: float | None
    """Mean seconds from the moment when a challenge could be answered to its answer."""

    @property
    def online(self) -> bool:
        """Whether it is online."""
        return self.state == "online"


class FarmerPage(Report, frozen=True, kw_only=True):
    """One page of a list of farmers."""

    farmers: list[FarmerSummary]
    total: int
    """All that the filter lets through."""
    next: str | None
    """The cursor of the page that follows."""


class Window(Report, frozen=True, kw_only=True):
    """Uptime in one window: 100 * covered / expected.

    expected = (end - begin) - node_down: from the beginning of the window, or the first accepted
    answer if that is later, to now, less the time in which the node itself was down.
    """

    name: WindowName
    begin: dt.datetime
    expected: float
    covered: float
    node_down: float
    uptime: float | None
    """None while nothing can be expected: no answer was accepted yet."""


class Day(Report, frozen=True, kw_only=True):
    """One farmer on one UTC day. The last one, today, is not over."""

    date: dt.date
    heartbeats: int | None
    """None where they were not counted by day yet."""
    expected: float
    covered: float
    node_down: float
    uptime: float | None
    """None where nothing was expected: before the first answer, or the node was down all day."""


class Failure(Report, frozen=True, kw_only=True):
    """Something that went wrong with a farmer's answers, and why."""

    at: dt.datetime
    """The last time of *count* equal ones in one minute."""
    kind: FailureKind
    count: int
    contract: str | None
    """File hash of the last one."""
    reason: str


class FarmerFailure(Report, frozen=True, kw_only=True):
    """A failure with the farmer it belongs to."""

    farmer: str
    failure: Failure


class Rule(Report, frozen=True, kw_only=True):
    """One rule that decides on a farmer, with the threshold that is in force."""

    name: str
    value: float
    unit: str
    text: str


class FarmerDetail(Report, frozen=True, kw_only=True):
    """Everything about one farmer."""

    farmer: FarmerSummary
    as_of: dt.datetime
    next_due: dt.datetime | None
    """When the next challenge that waits for an answer is due; None without an open contract."""
    online_until: dt.datetime | None
    """When it goes offline if no further answer comes; in the past if it is offline."""
    windows: list[Window]
    days: list[Day]
    """The last 90 days, oldest first."""
    last_failure: Failure | None
    rules: list[Rule]


class Bar(Report, frozen=True, kw_only=True):
    """A piece of a row of heartbeat bars: how much of what was expected a farmer covered."""

    begin: dt.datetime
    seconds: float
    uptime: float | None
    """None where nothing was expected."""
    node_down: float


class HistoryPoint(Report, frozen=True, kw_only=True):
    """The network in one hour or on one day.

    `online` is the mean over the samples, `heartbeats` those that came in it; all else is as of
    its last sample.
    """

    begin: dt.datetime
    farmers: int
    online: float
    """Mean number of farmers online."""
    contracts: int
    size: int
    heartbeats: int


class Country(Report, frozen=True, kw_only=True):
    """Farmers of one country; None: not known."""

    country: str | None
    farmers: int
    online: int


class Point(Report, frozen=True, kw_only=True):
    """Farmers at one place of the map."""

    lat: float
    lon: float
    farmers: int
    online: int


class Places(Report, frozen=True, kw_only=True):
    """Where farmers are: most farmers first."""

    countries: list[Country]
    points: list[Point]


class Outage(Report, frozen=True, kw_only=True):
    """A time in which the node itself was down; it costs no farmer anything."""

    begin: dt.datetime
    seconds: float
    """Negative: the clock was set back."""
