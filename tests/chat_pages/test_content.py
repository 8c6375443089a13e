"""Texts of messages become blocks, links, code and highlights, and nothing else."""

import pytest

from downstream_node.chat_pages import content
from downstream_node.chat_pages.content import (
    LONG,
    MANY_LINES,
    MOST_HIGHLIGHTS,
    MOST_PARTS,
    Block,
    Body,
    Span,
)


def told(blocks: tuple[Block, ...]) -> str:
    """*blocks* as one text: |code|, <links>, [highlights]; code blocks between ||."""
    signs = {"plain": ("", ""), "code": ("|", "|"), "link": ("<", ">")}
    texts = []
    for block in blocks:
        text = "".join(
            signs[run.kind][0]
            + "".join(f"[{one.text}]" if one.marked else one.text for one in run.pieces)
            + signs[run.kind][1]
            for run in block.runs
        )
        texts.append(f"||{text}||" if block.code else text)
    return "/".join(texts)


def shown(body: Body) -> str:
    """All of a message that is short."""
    assert body.rest == ()
    return told(body.head)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""),
        ("one\ntwo\n\nthree", "one\ntwo\n\nthree"),
        ("see https://example.org/a?b=c&d=1.", "see <https://example.org/a?b=c&d=1>."),
        ("(https://example.org/a_(b))", "(<https://example.org/a_(b)>)"),
        ("HTTPS://EXAMPLE.org", "<HTTPS://EXAMPLE.org>"),
        ("javascript:alert(1)", "javascript:alert(1)"),
        ("data:text/html,hi ftp://example.org", "data:text/html,hi ftp://example.org"),
        ("https:// http://?", "https:// http://?"),
        ("https://bank.example@evil.example", "https://bank.example@evil.example"),
        ("https://[1", "https://[1"),
        ("https://a.example:99999999/", "https://a.example:99999999/"),
        ("https://a.example/\u202egpj.exe", "<https://a.example/>\u202egpj.exe"),
        ("use `snake_case`, not `it", "use |snake_case|, not `it"),
        ("`https://example.org`", "|https://example.org|"),
        ("so:\n```py\nx = 1\ny = `2`\n```\nand on", "so:/||x = 1\ny = `2`||/and on"),
        ("```one line```", "||one line||"),
        ("```\n\n```", "||\n||"),
        ("``````", "``````"),
        ("```never closed", "```never closed"),
    ],
)
def test_forms(text: str, expected: str) -> None:
    """Newlines, code and links keep their form; only http and https lead anywhere."""
    assert shown(content.body(text)) == expected


@pytest.mark.parametrize(
    ("text", "spans", "expected"),
    [
        ("pecan pie", [(6, 9)], "pecan [pie]"),
        ("pecan pie", [(6, 9), (0, 5)], "[pecan] [pie]"),
        ("pecan pie", [(0, 7), (5, 9)], "[pecan pie]"),
        ("pie", [(0, 0), (-3, 2), (2, 99), (7, 9)], "[pie]"),
        ("`a pie`!", [(3, 8)], "|a [pie]|[!]"),
        ("at https://pie.example/pie", [(11, 14)], "at <https://[pie].example/pie>"),
        ("```\na pie\n```", [(6, 9)], "||a [pie]||"),
    ],
)
def test_highlights(text: str, spans: list[tuple[int, int]], expected: str) -> None:
    """They run across code and links, and may be wrong in every way without doing harm."""
    assert shown(content.body(text, spans)) == expected


def test_nothing_is_lost_by_folding() -> None:
    """Head and rest together are the message."""
    text = " ".join(f"word{number}" for number in range(600))
    body = content.body(text)
    assert len(told(body.head)) <= LONG
    assert told(body.head) + told(body.rest) == text


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("x" * 2000, id="one word"),
        pytest.param("line\n" * 400, id="many lines"),
        pytest.param("```\n" + "code\n" * 400 + "```", id="a block of code"),
        pytest.param("a " * (LONG // 2 - 20) + "https://example.org/" + "b" * 400, id="a link"),
    ],
)
def test_what_is_long_is_folded(text: str) -> None:
    """At a line, a word, or in the worst case anywhere; a link is not cut in two."""
    body = content.body(text)
    assert body.head
    assert body.rest
    assert told(body.head).count("\n") <= MANY_LINES
    assert all(run.href in text for block in body.head + body.rest for run in block.runs)


def test_a_link_of_which_the_message_begins_is_whole() -> None:
    """There is nothing before it that could be shown instead."""
    address = "https://example.org/" + "b" * 1500
    body = content.body(address + " and " + "more " * 100)
    assert told(body.head) == f"<{address}>"


def test_a_little_more_than_long_is_not_folded() -> None:
    """Nobody wants to click for half a line."""
    assert content.body("word " * (LONG // 5 + 10)).rest == ()


def test_on_its_own_page_nothing_is_folded() -> None:
    """There is room."""
    assert content.body("x " * LONG, fold=False).rest == ()


def test_a_highlight_in_the_fold_opens_it() -> None:
    """Else nobody would see why the message was found."""
    text = "x " * LONG + "pie"
    assert content.body(text, [(2 * LONG, 2 * LONG + 3)]).opened
    assert not content.body(text, [(0, 1), (2 * LONG, 2 * LONG + 3)]).opened


def test_hidden_characters_in_names_are_shown() -> None:
    """Nobody is called what they seem not to be."""
    assert content.visible("photo\u202egpj.exe") == "photo\N{REPLACEMENT CHARACTER}gpj.exe"
    assert content.visible("ふみ 🌻 Ada") == "ふみ 🌻 Ada"


def test_many_highlights_in_much_code() -> None:
    """Each is looked at where it stands only: to go through all for each is no end of work."""
    text = "`a`b" * 50_000
    parts = list(content.parts_of(text))
    marks = [part.inner for part in parts]
    (block,) = content.blocks(text, parts, marks, Span(0, len(text)))
    assert told((block,)) == "|[a]|b" * 50_000


def test_parts_and_highlights_of_one_message_are_bounded() -> None:
    """Behind the first ones all is plain, and nothing is lost."""
    text = "`a`b" * (MOST_PARTS + 100)
    found = [(at + 3, at + 4) for at in range(0, len(text), 4)]
    expected = "|a|[b]" * MOST_PARTS + "`a`b" * 100
    assert shown(content.body(text, found, fold=False)) == expected
    text = "ab" * (MOST_HIGHLIGHTS + 100)
    found = [(at, at + 1) for at in range(0, len(text), 2)]
    expected = "[a]b" * MOST_HIGHLIGHTS + "ab" * 100
    assert shown(content.body(text, found, fold=False)) == expected


def test_brackets_without_end_behind_an_address() -> None:
    """They are counted once; what is longer than an address may be is none."""
    address = "https://a.example/"
    assert content.trimmed(address + ").]" * 500_000) == address
    assert content.trimmed(f"{address}(b)).)") == f"{address}(b)"
    assert content.trimmed(f"{address}(b]") == f"{address}(b"
    text = address + ")" * 2_000_000
    assert shown(content.body(text, fold=False)) == text
