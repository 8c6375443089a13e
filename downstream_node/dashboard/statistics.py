"""The statistics page: what measures say of the network, as far as their rules let it out.

Everything is read through `measures.results`, so that nothing here can show more than a caller of
the API may have. Which groups are hidden is not known here either: a group that had a result on
one day and has none on another is told to have too few contributors on that day.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from downstream_node.dashboard import charts, words
from downstream_node.dashboard.combining import combined
from downstream_node.database import AnyRow
from downstream_node.measures import definitions, results
from downstream_node.measures.periods import DAY, date_of, period_end, period_start
from downstream_node.measures.results import AggregateRow
from downstream_node.node import Node
from downstream_node.spreadsheets import plain

DAYS = (90, 30, 7, 1)
"""Days that are shown, the first for which there are not too many results."""
MOST_ROWS = 20_000
"""Results of one definition that a page is made from."""
MOST_SERIES = 6
MOST_PERIODS_LISTED = 30
WIDTH, HEIGHT = 320.0, 110.0
SLOTS = (("group1", "group1_key"), ("group2", "group2_key"), ("group3", "group3_key"))

Key = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Line:
    """One row of a table; *row* None: too few contributors."""

    when: str
    label: str
    row: AggregateRow | None
    notes: str


@dataclass(frozen=True, slots=True)
class Series:
    """One group over time: its chart, and the chart in words."""

    label: str
    trend: charts.Trend | None
    summary: str
    latest: str
    top: str
    hidden: str


@dataclass(frozen=True, slots=True)
class Statistic:
    """One definition with its results."""

    name: str
    title: str
    description: str
    rule: str
    what: str
    unit: words.Unit
    days: int
    columns: list[str]
    series: list[Series]
    left_out: str
    lines: list[Line]
    quartiles: bool
    first: str
    last: str
    explanations: list[str]
    too_few: str


@dataclass(frozen=True, slots=True)
class Found:
    """The results of one definition over *days*."""

    definition: AnyRow
    days: int
    rows: list[AggregateRow]

    @property
    def period(self) -> str | None:
        """The definition's period."""
        period: str | None = self.definition.aggregation_period
        return period

    def begin_of(self, row: AggregateRow) -> int:
        """When the period of *row* begins."""
        return period_start(self.period, row.start)

    @property
    def periods(self) -> list[int]:
        """The beginnings of all periods from the first with a result to the last."""
        if not self.rows:
            return []
        found = [self.begin_of(self.rows[0])]
        last = self.begin_of(self.rows[-1])
        while found[-1] < last:
            found.append(period_end(self.period, found[-1]))
        return found


def statistics(node: Node) -> list[Statistic]:
    """What is to be shown: public definitions that have results, by name."""
    found = (results_of(node, definition) for definition in public(node))
    return [statistic(one) for one in found if one.rows]


def public(node: Node) -> list[AnyRow]:
    """The definitions that everybody may see the results of, by name."""
    rows = node.database.read(definitions.all_of)
    return [row for row in rows if row.access_public]


def results_of(node: Node, definition: AnyRow) -> Found:
    """The results of *definition*, of as many days as can be shown."""
    now = node.wall_clock()
    for days in DAYS:
        begin = now - days * DAY
        rows = results.aggregates(node, definition, begin, now, limit=MOST_ROWS + 1)
        if len(rows) <= MOST_ROWS:
            return Found(definition, days, rows)
    return Found(definition, DAYS[-1], rows[:MOST_ROWS])


def statistic(found: Found) -> Statistic:
    """All that a page shows of one definition."""
    definition = found.definition
    unit = words.unit_of(definition.name)
    quartiles = bool(definition.with_quartiles) and any(
        row.median is not None for row in found.rows
    )
    named = series_of(found.rows)
    shown = largest(named)
    periods = found.periods
    too_few = words.too_few(
        definition.aggregation_threshold,
        by_contributor=definition.count_contributors,
        with_others=definition.suppress_complements,
    )
    drawn = [
        drawn_series(found, named[key], periods, quartiles=quartiles, unit=unit) for key in shown
    ]
    return Statistic(
        name=definition.name,
        title=words.title_of(definition.name),
        description=definition.description or "",
        rule=rule_of(definition),
        what=words.shown_value(found.period, median=quartiles),
        unit=unit,
        days=found.days,
        columns=group_names(definition, found.rows),
        series=drawn,
        left_out=words.left_out(len(named) - len(shown)),
        lines=list(
            lines(
                found,
                [named[key] for key in shown],
                periods[-MOST_PERIODS_LISTED:],
                quartiles=quartiles,
            )
        ),
        quartiles=quartiles,
        first=words.day(calendar_day(periods[0])),
        last=words.day(calendar_day(periods[-1])),
        explanations=words.explanations(
            approximate=any(row.approximate for row in found.rows),
            noisy=any(row.noisy for row in found.rows),
        ),
        too_few=too_few,
    )


def rule_of(definition: AnyRow) -> str:
    """The rule by which results of *definition* come out, as one sentence."""
    return words.privacy_rule(
        words.PrivacyRule(
            threshold=definition.aggregation_threshold,
            by_contributor=definition.count_contributors,
            period=definition.aggregation_period or "day",
            at_period_end=definition.release_at_period_end,
            with_others=definition.suppress_complements,
            epsilon=definition.noise_epsilon,
            budget=definition.noise_budget,
        )
    )


def calendar_day(begin: int) -> date:
    """The day, in UTC, that begins at *begin*."""
    return date_of(begin).date()


# Groups over time


def key_of(row: AggregateRow) -> Key:
    """What is the same for all results of one group: app and groups as they are stored."""
    return tuple(row.order_key[1:5])


def series_of(rows: Sequence[AggregateRow]) -> dict[Key, list[AggregateRow]]:
    """Results by group, each in the order of time."""
    found: dict[Key, list[AggregateRow]] = {}
    for row in rows:
        found.setdefault(key_of(row), []).append(row)
    return found


def largest(named: dict[Key, list[AggregateRow]]) -> list[Key]:
    """The groups to which most was contributed, at most MOST_SERIES, the largest first."""
    ordered = sorted(named, key=lambda key: (-sum(row.count for row in named[key]), key))
    return ordered[:MOST_SERIES]


def label_of(row: AggregateRow) -> str:
    """What the group of *row* is called."""
    values = [row.created_by, *(row.groups[slot] for slot, _ in SLOTS)]
    return words.group_label([value for value in values if value is not None])


def group_names(definition: AnyRow, rows: Sequence[AggregateRow]) -> list[str]:
    """What the groups of *definition* are about, the app in front where results have one."""
    names = ["app"] if any(row.created_by is not None for row in rows) else []
    return names + [getattr(definition, key) for _, key in SLOTS if getattr(definition, key)]


def by_period(found: Found, rows: Sequence[AggregateRow]) -> dict[int, list[AggregateRow]]:
    """The results of one group by the period in which they begin: it may have several starts."""
    there: dict[int, list[AggregateRow]] = {}
    for row in rows:
        there.setdefault(found.begin_of(row), []).append(row)
    return there


def drawn_series(
    found: Found,
    rows: Sequence[AggregateRow],
    periods: Sequence[int],
    *,
    quartiles: bool,
    unit: words.Unit,
) -> Series:
    """One group as a chart."""
    there = by_period(found, rows)
    spans = [span_of(there.get(period, []), quartiles=quartiles) for period in periods]
    trend = charts.trend(spans, WIDTH, HEIGHT)
    values = [words.amount(span.value, unit) for span in spans if span is not None]
    drawn = [period for period, span in zip(periods, spans, strict=True) if span is not None]
    apart = sum(len(some) > 1 for some in there.values()) if quartiles else 0
    gaps = words.gaps_told(spans.count(None) - apart, apart, found.period)
    return Series(
        label=label_of(rows[0]),
        trend=trend,
        summary=words.series_summary(label_of(rows[0]), values, gaps, found.period),
        latest=words.latest(
            values[-1] if values else None, calendar_day(drawn[-1] if drawn else periods[-1])
        ),
        top=words.amount(trend.top, unit) if trend else "",
        hidden=gaps,
    )


def span_of(rows: Sequence[AggregateRow], *, quartiles: bool) -> charts.Span | None:
    """The point of a chart that the *rows* of one period make.

    It is their sum, or the median of a single one between its quartiles.
    """
    if not rows:
        return None
    row = combined(rows)
    if not quartiles:
        return charts.Span(row.total)
    if row.median is None:
        return None
    return charts.Span(row.median, row.first_quartile, row.third_quartile)


def lines(
    found: Found,
    series: Sequence[Sequence[AggregateRow]],
    periods: Sequence[int],
    *,
    quartiles: bool,
) -> Iterator[Line]:
    """The table of these groups, the newest period first.

    Several results of a period are one line, or with quartiles one line each.
    """
    there = [(label_of(rows[0]), by_period(found, rows)) for rows in series]
    for period in reversed(periods):
        when = words.day(calendar_day(period))
        for label, rows in there:
            some = rows.get(period, [])
            if not some:
                yield Line(when, label, None, "")
            elif quartiles and len(some) > 1:
                yield from (line(words.moment_of(date_of(row.start)), label, [row]) for row in some)
            else:
                yield line(when, label, some)


def line(when: str, label: str, rows: Sequence[AggregateRow]) -> Line:
    """One line for all *rows*, of which there is one at least."""
    row = combined(rows)
    notes = words.notes(approximate=row.approximate, noisy=row.noisy, results=len(rows))
    return Line(when, label, row, notes)


# CSV

NUMBERS = (
    *("count", "count_not_zero", "total", "avg", "std", "first_quartile", "median"),
    *("third_quartile", "approximate", "noisy"),
)
"""Not the least and the greatest value: each of them is somebody's own."""


def csv_columns(definition: AnyRow) -> list[str]:
    """The names of the columns of a table of results."""
    keys = [getattr(definition, key) for _, key in SLOTS if getattr(definition, key)]
    return ["start", "created_by", *keys, *NUMBERS]


def csv_pages(node: Node, definition: AnyRow) -> Iterator[list[list[object]]]:
    """The results of the last days, a page at a time, as cells of a table."""
    now = node.wall_clock()
    begin = now - DAYS[0] * DAY
    slots = [slot for slot, key in SLOTS if getattr(definition, key)]
    for rows in results.pages(node, definition, begin, now):
        yield [csv_cells(row, slots) for row in rows]


def csv_cells(row: AggregateRow, slots: Sequence[str]) -> list[object]:
    """One result as cells of a table."""
    groups = [plain(row.groups[slot]) for slot in slots]
    numbers = [getattr(row, name) for name in NUMBERS]
    return [words.iso(date_of(row.start)), plain(row.created_by), *groups, *numbers]
