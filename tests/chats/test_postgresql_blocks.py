"""Bitmaps of frequent terms: what they say is right, and counts by them are exact."""

from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
from chats.archives import NOW, SERVERS, bring, bring_all, new_archive
from chats.generated import DAY, EXPORTED, START, Chats, changed, chats
from chats.questions import Questions
from chats.reference import Reference
from chats.test_postgresql import rows, span_of, with_mark
from hypothesis import given
from hypothesis import strategies as st

from downstream_node.chats.engines import (
    bitmaps,
    frequent,
    postgresql,
    postgresql_blocks,
    postgresql_import,
)
from downstream_node.chats.engines.blocks import Block
from downstream_node.chats.engines.postgresql import PostgresqlArchive
from downstream_node.chats.engines.postgresql_conditions import PAIR, SUBSTRING
from downstream_node.chats.places import Place, first_place
from downstream_node.chats.query import And, Between, Condition, Contains, Not, Or, Words
from downstream_node.chats.records import Message

np = pytest.importorskip("numpy")

QUESTIONS = 300
BITS = 64


@pytest.fixture(params=["one by one", "by index"])
def small_blocks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks of 64 messages in pieces of forty and more, and every count by them.

    What they leave open is looked up in either way.
    """
    monkeypatch.setattr(postgresql_blocks, "FEW", 1 if request.param == "one by one" else BITS)
    monkeypatch.setattr(frequent, "SAMPLE", 32)
    monkeypatch.setattr(frequent, "CHUNK", 16)
    monkeypatch.setattr(frequent, "BLOCK", 64)
    monkeypatch.setattr(frequent, "RARE", 8)
    monkeypatch.setattr(postgresql_import, "LARGE", 40)
    monkeypatch.setattr(postgresql, "FEW", 10**9)


@pytest.fixture(scope="session")
def few_chats() -> Chats:
    """Some messages a month."""
    return chats(1500)


# Pure parts


@given(st.lists(st.integers(0, 2**BITS - 1), min_size=1, max_size=9))
def test_bitmaps_are_unpacked_as_they_were(numbers: list[int]) -> None:
    """With numpy and without, dense ones and sparse ones."""
    numbers += [0, 1, 1 << 63, 2**BITS - 1]
    chunks = [
        np.array([list(number.to_bytes(8, "little")[half : half + 4]) for number in numbers], "u1")
        for half in (0, 4)
    ]
    stored = bitmaps.packed(chunks)
    assert [bitmaps.unpacked(one) for one in stored] == numbers
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bitmaps, "np", None)
        assert [bitmaps.unpacked(one) for one in stored] == numbers


@given(st.sets(st.integers(0, 200)))
def test_numbers_of_bits(some: set[int]) -> None:
    """Those that are set, in order."""
    assert bitmaps.numbers(sum(1 << number for number in some)) == sorted(some)


def blocks_of(messages: list[Message], gone: list[Place] | None = None) -> list[Block]:
    """The blocks of a piece that gets *messages*, of which some are *gone* at the end."""
    piece = frequent.Piece({one.channel for one in messages})
    made = []
    for start in range(0, len(messages), 50):
        made += piece.add(messages[start : start + 50])
    piece.forget(gone or [])
    made += piece.rest()
    assert sum(len(block.places) for block in made) == len(messages)
    channels = frozenset(one.channel for one in messages)
    return [viewed(block, channels) for block in made]


def viewed(made: frequent.Block, channels: frozenset[int]) -> Block:
    """A block as it is read."""
    size = len(made.places)
    ordered = made.places == sorted(made.places)
    first, last = min(made.places), max(made.places)
    block = Block(0, 0, size, first, last, ordered, channels, (1 << size) - 1)
    block.places.extend(made.places)
    block.bitmaps.update((term, bitmaps.unpacked(bits)) for term, bits in made.bitmaps.items())
    return block


def has(one: Message, term: str) -> bool:
    """Whether a message has *term*, looked at plainly."""
    if term.startswith(SUBSTRING):
        return term[1:] in one.folded
    if term.startswith(PAIR):
        return f" {term[1:]} " in f" {' '.join(one.stems)} "
    return term in one.stems or term in one.marks


@pytest.mark.usefixtures("small_blocks")
def test_each_message_has_its_bits(some_chats: Chats) -> None:
    """Of stems, pairs of them, marks and substrings that are frequent, in each block."""
    messages = some_chats.messages[:300]
    by_place = {one.place: one for one in messages}
    for block in blocks_of(messages):
        kinds = {term[:1] for term in block.bitmaps}
        assert {SUBSTRING, PAIR, "t"} <= kinds
        for term, bits in block.bitmaps.items():
            found = [block.places[number] for number in bitmaps.numbers(bits)]
            right = [place for place in block.places if has(by_place[Place(place)], term)]
            assert found == right, term


@pytest.mark.usefixtures("small_blocks")
def test_frequent_terms_are_found(some_chats: Chats) -> None:
    """What one of eight messages has, has a bitmap."""
    first = some_chats.messages[:32]
    [block] = blocks_of(first)
    words = {stem for one in first for stem in one.stems}
    often = {word for word in words if sum(word in one.stems for one in first) >= len(first) / 8}
    assert often
    assert often <= set(block.bitmaps)


@pytest.mark.usefixtures("small_blocks")
def test_bounds_hold(some_chats: Chats) -> None:
    """No hit is ruled out, and what is sure is a hit."""
    messages = some_chats.messages[:500]
    blocks = blocks_of(messages)
    for question in Questions(some_chats, 5).all(QUESTIONS):
        hits = set(Reference(messages).page(question, "oldest", len(messages)))
        bounds = [(block, block.bounds(question)) for block in blocks]
        sure = {place for block, bound in bounds for place in block.places_of(bound.sure)}
        possible = {place for block, bound in bounds for place in block.places_of(bound.possible)}
        assert sure <= hits <= possible, question


@pytest.mark.usefixtures("small_blocks")
def test_ranges_within_blocks_out_of_order(some_chats: Chats) -> None:
    """Dates are right also where messages are not in order of time."""
    messages = some_chats.messages[:64]
    mixed = Random(3).sample(messages, len(messages))  # noqa: S311 - the same each time
    middle = Between(messages[20].place, messages[40].place)
    for some in (messages, mixed):
        [block] = blocks_of(some)
        found = block.places_of(block.bounds(middle).sure)
        assert sorted(found) == [one.place for one in messages[20:40]]


# With a server


@pytest.fixture
def archive(
    engine: str,
    tmp_path: Path,
    small_blocks: None,  # noqa: ARG001 - its effect
) -> Iterator[PostgresqlArchive]:
    """An empty archive, on PostgreSQL only."""
    if engine not in SERVERS:
        pytest.skip("of PostgreSQL only")
    made: Any = new_archive(engine, tmp_path)
    yield made
    made.close()


def questions(some: Chats) -> list[Condition]:
    """Searches of every kind; and of frequent words and parts of them."""
    the, to = Words(("the",)), Words(("to",))
    return [
        *Questions(some, 23).all(QUESTIONS),
        And((the, to)),
        Or((the, to)),
        And((Contains("e"), Not(the))),
        And((Contains("the"), Contains("pi"), Between(first_place(START + 40 * DAY)))),
        *(Contains(text) for text in ("the ", "e t", "ing ", "pecan pie", "running")),
        *(Words(stems) for stems in (("to", "the"), ("the", "pie"), ("in", "the", "a"))),
    ]


def check(archive: PostgresqlArchive, some: Chats, messages: list[Message]) -> None:
    """All counts are those of *messages*."""
    right = Reference(messages)
    wrong = {
        question: (found, right.count(question))
        for question in questions(some)
        if (found := archive.count(question)) != right.count(question)
    }
    assert wrong == {}


def sizes(archive: PostgresqlArchive) -> dict[int, int]:
    """How many messages blocks have, by piece."""
    return dict(rows(archive, "SELECT piece, sum(size)::int FROM chat_blocks GROUP BY piece"))


def pieces(archive: PostgresqlArchive) -> dict[int, int]:
    """How many messages pieces have."""
    return dict(rows(archive, "SELECT piece, count(*)::int FROM chat_messages GROUP BY piece"))


def test_large_pieces_have_blocks(archive: PostgresqlArchive, few_chats: Chats) -> None:
    """All their messages are in them; and counts are right."""
    bring_all(archive, few_chats, batch=50)
    assert sizes(archive) == {n: size for n, size in pieces(archive).items() if size >= 40}
    assert len(sizes(archive)) > 10
    check(archive, few_chats, few_chats.messages)


def test_counts_follow_every_change(archive: PostgresqlArchive, few_chats: Chats) -> None:
    """New, edited, missing, restored and removed messages."""
    bring_all(archive, few_chats, batch=50)
    own = few_chats.of(0)
    others = [one for one in few_chats.messages if one.channel != own[0].channel]
    edited = [changed(one, one.content + " indeed the pie", NOW) for one in own[:50]]
    later = EXPORTED + DAY
    bring(archive, few_chats, edited + own[80:], exported=later, now=later, missing=span_of(own))
    gone = [with_mark(one) for one in own[50:80]]
    check(archive, few_chats, edited + gone + own[80:] + others)
    later += DAY
    bring(archive, few_chats, own[50:80], exported=later, now=later)
    check(archive, few_chats, edited + own[50:] + others)
    archive.remove_channel(own[0].channel)
    check(archive, few_chats, others)
    assert set(sizes(archive)) <= set(pieces(archive))


def test_edited_within_one_import(archive: PostgresqlArchive, few_chats: Chats) -> None:
    """A message that an export has twice, the second time edited, counts as it is at last."""
    own = few_chats.of(0)[:200]
    edited = [changed(one, "the end to the pie", NOW) for one in own[:160:3]]
    bring(archive, few_chats, own[:150] + edited + own[150:], batch=30)
    kept = {one.place: one for one in own + edited}
    check(archive, few_chats, list(kept.values()))


def test_exports_out_of_order(archive: PostgresqlArchive, few_chats: Chats) -> None:
    """Messages in any order make blocks at the end of the import."""
    own = few_chats.of(0)
    mixed = Random(1).sample(own, len(own))  # noqa: S311 - the same each time
    bring(archive, few_chats, mixed, batch=40)
    assert sizes(archive) == {n: size for n, size in pieces(archive).items() if size >= 40}
    check(archive, few_chats, own)


def test_small_imports_become_blocks(archive: PostgresqlArchive, few_chats: Chats) -> None:
    """Many small imports fill a piece, which has blocks when it is large; the next get another."""
    own = few_chats.of(0)[:200]
    for start in range(0, len(own), 12):
        bring(archive, few_chats, own[start : start + 12])
    filled = sizes(archive)
    assert filled
    assert filled == {n: size for n, size in pieces(archive).items() if size >= 40}
    check(archive, few_chats, own)


def test_without_numpy(
    archive: PostgresqlArchive, few_chats: Chats, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Blocks are read without it, and none are made."""
    bring(archive, few_chats, few_chats.of(0), 0)
    made = sizes(archive)
    monkeypatch.setattr(frequent, "np", None)
    monkeypatch.setattr(bitmaps, "np", None)
    bring(archive, few_chats, few_chats.of(1), 1)
    assert made
    assert sizes(archive) == made
    check(archive, few_chats, [*few_chats.of(0), *few_chats.of(1)])


def test_archives_of_before(archive: PostgresqlArchive, few_chats: Chats) -> None:
    """Pieces without blocks are searched in their indexes; the next small import makes blocks."""
    own = few_chats.of(0)
    bring(archive, few_chats, own[5:])
    with archive._connections._borrowed() as connection:  # noqa: SLF001 - as the migration does
        connection.execute("TRUNCATE chat_blocks, chat_bits")
    check(archive, few_chats, own[5:])
    bring(archive, few_chats, own[:5])
    assert len(sizes(archive)) == 1
    check(archive, few_chats, own)
