"""Sessions of the app and in voice are what the document's rules say, word by word."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packages.literal import (
    DAY,
    channel_by_channel,
    in_time_order,
    literal_sessions,
    literal_voice,
)

from downstream_node.packages.reading.sessions import Mark, Session, sessions
from downstream_node.packages.reading.voice import Join, VoiceSession, voice_sessions

MINUTES = st.integers(0, 40) | st.integers(0, 3 * DAY) | st.sampled_from([DAY, DAY + 1, DAY + 2])
MARKS = st.lists(st.tuples(MINUTES, st.sampled_from(["iOS", "Linux"]) | st.none()), max_size=60)
CHANNELS = st.sampled_from(["1", "2", "3"])
JOINS = st.lists(st.builds(Join, MINUTES, CHANNELS, st.just("9") | st.none()), max_size=40)
LEAVES = st.lists(st.tuples(MINUTES, CHANNELS), max_size=40)


@given(MARKS)
def test_p1_sessions_are_those_of_the_literal_rules(marks: list[Mark]) -> None:
    """One pass over sorted marks accepts what the quadratic rules accept."""
    assert sessions(marks) == literal_sessions(marks)


@given(JOINS, LEAVES)
def test_voice_is_that_of_the_literal_rules(
    joins: list[Join], leaves: list[tuple[int, str]]
) -> None:
    """One pass over joins in time order accepts what the rules accept in that order."""
    assert voice_sessions(joins, leaves) == literal_voice(in_time_order(joins), leaves)


@given(JOINS, LEAVES)
def test_b7_voice_does_not_depend_on_ids(joins: list[Join], leaves: list[tuple[int, str]]) -> None:
    """With other ids of the channels, the same stays are accepted."""
    other = {"1": "30", "2": "20", "3": "10"}
    renamed = voice_sessions(
        [Join(join.minute, other[join.channel], join.guild) for join in joins],
        [(minute, other[channel]) for minute, channel in leaves],
    )
    as_before = voice_sessions(joins, leaves)
    assert [(one.channel, one.started, one.ended) for one in renamed] == [
        (other[one.channel], one.started, one.ended) for one in as_before
    ]


def test_b7_the_original_order_depends_on_ids() -> None:
    """Walked channel by channel, two overlapping stays are both kept, or one, by their ids."""
    early, late = Join(0, "1", None), Join(5, "2", None)
    leaves = [(10, "1"), (20, "2")]
    assert len(literal_voice(channel_by_channel([early, late]), leaves)) == 1
    swapped = [Join(0, "2", None), Join(5, "1", None)]
    others = [(10, "2"), (20, "1")]
    assert len(literal_voice(channel_by_channel(swapped), others)) == 2
    assert len(voice_sessions([early, late], leaves)) == len(voice_sessions(swapped, others)) == 1


@pytest.mark.parametrize(
    ("length", "kept"),
    [
        pytest.param(0, 1, id="within the same minute"),
        pytest.param(DAY, 1, id="24 hours"),
        pytest.param(DAY + 1, 0, id="a minute more"),
    ],
)
def test_length_of_a_session(length: int, kept: int) -> None:
    """A session lasts from 0 minutes to 24 hours, in the app and in voice."""
    assert len(sessions([(7, "iOS"), (7 + length, None)])) == kept
    assert len(voice_sessions([Join(7, "1", None)], [(7 + length, "1")])) == kept


def test_one_end_closes_every_open_start() -> None:
    """Starts that queue up are all closed by one end; those inside the first are dropped."""
    marks: list[Mark] = [(0, "iOS"), (5, "Linux"), (10, None), (20, "iOS"), (30, None)]
    assert sessions(marks) == [Session(0, 10, "iOS"), Session(20, 30, "iOS")]


def test_an_end_before_its_start_in_the_file_is_no_end_of_it() -> None:
    """Marks of one minute stay in the order of the package."""
    assert sessions([(3, None), (3, "iOS")]) == []


def test_a_leave_serves_several_joins() -> None:
    """The second join is dropped for lying within the first stay, not for want of a leave."""
    joins = [Join(0, "1", "9"), Join(4, "1", "9")]
    assert voice_sessions(joins, [(10, "1")]) == [VoiceSession("1", "9", 0, 10)]


@pytest.mark.parametrize(
    ("minute", "kept"),
    [
        pytest.param(9, 1, id="a minute before the end"),
        pytest.param(10, 1, id="at the end"),
        pytest.param(11, 2, id="a minute after the end"),
    ],
)
def test_joining_another_channel(minute: int, kept: int) -> None:
    """A join up to the end of an accepted stay, in whichever channel, is dropped."""
    joins = [Join(0, "1", None), Join(minute, "2", None)]
    assert len(voice_sessions(joins, [(10, "1"), (30, "2")])) == kept
