"""The page of statistics."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from math import floor
from typing import Literal

from downstream_node.dashboard.words import terms
from downstream_node.dashboard.words.moments import day
from downstream_node.dashboard.words.numbers import NOTHING, counted, number, size, wait

HEADING = "Statistics"
LEAD = (
    "What the node counts about its network. Only numbers to which enough have contributed are "
    "shown, so that nobody can be picked out of them."
)

# Measures

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
            f"it appears when its {rule.period} is over and changes only when "
            f"{number(rule.threshold)} more are in"
        )
    if rule.epsilon is not None:
        of_all = f", at most ε = {rule.budget:g} in all" if rule.budget is not None else ""
        parts.append(f"and random noise is added to it (Laplace, ε = {rule.epsilon:g}{of_all})")
    return "; ".join(parts) + "."


def series_summary(label: str, values: Sequence[str], gaps: str, period: str | None) -> str:
    """A chart of one group in words, with what was told of its *gaps*."""
    if not values:
        return f"{label}: nothing to draw."
    one, _ = period_words(period)
    told = f"{label}: {values[0]} at first, {values[-1]} at last, by the {one}."
    return f"{told} {gaps}".rstrip()


def latest(value: str | None, on: dt.date) -> str:
    """The newest value of a group, and of when it is."""
    return NOTHING if value is None else f"{value} on {day(on)}"


def gaps_told(missing: int, apart: int, period: str | None) -> str:
    """How many periods of a group are not shown, and how many are not drawn.

    *apart*: those with several results that have quartiles.
    """
    one, many = period_words(period)
    told = f"{counted(missing, one, many)} not shown." if missing else ""
    if not apart:
        return told
    verb = "has" if apart == 1 else "have"
    return (
        f"{told} {counted(apart, one, many)} {verb} several results, whose medians and quartiles "
        "cannot be taken together: see the table."
    ).lstrip()


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


def notes(*, approximate: bool, noisy: bool, results: int = 1) -> str:
    """What is special about the numbers of one line, which stands for so many *results*."""
    together = f"{number(results)} results together"
    told = ((together, results > 1), (NOISY, noisy), (APPROXIMATE, approximate))
    return ", ".join(word for word, said in told if said)


def moment_of(when: dt.datetime) -> str:
    """The day and the time at which a result begins, in UTC."""
    return f"{day(when.date())}, {when:%H:%M:%S}".removesuffix(":00")


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


# Tables

AS_TABLE = "The newest numbers as a table"
DAY = "Day (UTC)"
COUNT = "Count"
SUM = "Sum"
MEAN = "Mean"
FIRST_QUARTILE = "First quartile"
MEDIAN = "Median"
THIRD_QUARTILE = "Third quartile"


def up_to(top: str) -> str:
    """The value at the upper edge of a chart."""
    return f"up to {top}"


def table(title: str) -> str:
    """What a table is called for who does not see it."""
    return f"{title} as a table"


def as_csv(title: str, days: int) -> str:
    """What a file has."""
    return f"{title}: all results of the last {days} days as CSV"


# Words that need an explanation

TERMS = (terms.FARMER, terms.CONTRIBUTOR, terms.MEDIAN_AND_QUARTILES)
