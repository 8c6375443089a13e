"""Names that people write in a search, as marks: against the archive, within what they may read."""

from collections.abc import Iterable, Sequence

import msgspec

from downstream_node.chats import language, marks, scopes, text
from downstream_node.chats.answers import Term
from downstream_node.chats.archive import Archive
from downstream_node.chats.language import Tree
from downstream_node.chats.query import Condition, Everything, Marked
from downstream_node.chats.records import Channel, Guild


class Directory(msgspec.Struct, frozen=True):
    """Some channels and their guilds."""

    guilds: list[Guild]
    channels: list[Channel]

    def within(self, scope: scopes.Scope) -> "Directory":
        """What *scope* opens of it."""
        opened = scopes.readable(scope, self.channels)
        known = {one.guild for one in opened}
        return Directory([one for one in self.guilds if one.id in known], opened)

    def named(self, value: str) -> list[Channel]:
        """The channels that *value* names: by name, with # or without, by id, or by their guild."""
        wanted = {text.fold(value), text.fold(value.removeprefix("#"))}
        guilds = {one.id for one in self.guilds if text.fold(one.name) in wanted}
        return [
            one
            for one in self.channels
            if text.fold(one.name) in wanted
            or one.guild in guilds
            or value in (str(one.id), str(one.guild))
        ]


class Names:
    """Finds names for who may read what meets *limits*, in the channels of *directory*."""

    def __init__(self, archive: Archive, directory: Directory, limits: Condition) -> None:
        self.archive = archive
        self.directory = directory
        self.limits = limits

    def resolve(self, term: language.Term) -> frozenset[str]:
        """The marks that stand for the name of *term*: none if it is nobody's."""
        if term.kind == "in":
            return frozenset(marks.within(one.id) for one in self.directory.named(term.value))
        ids = [one.id for one in self.archive.authors_named(term.value.removeprefix("@"))]
        if not self.are_seen(ids):
            return frozenset()
        mark = marks.by if term.kind == "from" else marks.mentions
        return frozenset(map(mark, ids))

    def are_seen(self, ids: Sequence[int]) -> bool:
        """Whether anybody of *ids* wrote, or is mentioned in, anything that may be read.

        What nobody may know of must not be told apart from what is not there.
        """
        if isinstance(self.limits, Everything) or not ids:
            return bool(ids)
        traces = Marked(frozenset(mark(one) for one in ids for mark in (marks.by, marks.mentions)))
        return self.archive.count(scopes.within(self.limits, traces)) > 0

    def write(self, ids: Iterable[int]) -> bool:
        """Whether anybody of *ids* wrote anything that may be read."""
        written = Marked(frozenset(map(marks.by, ids)))
        return self.archive.count(scopes.within(self.limits, written)) > 0


class Understood:
    """A search with its names resolved, each once."""

    def __init__(self, tree: Tree | None, names: Names) -> None:
        self.found: dict[language.Term, frozenset[str]] = {}
        self.names = names
        self.tree = tree
        self.condition = language.condition(tree, self.resolve)

    def resolve(self, term: language.Term) -> frozenset[str]:
        """The marks for the name of *term*."""
        if term not in self.found:
            self.found[term] = self.names.resolve(term)
        return self.found[term]

    def terms(self) -> list[Term]:
        """All terms, as answers tell them."""
        return [
            Term(
                kind=term.kind,
                value=term.value,
                start=term.start,
                end=term.end,
                negated=negated,
                known=bool(self.found.get(term, True)),
            )
            for term, negated in language.terms(self.tree)
        ]
