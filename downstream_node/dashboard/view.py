"""From the status of the network to what templates show: charts, rows, columns. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from downstream_node.dashboard import charts, words
from downstream_node.dashboard.choice import DESCENDING, ROWS, TEXTS, Choice
from downstream_node.status.reports import Bar, Day, FarmerSummary, HistoryPoint

HOURS = 48
"""Of the small charts."""
SPARK_WIDTH, SPARK_HEIGHT = 220.0, 48.0
ROW_WIDTH, ROW_HEIGHT = 190.0, 22.0
WIDE, BARS_HEIGHT, COLUMNS_HEIGHT = 1080.0, 44.0, 90.0


@dataclass(frozen=True, slots=True)
class Trends:
    """The small charts of the first page, each with its text; None where there is no chart yet."""

    online: charts.Area | None
    online_text: str
    size: charts.Area | None
    size_text: str
    contracts: charts.Area | None
    contracts_text: str
    heartbeats: list[charts.Column]
    heartbeat_titles: list[str]
    heartbeats_text: str
    caption: str


def trends(points: Sequence[HistoryPoint]) -> Trends:
    """The small charts over *points*, one an hour."""

    def line(values: list[float]) -> charts.Area | None:
        return charts.area(values, SPARK_WIDTH, SPARK_HEIGHT)

    def text(what: str, values: list[str]) -> str:
        return words.trend(what, values, HOURS)

    page = words.front

    beats = [words.heartbeats(point.heartbeats) for point in points]
    heights = [float(point.heartbeats) for point in points] if len(points) > 1 else []
    return Trends(
        online=line([point.online for point in points]),
        online_text=text(
            words.front.FARMERS_ONLINE, [words.decimal(point.online) for point in points]
        ),
        size=line([float(point.size) for point in points]),
        size_text=text(page.DATA_HELD, [words.size(point.size) for point in points]),
        contracts=line([float(point.contracts) for point in points]),
        contracts_text=text(
            words.front.CONTRACTS, [words.number(point.contracts) for point in points]
        ),
        heartbeats=charts.columns(heights, SPARK_WIDTH, SPARK_HEIGHT, 1.5),
        heartbeat_titles=[
            f"{words.moment(point.begin)}: {beat}"
            for point, beat in zip(points, beats, strict=True)
        ],
        heartbeats_text=text(page.HEARTBEATS_BY_HOUR, beats),
        caption=words.trend_caption(HOURS),
    )


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the list of farmers."""

    farmer: FarmerSummary
    bars: list[charts.BarShape]
    titles: list[str]
    summary: str


def rows(farmers: Sequence[FarmerSummary], bars: Mapping[str, Sequence[Bar]]) -> list[Row]:
    """The lines of *farmers*; one that left between the two questions has no bars."""
    return [row(farmer, bars.get(farmer.id, ())) for farmer in farmers]


def row(farmer: FarmerSummary, bars: Sequence[Bar]) -> Row:
    """The line of *farmer*."""
    states = [charts.bar_state(bar.uptime, bar.node_down) for bar in bars]
    return Row(
        farmer=farmer,
        bars=charts.bars(states, ROW_WIDTH, ROW_HEIGHT, 2),
        titles=[words.bar(bar) for bar in bars],
        summary=words.bars_summary(states, words.front.HOURS),
    )


@dataclass(frozen=True, slots=True)
class Heading:
    """The heading of one column; *sorted* is the value of aria-sort, "" if it is not sorted."""

    sort: str
    label: str
    kind: str
    sorted: str
    query: str


def headings(choice: Choice) -> list[Heading]:
    """The headings of the list, each leading to the list sorted by it."""
    now = "descending" if choice.order == DESCENDING else "ascending"
    return [
        Heading(
            sort=name,
            label=label,
            kind="" if name in (*TEXTS, "state") else "num",
            sorted=now if name == choice.sort else "",
            query=choice.sorted_by(name).query(),
        )
        for name, label in words.front.COLUMNS.items()
    ]


@dataclass(frozen=True, slots=True)
class Pages:
    """Where to go from one page of a list: queries of addresses, None where it ends."""

    back: str | None
    on: str | None
    text: str


def pages(choice: Choice, total: int) -> Pages:
    """The pages around the one of *choice*, in a list of *total* farmers."""
    last = max(1, -(-total // ROWS))
    back = choice.at_page(min(choice.page - 1, last)).query() if choice.page > 1 else None
    on = choice.at_page(choice.page + 1).query() if choice.page < last else None
    return Pages(back, on, words.page_of(choice.page, last))


def failure_pages(page: int, *, more: bool) -> Pages:
    """The pages around *page* of failures; *more*: there is one after it."""
    back = f"page={page - 1}" if page > 1 else None
    on = f"page={page + 1}" if more else None
    return Pages(back, on, words.page_number(page))


@dataclass(frozen=True, slots=True)
class Days:
    """The last days of one farmer as charts."""

    bars: list[charts.BarShape]
    titles: list[str]
    summary: str
    columns: list[charts.Column]
    column_titles: list[str]
    columns_text: str
    first: str


def days(found: Sequence[Day]) -> Days:
    """The charts of *found*, oldest first."""
    states = [charts.bar_state(day.uptime, day.node_down) for day in found]
    beats = [day.heartbeats for day in found]
    return Days(
        bars=charts.bars(states, WIDE, BARS_HEIGHT, 3),
        titles=[words.day_bar(day) for day in found],
        summary=words.bars_summary(states, words.farmer.DAYS),
        columns=charts.columns(beats, WIDE, COLUMNS_HEIGHT, 3),
        column_titles=[
            f"{words.day(day.date)}: {words.heartbeats(day.heartbeats)}" for day in found
        ],
        columns_text=words.heartbeat_days(beats),
        first=words.day(found[0].date) if found else "",
    )


@dataclass(frozen=True, slots=True)
class BadgePart:
    """One half of a badge: a text in the middle of a box."""

    x: float
    width: float
    middle: float
    text: str
    text_width: float


def badge_parts(texts: Sequence[str]) -> list[BadgePart]:
    """The boxes of *texts* side by side, wide enough for a usual font of 11 units."""
    found: list[BadgePart] = []
    x = 0.0
    for text in texts:
        long = round(sum(3.6 if letter in " .|il" else 6.7 for letter in text), 1)
        width = long + 14
        found.append(BadgePart(round(x, 1), width, round(x + width / 2, 1), text, long))
        x += width
    return found
