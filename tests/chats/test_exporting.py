"""The export routes' service: a program makes an export, or the drop folder has one."""

import json
import logging
import os
import shlex
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from chats.exports import CHANNEL, export, messages
from chats.importing import claims, stored
from simulator import START, SimulatedNode

from downstream_node.chats import dropping, exporting
from downstream_node.chats.exporting import ChannelExport, export_channel
from downstream_node.chats.importing import Rights
from downstream_node.clock import monotonic, pause
from downstream_node.errors import AccessRefused, ExportFailed, InvalidRequest, NoMessagesFound

pytestmark = pytest.mark.parametrize("engine", ["sqlite"], scope="session")
ChatMaker = Callable[..., SimulatedNode]
TOKEN = "mfa.secret-token-of-somebody_0123456789"  # noqa: S105 - of nobody

PROGRAM = """
import json, os, pathlib, sys, time
output, seen = sys.argv[1], pathlib.Path(sys.argv[2])
seen.write_text(json.dumps({
    "argv": sys.argv[3:],
    "cmdline": pathlib.Path("/proc/self/cmdline").read_bytes().decode(),
    "names": sorted(os.environ),
    "token": os.environ.get("DISCORD_TOKEN"),
    "output": output,
    "mode": oct(os.stat(output).st_mode & 0o777),
    "parent": oct(os.stat(os.path.dirname(output.rstrip("/"))).st_mode & 0o777),
    "pid": os.getpid(),
}))
"""


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary folders are made."""
    path = tmp_path / "temporary"
    path.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(path))
    return path


class Exporter:
    """A node whose exporter is a program of the test."""

    def __init__(self, make: ChatMaker, folder: Path, **values: Any) -> None:
        self._script = folder / "exporter.py"
        self._seen = folder / "seen.json"
        parts = [sys.executable, str(self._script), "{output}", str(self._seen)]
        command = " ".join([*map(shlex.quote, parts), "'a b' c{channel}d {after} {before} {other}"])
        self.node = make(CHATS_EXPORT_COMMAND=command, **values)
        self.does("")

    def does(self, more: str) -> "Exporter":
        """Have the program do *more*."""
        self._script.write_text(PROGRAM + more)
        return self

    def writes(self, data: bytes, name: str = "x.json") -> "Exporter":
        """Have the program write an export."""
        source = self._script.with_name(f"{name}.source")
        source.write_bytes(data)
        return self.does(
            f"import shutil; shutil.copy({str(source)!r}, os.path.join(output, {name!r}))"
        )

    def run(self, **options: Any) -> ChannelExport:
        """One request."""
        return export_channel(self.node.parts, CHANNEL, TOKEN, START, **options)

    @property
    def seen(self) -> dict[str, Any]:
        """What the program saw."""
        found: dict[str, Any] = json.loads(self._seen.read_text())
        return found


@pytest.fixture
def exporter(chat_maker: ChatMaker, tmp_path: Path, temporary: Path) -> Exporter:
    """A node whose exporter is a program of the test."""
    assert temporary.exists()
    return Exporter(chat_maker, tmp_path, CHATS_EXPORT_TIMEOUT=20)


@pytest.fixture
def whole_log(caplog: pytest.LogCaptureFixture) -> Callable[[], str]:
    """All that is logged, of every level, with tracebacks."""
    caplog.set_level(logging.DEBUG)
    return lambda: caplog.text


def test_a_program_makes_the_export(exporter: Exporter) -> None:
    """Its files are imported; the answer counts the new messages of this request."""
    exporter.writes(export(messages(5)))
    assert exporter.run().inserted == 5
    assert exporter.run().inserted == 0
    exporter.writes(export(messages(7)))
    assert exporter.run().inserted == 2


def test_it_is_started_without_a_shell(exporter: Exporter) -> None:
    """Its arguments are cut first and filled in then."""
    exporter.writes(export(messages(1))).run()
    assert exporter.seen["argv"] == [
        "a b",
        f"c{CHANNEL}d",
        "2027-01-08T08:00:00Z",
        "2027-01-15T08:00:00Z",
        "{other}",
    ]


def test_defect_6_the_token_is_in_one_environment_only(
    exporter: Exporter, whole_log: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not in the list of processes, and not in the node's own environment."""
    monkeypatch.setenv("DOWNSTREAM_SQLALCHEMY_DATABASE_URI", "with a password")
    exporter.writes(export(messages(1))).run()
    seen = exporter.seen
    assert seen["token"] == TOKEN
    assert TOKEN not in seen["cmdline"]
    assert TOKEN not in os.environ.values()
    assert not [name for name in seen["names"] if name.startswith("DOWNSTREAM_")]
    assert TOKEN not in whole_log()


@pytest.mark.parametrize("where", ["stdout", "stderr"])
def test_a_program_that_tells_the_token(
    exporter: Exporter, whole_log: Callable[[], str], where: str
) -> None:
    """What it wrote is not logged then, and never shown."""
    exporter.does(f"print('bad token', os.environ['DISCORD_TOKEN'], file=sys.{where}); sys.exit(3)")
    with pytest.raises(ExportFailed) as failure:
        exporter.run()
    assert TOKEN not in whole_log() + str(failure.value) + repr(failure.value.__context__)
    assert "nothing of it is shown" in whole_log()


def test_a_program_that_fails(exporter: Exporter, whole_log: Callable[[], str]) -> None:
    """The operator finds what it wrote; who asked does not."""
    exporter.does("sys.exit('the guild is gone')")
    with pytest.raises(ExportFailed) as failure:
        exporter.run()
    assert "the guild is gone" in whole_log()
    assert "guild" not in str(failure.value)


@pytest.mark.parametrize("command", ["/nowhere/at/all {channel}", "'", "/"])
def test_a_program_that_cannot_be_started(chat_maker: ChatMaker, command: str) -> None:
    """It is the operator's mistake, and says nothing of the command."""
    node = chat_maker(CHATS_EXPORT_COMMAND=command)
    with pytest.raises(ExportFailed) as failure:
        export_channel(node.parts, CHANNEL, TOKEN, START)
    assert "nowhere" not in str(failure.value)
    assert failure.value.__cause__ is None


def is_running(pid: int) -> bool:
    """Whether there is such a process, and it is not just waited for."""
    try:
        return " Z " not in Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False


def test_a_program_that_hangs(chat_maker: ChatMaker, tmp_path: Path, temporary: Path) -> None:
    """It is ended with all that it started, however it holds on."""
    children = tmp_path / "children"
    exporter = Exporter(chat_maker, tmp_path, CHATS_EXPORT_TIMEOUT=1).does(
        f"""
import signal, subprocess
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
pathlib.Path({str(children)!r}).write_text(str(child.pid))
time.sleep(60)
"""
    )
    began = monotonic()
    with pytest.raises(ExportFailed, match="longer than 1 seconds"):
        exporter.run()
    assert monotonic() - began < 15
    gone = [exporter.seen["pid"], int(children.read_text())]
    for _ in range(50):
        if not any(map(is_running, gone)):
            break
        pause(0.1)
    assert not any(map(is_running, gone))
    assert list(drop_of(exporter).iterdir()) == list(temporary.iterdir()) == []


def drop_of(exporter: Exporter) -> Path:
    """The drop folder."""
    return Path(exporter.node.parts.settings.CHATS_DROP_FOLDER)


def test_exports_are_made_in_a_private_folder(exporter: Exporter, temporary: Path) -> None:
    """Hidden in the drop folder, for the node's user only, and gone afterwards."""
    exporter.writes(export(messages(1))).run()
    made = Path(exporter.seen["output"])
    assert made.parent.parent == drop_of(exporter)
    assert made.parent.name.startswith(dropping.EXPORTING)
    assert exporter.seen["parent"] == "0o700"
    assert list(drop_of(exporter).iterdir()) == list(temporary.iterdir()) == []


def test_what_a_killed_node_left_is_deleted(exporter: Exporter, tmp_path: Path) -> None:
    """Not what is being made, and nothing that is linked."""
    drop, now = drop_of(exporter), exporter.node.parts.wall_clock() / 1000
    for name, age in (("old", 86_400 + 21), ("new", 86_400 + 19)):
        folder = drop / f"{dropping.EXPORTING}{name}"
        (folder / "output").mkdir(parents=True)
        (folder / "output" / "x.json").write_bytes(export(messages(1)))
        os.utime(folder, (now - age, now - age))
    other = tmp_path / "other"
    other.mkdir()
    (drop / f"{dropping.EXPORTING}link").symlink_to(other)
    assert dropping.import_dropped(exporter.node.parts, 0) == 0
    left = {path.name.removeprefix(dropping.EXPORTING) for path in drop.iterdir()}
    assert left == {"new", "link", dropping.LOCK}
    assert other.exists()


def test_defect_6_the_output_is_private_and_goes(exporter: Exporter, temporary: Path) -> None:
    """Two exports at the same second do not meet, and nothing stays."""
    exporter.writes(export(messages(1))).run()
    first = exporter.seen
    exporter.run()
    assert first["output"] != exporter.seen["output"]
    assert first["parent"] == "0o700"
    exporter.writes(b"no export")
    with pytest.raises(InvalidRequest):
        exporter.run()
    assert list(temporary.iterdir()) == []


def test_nothing_was_said(exporter: Exporter) -> None:
    """Without a file, or with one that has no messages: the document's 404."""
    for data in (None, export([])):
        if data is not None:
            exporter.writes(data)
        with pytest.raises(NoMessagesFound, match=r"^No chat messages found for the past 7 days$"):
            exporter.run()


@pytest.mark.parametrize("token", ["", "a b", "a\nb", "a\0b", "\u00e9", "x" * 1001])
def test_what_is_no_token(exporter: Exporter, token: str) -> None:
    """It cannot stand in an environment, or is no token of anybody."""
    with pytest.raises(InvalidRequest, match="token is malformed"):
        export_channel(exporter.node.parts, CHANNEL, token, START)


def test_links_in_the_output_are_not_followed(exporter: Exporter, tmp_path: Path) -> None:
    """The program's files are imported, and no others."""
    other = tmp_path / "other.json"
    other.write_bytes(export(messages(5)))
    exporter.does(f"os.symlink({str(other)!r}, os.path.join(output, 'x.json'))")
    with pytest.raises(NoMessagesFound):
        exporter.run()


def test_it_may_not_be_allowed(exporter: Exporter) -> None:
    """Of what the program wrote, too, nothing goes where the key does not reach."""

    def refused(*_: object) -> Rights:
        raise AccessRefused("No.")

    with pytest.raises(AccessRefused):
        exporter.writes(export(messages(1))).run(allowed=refused)
    assert (stored(exporter.node), claims(exporter.node)) == ([], [])


# Without a program


def test_defect_10_nobody_has_to_log_in(
    chat_node: SimulatedNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With no program set, files are imported and no token is used, whatever it is."""
    monkeypatch.setattr(dropping, "QUIET_SECONDS", 0)
    monkeypatch.setattr(exporting, "run", None)
    folder = Path(chat_node.parts.settings.CHATS_DROP_FOLDER)
    folder.mkdir()
    (folder / "x.json").write_bytes(export(messages(5)))
    assert chat_node.parts.settings.CHATS_EXPORT_COMMAND == ""
    assert export_channel(chat_node.parts, CHANNEL, "", START).inserted == 5
    with pytest.raises(NoMessagesFound):
        export_channel(chat_node.parts, CHANNEL, "", START)
