"""Where in a message stands what was searched for."""

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from downstream_node.chats import text
from downstream_node.chats.highlighting import Folded, snippet, spans
from downstream_node.chats.query import Contains, Words


def cut(content: str, *wanted: Words | Contains) -> list[str]:
    """What is highlighted."""
    return [content[start:end] for start, end in spans(content, wanted)]


@pytest.mark.parametrize(
    ("content", "wanted", "expected"),
    [
        pytest.param("All the Pies, pie!", Words(("pie",)), ["Pies", "pie"], id="stems"),
        pytest.param("pecan pie, pie", Words(("pecan", "pie")), ["pecan pie"], id="phrase"),
        pytest.param("pie pie pie", Words(("pie", "pie")), ["pie pie pie"], id="overlaps"),
        pytest.param("tea", Words(("pie",)), [], id="nothing"),
        pytest.param("Half 100% sure", Contains("100%"), ["100%"], id="substring"),
        pytest.param(
            "Stra\u00dfe", Contains("strass"), ["Stra\u00df"], id="folding makes it longer"
        ),
        pytest.param("cafe\u0301 ole\u0301", Contains("caf\u00e9"), ["cafe\u0301"], id="accents"),
        pytest.param("\U0001f967 pie", Words(("pie",)), ["pie"], id="beyond 16 bits"),
        pytest.param("\u1112\u1161\u11ab x", Contains("\ud55c"), ["\u1112\u1161\u11ab"], id="jamo"),
        pytest.param("", Contains("x"), [], id="no text"),
    ],
)
def test_highlights(content: str, wanted: Words | Contains, expected: list[str]) -> None:
    """Spans cover what was found, in the message's own characters."""
    assert cut(content, wanted) == expected


def test_spans_do_not_touch() -> None:
    """Words and substrings together make one span where they overlap."""
    assert cut("a pecan pie", Words(("pecan",)), Contains("n pi")) == ["pecan pi"]


@given(st.text(), st.integers(0, 20), st.integers(1, 5))
@settings(max_examples=500, deadline=None)
def test_what_is_contained_is_highlighted(content: str, start: int, length: int) -> None:
    """Any part of the folded text is found, and what is highlighted folds to something with it."""
    folded = text.fold(content)
    needle = folded[start : start + length]
    if not needle or not Folded(content).pieces:
        return
    found = cut(content, Contains(needle))
    assert found
    assert all(needle in text.fold(one) for one in found)


@given(st.text())
@settings(max_examples=300, deadline=None)
def test_normal_text_folds_piece_by_piece(content: str) -> None:
    """So that texts as people type them always have highlights."""
    normal = unicodedata.normalize("NFC", content)
    assert len(Folded(normal).pieces) == len(text.fold(normal))


def test_snippets() -> None:
    """A long message is cut between words around the first place, which moves with it."""
    content = "word " * 100 + "pie " + "word " * 100
    cut_out = snippet(content, spans(content, [Words(("pie",))]), 60)
    (start, end) = cut_out.spans[0]
    assert cut_out.text[start:end] == "pie"
    assert len(cut_out.text) <= 62
    assert cut_out.text.startswith("\u2026word")
    assert cut_out.text.endswith("word\u2026")


def test_short_messages_are_whole() -> None:
    """Nothing is left out, and no sign says so."""
    assert snippet("pie", [(0, 3)], 60) == ("pie", [(0, 3)])


@given(st.text(max_size=300), st.integers(0, 300), st.integers(1, 40), st.integers(10, 100))
@settings(max_examples=300, deadline=None)
def test_snippets_keep_the_first_highlight(text: str, start: int, size: int, width: int) -> None:
    """At least its beginning is in, and all spans are within the snippet."""
    found = [(start, min(start + size, len(text)))] if start < len(text) else []
    made = snippet(text, found, width)
    assert len(made.text) <= width + 2
    assert all(0 <= one < other <= len(made.text) for one, other in made.spans)
    for one, other in made.spans[:1]:
        assert text[start:].startswith(made.text[one:other])
    assert len(made.spans) == len(found)
