"""The page of one farmer."""

from collections.abc import Sequence

from downstream_node.dashboard.words import terms
from downstream_node.dashboard.words.moments import Sentence, Until
from downstream_node.dashboard.words.numbers import (
    MINUTE,
    contracts,
    decimal,
    duration,
    in_seconds,
    number,
    short,
    size,
)
from downstream_node.dashboard.words.states import STATES, failure
from downstream_node.status.reports import Failure, FarmerDetail, Rule, State, Window, WindowName

HEADING = "Farmer"
"""Before the short form of its id."""
WAY_BACK = "Way back"
ALL_FARMERS = "All farmers"

# How it is

START_AGAIN = (
    "Start the farmer again, with the command and the folder that you used before: it takes new "
    "contracts by itself."
)
DUE_NOW = "A challenge is due now and waits for its answer."
TAKES_CONTRACTS = "It holds no contract. A running farmer takes contracts by itself."


def title(farmer_id: str, state: State) -> str:
    """The title of the page."""
    return f"{HEADING} {short(farmer_id)}: {STATES[state]}"


def last_failure(one: Failure) -> Sentence:
    """The newest failure: when, what, and why."""
    return ["Last failure: ", one.at, f". {failure(one)}. {one.reason}"]


def standing(detail: FarmerDetail) -> Sentence:
    """How the farmer is, and what its volunteer can do."""
    if detail.farmer.state == "online":
        return [f"Online. {contracts(detail.farmer.contracts)}. ", *next_challenge(detail)]
    if detail.farmer.state == "new":
        return ["New: it has not answered a challenge yet. ", *next_challenge(detail)]
    return went_offline(detail)


def next_challenge(detail: FarmerDetail) -> Sentence:
    """When the next challenge has to be answered."""
    if not detail.farmer.contracts:
        return [TAKES_CONTRACTS]
    if detail.next_due is None:
        return ["No challenge waits for an answer."]
    if detail.next_due <= detail.as_of:
        return [DUE_NOW]
    return ["The next challenge is due in ", Until(detail.next_due, detail.as_of), "."]


def went_offline(detail: FarmerDetail) -> Sentence:
    """Since when a farmer is offline, why, and what to do."""
    if detail.online_until is None:
        return ["Offline. ", START_AGAIN]
    since = detail.online_until
    why: Sentence = ["Offline since ", since, ": the challenge due then was not answered. "]
    if detail.next_due is not None and detail.next_due > detail.as_of:
        open_ones = contracts(detail.farmer.contracts)
        return [*why, f"{open_ones} can still be answered: start the farmer again now."]
    return [*why, START_AGAIN]


# Facts

HOLDS = "Holds"
CONTRACTS = "Contracts"
HEARTBEATS = "Heartbeats"
MEAN_WAIT = "Mean wait"
PLACE = "Place"
JOINED = "Joined"
FARMER_ID = "Farmer id"
ADDRESS = "Bitcoin address"
COPY_ID = "Copy the farmer id"
COPY_ADDRESS = "Copy the address"

# Uptime

DAYS_HEADING = "Uptime, day by day"
DAYS = "days"
"""What the bars are."""
TODAY = "today"
UPTIME_HEADING = "How uptime is counted"
UPTIME_ABOUT = (
    "Uptime = 100 \N{MULTIPLICATION SIGN} covered ÷ expected. *Covered* is the time in which at "
    "least one contract was answered. *Expected* is the time since the window began, or since the "
    "first accepted answer if that is later, without the time in which the node itself was down."
)
"""What stands between asterisks is stressed."""

WINDOWS: dict[WindowName, str] = {
    "24h": "24 hours",
    "7d": "7 days",
    "30d": "30 days",
    "life": "Since the first answer",
}


def formula(window: Window) -> str:
    """The uptime of *window* as arithmetic with its numbers."""
    if window.uptime is None:
        return "Nothing was expected yet: no answer was accepted."
    covered, whole = in_seconds(window.covered), in_seconds(window.expected)
    return f"= 100 \N{MULTIPLICATION SIGN} {covered} ÷ {whole}"


def expected(window: Window) -> str:
    """How the expected time of *window* comes about."""
    whole = in_seconds(window.expected + window.node_down)
    if not window.node_down:
        return f"{whole} ({duration(window.expected)})"
    down = in_seconds(window.node_down)
    return f"{whole} \N{MINUS SIGN} {down} in which the node itself was down"


def expected_time(window: Window) -> str:
    """The same, with its name."""
    return f"Expected: {expected(window)}"


# Heartbeats

BEATS_HEADING = "Heartbeats a day"
AS_TABLE = "The same as a table"
TABLE = "Days"
DAY = "Day (UTC)"
UPTIME = "Uptime"
NODE_DOWN = "Node down"


def heartbeat_days(counts: Sequence[int | None]) -> str:
    """The chart of heartbeats by day in words."""
    known = [count for count in counts if count is not None]
    if not any(known):
        return "No heartbeat was counted yet."
    return f"Heartbeats a day: at most {number(max(known))}, today {number(known[-1])}."


# Failures and rules

FAILURES_HEADING = "What went wrong, and why"
NO_FAILURE = "No failure is known."
NO_FAILURE_HERE = "No failure on this page."
FAILURE_PAGES = "Pages of failures"
CONTRACT = "Contract"
"""Before the id of one."""
RULES_HEADING = "The rules that decide"


def threshold(rule: Rule) -> str:
    """A rule's threshold with its unit; seconds in words too, where they are many."""
    if rule.unit == "bytes":
        return size(rule.value)
    if rule.unit == "seconds" and rule.value >= MINUTE:
        return f"{decimal(rule.value)} seconds ({duration(rule.value)})"
    return f"{decimal(rule.value)} {rule.unit}".strip()


# The badge

BADGE_HEADING = "A badge for your own page"
COPY = "Copy"
NODE_ADDRESS = "https://NODE"
"""In the place of this node's own address, which a script puts in: only browsers know it."""
PUT_IN_ADDRESS = f"Put the address of this node in the place of {NODE_ADDRESS}."
"""For who has no script to do it."""


def snippet(path: str, farmer_id: str, page: str) -> str:
    """HTML that shows the badge at *path* elsewhere, as a link to the farmer's *page*."""
    # All parts are ids and fixed words: there is nothing to escape. The text does not say how the
    # farmer is: it stays on the other page while that changes.
    told = f"Uptime of the farmer {short(farmer_id)}"
    image = f'<img src="{NODE_ADDRESS}{path}" alt="{told}" height="20">'
    return f'<a href="{NODE_ADDRESS}{page}">{image}</a>'


# Words that need an explanation

TERMS = (
    *(terms.FARMER, terms.NODE, terms.CONTRACT, terms.CHALLENGE),
    *(terms.HEARTBEAT, terms.ONLINE, terms.UPTIME, terms.MEAN_WAIT),
)
