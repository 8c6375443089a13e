"""Texts of strangers are read strictly, and fail in one way only."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from downstream_node.errors import MalformedProof
from downstream_node.heartbeat.wire import from_base64, to_base64


@given(st.binary(max_size=100))
def test_base64_round_trip(raw: bytes) -> None:
    """What we write is what we read."""
    assert from_base64(to_base64(raw)) == raw


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("AA", id="no padding"),
        pytest.param("AA=", id="half the padding"),
        pytest.param("AA===", id="too much padding"),
        pytest.param("AB==", id="bits after the last byte"),
        pytest.param("A A==", id="space inside"),
        pytest.param("AA==\n", id="line end"),
        pytest.param("AA==AA==", id="two texts"),
        pytest.param("_-8=", id="URL alphabet"),
        pytest.param("\u00e9A==", id="not ASCII"),
        pytest.param("\ud800", id="half a surrogate pair"),
    ],
)
def test_other_spellings_are_malformed(text: str) -> None:
    """Base64 has exactly one spelling."""
    with pytest.raises(MalformedProof):
        from_base64(text)


@given(st.text(alphabet="AQgw/+=\n ", max_size=12) | st.text(max_size=12))
def test_any_text_is_canonical_or_malformed(text: str) -> None:
    """No text decodes unless it is the encoding of what it decodes to."""
    with contextlib.suppress(MalformedProof):
        assert to_base64(from_base64(text)) == text
