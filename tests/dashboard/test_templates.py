"""Templates and scripts have no texts of their own: what pages say comes from `dashboard.words`."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from jinja2 import Environment, nodes

ROOT = Path(__file__).parents[2] / "downstream_node"
TEMPLATES = sorted(path for path in ROOT.rglob("templates/**/*") if path.is_file())
SCRIPTS = sorted(ROOT.rglob("static/*.js"))

SAID = {
    *("aria-label", "aria-description", "aria-roledescription", "aria-valuetext"),
    *("title", "alt", "placeholder", "label", "data-label", "data-go-on", "data-units"),
    *("data-connected-again", "data-lost", "data-copied", "data-cannot-copy"),
}
"""Attributes that readers see or hear, some by way of the script."""
SHOWN_VALUES = {"submit", "button", "reset"}
"""Kinds of <input> that show their value."""
EXPRESSION = "\N{OBJECT REPLACEMENT CHARACTER}"
"""In the place of what an expression prints."""
LIKE_TEXT = re.compile(r"^\W*[A-Z]|[A-Za-z][.,:;]? +[A-Za-z]")
"""A capital at the beginning, or words side by side."""
STRINGS = re.compile(
    r"""//[^\n]*|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`""", re.DOTALL
)
"""Texts of a script, and comments, whose quotes begin no text."""
PUT_IN = re.compile(r"\$\{[^}]*\}")
"""Where a script puts a value into a text."""
WORDS_SIDE_BY_SIDE = re.compile(r"[A-Za-z][.,:;]? [A-Za-z]")
NO_TEXTS = {
    '"use strict"',  # to the browser, not to readers
    '"#as-of time"',  # a selector
    '"PRAGMA query_only = 1"',  # to SQLite
    '"downstream package id 1"',  # what a secret is hashed with
    '"downstream package key 1"',
}


def parsed(path: Path) -> nodes.Template:
    """The template at *path*."""
    return Environment(autoescape=True).parse(path.read_text())


def markup(node: nodes.Node) -> str:
    """What *node* prints, all its branches one after the other, without what expressions print."""
    if isinstance(node, nodes.TemplateData):
        return node.data
    if isinstance(node, nodes.Expr):
        return EXPRESSION
    return "".join(markup(child) for child in printed(node))


def printed(node: nodes.Node) -> Iterator[nodes.Node]:
    """The parts of *node*, without the expressions that only decide what is printed."""
    for child in node.iter_child_nodes():
        if isinstance(node, nodes.Output) or not isinstance(child, nodes.Expr):
            yield child


class Reader(HTMLParser):
    """Collects what readers of a page see or hear."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.said: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """An element: some of its attributes are told."""
        shown = tag == "input" and dict(attrs).get("type") in SHOWN_VALUES
        told = SAID | {"value"} if shown else SAID
        self.said += [value or "" for name, value in attrs if name in told]

    def handle_data(self, data: str) -> None:
        """A text."""
        self.said.append(data)


def texts(template: nodes.Template) -> list[str]:
    """The pieces with letters that readers see or hear, outside of expressions."""
    reader = Reader()
    reader.feed(markup(template))
    reader.close()
    pieces = (piece.strip() for said in reader.said for piece in said.split(EXPRESSION))
    return [piece for piece in pieces if any(letter.isalpha() for letter in piece)]


def constants(template: nodes.Template) -> list[str]:
    """The constants in expressions that read like a text."""
    found = [node.value for node in template.find_all(nodes.Const)]
    return [value for value in found if isinstance(value, str) and LIKE_TEXT.search(value)]


def said_by_script(source: str) -> set[str]:
    """The texts in *source* that read like words for people."""
    found = {match[0] for match in STRINGS.finditer(source) if match[0][0] != "/"}
    return {text for text in found if WORDS_SIDE_BY_SIDE.search(PUT_IN.sub("", text))}


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_no_text_in_markup(path: Path) -> None:
    """Outside of expressions there are elements, punctuation and symbols, and nothing else."""
    assert texts(parsed(path)) == []


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_no_text_in_expressions(path: Path) -> None:
    """Constants in expressions are names for programs."""
    assert constants(parsed(path)) == []


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_no_text_in_scripts(path: Path) -> None:
    """What a script says stands in attributes that templates fill."""
    assert said_by_script(path.read_text()) - NO_TEXTS == set()


def test_all_pages_are_looked_at() -> None:
    """The tests before this one look at the pages of all features, and at a script."""
    folders = {path.parent.name for path in TEMPLATES}
    wanted = {"dashboard", "operators", "openapi", "chat_pages", "package_pages", "demo_pages"}
    assert wanted <= folders
    assert {"dashboard.js", "statistics.js"} <= {path.name for path in SCRIPTS}


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        pytest.param("<p>Hello</p>", ["Hello"], id="text"),
        pytest.param("<p>{{ one }} of {{ all }}.</p>", ["of"], id="between expressions"),
        pytest.param("{% if a %}yes{% else %}no{% endif %}", ["yesno"], id="branches"),
        pytest.param('<a title="Go {{ there }}">→</a>', ["Go"], id="attribute"),
        pytest.param('<input type="submit" value="Send">', ["Send"], id="button"),
        pytest.param('<input name="a" value="b"><p class="c">{{ d }}, 3 %</p>', [], id="none"),
        pytest.param("{% macro a() %}Hi{% endmacro %}", ["Hi"], id="macro"),
    ],
)
def test_texts_are_found(source: str, expected: list[str]) -> None:
    """Wherever a reader would see them."""
    assert texts(Environment(autoescape=True).parse(source)) == expected


def test_constants_are_found() -> None:
    """Names begin small and are one word; all else is a text."""
    source = "{{ 'Farmers' if a == 'num' else 'no farmer' }}"
    assert constants(Environment(autoescape=True).parse(source)) == ["Farmers", "no farmer"]


def test_texts_of_scripts_are_found() -> None:
    """However they are quoted; comments and names beside each other are none."""
    source = """say("Not found."); // it's a comment, isn't it
    pair("one", two three, 'four'); say(`${n} files are here`); say('Go on')"""
    assert said_by_script(source) == {'"Not found."', "`${n} files are here`", "'Go on'"}
