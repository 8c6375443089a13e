"""One page of a search, in order of time or of relevance."""

from dataclasses import dataclass, replace

import msgspec

from downstream_node.chats import cursors, ranking, scopes
from downstream_node.chats.archive import Archive
from downstream_node.chats.archive import Order as TimeOrder
from downstream_node.chats.cursors import Cursor
from downstream_node.chats.highlighting import Wanted
from downstream_node.chats.places import LARGEST, Place
from downstream_node.chats.query import Between, Condition
from downstream_node.chats.records import Stored

BACK: dict[TimeOrder, TimeOrder] = {"newest": "oldest", "oldest": "newest"}


class Page(msgspec.Struct, frozen=True):
    """Some hits in order, and cursors to what is around them."""

    messages: list[Stored]
    previous: str | None
    next: str | None


class Ranking(msgspec.Struct, frozen=True):
    """The ids of the newest hits, best first, from the place *lowest* to the place *newest*.

    *is_full*: there may be older hits, which follow in order of time.
    """

    ids: list[int]
    lowest: int
    newest: int
    is_full: bool


def ranking_of(
    archive: Archive, condition: Condition, wanted: list[Wanted], newest: int | None = None
) -> Ranking:
    """The newest hits of *condition*, in order of how well they answer *wanted*.

    Of those up to the place *newest*, which is the one that an earlier page began with.
    """
    if newest is not None and newest < LARGEST:
        condition = scopes.within(Between(None, Place(newest + 1)), condition)
    window = archive.page(condition, "newest", ranking.WINDOW)
    order = ranking.ranked([one.content for one in window], wanted)
    places = [one.place for one in window]
    return Ranking(
        ids=[window[n].id for n in order],
        lowest=min(places, default=0),
        newest=max(places, default=0),
        is_full=len(window) == ranking.WINDOW,
    )


@dataclass(frozen=True, slots=True)
class Pager:
    """Pages of one search: *search* is what its cursors belong to.

    *newest*: the place of the newest hit that is ranked, if any are.
    """

    archive: Archive
    condition: Condition
    search: bytes
    limit: int
    newest: int | None = None

    def cursor(self, where: cursors.Where, number: int) -> str:
        """A cursor of this search."""
        return cursors.written(where, number, self.search, self.newest)

    def by_time(self, order: TimeOrder, cursor: Cursor | None) -> Page:
        """A page in order of time."""
        if cursor is not None and cursor.where == "before":
            return self.back(order, Place(cursor.number))
        after = None if cursor is None else Place(cursor.number)
        found = self.archive.page(self.condition, order, self.limit + 1, after)
        shown = found[: self.limit]
        return Page(
            shown,
            previous=self.cursor("before", shown[0].place) if after is not None and shown else None,
            next=self.cursor("after", shown[-1].place) if len(found) > self.limit else None,
        )

    def back(self, order: TimeOrder, before: Place) -> Page:
        """The page that ends before a place."""
        found = self.archive.page(self.condition, BACK[order], self.limit + 1, before)
        shown = found[: self.limit][::-1]
        return Page(
            shown,
            previous=self.cursor("before", shown[0].place) if len(found) > self.limit else None,
            next=self.cursor("after", shown[-1].place) if shown else None,
        )

    def by_relevance(self, ranked: Ranking, cursor: Cursor | None) -> Page:
        """A page in order of relevance: of those that are ranked, or of the older ones behind."""
        if cursor is not None and cursor.where != "ranked":
            return self.behind(ranked, cursor)
        first = 0 if cursor is None else min(cursor.number, len(ranked.ids))
        beyond = first + self.limit
        return Page(
            self.messages(ranked.ids[first:beyond]),
            previous=self.cursor("ranked", max(0, first - self.limit)) if first else None,
            next=self.after_ranked(ranked, beyond),
        )

    def messages(self, ids: list[int]) -> list[Stored]:
        """The messages with these *ids*, in their order."""
        found = (self.archive.one(one) for one in ids)
        return [one for one in found if one is not None]

    def after_ranked(self, ranked: Ranking, beyond: int) -> str | None:
        """Where a page goes on whose last hit has the number *beyond* less one."""
        if beyond < len(ranked.ids):
            return self.cursor("ranked", beyond)
        older = self.older(ranked)
        if ranked.is_full and older.archive.page(older.condition, "newest", 1):
            return self.cursor("after", ranked.lowest)
        return None

    def behind(self, ranked: Ranking, cursor: Cursor) -> Page:
        """A page of the hits that are too old to be ranked."""
        page = self.older(ranked).by_time("newest", cursor)
        is_first = page.previous is None or (cursor.where, cursor.number) == (
            "after",
            ranked.lowest,
        )
        last = self.cursor("ranked", max(0, len(ranked.ids) - self.limit))
        return msgspec.structs.replace(page, previous=last) if is_first else page

    def older(self, ranked: Ranking) -> "Pager":
        """Pages of the hits that are too old to be ranked."""
        limits = Between(None, Place(ranked.lowest))
        return replace(self, condition=scopes.within(limits, self.condition))
