"""How text becomes what is searched; the fast ways find what the general ones find."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from downstream_node.chats import text

ASCII = st.text(st.characters(max_codepoint=127))


@given(st.one_of(ASCII, st.text(st.sampled_from("aB9_'- .\x1c\x7f\n"), max_size=12)))
def test_words_of_plain_text(content: str) -> None:
    """Letters and digits, with apostrophes inside, as in any text."""
    assert text.stems(content) == [text.stem(word) for word in text.WORD.findall(content)]


@given(ASCII)
def test_plain_text_is_folded(content: str) -> None:
    """As any text."""
    whole = unicodedata.normalize("NFC", content).casefold()
    assert text.fold(content) == text.UNSTORABLE.sub("\ufffd", whole)


@pytest.mark.parametrize(
    ("content", "stems"),
    [
        pytest.param("The CATS' pies", ["the", "cat", "pie"], id="apostrophe at the end"),
        pytest.param("don't", ["dont"], id="apostrophe inside"),
        pytest.param("a''b_c", ["a", "b", "c"], id="two apostrophes, underscore"),
        pytest.param("", [], id="nothing"),
    ],
)
def test_words(content: str, stems: list[str]) -> None:
    """In order, without case and English endings."""
    assert text.stems(content) == stems
