"""The header of a demo."""

import struct

import pytest
from demos.journey import recording
from hypothesis import given
from hypothesis import strategies as st

from downstream_node.demos import headers


def test_a_whole_header() -> None:
    """Every field."""
    found = headers.parse(recording(2000, seed=7, ticks=66))
    assert found == headers.Header("pl_badwater", "127.0.0.1:27015", "player7", 66, 66, 1.0)


def test_a_recording_that_was_not_ended() -> None:
    """Has texts, and no duration."""
    found = headers.parse(recording(2000))
    assert found.map == "pl_badwater"
    assert found.problem is not None


@pytest.mark.parametrize("seconds", [float("nan"), float("inf"), -1.0])
def test_a_duration_that_makes_no_sense(seconds: float) -> None:
    """Is noted."""
    data = bytearray(recording(2000, ticks=66))
    data[headers.LATE_AT : headers.LATE_AT + 4] = struct.pack("<f", seconds)
    found = headers.parse(bytes(data))
    assert (found.map, found.seconds) == ("pl_badwater", None)
    assert found.problem is not None


@given(data=st.binary(max_size=1200))
def test_anything_at_all(data: bytes) -> None:
    """Never raises; what is no demo has a problem."""
    assert headers.parse(data).problem is not None


@given(data=st.binary(min_size=1064, max_size=1064))
def test_any_fields(data: bytes) -> None:
    """Texts fit their columns, numbers theirs."""
    found = headers.parse(headers.STAMP + data)
    for text in (found.map, found.server, found.player):
        assert text is None or (len(text) <= headers.LONGEST_TEXT and text.isprintable())
    assert found.ticks is None or 0 <= found.ticks <= headers.LARGEST
