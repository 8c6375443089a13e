"""Messages per month as columns to click into. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from downstream_node.chats.answers import Month
from downstream_node.dashboard import charts

STEP, HEIGHT, GAP = 38.0, 56.0, 2.0
"""From one column to the next, their height, and the gap between two; narrow where it is tight."""
MONTHS = 12
MOST_COLUMNS = 180
"""With more months than these, each column is a year."""


@dataclass(frozen=True, slots=True)
class Period:
    """A month (1 to 12), or a whole year (*month* is None), with its messages; *term* narrows."""

    year: int
    month: int | None
    count: int
    term: str


@dataclass(frozen=True, slots=True)
class Timeline:
    """Periods from the first to the last, without gaps, and their columns side by side."""

    periods: tuple[Period, ...]
    columns: tuple[charts.Column, ...]
    width: float


def timeline(months: Sequence[Month]) -> Timeline | None:
    """*months*, or their years if they are many; None if there is nothing to choose from.

    Months without messages may be missing; those between others are put in.
    """
    known = {one.year * MONTHS + one.month - 1: one for one in months if one.count > 0}
    if len(known) < 2:  # noqa: PLR2004 - one period alone is no choice
        return None
    first, last = min(known), max(known)
    if last - first < MOST_COLUMNS:
        periods = [month(known.get(key), key) for key in range(first, last + 1)]
    else:
        periods = years(known.values(), first // MONTHS, last // MONTHS)
    values = [float(period.count) for period in periods]
    width = STEP * len(periods)
    return Timeline(tuple(periods), tuple(charts.columns(values, width, HEIGHT, GAP)), width)


def month(found: Month | None, key: int) -> Period:
    """One month; without messages it leads nowhere."""
    year, number = key // MONTHS, key % MONTHS + 1
    if found is None:
        return Period(year, number, 0, "")
    return Period(year, number, found.count, found.term)


def years(months: Iterable[Month], first: int, last: int) -> list[Period]:
    """The same by years, from *first* to *last*."""
    counts = dict.fromkeys(range(first, last + 1), 0)
    for one in months:
        counts[one.year] += one.count
    return [
        Period(year, None, count, f"during:{year:04}" if count else "")
        for year, count in counts.items()
    ]
