"""Everything that can be asked of the archive. Each answer is for one asker.

What may be read is a part of each condition, so that pages, counts and facets are right for who
asks, and nothing is left out afterwards. Answers are remembered by the archive's version, the
scope and the search as it is understood.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

import msgspec

from downstream_node import __version__
from downstream_node.chats import cursors, highlighting, language, scopes, tallies, text
from downstream_node.chats.answers import (
    AuthorView,
    ChannelView,
    Facets,
    FacetValue,
    Found,
    Hit,
    Month,
    Order,
    Term,
)
from downstream_node.chats.archive import Archive, Imported
from downstream_node.chats.cursors import Cursor
from downstream_node.chats.feature import Chats
from downstream_node.chats.highlighting import Wanted
from downstream_node.chats.language import Tree
from downstream_node.chats.paging import Page, Pager, Ranking, ranking_of
from downstream_node.chats.query import And, Between, Condition
from downstream_node.chats.records import Author, Channel, Revision, Stored
from downstream_node.chats.resolving import Directory, Names, Understood
from downstream_node.chats.scopes import Asker
from downstream_node.chats.simplifying import simple
from downstream_node.errors import UnknownMessage
from downstream_node.node import Node

NO_MESSAGE = "There is no such message."
MOST_AUTHORS = 5000
"""Authors of a scope among which names are completed: those who wrote most."""
MOST_COUNTED = 20_000
"""Hits of which channels and authors are counted one by one."""
MONTHS = 12
MOST_MONTHS = 2000
"""More than there are places for."""

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Question:
    """One page of a search: what is written, in which order, from where on."""

    text: str
    order: Order = "newest"
    cursor: str | None = None
    limit: int = 25
    total: bool = True
    neighbours: int = 0
    """Messages before and after each hit."""


class Plain(msgspec.Struct, frozen=True):
    """Some messages in order of time, the oldest first, and how many there are in all."""

    messages: list[Stored]
    total: int


class View:
    """The archive as one asker sees it, at one version of it."""

    def __init__(self, node: Node, asker: Asker) -> None:
        self.chats = node.feature(Chats)
        self.archive: Archive = self.chats.archive
        self.asker = asker
        self.version = self.archive.version()
        self.scope = scopes.digest(asker.reads)

    def remembered(
        self, kind: type[Value], question: tuple[object, ...], make: Callable[[], Value]
    ) -> Value:
        """The answer to *question* at this version for this scope, made where it is not known."""
        return self.chats.cache.remembered(kind, (self.version, self.scope, *question), make)

    @cached_property
    def directory(self) -> Directory:
        """The channels that may be read, with their guilds."""
        whole = Directory(self.archive.guilds(), self.archive.channels())
        return whole.within(self.asker.reads)

    @cached_property
    def limits(self) -> Condition:
        """What every message has to meet that is given out."""
        return scopes.condition(self.asker.reads, self.directory.channels)

    @cached_property
    def names(self) -> Names:
        """Names within what may be read."""
        return Names(self.archive, self.directory, self.limits)

    def within(self, wanted: Condition) -> Condition:
        """What is *wanted* of what may be read."""
        return scopes.within(self.limits, wanted)

    def message(self, message_id: int) -> Stored:
        """The message with this id. Raises UnknownMessage."""
        found = self.archive.one(message_id)
        if found is None or not self.asker.reads.holds(found.guild, found.channel):
            raise UnknownMessage(NO_MESSAGE)
        return found


# Pages


def search(node: Node, asker: Asker, question: Question) -> Found:
    """One page of what *question* finds. Raises InvalidSearch, InvalidRequest (the cursor)."""
    tree = language.read(question.text)
    canonical = language.written(tree)
    belongs = cursors.search_of(question.order, canonical)
    cursor = None if question.cursor is None else cursors.read(question.cursor, belongs)
    view = View(node, asker)

    def make() -> Found:
        understood = Understood(tree, view.names)
        wanted = wanted_by(understood)
        condition = view.within(understood.condition)
        ranked = None
        # Without words there is nothing to be relevant to.
        if question.order == "relevance" and wanted:
            ranked = ranked_for(view, canonical, condition, wanted, cursor)
        newest = None if ranked is None else ranked.newest
        pager = Pager(view.archive, condition, belongs, question.limit, newest)
        page = page_of(pager, question.order, cursor, ranked)
        return Found(
            hits=[hit(view, one, wanted, question.neighbours) for one in page.messages],
            total=count(view, canonical, condition) if question.total else None,
            previous=page.previous,
            next=page.next,
            ranked=None if ranked is None else len(ranked.ids),
            terms=understood.terms(),
        )

    asked = (question.order, question.cursor, question.limit, question.total, question.neighbours)
    found = view.remembered(Found, ("search", canonical, *asked), make)
    return msgspec.structs.replace(found, terms=placed(found.terms, tree))


def page_of(pager: Pager, order: Order, cursor: Cursor | None, ranked: Ranking | None) -> Page:
    """The page at *cursor*. Without a *ranked* window, relevance is the order of time."""
    if ranked is not None:
        return pager.by_relevance(ranked, cursor)
    return pager.by_time("oldest" if order == "oldest" else "newest", cursor)


def placed(terms: list[Term], tree: Tree | None) -> list[Term]:
    """*terms* where they stand in the text of *tree*, which may be written in another way."""
    places = [term for term, _ in language.terms(tree)]
    return [
        msgspec.structs.replace(term, start=place.start, end=place.end)
        for term, place in zip(terms, places, strict=True)
    ]


def wanted_by(understood: Understood) -> list[Wanted]:
    """The words, phrases and substrings of a search, each once."""
    return list(dict.fromkeys(language.to_highlight(understood.condition)))


def ranked_for(
    view: View,
    canonical: str,
    condition: Condition,
    wanted: list[Wanted],
    cursor: Cursor | None,
) -> Ranking:
    """The order of relevance; with a *cursor*, without what is newer than its first page."""
    ranked = view.remembered(
        Ranking, ("ranking", canonical), lambda: ranking_of(view.archive, condition, wanted)
    )
    newest = None if cursor is None else cursor.newest
    if newest is None or ranked.newest <= newest:
        return ranked
    return view.remembered(
        Ranking,
        ("ranking", canonical, newest),
        lambda: ranking_of(view.archive, condition, wanted, newest),
    )


def hit(view: View, message: Stored, wanted: list[Wanted], neighbours: int) -> Hit:
    """*message* with what to highlight in it, and its neighbours."""
    before: list[Stored] = []
    after: list[Stored] = []
    if neighbours:
        beside = view.archive.around(message.place, message.channel, neighbours, neighbours)
        before = [one for one in beside if one.place < message.place]
        after = [one for one in beside if one.place > message.place]
    return Hit(message, highlighting.spans(message.content, wanted), before, after)


def count(view: View, canonical: str, condition: Condition) -> int:
    """How many messages meet *condition*, which is that of the search *canonical*."""
    return view.remembered(int, ("count", canonical), lambda: view.archive.count(condition))


def listed(node: Node, asker: Asker, wanted: Condition, skip: int, limit: int) -> Plain:
    """At most *limit* messages that are *wanted*, the oldest first, less the first *skip*."""
    view = View(node, asker)
    condition = view.within(wanted)

    def make() -> Plain:
        total = view.remembered(
            int, ("count of", repr_of(wanted)), lambda: view.archive.count(condition)
        )
        if skip >= total:
            return Plain([], total)
        return Plain(view.archive.page(condition, "oldest", limit, skip=skip), total)

    return view.remembered(Plain, ("listed", repr_of(wanted), skip, limit), make)


def repr_of(wanted: Condition) -> str:
    """A text that stands for *wanted*, which contains no sets: their order changes."""
    return repr(wanted)


# Facets


def facets(node: Node, asker: Asker, text: str, limit: int = 10) -> Facets:
    """What the hits of *text* can be narrowed by; *limit* channels and authors, all months."""
    tree = language.read(text)
    view = View(node, asker)

    canonical = language.written(tree)

    def make() -> Facets:
        condition = view.within(Understood(tree, view.names).condition)
        newest = newest_of(view, canonical, condition)
        return Facets(
            channels=by_channel(view, newest or condition, limit),
            authors=by_author(view, newest or condition, limit),
            months=by_month(view, condition),
            counted=MOST_COUNTED if newest else None,
        )

    return view.remembered(Facets, ("facets", canonical, limit), make)


def newest_of(view: View, canonical: str, condition: Condition) -> Condition | None:
    """The newest MOST_COUNTED hits of the search *canonical*, which means *condition*.

    None if it has no more, or if an archive knows the numbers without looking at messages.
    """
    if tallies.clause(simple(condition)) or count(view, canonical, condition) <= MOST_COUNTED:
        return None
    last = view.archive.page(condition, "newest", 1, skip=MOST_COUNTED - 1)
    return And((condition, Between(first=last[0].place))) if last else None


def timeline(node: Node, asker: Asker, text: str) -> list[Month]:
    """The months with hits of *text*, in order."""
    tree = language.read(text)
    view = View(node, asker)

    def make() -> list[Month]:
        return by_month(view, view.within(Understood(tree, view.names).condition))

    return view.remembered(list[Month], ("timeline", language.written(tree)), make)


def by_channel(view: View, condition: Condition, limit: int) -> list[FacetValue]:
    """The channels with most hits."""
    known = {one.id: one for one in view.directory.channels}
    groups = view.archive.facet(condition, "channel", limit)
    # One that an import has just brought is not in the directory; it has a page soon.
    found = [(known[group.key], group.count) for group in groups if group.key in known]
    return [
        FacetValue(channel.id, channel.name, hits, channel_term(view, channel))
        for channel, hits in found
    ]


def by_author(view: View, condition: Condition, limit: int) -> list[FacetValue]:
    """The authors with most hits."""
    groups = view.archive.facet(condition, "author", limit)
    known = {one.id: one for one in view.archive.authors([group.key for group in groups])}
    authors = [known.get(group.key, Author(group.key, str(group.key))) for group in groups]
    return [
        FacetValue(author.id, shown(author), group.count, author_term(view, author))
        for group, author in zip(groups, authors, strict=True)
    ]


def by_month(view: View, condition: Condition) -> list[Month]:
    """The months with hits, in order."""
    months = []
    for group in view.archive.facet(condition, "month", MOST_MONTHS):
        year, month = group.key // MONTHS, group.key % MONTHS + 1
        term = language.quoted("during", f"{year:04}-{month:02}")
        months.append(Month(year, month, group.count, term))
    return months


def shown(author: Author) -> str:
    """The name by which *author* is shown."""
    return author.nickname or author.name


def channel_term(view: View, channel: Channel) -> str:
    """The term that narrows to *channel*: its name, or its id where others have that name."""
    alone = [one.id for one in view.directory.named(channel.name)] == [channel.id]
    return language.quoted("in", channel.name if alone and channel.name else str(channel.id))


def author_term(view: View, author: Author) -> str:
    """The term that narrows to *author*: the name, or the id where others have that name."""
    others = [one.id for one in view.archive.authors_named(author.name) if one.id != author.id]
    ambiguous = not author.name or (bool(others) and view.names.write(others))
    return language.quoted("from", str(author.id) if ambiguous else author.name)


# One message


def message(node: Node, asker: Asker, message_id: int) -> Stored:
    """The message with this id. Raises UnknownMessage."""
    return View(node, asker).message(message_id)


def around(node: Node, asker: Asker, message_id: int, before: int, after: int) -> list[Stored]:
    """That message among its neighbours in the channel, in order of time. Raises UnknownMessage."""
    view = View(node, asker)
    found = view.message(message_id)
    return view.archive.around(found.place, found.channel, before, after)


def revisions(node: Node, asker: Asker, message_id: int) -> list[Revision]:
    """What that message said before, oldest first. Raises UnknownMessage."""
    view = View(node, asker)
    return view.archive.revisions(view.message(message_id).place)


# What there is


def channels(node: Node, asker: Asker) -> list[ChannelView]:
    """All channels that may be read, by guild and name."""
    view = View(node, asker)
    guilds = {one.id: one.name for one in view.directory.guilds}
    return [
        ChannelView(
            id=one.id,
            name=one.name,
            kind=one.kind,
            category=one.category,
            topic=one.topic,
            guild=one.guild,
            guild_name=guilds.get(one.guild, str(one.guild)),
            term=channel_term(view, one),
        )
        for one in view.directory.channels
    ]


def authors(node: Node, asker: Asker, beginning: str, limit: int) -> list[AuthorView]:
    """Authors in what may be read whose name or nickname begins like this."""
    view = View(node, asker)
    if asker.reads.everything:
        found = view.archive.authors_like(beginning, limit)
    else:
        begins = text.fold(beginning)
        found = [
            one
            for one in known_authors(view)
            if text.fold(one.name).startswith(begins)
            or text.fold(one.nickname or "").startswith(begins)
        ][:limit]
    return [
        AuthorView(one.id, one.name, one.nickname, one.bot, author_term(view, one)) for one in found
    ]


def known_authors(view: View) -> list[Author]:
    """Who wrote what may be read, most first: who wrote elsewhere only is not among them."""

    def make() -> list[Author]:
        groups = view.archive.facet(view.limits, "author", MOST_AUTHORS)
        known = {one.id: one for one in view.archive.authors([group.key for group in groups])}
        return [known[group.key] for group in groups if group.key in known]

    return view.remembered(list[Author], ("authors",), make)


def imports(node: Node, asker: Asker, limit: int) -> list[Imported]:
    """The last imports into channels that *asker* may import into, the latest first."""
    archive = node.feature(Chats).archive
    if asker.imports.everything:
        return archive.imports(limit)
    opened = scopes.readable(asker.imports, archive.channels())
    return archive.imports(limit, [one.id for one in opened])


def version(node: Node, asker: Asker) -> str:
    """Another text whenever any answer for *asker* may be another."""
    view = View(node, asker)
    return cursors.search_of(__version__, view.version, view.scope).hex()
