"""The operator's commands for recordings."""

import re
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from demos.journey import UPLOADER
from demos.kept import Asking, analyst, change, detections, kept, known, opened
from simulator import SimulatedNode

from downstream_node import cli
from downstream_node.demos import access, broadcasts
from downstream_node.demos.states import End, Scope, State
from downstream_node.errors import DemoRefused

KEY = re.compile(r"MB-[A-Za-z0-9_-]{43}")
SETTINGS = ("SQLALCHEMY_DATABASE_URI", "FILES_PATH", "DEMOS_PATH")


@pytest.fixture
def database_uri(sqlite_uri: str) -> str:
    """SQLite only: the SQL of what the commands call has tests of its own."""
    return sqlite_uri


@pytest.fixture(autouse=True)
def environment(
    own_settings: pytest.MonkeyPatch, demo_node: SimulatedNode, tmp_path: Path
) -> pytest.MonkeyPatch:
    """The commands work on the node of the test."""
    own_settings.setenv("DOWNSTREAM_MMDB_PATH", str(tmp_path / "none.mmdb"))
    for name in SETTINGS:
        own_settings.setenv(f"DOWNSTREAM_{name}", getattr(demo_node.parts.settings, name))
    return own_settings


def run(*arguments: object) -> Result:
    """Run a command in this process."""
    return CliRunner().invoke(cli.main, ["demos", *map(str, arguments)])


def done(*arguments: object) -> str:
    """What a command prints that has to succeed."""
    result = run(*arguments)
    assert (result.exit_code, result.exception) == (0, None), result.output
    return result.stdout


def scopes_of(node: SimulatedNode, key: str) -> set[Scope]:
    """What a key is good for."""
    return set(access.require(node.parts, key).scopes)


def test_a_key_is_printed_once(demo_node: SimulatedNode) -> None:
    """It works; the list does not show it."""
    key = done("key", UPLOADER, "--scope", "analyst").strip()
    assert KEY.fullmatch(key)
    assert scopes_of(demo_node, key) == {Scope.UPLOAD, Scope.ANALYST}
    listed = done("keys")
    assert f"{UPLOADER} key upload,analyst since " in listed
    assert key not in listed
    assert listed.endswith("1 in all\n")


def test_a_new_key_ends_the_old_one(demo_node: SimulatedNode) -> None:
    """The scopes stay."""
    first = done("key", UPLOADER, "--scope", "reviewer").strip()
    second = done("key", UPLOADER).strip()
    assert scopes_of(demo_node, second) == {Scope.UPLOAD, Scope.REVIEWER}
    with pytest.raises(DemoRefused):
        access.require(demo_node.parts, first)


def test_scopes_and_revoke(demo_node: SimulatedNode) -> None:
    """Both take effect at once."""
    key = done("key", UPLOADER).strip()
    assert done("scopes", UPLOADER, "reviewer", "analyst") == (
        f"{UPLOADER}: upload, analyst, reviewer.\n"
    )
    assert scopes_of(demo_node, key) == set(Scope) - {Scope.BLOCKED}
    done("revoke", UPLOADER)
    assert Asking(demo_node, key).get("/list_demos").status_code == 401
    assert f"{UPLOADER} no key" in done("keys")
    done("scopes", UPLOADER, "upload")
    assert done("key", UPLOADER).startswith("MB-")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("key", 5), "5 is no 64-bit Steam id of a player."),
        (("scopes", UPLOADER, "king"), "'king' is not one of"),
        (("scopes", UPLOADER, "analyst"), f"Nobody with the Steam id {UPLOADER} is known."),
        (("revoke", UPLOADER), f"Nobody with the Steam id {UPLOADER} is known."),
        (("close", "1"), "There is no session 1."),
        (("close", "x"), "There is no session x."),
        (("again", "1"), "There is no session 1."),
        (("reference", "it.npy", "1"), "There is no session 1."),
        (("broadcast", "remove", "1"), "There is no broadcast 1."),
        (("broadcast", "add", ""), "A message has 1 to 1000 characters."),
        (("keys-for", "3"), "--demo-users"),
    ],
)
def test_mistakes_are_told(arguments: tuple[object, ...], said: str) -> None:
    """With status 2, and nothing is done."""
    result = run(*arguments)
    assert result.exit_code == 2
    assert said in result.stderr


def test_keys_for_load_clients(demo_node: SimulatedNode) -> None:
    """Each a key of its own."""
    keys = done("keys-for", 3, "--demo-users").split()
    assert len({access.require(demo_node.parts, key).steam_id for key in keys}) == 3


def test_list(demo_node: SimulatedNode) -> None:
    """All sessions, or those that go on."""
    demo = kept(demo_node, b"12345")
    live = opened(demo_node)
    everything = done("list")
    assert f"{demo.session_id} closed           5 {UPLOADER} pl_badwater" in everything
    assert everything.endswith("2 in all, 5 bytes\n")
    assert live in done("list", "--live")
    assert demo.session_id not in done("list", "--live")


def test_close(demo_node: SimulatedNode) -> None:
    """With what has arrived."""
    session_id = opened(demo_node, b"12345")
    assert done("close", session_id) == f"{session_id} is closed with 5 bytes.\n"
    demo = known(demo_node, session_id)
    assert (demo.state, demo.ended_by, demo.size) == (State.CLOSED, End.OPERATOR, 5)


def test_again(demo_node: SimulatedNode) -> None:
    """A session waits for an analysis once more."""
    demo, asking = kept(demo_node), analyst(demo_node)
    asking.post("/ingest", {"analyses": {demo.session_id: detections()}})
    assert asking.get("/jobs").get_json() == []
    done("again", demo.session_id)
    assert asking.get("/jobs").get_json() == [demo.session_id]


def test_prune(demo_node: SimulatedNode, environment: pytest.MonkeyPatch) -> None:
    """As the settings say; more than its share only by force."""
    demo = kept(demo_node)
    change(demo_node, demo, started=1, ended=2)
    environment.setenv("DOWNSTREAM_DEMOS_RETENTION", "1")
    environment.setenv("DOWNSTREAM_DEMOS_MOST_PRUNED", "0.5")
    assert done("prune") == "0 recordings are let go.\n"
    assert done("prune", "--force") == "1 recordings are let go.\n"
    assert f"{demo.session_id} closed" in done("list")
    assert " let go " in done("list")


def test_reference(demo_node: SimulatedNode, tmp_path: Path) -> None:
    """Of the recordings that are named."""
    demo = kept(demo_node, b"abab")
    done("reference", tmp_path / "it.npy", demo.session_id)
    table = np.load(tmp_path / "it.npy")
    assert table[ord("a"), ord("b")] == pytest.approx(3 / 258)


def test_broadcasts(demo_node: SimulatedNode) -> None:
    """Come and go."""
    assert done("broadcast", "add", "Hello", "--importance", "high") == "Broadcast 1 is out.\n"
    assert re.match(r"1 high \S+Z Hello\n", done("broadcast", "list"))
    done("broadcast", "remove", 1)
    assert broadcasts.shown(demo_node.parts) == []
