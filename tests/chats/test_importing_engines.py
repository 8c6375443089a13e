"""What imports leave in an archive, on every engine."""

from itertools import permutations

import msgspec
import pytest
from chats.archives import NOW, bring
from chats.generated import EXPORTED, START, Chats, Generator, changed, chats, message
from chats.reference import Reference

from downstream_node.chats import marks
from downstream_node.chats.archive import Archive, Facet, Group
from downstream_node.chats.places import LARGEST, Place, first_place
from downstream_node.chats.query import Condition, Contains, Everything, Marked, Words
from downstream_node.chats.records import Author, Channel, Counts, Guild, Message, Revision
from downstream_node.errors import InvalidExport

ALL = (Place(-LARGEST), Place(LARGEST))
DELETED = Marked(frozenset({marks.is_("deleted")}))
FIRST = first_place(START)
LATER = EXPORTED + 1000
FACETS: tuple[Facet, ...] = ("channel", "author", "month")


@pytest.fixture
def few() -> Chats:
    """Two channels of one guild, and nothing in them."""
    guild = Guild(1, "Guild")
    rooms = [Channel(11, 1, "one"), Channel(12, 1, "two")]
    return Chats([guild], rooms, [Author(1, "ada", "The Countess")], [])


def said(number: int, text: str, channel: int = 11) -> Message:
    """A message by ada."""
    return message(FIRST + (number << 22), text, channel)


def contents(archive: Archive, condition: Condition) -> list[str]:
    """What the messages say that meet *condition*, oldest first."""
    return [found.content for found in archive.page(condition, "oldest", 1000)]


def word(text: str) -> Words:
    """The word *text*."""
    return Words((text,))


def test_counts_of_a_first_import(archive: Archive, few: Chats) -> None:
    """All are new; the version is another one."""
    before = archive.version()
    assert bring(archive, few, [said(1, "a"), said(2, "b")]) == Counts(new=2)
    assert archive.version() != before


def test_importing_again_changes_nothing(archive: Archive, few: Chats) -> None:
    """Neither the messages nor the version."""
    messages = [said(1, "a"), said(2, "b")]
    bring(archive, few, messages)
    before = archive.version()
    assert bring(archive, few, messages) == Counts(unchanged=2)
    assert archive.version() == before
    assert contents(archive, Everything()) == ["a", "b"]


def test_an_edit_replaces_the_text(archive: Archive, few: Chats) -> None:
    """The new text is found, the old one is not, and is kept as a revision."""
    old = said(1, "tea please")
    bring(archive, few, [old])
    new = changed(old, "coffee please", START + 5)
    assert bring(archive, few, [new], exported=LATER) == Counts(changed=1)
    assert contents(archive, word("coffe")) == ["coffee please"]
    assert contents(archive, word("tea")) == contents(archive, Contains("tea")) == []
    assert contents(archive, Contains("ea")) == ["coffee please"]
    assert archive.revisions(old.place) == [Revision("tea please", None, LATER)]
    assert archive.page(Everything(), "newest", 1)[0].revisions == 1
    assert contents(archive, Marked(frozenset({marks.is_("edited")}))) == ["coffee please"]


def test_order_of_exports_does_not_matter(archive: Archive, few: Chats) -> None:
    """The latest edit is what is stored, and the earlier texts are revisions, oldest first."""
    first = said(1, "one")
    edits = [first, changed(first, "two", START + 5), changed(first, "three", START + 9)]
    for number, order in enumerate(permutations(range(3))):
        moved = [changed(said(number, "x"), edits[n].content, edits[n].edited) for n in order]
        for n, edit in zip(order, moved, strict=True):
            bring(archive, few, [edit], exported=EXPORTED + n)
        found = archive.page(Everything(), "newest", 1)[0]
        assert (found.content, found.revisions) == ("three", 2)
        assert [old.content for old in archive.revisions(found.place)] == ["one", "two"]


def test_an_older_export_is_counted_as_that(archive: Archive, few: Chats) -> None:
    """Its text is a revision, once."""
    old = said(1, "tea")
    bring(archive, few, [changed(old, "coffee", START + 5)])
    for _ in range(2):
        assert bring(archive, few, [old], exported=EXPORTED - 5) == Counts(older=1)
    assert archive.revisions(old.place) == [Revision("tea", None, EXPORTED)]
    assert contents(archive, word("tea")) == []


def test_other_things_than_text_change_without_a_revision(archive: Archive, few: Chats) -> None:
    """A pin, a reaction."""
    bring(archive, few, [said(1, "a")])
    pinned = message(said(1, "a").place, "a", 11, more=[marks.is_("pinned")])
    assert bring(archive, few, [pinned], exported=LATER) == Counts(changed=1)
    (found,) = archive.page(Marked(frozenset({marks.is_("pinned")})), "newest", 5)
    assert (found.pinned, found.revisions) == (True, 0)


def test_an_author_can_change(archive: Archive, few: Chats) -> None:
    """A later export may tell another one; counts and facets follow."""
    bring(archive, few, [said(1, "a"), said(2, "b")])
    place = FIRST + (1 << 22)
    other = message(place, "edited", 11, 2, edited=EXPORTED)
    assert bring(archive, few, [other], exported=LATER) == Counts(changed=1)
    right = Reference([other, said(2, "b")])
    for condition in (Everything(), Marked(frozenset({marks.by(1)}))):
        assert archive.count(condition) == right.count(condition)
        for by in FACETS:
            assert archive.facet(condition, by, 9) == right.facet(condition, by, 9)
    bring(archive, few, [other], exported=LATER)
    assert archive.facet(Marked(frozenset({marks.by(2)})), "author", 9) == [Group(2, 1)]


def test_one_message_twice_in_a_file(archive: Archive, few: Chats) -> None:
    """The second one is seen beside the first, in one batch or in two."""
    for number, batch in enumerate((1, 10)):
        old = said(number, "tea")
        messages = [old, changed(old, "coffee", START + 5), old, changed(old, "milk", None)]
        counts = bring(archive, few, messages, batch=batch)
        assert counts == Counts(new=1, changed=1, older=2)
        texts = [revision.content for revision in archive.revisions(old.place)]
        assert sorted(texts) == ["milk", "tea"]


def test_another_channel_cannot_take_a_message(archive: Archive, few: Chats) -> None:
    """It counts as broken, and nothing has changed."""
    bring(archive, few, [said(1, "a")])
    assert bring(archive, few, [said(1, "b", channel=12)], channel=1) == Counts(broken=1)
    assert contents(archive, Everything()) == ["a"]


def test_missing_messages_are_deleted(archive: Archive, few: Chats) -> None:
    """Within the time that the export covers, and only in its channel."""
    bring(archive, few, [said(n, f"m{n}") for n in range(5)])
    bring(archive, few, [said(9, "other", channel=12)], channel=1)
    covered = (Place(said(1, "").place), Place(said(4, "").place))
    kept = [said(2, "m2"), said(7, "m7")]
    counts = bring(archive, few, kept, exported=LATER, missing=covered)
    assert counts == Counts(new=1, unchanged=1, deleted=2)
    assert contents(archive, DELETED) == ["m1", "m3"]
    assert [m.deleted for m in archive.page(Everything(), "oldest", 4)] == [0, 1, 0, 1]
    again = bring(archive, few, kept, exported=LATER + 1, missing=covered)
    assert again == Counts(unchanged=2)


def test_an_older_export_deletes_nothing(archive: Archive, few: Chats) -> None:
    """It could not have the message yet."""
    bring(archive, few, [said(1, "a")])
    assert bring(archive, few, [], exported=EXPORTED - 1, missing=ALL) == Counts()
    assert contents(archive, DELETED) == []


def test_a_message_comes_back(archive: Archive, few: Chats) -> None:
    """In a later export; in one from before the deletion it does not."""
    bring(archive, few, [said(1, "a")])
    bring(archive, few, [], exported=LATER, missing=ALL)
    assert bring(archive, few, [said(1, "a")]) == Counts(unchanged=1)
    assert contents(archive, DELETED) == ["a"]
    counts = bring(archive, few, [said(1, "a")], exported=LATER + 1, now=LATER + 1)
    assert counts == Counts(unchanged=1, restored=1)
    assert contents(archive, DELETED) == []
    assert not archive.page(Everything(), "newest", 1)[0].deleted


def fail(archive: Archive, chats: Chats) -> None:
    """Begin to import into the second channel, and fail."""
    with archive.writing(chats.export(1), bytes(32), "x", NOW) as writing:
        writing.add([said(n, "b", channel=12) for n in range(5000)])
        raise ZeroDivisionError


def test_a_failed_import_leaves_nothing(archive: Archive, few: Chats, engine: str) -> None:
    """Neither what it stored nor its channel; the next one is not disturbed."""
    if engine.startswith("elastic"):
        pytest.skip("It has no transactions: test_elastic.py says what an interruption leaves.")
    bring(archive, few, [said(1, "a")])
    before = archive.version()
    with pytest.raises(ZeroDivisionError):
        fail(archive, few)
    assert contents(archive, Everything()) == ["a"]
    assert [channel.id for channel in archive.channels()] == [11]
    assert archive.version() == before
    assert bring(archive, few, [said(2, "c")]) == Counts(new=1)


def test_an_unfinished_import_leaves_nothing(archive: Archive, few: Chats) -> None:
    """The block ended, but `finish` was not called."""
    with archive.writing(few.export(0), bytes(32), "x", NOW) as writing:
        writing.add([said(1, "a")])
    assert archive.count(Everything()) == 0
    assert archive.imports(5) == []


def test_nothing_is_seen_before_the_end(archive: Archive, few: Chats) -> None:
    """Readers see the old state, and do not wait."""
    bring(archive, few, [said(1, "a")])
    with archive.writing(few.export(0), bytes(32), "x", NOW) as writing:
        writing.add([said(n, "b") for n in range(2, 5000)])
        assert contents(archive, Everything()) == ["a"]
        writing.finish(3)
    assert archive.count(Everything()) == 4999
    assert archive.imports(1)[0].counts == Counts(new=4998, broken=3)


def test_a_channel_stays_in_its_guild(archive: Archive, few: Chats) -> None:
    """An export that says otherwise is refused."""
    bring(archive, few, [said(1, "a")])
    moved = few._replace(guilds=[Guild(2, "Other")], channels=[Channel(11, 2, "one")])
    with pytest.raises(InvalidExport, match="of guild 1 in the archive"):
        bring(archive, moved, [said(2, "b")])
    assert [guild.id for guild in archive.guilds()] == [1]


def test_names_are_of_the_latest_export(archive: Archive, few: Chats) -> None:
    """Of authors, channels and guilds."""
    bring(archive, few, [said(1, "a")])
    names = ("new", "old")
    for name, exported in zip(names, (LATER, EXPORTED - 5), strict=True):
        renamed = Chats([Guild(1, name)], [Channel(11, 1, name, topic=name)], [Author(1, name)], [])
        bring(archive, renamed, [], exported=exported)
    assert archive.guilds() == [Guild(1, "new")]
    assert archive.channels() == [Channel(11, 1, "new", topic="new")]
    assert archive.authors([1, 2]) == [Author(1, "new")]
    assert archive.page(Everything(), "newest", 1)[0].author == Author(1, "new")


def test_a_guild_keeps_its_name(archive: Archive, few: Chats) -> None:
    """From an export that may not name it; a new one has to have some name."""
    for name, may, known in (
        ("first", False, "first"),
        ("second", False, "first"),
        ("third", True, "third"),
    ):
        export = few.export(0)
        guild = msgspec.structs.replace(export.guild, name=name)
        export = msgspec.structs.replace(export, guild=guild, names_guild=may)
        with archive.writing(export, bytes(32), "x", NOW) as writing:
            writing.finish(0)
        assert [one.name for one in archive.guilds()] == [known]


def test_an_export_from_the_future_freezes_nothing(archive: Archive, few: Chats) -> None:
    """It counts as made when it came, so one that comes after it wins."""
    bring(archive, few, [said(1, "squat")], exported=1 << 50)
    assert bring(archive, few, [said(1, "right")], exported=NOW + 1, now=NOW + 1).changed == 1
    assert contents(archive, Everything()) == ["right"]


def test_authors_are_found_by_name(archive: Archive, few: Chats) -> None:
    """By their name or nickname in any case, or by id; wildcards are letters."""
    people = [Author(1, "Ada", "The Countess"), Author(22, "a_a"), Author(3, "\u00c9mile", "ada")]
    bring(archive, few._replace(authors=people), [])
    assert {author.id for author in archive.authors_named("ADA")} == {1, 3}
    assert [author.id for author in archive.authors_named("the countess")] == [1]
    assert [author.id for author in archive.authors_named("22")] == [22]
    assert archive.authors_named("9" * 40) == archive.authors_named("a%") == []
    assert {author.id for author in archive.authors_like("aD", 5)} == {1, 3}
    assert [author.id for author in archive.authors_like("a_", 5)] == [22]
    assert [author.id for author in archive.authors_like("e\u0301", 5)] == [3]
    assert len(archive.authors_like("", 2)) == 2


def test_one_message_by_id(archive: Archive, few: Chats) -> None:
    """Also where the id is not the place."""
    odd = message(FIRST + 99, "odd", 11, number=7)
    bring(archive, few, [said(1, "a"), odd])
    assert archive.one(7) is not None
    found = archive.one(said(1, "a").id)
    assert found is not None
    assert found.content == "a"
    assert archive.one(FIRST + 99) is archive.one(-1) is archive.one(1 << 70) is None


def test_around_a_message(archive: Archive, few: Chats) -> None:
    """Its neighbours in the channel, in order of time."""
    bring(archive, few, [said(n, f"m{n}") for n in range(0, 20, 2)])
    bring(archive, few, [said(n, "other", channel=12) for n in range(1, 20, 2)], channel=1)
    found = archive.around(Place(said(8, "").place), 11, 2, 3)
    assert [m.content for m in found] == ["m4", "m6", "m8", "m10", "m12", "m14"]
    edge = archive.around(Place(said(0, "").place), 11, 5, 1)
    assert [m.content for m in edge] == ["m0", "m2"]


def test_imports_are_told(archive: Archive, few: Chats) -> None:
    """The latest first, those of some channels."""
    bring(archive, few, [said(1, "a")], exported=None)
    bring(archive, few, [said(2, "b", channel=12)], channel=1)
    last, first = archive.imports(5)
    assert (last.channel, last.exported, last.counts) == (12, EXPORTED, Counts(new=1))
    assert (first.channel, first.exported, first.committed) == (11, None, NOW)
    assert (first.name, first.sha256) == ("export.json", bytes(32))
    assert archive.imports(5, [11]) == [first]
    assert archive.imports(1) == [last]
    assert archive.imports(5, []) == []


def test_a_removed_channel_is_gone(archive: Archive) -> None:
    """With all its messages, from every index; the others stay."""
    made = chats(900)
    for channel in range(len(made.channels)):
        bring(archive, made, made.of(channel), channel)
    before = archive.version()
    assert archive.remove_channel(made.channels[1].id) == len(made.of(1))
    assert archive.version() != before
    left = Reference([m for m in made.messages if m.channel != made.channels[1].id])
    for condition in (Everything(), word("the"), Contains("the"), Contains("e")):
        assert archive.count(condition) == left.count(condition)
    for by in FACETS:
        assert archive.facet(Everything(), by, 50) == left.facet(Everything(), by, 50)
    assert made.channels[1] not in archive.channels()
    assert archive.remove_channel(made.channels[1].id) == 0


def test_authors_who_said_nothing_are_gone(archive: Archive, few: Chats, engine: str) -> None:
    """They go with their last message, unless somebody mentions them."""
    if engine.startswith("elastic"):
        pytest.skip("It keeps them, as documented.")
    people = [Author(1, "ada"), Author(2, "bo"), Author(3, "cy"), Author(4, "di")]
    made = few._replace(authors=people, channels=[*few.channels, Channel(12, 1, "two")])
    gone = [message(FIRST + (n << 22), "a", 12, n) for n in (1, 2, 3)]
    bring(archive, made, gone, 1)
    left = message(FIRST + (9 << 22), "b", 11, 1, more=[marks.mentions(3)])
    bring(archive, made, [left])
    assert archive.remove_channel(12) == 3
    assert {one.id for one in archive.authors([1, 2, 3, 4])} == {1, 3}


def test_a_guild_without_channels_is_gone(archive: Archive, few: Chats) -> None:
    """It is removed with its last channel."""
    bring(archive, few, [said(1, "a")])
    archive.remove_channel(11)
    assert (archive.guilds(), archive.channels()) == ([], [])


def test_many_edits(archive: Archive) -> None:
    """Two exports of which a third differs: indexes, revisions and counts agree with a look."""
    made = Generator(3).chats(1500, channels=1)
    edited = [
        changed(old, f"{old.content} again", (old.edited or 0) + EXPORTED)
        if index % 3 == 0
        else old
        for index, old in enumerate(made.messages)
    ]
    bring(archive, made, made.messages)
    counts = bring(archive, made, edited, exported=LATER)
    assert counts == Counts(changed=500, unchanged=1000)
    right = Reference(edited)
    for condition in (word("again"), word("the"), Contains("again"), Contains("ag"), Contains("e")):
        assert archive.count(condition) == right.count(condition)
