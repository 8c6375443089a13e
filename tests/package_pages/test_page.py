"""The page of packages as it is sent: its policy, its files, and that it has a word for all."""

import json
import re
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from conftest import NodeMaker
from simulator import SimulatedNode
from werkzeug.test import TestResponse

from downstream_node.dashboard import words
from downstream_node.packages.links import FetchRefusal
from downstream_node.packages.reading.limits import Refusal
from downstream_node.packages.reading.problems import Problem
from downstream_node.packages.secrets import INVALID_SECRET
from downstream_node.packages.states import Code, Stage, State

STATIC = Path(__file__).parents[2] / "downstream_node" / "package_pages" / "static"
SCRIPTS = sorted(STATIC.glob("*.js"))
WASM = "script-src 'self' 'wasm-unsafe-eval';"


def get(node: SimulatedNode, path: str) -> TestResponse:
    """The answer to a browser."""
    return node.app.test_client().get(path, headers={"Accept": "text/html"})


def script_words(page: str) -> Any:
    """What the page gives its script to say."""
    match = re.search(r"data-words='([^']*)'", page)
    assert match
    return json.loads(unescape(match[1]))


def test_the_page(node: SimulatedNode) -> None:
    """It says what happens to a package before it offers to take one."""
    page = get(node, "/packages").text
    headings = [page.index(heading) for heading, _ in words.packages.about(90 * 86400, 3)]
    assert headings == sorted(headings)
    assert headings[-1] < page.index(words.packages.FILE_HEADING)
    assert "90 days; it may later give 3 copies to volunteers, who cannot read them." in page
    assert words.packages.NO_SCRIPT in page


@pytest.mark.parametrize(
    ("retention", "redundancy", "expected"),
    [
        (86400, 0, "sealed statistics, for 1 day."),
        (3600, 1, "for 1 h; it may later give 1 copy to volunteers"),
    ],
)
def test_what_is_kept(make_node: NodeMaker, retention: int, redundancy: int, expected: str) -> None:
    """Times and copies are those of the settings."""
    node = make_node(PACKAGES_RETENTION=retention, PACKAGES_REDUNDANCY=redundancy)
    assert expected in get(node, "/packages").text


def test_wasm_is_for_this_page_alone(node: SimulatedNode) -> None:
    """Its policy lets scripts compile WebAssembly; that of other pages does not."""
    assert WASM in get(node, "/packages").headers["Content-Security-Policy"]
    for path in ("/", "/statistics", "/docs", "/operator/login", "/nothing"):
        policy = get(node, path).headers["Content-Security-Policy"]
        assert "wasm" not in policy
        assert "script-src 'self';" in policy


@pytest.mark.parametrize(
    ("name", "mimetype"),
    [
        ("opener.js", "text/javascript"),
        ("vendor/libsodium.mjs", "text/javascript"),
        ("vendor/sql-wasm-browser.wasm", "application/wasm"),
    ],
)
def test_files(node: SimulatedNode, name: str, mimetype: str) -> None:
    """Scripts come as scripts, and under the policy of the page: a worker has its script's own."""
    answer = get(node, f"/packages/static/{name}")
    assert answer.mimetype == mimetype
    assert WASM in answer.headers["Content-Security-Policy"]
    assert "connect-src 'self'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    answer.close()


def test_nothing_is_loaded_from_elsewhere() -> None:
    """No script names an address; what looks like one is matched or explained, not asked."""
    for path in SCRIPTS:
        found = set(re.findall(r"https?://[^\s\"'`)]+", path.read_text()))
        assert found <= {"https://click.discord.com/ls/click?upn=", "http://www.w3.org/2000/svg"}


def test_every_code_is_told(node: SimulatedNode) -> None:
    """Whatever the node refuses with has a sentence, and what to do."""
    known = script_words(get(node, "/packages").text)["codes"]
    codes = {str(code) for kind in (Code, Refusal, FetchRefusal) for code in kind}
    assert codes | {INVALID_SECRET} <= set(known)
    assert all(heading.endswith(".") and advice.endswith(".") for heading, advice in known.values())


def test_every_code_of_the_script_is_told() -> None:
    """What the script refuses with itself is told, too."""
    source = "".join(path.read_text() for path in SCRIPTS)
    raised = set(re.findall(r'(?:Refused|Failed)\("([A-Z_]+)"\)|code = "([A-Z_]+)"', source))
    codes = {code for pair in raised for code in pair if code}
    assert {"OFFLINE", "INVALID_SECRET", "DAMAGED"} <= codes
    assert codes <= set(words.package_codes.CODES)


def test_every_state_is_told(node: SimulatedNode) -> None:
    """Every word of the node for how far a package is, and for what it lacks."""
    told = script_words(get(node, "/packages").text)
    assert {str(stage) for stage in Stage} | {str(State.WAITING)} <= set(told["details"])
    assert {str(problem) for problem in Problem} == set(told["problems"])
    steps = (STATIC / "progress.js").read_text()
    assert {str(stage) for stage in Stage} <= set(re.findall(r"(\w+): \"", steps))


def test_the_script_has_all_its_words(node: SimulatedNode) -> None:
    """Each word that a script asks for is there, and each that is there is asked for."""
    told = script_words(get(node, "/packages").text)
    source = "".join(path.read_text() for path in SCRIPTS)
    asked = set(re.findall(r"\bwords\.(\w+)", source))
    assert asked - set(told) == set()
    assert set(told) - asked - {"states"} == set()
    for group, names in (("charts", "texts"), ("columns", "headings"), ("tiles", "names")):
        assert set(re.findall(rf"\b{names}\.(\w+)", source)) == set(told[group])
    nouns = set(re.findall(r', "(\w+)"\)', source))
    assert set(told["nouns"]) <= nouns
