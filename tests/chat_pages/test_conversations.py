"""Hits and their neighbours become conversations."""

import pytest
from chat_pages.made import ADA, BO, NOON, stored

from downstream_node.chat_pages import conversations as talks
from downstream_node.chat_pages.conversations import Conversation, Reply
from downstream_node.chats.answers import Hit
from downstream_node.chats.records import Author, Revision

LINES = [stored(minute * 10, f"line {minute}") for minute in range(20)]


def hit(at: int, neighbours: int = 2) -> Hit:
    """A hit among LINES."""
    return Hit(
        LINES[at], [], LINES[max(0, at - neighbours) : at], LINES[at + 1 : at + 1 + neighbours]
    )


def told(found: list[Conversation]) -> list[str]:
    """Each conversation by the numbers of its lines, hits with an asterisk."""
    ids = {line.id: number for number, line in enumerate(LINES)}
    return [
        " ".join(f"{ids[line.id]}{'*' if line.hit else ''}" for line in one.said) for one in found
    ]


@pytest.mark.parametrize(
    ("hits", "expected"),
    [
        pytest.param([5], ["3 4 5* 6 7"], id="one"),
        pytest.param([0], ["0* 1 2"], id="the first message"),
        pytest.param([7, 5], ["3 4 5* 6 7* 8 9"], id="near each other, newest first"),
        pytest.param([9, 5], ["3 4 5* 6 7 8 9* 10 11"], id="one neighbour is shared"),
        pytest.param([10, 5], ["8 9 10* 11 12", "3 4 5* 6 7"], id="no neighbour is shared"),
        pytest.param(
            [5, 15, 6], ["3 4 5* 6 7", "13 14 15* 16 17", "4 5 6* 7 8"], id="another order"
        ),
    ],
)
def test_hits_that_touch_become_one(hits: list[int], expected: list[str]) -> None:
    """Conversations keep the order of the hits; inside, time goes on."""
    assert told(talks.conversations([hit(at) for at in hits])) == expected


def test_channels_stay_apart() -> None:
    """Even where their messages have the same time."""
    other = stored(50, channel=10, channel_name="other")
    found = talks.conversations([hit(5), Hit(other, [], [], [])])
    assert [one.channel_name for one in found] == ["general", "other"]


def test_without_gaps_neighbours_are_not_needed() -> None:
    """Where everything is a hit, those of one channel in a row stand beside each other."""
    assert told(talks.conversations([hit(6, 0), hit(5, 0)], gapless=True)) == ["5* 6*"]


def test_a_name_is_told_once_in_a_breath() -> None:
    """Until five minutes are over, somebody else speaks, or a message was searched for."""
    lines = [stored(0), stored(1), stored(7), stored(8, "", BO), stored(9, "", ADA), stored(10)]
    read = talks.read_through(lines, lines[5].id)
    assert [line.follows for line in read.said] == [False, True, False, False, False, False]
    assert [line.hit for line in read.said] == [False] * 5 + [True]


def test_replies() -> None:
    """They tell what they answer: beside them, elsewhere, or nowhere."""
    first = stored(0, "a question\nin two lines")
    lines = [first, *(stored(at, "", BO, reply_to=to) for at, to in enumerate([first.id, 5, 6], 1))]
    talk = talks.read_through(lines, 0)
    assert talks.answered([talk]) == {5, 6}
    elsewhere = stored(-90, "x" * 200, BO, id=5)
    done = talks.completed(talk, {5: elsewhere}, {})
    assert [line.reply for line in done.said] == [
        None,
        Reply(first.id, "Ada", "a question in two lines"),
        Reply(5, "bo", "x" * 89 + "…"),
        Reply(6),
    ]


def test_earlier_texts() -> None:
    """Of hits only, the latest first."""
    changed = stored(0, "now", revisions=2)
    (talk,) = talks.conversations([Hit(changed, [], [stored(-1, revisions=1)], [])])
    assert talks.edited([talk]) == [changed.id]
    revisions = [Revision("once", None, None), Revision("then", None, NOON)]
    done = talks.completed(talk, {}, {changed.id: revisions})
    assert [talks.plain(one.body) for one in done.said[1].earlier] == ["then", "once"]


@pytest.mark.parametrize(
    ("author", "name", "letter"),
    [
        (ADA, "Ada", "A"),
        (Author(1, "ß"), "ß", "S"),
        (Author(1, "🫖 tea"), "🫖 tea", "T"),
        (Author(1, "🫖"), "🫖", "#"),
        (Author(1, "", ""), "1", "1"),
        (Author(1, "a\u202eb"), "a\N{REPLACEMENT CHARACTER}b", "A"),
    ],
)
def test_people(author: Author, name: str, letter: str) -> None:
    """Everybody has a name that can be seen, and a letter."""
    found = talks.person(author)
    assert (found.name, found.letter) == (name, letter)
    assert 0 <= found.tint < talks.TINTS
