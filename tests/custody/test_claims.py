"""What is said of a file is checked at the door, and names are made harmless."""

from typing import Any

import pytest
from custody.keeping import CLAIM
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.http import parse_options_header

from downstream_node.custody.claims import NAME, Claim, checked, display_name, disposition
from downstream_node.errors import InvalidFile


@pytest.mark.parametrize(
    "said",
    [
        {"source": ""},
        {"source": "Chats"},
        {"source": "x" * 17},
        {"source": "chats\n"},
        {"reference": ""},
        {"reference": "two words"},
        {"reference": "ü"},
        {"reference": "x" * 201},
        {"media_type": "text"},
        {"media_type": "text/html\r\nX-Header: 1"},
        {"media_type": "text/" + "x" * 123},
        {"redundancy": -1},
        {"redundancy": 1001},
        {"visibility": "secret"},
    ],
    ids=str,
)
def test_what_is_malformed_is_refused(said: dict[str, Any]) -> None:
    """With an error that names it."""
    with pytest.raises(InvalidFile, match=f"Invalid {next(iter(said)).replace('_', ' ')}"):
        checked(Claim(**(CLAIM | said)))


@pytest.mark.parametrize(
    "said",
    [
        {"source": "chats-2"},
        {"reference": "x" * 200},
        {"media_type": "text/plain; charset=utf-8"},
        {"media_type": 'multipart/x; boundary="a b"'},
        {"redundancy": 1000},
        {"visibility": "public"},
    ],
    ids=str,
)
def test_what_is_well_formed_is_taken(said: dict[str, Any]) -> None:
    """As it is."""
    claim = Claim(**(CLAIM | said))
    assert checked(claim) == claim


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("Übung 日本 🎮.zip", "Übung 日本 🎮.zip"),
        ("two\nlines\x00\u2028", "twolines"),
        ("invoice\u202egpj.exe", "invoicegpj.exe"),
        ("half \ud83d", "half"),
        ("  ", "file"),
        ("x" * 300, "x" * 255),
    ],
)
def test_names_for_display(given: str, shown: str) -> None:
    """One line that reads as it is spelled; never empty, never too long."""
    assert display_name(given) == shown


@given(st.text(max_size=600))
def test_any_name_can_be_shown_and_stored(text: str) -> None:
    """Whatever a stranger calls a file; and to make it fit twice changes nothing more."""
    name = display_name(text)
    assert 1 <= len(name) <= NAME
    assert name.encode().decode() == name
    assert display_name(name) == name


@given(st.text(max_size=100))
def test_any_name_goes_into_a_header(text: str) -> None:
    """In plain ASCII, whose quotes nothing closes too early, and exactly but for separators."""
    header = disposition(display_name(text))
    assert header.isascii()
    assert header.isprintable()
    assert header.count('"') == 2
    kind, options = parse_options_header(header)
    expected = display_name(text)
    for separator in '/\\:*?"<>|':
        expected = expected.replace(separator, "_")
    assert (kind, options["filename"]) == ("attachment", expected)
