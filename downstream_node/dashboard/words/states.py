"""How farmers and the node are and were: states, bars, failures, outages, the badge."""

from collections.abc import Sequence
from math import floor

from downstream_node.dashboard.charts import FAIR, GOOD, BarState
from downstream_node.dashboard.words.moments import day
from downstream_node.dashboard.words.numbers import duration, number, percent
from downstream_node.status.reports import Bar, Day, Failure, FailureKind, Outage, State

STATES: dict[State, str] = {"online": "Online", "offline": "Offline", "new": "New"}

KINDS: dict[FailureKind, str] = {
    "unanswered": "Not answered in time",
    "invalid": "Wrong proof",
    "corrupted": "Unreadable proof",
}


def failure(one: Failure) -> str:
    """A failure's kind, and how many times it happened in that minute."""
    times = f", {number(one.count)} times" if one.count > 1 else ""
    return f"{KINDS[one.kind]}{times}"


def outage(one: Outage) -> str:
    """What one outage of the node was."""
    if one.seconds < 0:
        return f"the node's clock was set back by {duration(one.seconds)}"
    return f"the node was down for {duration(one.seconds)}"


OUTAGES_COST_NOTHING = (
    "While the node is down nobody can answer it. These times are taken out of every schedule "
    "and of every uptime: they cost no farmer anything."
)

# Bars

BARS: dict[BarState, str] = {
    "good": f"{GOOD:g} % or more",
    "fair": f"{FAIR:g} % to {GOOD:g} %",
    "bad": f"less than {FAIR:g} %",
    "none": "nothing expected",
    "down": "the node was down",
}
"""What the states of bars mean."""


def covered(uptime: float | None, node_down: float) -> str:
    """What one bar says."""
    if uptime is None:
        return "the node itself was down" if node_down > 0 else "nothing was expected"
    down = f", the node was down for {duration(node_down)}" if node_down > 0 else ""
    return f"{percent(uptime)}{down}"


def bar(one: Bar) -> str:
    """One hour of a farmer."""
    return f"{one.begin:%H:%M} UTC: {covered(one.uptime, one.node_down)}"


def day_bar(one: Day) -> str:
    """One day of a farmer."""
    return f"{day(one.date)}: {covered(one.uptime, one.node_down)}"


def bars_summary(states: Sequence[BarState], unit: str) -> str:
    """A row of bars in words: how many are of which state, *unit* being "hours" or "days"."""
    counts = [(state, states.count(state)) for state in BARS]
    told = ", ".join(f"{count} with {BARS[state]}" for state, count in counts if count)
    return f"{len(states)} {unit}: {told}" if told else f"No {unit} yet"


# The badge


def badge(state: State, uptime: float) -> str:
    """What the badge of a farmer says, beside the word "uptime"."""
    if state == "new":
        return "new"
    return f"{floor(round(uptime * 10, 6)) / 10:.1f} % | {state}"


UPTIME = "uptime"
"""The left half of the badge."""


def badge_alternative(text: str) -> str:
    """The badge that says *text*, for who does not see it."""
    return f"{UPTIME} {text}"
