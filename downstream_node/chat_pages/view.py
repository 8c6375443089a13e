"""From answers of the archive to what templates show. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from downstream_node.chat_pages import choice as choices
from downstream_node.chat_pages.choice import Choice
from downstream_node.chat_pages.content import visible
from downstream_node.chat_pages.timeline import HEIGHT, timeline
from downstream_node.chats import language
from downstream_node.chats.answers import ChannelView, Facets, FacetValue, Found, Month, Term
from downstream_node.dashboard import charts, words

BAR = 60.0
"""Width of the longest bar beside a facet."""
AROUND = 24
"""Characters of a search that are shown before and after the place of an error."""


@dataclass(frozen=True, slots=True)
class Chip:
    """One term as it was understood; *query* is the address without it."""

    told: str
    query: str
    unknown: bool


@dataclass(frozen=True, slots=True)
class Facet:
    """One value to narrow by; *chosen*: it is, and *query* takes it off."""

    name: str
    count: int
    bar: float
    query: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class MonthColumn:
    """One column of the timeline; *query* "" leads nowhere.

    *back* is what a pointer can hit, as high as the chart.
    """

    shape: charts.Column
    back: charts.Column
    told: str
    query: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class Months:
    """The timeline; *everything* leads to all of it, if the search says a date."""

    columns: tuple[MonthColumn, ...]
    told: str
    first: str
    last: str
    everything: str | None
    width: float


@dataclass(frozen=True, slots=True)
class OrderLink:
    """One order of the list."""

    name: str
    query: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a search: a sentence, and the place, with what stands around it."""

    told: str
    position: int | None = None
    before: str = ""
    wrong: str = ""
    after: str = ""


def chips(choice: Choice, terms: Sequence[Term]) -> list[Chip]:
    """What was understood, term by term, as far as terms can be taken off."""
    return [
        Chip(
            told=words.chats.term(term.kind, visible(term.value), negated=term.negated),
            query=choice.searching(language.without(choice.text, term.start)).query(),
            unknown=not term.known,
        )
        for term in terms
    ]


def orders(choice: Choice) -> list[OrderLink]:
    """The orders that there are: without something to search for, none is better than another."""
    possible = (
        choices.ORDERS if choice.text else [one for one in choices.ORDERS if one != "relevance"]
    )
    return [
        OrderLink(words.chats.ORDERS[order], choice.ordered(order).query(), order == choice.order)
        for order in possible
    ]


def channels(choice: Choice, found: Facets, terms: Sequence[Term]) -> list[Facet]:
    """Channels to narrow by."""
    named = [(words.chats.channel(visible(one.name)), one) for one in found.channels]
    return facets(choice, named, terms, "in")


def authors(choice: Choice, found: Facets, terms: Sequence[Term]) -> list[Facet]:
    """Authors to narrow by."""
    named = [(visible(one.name), one) for one in found.authors]
    return facets(choice, named, terms, "from")


def facets(
    choice: Choice, named: Sequence[tuple[str, FacetValue]], terms: Sequence[Term], kind: str
) -> list[Facet]:
    """Values to narrow by, each with its bar."""
    most = max((one.count for _, one in named), default=1)
    # One value that remains of a search by it has nothing to narrow: it is taken off instead.
    chosen = [term for term in terms if term.kind == kind and not term.negated]
    off = len(named) == 1 and len(chosen) == 1
    return [
        Facet(
            name=name,
            count=one.count,
            bar=round(max(2.0, BAR * one.count / most), 1),
            query=choice.searching(
                language.without(choice.text, chosen[0].start)
                if off
                else language.narrowed(choice.text, one.term)
            ).query(),
            chosen=off,
        )
        for name, one in named
    ]


AllMonths = Sequence[Month] | None
"""The months of a search without its dates; None: it says none."""


def months(
    choice: Choice, terms: Sequence[Term], all_months: AllMonths, within: Sequence[Month]
) -> Months | None:
    """The timeline; a click on a column replaces what the search says of dates.

    *within* are the months of the search as it is.
    """
    drawn = timeline(within if all_months is None else all_months)
    if drawn is None:
        return None
    text = choices.without_dates(choice.text)
    dated = is_dated(terms)
    left = {(one.year, one.month) for one in within} | {(one.year, None) for one in within}
    columns = tuple(
        MonthColumn(
            shape=shape,
            back=charts.Column(shape.x, 0, shape.width, HEIGHT, None),
            told=words.chats.column(period.year, period.month, period.count),
            query=choice.searching(language.narrowed(text, period.term)).query()
            if period.term
            else "",
            chosen=dated and (period.year, period.month) in left,
        )
        for period, shape in zip(drawn.periods, drawn.columns, strict=True)
    )
    first, last = drawn.periods[0], drawn.periods[-1]
    by_year = first.month is None
    return Months(
        columns=columns,
        told=words.chats.MESSAGES_PER_YEAR if by_year else words.chats.MESSAGES_PER_MONTH,
        first=words.chats.month(first.year, first.month),
        last=words.chats.month(last.year, last.month),
        everything=choice.searching(text).query() if dated else None,
        width=drawn.width,
    )


def is_dated(terms: Sequence[Term]) -> bool:
    """Whether a search says a date."""
    return any(term.kind in language.DATED for term in terms)


@dataclass(frozen=True, slots=True)
class ChannelChoice:
    """A channel in the form."""

    value: str
    label: str


def channel_choices(found: Sequence[ChannelView]) -> list[ChannelChoice]:
    """Channels to choose from; with their servers, if there are several of these."""
    several = len({one.guild for one in found}) > 1
    return [
        ChannelChoice(
            value=one.term,
            label=words.chats.channel(visible(one.name))
            + (f" · {visible(one.guild_name)}" if several else ""),
        )
        for one in found
    ]


def unknown_names(found: Found) -> list[str]:
    """Names in the search that are nobody's and no channel's."""
    return [visible(term.value) for term in found.terms if not term.known]


def problem(text: str, told: str, position: int | None) -> Problem:
    """What is wrong with *text*, at the character *position*."""
    if position is None or not 0 <= position <= len(text):
        return Problem(told)
    begin = max(0, position - AROUND)
    return Problem(
        told=told,
        position=position + 1,
        before=("…" if begin else "") + text[begin:position],
        wrong=text[position : position + 1],
        after=text[position + 1 : position + 1 + AROUND],
    )
