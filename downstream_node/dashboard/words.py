"""What the dashboard says: all sentences and labels, from values to English.

A sentence is a list of parts: texts, and moments in time, which templates show as elements that a
script turns into the reader's own time.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from math import floor
from typing import Literal

from downstream_node.dashboard.charts import FAIR, GOOD, BarState
from downstream_node.status.reports import (
    Bar,
    Day,
    Failure,
    FailureKind,
    FarmerDetail,
    Outage,
    Rule,
    State,
    Totals,
    Window,
    WindowName,
)

SECOND, MINUTE, HOUR, DAY = 1, 60, 3600, 86_400
"""Seconds."""
UNITS = ((DAY, "d"), (HOUR, "h"), (MINUTE, "min"), (SECOND, "s"))
SIZES = ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")
STEP = 1024
NOTHING = "–"  # noqa: RUF001 - a dash on purpose
"""In place of a value that there is not."""
UNKNOWN_PLACE = "not known"
SHORT_ID = 8
"""Characters of a farmer id that a table shows."""


@dataclass(frozen=True, slots=True)
class Until:
    """A moment in the future, said as the time from *now* until then: 41 s."""

    moment: dt.datetime
    now: dt.datetime

    @property
    def text(self) -> str:
        """The time that is left."""
        return duration(max(0.0, (self.moment - self.now).total_seconds()))


Sentence = list[str | dt.datetime | Until]


# Numbers


def number(value: float) -> str:
    """*value* without a fraction, in groups of three digits."""
    return f"{value:,.0f}"


def decimal(value: float) -> str:
    """*value* with at most one decimal, in groups of three digits."""
    return f"{value:,.1f}".removesuffix(".0")


def percent(value: float | None) -> str:
    """*value* with two decimals, rounded down: 100.00 only if nothing at all is missing."""
    if value is None:
        return NOTHING
    return f"{floor(round(value * 100, 6)) / 100:.2f} %"


def size(count: float) -> str:
    """*count* bytes in the largest unit of which there is one: 1.2 GiB."""
    scaled, unit = float(count), 0
    while round(scaled, 1) >= STEP and unit < len(SIZES) - 1:
        scaled, unit = scaled / STEP, unit + 1
    return f"{decimal(scaled)} {SIZES[unit]}"


def duration(seconds: float) -> str:
    """*seconds* in its two largest units: 2 h 5 min."""
    left = round(abs(seconds))
    for place, (unit, name) in enumerate(UNITS):
        if left >= unit:
            count, rest = divmod(left, unit)
            return f"{count} {name}{smaller(place + 1, rest)}"
    return "0 s"


def wait(seconds: float | None) -> str:
    """A mean of short times: with a tenth of a second below a minute."""
    if seconds is None:
        return NOTHING
    return f"{decimal(seconds)} s" if seconds < MINUTE else duration(seconds)


def smaller(place: int, rest: int) -> str:
    """*rest* seconds in the unit at *place*, with a space in front; nothing if there is none."""
    if place == len(UNITS) or rest < UNITS[place][0]:
        return ""
    return f" {rest // UNITS[place][0]} {UNITS[place][1]}"


def counted(count: int, one: str, many: str) -> str:
    """*count* with its noun: 1 contract, 12 contracts."""
    return f"{number(count)} {one if count == 1 else many}"


def contracts(count: int) -> str:
    """*count* contracts."""
    return counted(count, "contract", "contracts")


def heartbeats(count: int | None) -> str:
    """*count* heartbeats; None: not known."""
    return "not counted" if count is None else counted(count, "heartbeat", "heartbeats")


def farmers(count: int) -> str:
    """*count* farmers."""
    return counted(count, "farmer", "farmers")


def moment(value: dt.datetime) -> str:
    """*value* as 22 Nov 2026, 12:03 UTC."""
    return f"{value.day} {value:%b %Y, %H:%M} UTC"


def ago(value: dt.datetime, now: dt.datetime) -> str:
    """How long before *now* it was."""
    return f"{duration(max(0.0, (now - value).total_seconds()))} ago"


def iso(value: dt.datetime) -> str:
    """*value* for machines, in whole seconds."""
    return f"{value:%Y-%m-%dT%H:%M:%SZ}"


def day(value: dt.date) -> str:
    """*value* as 22 Nov."""
    return f"{value.day} {value:%b}"


def short(farmer_id: str) -> str:
    """The beginning of a farmer id."""
    return farmer_id[:SHORT_ID]


def place(city: str | None, country: str | None) -> str:
    """A farmer's place, as far as it is known."""
    return ", ".join(part for part in (city, country) if part) or UNKNOWN_PLACE


# The network


def headline(totals: Totals) -> str:
    """The whole network in one sentence."""
    if not totals.farmers:
        return "No farmer has joined yet."
    if not totals.online:
        return f"None of {farmers(totals.farmers)} is online."
    verb, holds = (
        ("is", "proves that it holds") if totals.online == 1 else ("are", "prove that they hold")
    )
    of_all = f"{number(totals.online)} of {farmers(totals.farmers)}"
    return f"{of_all} {verb} online and {holds} {size(totals.size)}."


def trend(what: str, values: Sequence[str], hours: int) -> str:
    """A small chart in words: from the first to the last of *values*."""
    if not values:
        return f"{what}: nothing was counted yet"
    return f"{what} in the last {hours} hours: {values[0]} at first, {values[-1]} now"


def trend_caption(hours: int) -> str:
    """What the small charts have in common."""
    return f"The charts show the last {hours} hours; heartbeats are counted by the hour."


def map_summary(totals: Totals) -> str:
    """What the map shows, for who does not see it."""
    where = counted(totals.countries, "country", "countries")
    return (
        f"Map of the world: {number(totals.online)} of {farmers(totals.farmers)} online, in "
        f"{where}. The table of countries has the same numbers."
    )


def at_place(count: int, online: int) -> str:
    """Farmers at one point of the map."""
    return f"{farmers(count)} here, {number(online)} online"


def outage(one: Outage) -> str:
    """What one outage of the node was."""
    if one.seconds < 0:
        return f"the node's clock was set back by {duration(one.seconds)}"
    return f"the node was down for {duration(one.seconds)}"


def found(total: int) -> str:
    """How many farmers a list has."""
    return "No farmer fits this choice." if not total else f"{farmers(total)} in this list."


def page_number(page: int) -> str:
    """Which page; the first is 1."""
    return f"Page {number(page)}"


def page_of(page: int, pages: int) -> str:
    """Which page of how many; the first is 1."""
    return f"Page {number(page)} of {number(pages)}"


# One farmer

STATES: dict[State, str] = {"online": "Online", "offline": "Offline", "new": "New"}

START_AGAIN = "Start the farmer again: it takes new contracts by itself."
TAKES_CONTRACTS = "It holds no contract. A running farmer takes contracts by itself."


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


KINDS: dict[FailureKind, str] = {
    "unanswered": "Not answered in time",
    "invalid": "Wrong proof",
    "corrupted": "Unreadable proof",
}


def failure(one: Failure) -> str:
    """A failure's kind, and how many times it happened in that minute."""
    times = f", {number(one.count)} times" if one.count > 1 else ""
    return f"{KINDS[one.kind]}{times}"


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
    return (
        f"= 100 \N{MULTIPLICATION SIGN} {decimal(window.covered)} s ÷ {decimal(window.expected)} s"
    )


def expected(window: Window) -> str:
    """How the expected time of *window* comes about."""
    whole = f"{decimal(window.expected + window.node_down)} s"
    if not window.node_down:
        return f"{whole} ({duration(window.expected)})"
    return f"{whole} \N{MINUS SIGN} {decimal(window.node_down)} s in which the node itself was down"


def threshold(rule: Rule) -> str:
    """A rule's threshold with its unit; seconds in words too, where they are many."""
    if rule.unit == "bytes":
        return size(rule.value)
    if rule.unit == "seconds" and rule.value >= MINUTE:
        return f"{decimal(rule.value)} seconds ({duration(rule.value)})"
    return f"{decimal(rule.value)} {rule.unit}".strip()


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


def heartbeat_days(counts: Sequence[int | None]) -> str:
    """The chart of heartbeats by day in words."""
    known = [count for count in counts if count is not None]
    if not any(known):
        return "No heartbeat was counted yet."
    return f"Heartbeats a day: at most {number(max(known))}, today {number(known[-1])}."


# The badge


def badge(state: State, uptime: float) -> str:
    """What the badge of a farmer says, beside the word "uptime"."""
    if state == "new":
        return "new"
    return f"{floor(round(uptime * 10, 6)) / 10:.1f} % | {state}"


NODE_ADDRESS = "https://NODE"
"""In the place of this node's own address, which a script puts in: only browsers know it."""


def snippet(path: str, state: State, uptime: float, page: str) -> str:
    """HTML that shows the badge at *path* elsewhere, as a link to the farmer's *page*."""
    # All parts are ids, numbers and fixed words: there is nothing to escape.
    image = f'<img src="{NODE_ADDRESS}{path}" alt="uptime {badge(state, uptime)}" height="20">'
    return f'<a href="{NODE_ADDRESS}{page}">{image}</a>'


# Words that need an explanation

GLOSSARY = {
    "Farmer": "A program that a volunteer runs at home. It keeps data for this network and "
    "answers the node's challenges.",
    "Node": "This server. It hands out contracts, asks for proofs and counts who answers.",
    "Contract": "One piece of data that a farmer holds, with a challenge in each interval.",
    "Challenge": "A question about a piece of data that can be answered only by who has what "
    "the contract is about. It has to be answered before it is due.",
    "Heartbeat": "A challenge that was answered in time, with a proof that the node has checked.",
    "Online": "At least one contract of the farmer is answered up to now.",
    "Uptime": "The part of the time, in per cent, in which a farmer was online. It counts from "
    "its first accepted answer; times in which the node itself was down are left out.",
    "Contributor": "Who sent a number. Here it is a farmer; only how many there are is known of "
    "them, not who.",
    "Median and quartiles": "Half of all values lie below the median, a quarter below the first "
    "quartile, three quarters below the third.",
    "Mean wait": "The mean time from the moment when a challenge could be answered to its answer.",
}

NO_PLACE = (
    "No farmer's place is known: the node has no database of places, or none of the farmers' "
    "addresses are in it."
)

OUTAGES_COST_NOTHING = (
    "While the node is down nobody can answer it. These times are taken out of every schedule "
    "and of every uptime: they cost no farmer anything."
)

ERRORS = {
    400: ("This address makes no sense", "Go to the first page and choose from there."),
    404: (
        "There is nothing here",
        "Look the address over, or go to the first page and choose from there.",
    ),
    500: (
        "The node could not make this page",
        "That is our fault and has been noted. Try again in a minute.",
    ),
    503: ("The node is busy", "Try again in a few seconds."),
}
"""By HTTP status: what went wrong, and what to do."""

NO_SUCH_FARMER = (
    "There is no farmer with this id",
    (
        "A farmer id has 20 characters, 0 to 9 and a to f. Copy it from the farmer's own output, "
        "or look for your Bitcoin address in the list of farmers."
    ),
)
CANNOT_FIND = (
    "This is neither a farmer id (20 characters, 0 to 9 and a to f) nor a Bitcoin address. Look "
    "it over and try again."
)

# Statistics

Unit = Literal["", "bytes", "seconds"]

TITLES: dict[str, str] = {
    "node-answers-daily": "Answers by outcome",
    "node-answer-wait-daily": "How long answers take",
    "node-bytes-held-daily": "Data held, by country",
    "node-farmers-daily": "Farmers, by country and client",
}
STATISTIC_UNITS: dict[str, Unit] = {
    "node-answer-wait-daily": "seconds",
    "node-bytes-held-daily": "bytes",
}
PERIODS = {"day": ("day", "days"), "week": ("week", "weeks"), "month": ("month", "months")}
TO_MILLI = 3
MOST_LABEL = 80


def title_of(name: str) -> str:
    """The heading over the results of the measure *name*."""
    return TITLES.get(name) or name.replace("-", " ").replace("_", " ").capitalize()


def unit_of(name: str) -> Unit:
    """The unit of the values of the measure *name*, "" if it is not known here."""
    return STATISTIC_UNITS.get(name, "")


def amount(value: float | None, unit: Unit) -> str:
    """*value* in its unit; a dash where there is none."""
    if value is None:
        return NOTHING
    if unit == "bytes" and value >= 0:
        return size(value)
    if unit == "seconds" and value >= 0:
        return wait(value)
    if value == floor(value):
        return number(value)
    return f"{value:,.{TO_MILLI}g}" if abs(value) < 1 else f"{value:,.2f}"


def period_words(period: str | None) -> tuple[str, str]:
    """One and many of what results are counted by."""
    return PERIODS[period or "day"]


def shown_value(period: str | None, *, median: bool) -> str:
    """What the charts of a measure show."""
    one, _ = period_words(period)
    if median:
        return (
            f"The line is the median of each {one}, the band reaches from the first quartile "
            "to the third."
        )
    return f"The line is the sum of each {one}."


def group_label(values: Sequence[object]) -> str:
    """What a group is called."""
    return ", ".join(str(value)[:MOST_LABEL] for value in values) or "All"


def contributors(count: int, *, by_contributor: bool) -> str:
    """*count* of what a threshold counts."""
    if by_contributor:
        return counted(count, "contributor", "contributors")
    return counted(count, "contribution", "contributions")


def too_few(threshold: int, *, by_contributor: bool, with_others: bool) -> str:
    """What stands in the place of a result that is not let out."""
    told = f"fewer than {contributors(threshold, by_contributor=by_contributor)}"
    return f"{told}, or hidden to protect such a group" if with_others else told


@dataclass(frozen=True, slots=True)
class PrivacyRule:
    """By which rule results of a measure are let out; *epsilon* and *budget* None: no noise."""

    threshold: int
    by_contributor: bool
    period: str
    at_period_end: bool
    with_others: bool
    epsilon: float | None
    budget: float | None


def privacy_rule(rule: PrivacyRule) -> str:
    """*rule* as one sentence."""
    enough = contributors(rule.threshold, by_contributor=rule.by_contributor)
    parts = [f"A result is shown only if it is made from {enough} or more"]
    if rule.with_others:
        parts.append("a group from which a smaller one could be worked out is hidden as well")
    if rule.at_period_end:
        parts.append(
            f"it appears when its {rule.period} is over and changes only when {number(rule.threshold)} more are in"
        )
    if rule.epsilon is not None:
        of_all = f", at most ε = {rule.budget:g} in all" if rule.budget is not None else ""
        parts.append(f"and random noise is added to it (Laplace, ε = {rule.epsilon:g}{of_all})")
    return "; ".join(parts) + "."


def series_summary(label: str, values: Sequence[str], missing: int, period: str | None) -> str:
    """A chart of one group in words."""
    if not values:
        return f"{label}: nothing to draw."
    one, _ = period_words(period)
    told = f"{label}: {values[0]} at first, {values[-1]} at last, by the {one}."
    return f"{told} {hidden_periods(missing, period)}".rstrip()


def latest(value: str | None, on: dt.date) -> str:
    """The newest value of a group, and of when it is."""
    return NOTHING if value is None else f"{value} on {day(on)}"


def hidden_periods(missing: int, period: str | None) -> str:
    """How many results of a group are not shown."""
    one, many = period_words(period)
    return f"{counted(missing, one, many)} not shown." if missing else ""


def left_out(groups: int) -> str:
    """How many groups have no chart."""
    if not groups:
        return ""
    verb = "is" if groups == 1 else "are"
    return f"{counted(groups, 'smaller group', 'smaller groups')} {verb} in the CSV file only."


def gaps(told: str) -> str:
    """What gaps in charts stand for; *told* is what stands in their place in a table."""
    return f"Gaps: {told}."


def group_heading(names: Sequence[str]) -> str:
    """The heading over the names of groups."""
    return ", ".join(names).capitalize() or "Group"


NO_STATISTICS = (
    "There is no result yet. A day's results appear some minutes after midnight UTC, and only "
    "where enough farmers have contributed to them."
)
NOISY = "noise added"
APPROXIMATE = "quartiles approximate"


def notes(*, approximate: bool, noisy: bool) -> str:
    """What is special about the numbers of one result."""
    return ", ".join(word for word, said in ((NOISY, noisy), (APPROXIMATE, approximate)) if said)


def explanations(*, approximate: bool, noisy: bool) -> list[str]:
    """What the notes mean."""
    found = []
    if noisy:
        found.append(
            f"“{NOISY}”: the numbers are the true ones plus a random amount, so that nobody can "
            "tell whether one contributor is among them; means and sums may be off by a little, "
            "small ones by much."
        )
    if approximate:
        found.append(
            f"“{APPROXIMATE}”: the single values have been deleted; median and quartiles come "
            "from a summary and may be off by about 1 %."
        )
    return found
