"""Every engine finds the same: a plain look at all messages decides what is right."""

import os
from itertools import product

import pytest
from chats.archives import bring_all, new_archive
from chats.generated import Chats
from chats.questions import Questions
from chats.reference import Reference

from downstream_node.chats.archive import Archive, Facet, Order
from downstream_node.chats.places import Place
from downstream_node.chats.query import Condition, Everything

ORDERS: tuple[Order, ...] = ("newest", "oldest")
FACETS: dict[Facet, int] = {"channel": 3, "author": 10, "month": 1}
QUESTIONS = 200


@pytest.fixture(scope="session")
def reference(some_chats: Chats) -> Reference:
    """What is right for these."""
    return Reference(some_chats.messages)


@pytest.fixture(scope="session")
def questions(some_chats: Chats) -> list[Condition]:
    """Searches of every kind."""
    return list(Questions(some_chats, 7).all(QUESTIONS))


def places(archive: Archive, condition: Condition, order: Order, limit: int) -> list[int]:
    """The places of all that meets *condition*, page by page."""
    found: list[int] = []
    while page := archive.page(condition, order, limit, Place(found[-1]) if found else None):
        assert len(page) <= limit
        found += [message.place for message in page]
    return found


def test_counts(filled: Archive, reference: Reference, questions: list[Condition]) -> None:
    """Each engine counts exactly."""
    assert len(questions) >= QUESTIONS
    wrong = {q: n for q in questions if (n := filled.count(q)) != reference.count(q)}
    assert wrong == {}


def test_questions_find_something(reference: Reference, questions: list[Condition]) -> None:
    """Half of the generated searches have hits, and are not all messages."""
    telling = sum(0 < reference.count(q) < len(reference.messages) for q in questions)
    assert telling > len(questions) / 2


def test_first_pages(filled: Archive, reference: Reference, questions: list[Condition]) -> None:
    """The first page in both orders, also with some hits left out."""
    for question, order, skip in product(questions, ORDERS, (0, 13)):
        page = [message.place for message in filled.page(question, order, 10, skip=skip)]
        assert page == reference.page(question, order, 10, skip=skip), (question, order, skip)


def test_all_pages(filled: Archive, reference: Reference, questions: list[Condition]) -> None:
    """Cursors go through everything without a gap or a repetition."""
    for question, order in product(questions[::3], ORDERS):
        whole = reference.page(question, order, len(reference.messages))
        assert places(filled, question, order, 499) == whole, (question, order)


def test_facets(filled: Archive, reference: Reference, questions: list[Condition]) -> None:
    """Numbers by channel, author and month."""
    for question in questions[::2]:
        for by, limit in FACETS.items():
            expected = reference.facet(question, by, limit)
            assert filled.facet(question, by, limit) == expected, (question, by)


def test_whole_messages(filled: Archive, some_chats: Chats) -> None:
    """What comes out is what went in."""
    found = filled.page(Everything(), "oldest", len(some_chats.messages))
    people = {author.id: author for author in some_chats.authors}
    rooms = {channel.id: channel for channel in some_chats.channels}
    for got, message in zip(found, some_chats.messages, strict=True):
        room = rooms[message.channel]
        assert (got.place, got.id, got.kind) == (message.place, message.id, message.kind)
        assert (got.content, got.extras) == (message.content, message.extras)
        assert (got.edited, got.reply_to) == (message.edited, message.reply_to)
        assert (got.guild, got.channel, got.channel_name) == (room.guild, room.id, room.name)
        assert got.author == people[message.author]
        assert got.pinned == any(mark.endswith("ipinned") for mark in message.marks)
        assert (got.deleted, got.revisions) == (False, 0)


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_many(engine: str, many_chats: Chats, tmp_path_factory: pytest.TempPathFactory) -> None:
    """The same with 10^5 messages: counts, first pages, pages behind a cursor, months."""
    if engine == "elastic" and not os.environ.get("TEST_ELASTICSEARCH_URL"):
        pytest.skip("Its counterpart looks at each document for each question.")
    right = Reference(many_chats.messages)
    archive = new_archive(engine, tmp_path_factory.mktemp("many"))
    bring_all(archive, many_chats, batch=2000)
    middle = many_chats.messages[50_000].place
    for question in Questions(many_chats, 11).all(QUESTIONS):
        assert archive.count(question) == right.count(question), question
        for order, after in product(ORDERS, (None, middle)):
            page = [message.place for message in archive.page(question, order, 10, after)]
            assert page == right.page(question, order, 10, after), (question, order, after)
        assert archive.facet(question, "month", 1) == right.facet(question, "month", 1), question
    archive.close()
