"""The document's export routes: what they answer, who may use them, and where the token goes."""

import logging
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from chats.asking import Asker, export_of, holder, said, served
from simulator import SimulatedNode

from downstream_node.chats.scopes import Scope

CHANNEL = 10
PATHS = ["/api/chats/export/10", "/api/es/chats/export/10"]
TOKEN = "mfa.ThisIsATokenOfDiscord-1234567890"  # noqa: S105 - nobody's
EXPORTER = """\
import os, pathlib, shutil, subprocess, sys
how, source, output = sys.argv[1:4]
token = os.environ["DISCORD_TOKEN"]
seen = pathlib.Path(source).with_suffix(".seen")
arguments = pathlib.Path("/proc/self/cmdline").read_bytes().decode()
parent = pathlib.Path(f"/proc/{os.getppid()}/cmdline").read_bytes().decode()
seen.write_text(f"{token in arguments} {token in parent} {len(token)}")
if how == "fail":
    print("something went wrong")
    sys.exit(1)
if how == "tell":
    print("the token is", token, file=sys.stderr)
    sys.exit(1)
if how == "nonsense":
    pathlib.Path(output, "export.json").write_text("this is no export")
if how == "work":
    shutil.copy(source, output)
"""

Maker = Callable[..., SimulatedNode]


@pytest.fixture
def made(tmp_path: Path, empty_sqlite: Path, master_key: Path) -> Iterator[Maker]:
    """Make a node whose exporter does this or that."""
    nodes: list[SimulatedNode] = []
    (tmp_path / "exporter.py").write_text(EXPORTER)
    messages = [said(n, f"2026-11-0{n}T00:00:00Z", f"message {n}") for n in range(1, 4)]
    (tmp_path / "export.json").write_bytes(export_of(messages, channel=CHANNEL))

    def make(how: str = "work", **values: Any) -> SimulatedNode:
        words = [sys.executable, str(tmp_path / "exporter.py"), how, str(tmp_path / "export.json")]
        command = f"{shlex.join(words)} {{output}}"
        own = {"CHATS_EXPORT_COMMAND": command}
        nodes.append(served(tmp_path / "node", empty_sqlite, master_key, **own | values))
        return nodes[-1]

    yield make
    for node in nodes:
        node.close()


def export(asker: Asker, path: str = PATHS[0], token: str | None = TOKEN) -> tuple[int, Any]:
    """Ask for an export: status and body."""
    headers = {} if token is None else {"X-Token": token}
    answer = asker.ask(path, method="POST", headers=headers)
    return answer.status_code, answer.get_json()


def importer(node: SimulatedNode) -> Asker:
    """Somebody who may import everything."""
    return holder(node, may_import=True)


@pytest.mark.parametrize("path", PATHS)
def test_success_as_in_the_document(made: Maker, path: str) -> None:
    """Status, message with the number that is new, and the time it took."""
    ada = importer(made())
    code, body = export(ada, path)
    assert code == 200, body
    assert re.fullmatch(r"\d+\.\d{4} seconds", body.pop("process_time"))
    message = "Successfully inserted 3 messages into the database."
    assert body == {"status": "success", "data": {"message": message}}
    assert len(ada.found("message")) == 3
    assert "inserted 0 messages" in export(ada, path)[1]["data"]["message"]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("token", [None, ""])
def test_the_token_is_missing(made: Maker, path: str, token: str | None) -> None:
    """The document's 400."""
    assert export(importer(made()), path, token) == (400, {"detail": "Missing Discord token."})


def test_nothing_to_import(made: Maker) -> None:
    """404, which the original meant."""
    answer = export(importer(made("nothing")))
    assert answer == (404, {"detail": "No chat messages found for the past 7 days"})


def test_defect_8_exports_take_a_key(made: Maker) -> None:
    """401 without one, 403 with one that may only read, or import elsewhere."""
    node = made()
    assert export(Asker(node))[0] == 401
    assert export(holder(node, name="reader"))[0] == 403
    elsewhere = Scope(channels=frozenset({11}))
    assert export(holder(node, elsewhere, name="elsewhere", may_import=True))[0] == 403
    other_guild = Scope(guilds=frozenset({99}))
    assert export(holder(node, other_guild, name="guild", may_import=True))[0] == 403
    assert importer(node).found("") == []
    own = Scope(channels=frozenset({CHANNEL}))
    assert export(holder(node, own, name="own", may_import=True))[0] == 200


def test_open_exports(made: Maker) -> None:
    """With CHATS_OPEN_EXPORT anybody may ask for exports, and read nothing by that."""
    node = made(CHATS_OPEN_EXPORT=True)
    assert export(Asker(node))[0] == 200
    assert Asker(node).ask("/api/chats/v1/search").status_code == 401


@pytest.mark.parametrize("channel", ["general", "-1", "1" * 20, str(1 << 63)])
def test_malformed_channels(made: Maker, channel: str) -> None:
    """422, as for other parameters."""
    answer = export(importer(made()), f"/api/chats/export/{channel}")
    assert answer == (422, {"detail": "channel_id must be a whole number."})


@pytest.mark.parametrize(
    ("how", "code"), [("fail", 502), ("tell", 502), ("nonsense", 400), ("nothing", 404)]
)
def test_failures_tell_nothing(made: Maker, how: str, code: int) -> None:
    """A status and a sentence; not what the program wrote, not where its files are."""
    node = made(how)
    found, body = export(importer(node))
    assert found == code
    assert set(body) == {"detail"}
    for inside in ("something went wrong", "exporter.py", "downstream-export", TOKEN, "Traceback"):
        assert inside not in body["detail"]


@pytest.mark.parametrize("how", ["work", "fail", "tell", "nonsense", "nothing", "crash", "refused"])
def test_the_token_is_nowhere(
    made: Maker, tmp_path: Path, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Not in any log at any level, with tracebacks and arguments, nor in an answer or a file."""
    caplog.set_level(logging.DEBUG)
    node = made(how)
    if how == "crash":
        node.parts.database.dispose()
        (tmp_path / "node" / "node.db").write_bytes(b"no database at all" * 1000)
        asker = Asker(node, "dsck_x")
    elif how == "refused":
        asker = Asker(node, "dsck_wrong")
    else:
        asker = importer(node)
    answer = asker.ask(PATHS[0], method="POST", headers={"X-Token": TOKEN})
    assert (answer.status_code == 200) == (how == "work")
    logged = "\n".join(caplog.handler.format(record) for record in caplog.records)
    raw = [(record.getMessage(), repr(record.args), record.exc_text) for record in caplog.records]
    assert TOKEN not in f"{answer.headers}{answer.text}{logged}{raw}"
    for file in tmp_path.rglob("*"):
        assert not file.is_file() or TOKEN.encode() not in file.read_bytes(), file
    if how in ("crash", "fail", "tell"):
        assert logged


def test_the_token_is_in_no_process_list(made: Maker, tmp_path: Path) -> None:
    """The program gets it in its environment, and neither it nor the node shows it otherwise."""
    assert export(importer(made()))[0] == 200
    assert (tmp_path / "export.seen").read_text() == f"False False {len(TOKEN)}"
    listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, check=True, text=True)
    assert TOKEN not in listed.stdout


def test_an_unforeseen_failure(
    made: Maker, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The document's 500; even an exception in the middle of an import does not tell the token."""
    node = made()

    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("a secret of the inside")

    caplog.set_level(logging.DEBUG)
    monkeypatch.setattr("downstream_node.chats.exporting.import_export", broken)
    code, body = export(importer(node))
    assert code == 500
    assert body == {"detail": "An error occurred while processing your request."}
    assert "a secret of the inside" in caplog.text
    assert TOKEN not in caplog.text


def test_exports_from_the_drop_folder(made: Maker, tmp_path: Path) -> None:
    """Without a program, what lies there is imported; the token is asked for all the same."""
    node = made(CHATS_EXPORT_COMMAND="", CHATS_DROP_FOLDER=str(tmp_path / "drop"))
    (tmp_path / "drop").mkdir()
    (tmp_path / "drop" / "a.json").write_bytes((tmp_path / "export.json").read_bytes())
    ada = importer(node)
    code, body = export(ada)
    assert (code, body.get("data")) == (
        200,
        {"message": "Successfully inserted 3 messages into the database."},
    )
    assert export(ada)[0] == 404
