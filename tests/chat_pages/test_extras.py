"""What a message has beside its text, told without loading anything."""

import json

import pytest

from downstream_node.chat_pages import extras
from downstream_node.chat_pages.extras import Attachment, Extras, Preview, Reaction


def test_all_kinds() -> None:
    """As the exporter writes them."""
    written = {
        "attachments": [{"id": "1", "url": "https://a", "fileName": "a.png", "fileSizeBytes": 7}],
        "embeds": [{"title": "T", "url": "https://example.org/", "description": "D"}],
        "stickers": [{"name": "Kettle"}],
        "reactions": [
            {"emoji": {"id": "", "name": "🫖", "code": "teapot"}, "count": 3},
            {"emoji": {"id": "12", "name": "pepega"}, "count": 1},
        ],
        "forwardedMessage": {"content": "passed on"},
        "interaction": {"name": "boil"},
    }
    assert extras.read(json.dumps(written).encode()) == Extras(
        attachments=(Attachment("a.png", 7),),
        previews=(Preview("T", "D", "https://example.org/"),),
        stickers=("Kettle",),
        reactions=(Reaction("🫖", 3), Reaction(":pepega:", 1)),
        forwarded="passed on",
        command="boil",
    )


@pytest.mark.parametrize(
    "written",
    [b"", b"{}", b"[]", b"7", b"{", b'{"attachments": 7, "embeds": {"title": "T"}}'],
)
def test_nothing(written: bytes) -> None:
    """What has no form is nothing."""
    assert extras.read(written) == Extras()


def test_other_forms_are_passed_over() -> None:
    """One by one; a size that makes no sense is not known."""
    files = [7, {}, {"fileName": ["a"]}, {"fileName": "b", "fileSizeBytes": -1}]
    found = extras.read(json.dumps({"attachments": files}).encode())
    assert found.attachments == (Attachment("b", None),)


@pytest.mark.parametrize(
    "href", ["javascript:alert(1)", "data:text/html,x", "//evil.example", "https://a@b.example/"]
)
def test_previews_lead_to_the_web_or_nowhere(href: str) -> None:
    """As links in messages do."""
    found = extras.read(json.dumps({"embeds": [{"title": "T", "url": href}]}).encode())
    assert found.previews == (Preview("T", "", ""),)


def test_names_cannot_hide_what_they_are() -> None:
    """A turned direction of writing is shown."""
    found = extras.read(json.dumps({"attachments": [{"fileName": "p\u202egpj.exe"}]}).encode())
    assert found.attachments[0].name == "p\N{REPLACEMENT CHARACTER}gpj.exe"
