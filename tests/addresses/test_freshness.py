"""Freshness: a signed message is good for this node, and for a short time."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from downstream_node.addresses.freshness import fresh_message, is_fresh

NODE = "downstream-node"
NOW = datetime(2026, 11, 22, 1, 44, 0, tzinfo=UTC)
MAX_AGE = 600
TIME = "2026-11-22T01:44:00Z"


@pytest.mark.parametrize(
    ("age", "expected"),
    [
        pytest.param(-61, False, id="one second too far ahead"),
        pytest.param(-60, True, id="as far ahead as permitted"),
        pytest.param(0, True, id="now"),
        pytest.param(MAX_AGE - 1, True, id="one second early"),
        pytest.param(MAX_AGE, True, id="on the limit"),
        pytest.param(MAX_AGE + 1, False, id="one second late"),
    ],
)
def test_age_decides(age: int, expected: bool) -> None:
    """A message is fresh from its time to the greatest age, and a minute before its time."""
    assert is_fresh(f"{NODE} {TIME}", NODE, NOW + timedelta(seconds=age), MAX_AGE) is expected


@pytest.mark.parametrize(
    "message",
    [
        pytest.param(f"{NODE} {TIME}", id="name and time"),
        pytest.param(f"{TIME} {NODE}", id="time and name"),
        pytest.param(f"  I join\t{NODE}\r\nat {TIME} gladly\n", id="among other words"),
    ],
)
def test_order_and_other_words_do_not_matter(message: str) -> None:
    """The two words may stand anywhere in the message."""
    assert is_fresh(message, NODE, NOW, MAX_AGE)


@pytest.mark.parametrize(
    "message",
    [
        pytest.param("", id="empty"),
        pytest.param(NODE, id="no time"),
        pytest.param(TIME, id="no name"),
        pytest.param(f"{NODE}2 {TIME}", id="name of another node"),
        pytest.param(f"{NODE}{TIME}", id="no space between"),
        pytest.param(f"{NODE}, {TIME}", id="punctuation on the name"),
        pytest.param(f"{NODE} {TIME}.", id="punctuation on the time"),
        pytest.param(f"{NODE} {TIME} {TIME}", id="two times"),
        pytest.param(f"{NODE} 2026-11-22T01:44:00", id="no zone"),
        pytest.param(f"{NODE} 2026-11-22T01:44:00+00:00", id="zone as an offset"),
        pytest.param(f"{NODE} 2026-11-22T01:44:00.000Z", id="fraction of a second"),
        pytest.param(f"{NODE} 2026-11-22T01:44Z", id="no seconds"),
        pytest.param(f"{NODE} 2026-11-22 01:44:00Z", id="space for T"),
        pytest.param(f"{NODE} 20261122T014400Z", id="basic form"),
        pytest.param(f"{NODE} 2026-11-31T01:44:00Z", id="31st of November"),
        pytest.param(f"{NODE} 2026-11-22T24:00:00Z", id="hour 24"),
        pytest.param(f"{NODE} 0000-11-22T01:44:00Z", id="year 0"),
        pytest.param(f"{NODE} {TIME.replace('2', chr(0x662))}", id="digits of another script"),
    ],
)
def test_without_both_words_nothing_is_fresh(message: str) -> None:
    """The node's exact name and one time in the one accepted form are needed."""
    assert not is_fresh(message, NODE, NOW, MAX_AGE)


@given(st.text(), st.text(), st.integers(0))
def test_is_fresh_never_raises(message: str, node_name: str, max_age_seconds: int) -> None:
    """Any text gets an answer."""
    assert is_fresh(message, node_name, NOW, max_age_seconds) in {True, False}


@given(st.from_regex(r"[0-9]{4}-[01][0-9]-[0-3][0-9]T[0-9]{2}:[0-9]{2}:[0-9]{2}Z", fullmatch=True))
def test_is_fresh_never_raises_over_odd_times(time: str) -> None:
    """Neither do times that no calendar has, nor the first and last years."""
    assert is_fresh(f"{NODE} {time}", NODE, NOW, MAX_AGE) in {True, False}


@given(
    st.from_regex(r"[a-z][a-z0-9.-]{0,30}", fullmatch=True),
    st.datetimes(timezones=st.timezones(), allow_imaginary=False, min_value=datetime(1971, 1, 1)),  # noqa: DTZ001 hypothesis adds the zone
)
def test_what_a_farmer_writes_is_fresh(node_name: str, now: datetime) -> None:
    """A message is fresh in the second in which it was made."""
    assert is_fresh(fresh_message(node_name, now), node_name, now, 1)


def test_message_is_plain_text() -> None:
    """People can read and type what they sign; any zone is turned into UTC."""
    there = NOW.astimezone(timezone(timedelta(hours=5, minutes=30)))
    assert fresh_message(NODE, there) == f"{NODE} {TIME}"


@pytest.mark.parametrize("node_name", ["", " ", "two words", "trailing\n"])
def test_name_must_be_one_word(node_name: str) -> None:
    """A name that could not be found again is refused before it is signed."""
    with pytest.raises(ValueError, match="one word"):
        fresh_message(node_name, NOW)
