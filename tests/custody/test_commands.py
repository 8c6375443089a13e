"""The operator's commands for files."""

import os
import pty
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from custody.keeping import bytes_of, damage, keep, known, on_disk, sha256
from simulator import SimulatedNode

from downstream_node import cli
from downstream_node.custody.blocks import BLOCK
from downstream_node.custody.queries import StoredFile

CONTENT = bytes_of(BLOCK + 5)
PROGRAM = (sys.executable, str(Path(__file__).parents[2] / "runapp.py"))


@pytest.fixture
def database_uri(sqlite_uri: str) -> str:
    """SQLite only: the SQL of what the commands call has tests of its own."""
    return sqlite_uri


@pytest.fixture(autouse=True)
def _environment(own_settings: pytest.MonkeyPatch, node: SimulatedNode) -> None:
    """The commands work on the node of the test."""
    values = node.parts.settings
    for name in ("SQLALCHEMY_DATABASE_URI", "FILES_PATH", "MMDB_PATH"):
        own_settings.setenv(f"DOWNSTREAM_{name}", getattr(values, name))


@pytest.fixture
def file(node: SimulatedNode) -> StoredFile:
    """A file that two parts claim."""
    keep(node, CONTENT, source="chats", name="export.zip", redundancy=3)
    return keep(node, CONTENT, source="demos", name="match.dem")


def run(*arguments: str, typed: str = "") -> Result:
    """Run a command in this process."""
    return CliRunner().invoke(cli.main, ["files", *arguments], input=typed)


def done(*arguments: str) -> str:
    """What a command prints that has to succeed."""
    result = run(*arguments)
    assert (result.exit_code, result.exception) == (0, None), result.output
    return result.output


def refused(*arguments: str) -> str:
    """What a command says that has to be refused with status 2."""
    result = run(*arguments)
    assert result.exit_code == 2, (result.output, result.exception)
    return result.stderr


def test_the_list(node: SimulatedNode, file: StoredFile) -> None:
    """A line for each file, and the sums."""
    keep(node, b"", name="empty", visibility="public")
    empty = sha256(b"").hex()
    assert done("list").splitlines() == [
        f"{file.sha256.hex()} {len(CONTENT):>12} x3 private chats,demos export.zip, match.dem",
        f"{empty} {0:>12} x0 public operator empty",
        f"2 in all, {len(CONTENT)} bytes",
    ]


def test_the_list_of_one_source(node: SimulatedNode, file: StoredFile) -> None:
    """Only what it claims."""
    keep(node, b"")
    assert done("list", "--source", "chats").splitlines()[0].startswith(file.sha256.hex())
    assert done("list", "--source", "packages") == "0 in all, 0 bytes\n"


def test_the_list_over_several_pages(node: SimulatedNode) -> None:
    """Nothing is left out."""
    for number in range(101):
        keep(node, b"%d" % number)
    assert done("list").splitlines()[-1].startswith("101 in all")


def test_the_list_tells_of_damage(node: SimulatedNode, file: StoredFile) -> None:
    """Since when."""
    damage(node, file, 0)
    run("verify", "--all")
    assert " DAMAGED since 20" in done("list")


def test_adding_and_getting(tmp_path: Path) -> None:
    """What was added comes back, by the beginning of its hash."""
    (tmp_path / "a.txt").write_bytes(CONTENT)
    name = done("add", "a.txt").strip()
    done("get", name[:8], "-o", "b.txt")
    assert (tmp_path / "b.txt").read_bytes() == CONTENT
    assert sorted(path.name for path in tmp_path.glob("?.txt*")) == ["a.txt", "b.txt"]


def test_what_is_said_of_a_file(node: SimulatedNode, tmp_path: Path) -> None:
    """Its own name and type, unless told otherwise; private without copies, likewise."""
    (tmp_path / "a.txt").write_bytes(CONTENT)
    done("add", "a.txt")
    name = bytes.fromhex(done("add", str(tmp_path / "a.txt")).strip())
    (claim,) = known(node, name).claims
    assert (claim.name, claim.media_type, claim.redundancy) == ("a.txt", "text/plain", 0)
    done("add", "a.txt", "--name", "Ä", "--redundancy", "3", "--public")
    (claim,) = known(node, name).claims
    assert (claim.name, claim.redundancy, claim.visibility) == ("Ä", 3, "public")


def test_adding_what_is_not_there() -> None:
    """It is named."""
    assert "nothing.txt" in refused("add", "nothing.txt")


def test_getting_to_standard_output(file: StoredFile) -> None:
    """Bytes and nothing else, for programs that read on."""
    command = [*PROGRAM, "files", "get", file.sha256.hex()]
    result = subprocess.run(command, capture_output=True, check=True, timeout=60)
    assert (result.stdout, result.stderr) == (CONTENT, b"")


def test_getting_to_a_terminal(node: SimulatedNode) -> None:
    """It is refused: bytes may do things to a terminal. Who insists gets them."""
    name = keep(node, b"some text").sha256.hex()
    status, shown = in_terminal("files", "get", name)
    assert (status, "some text" in shown, "-o FILE" in shown) == (2, False, True)
    assert in_terminal("files", "get", name, "-o", "-") == (0, "some text")


def in_terminal(*arguments: str) -> tuple[int, str]:
    """Status and output of a command whose standard output is a terminal."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen([*PROGRAM, *arguments], stdout=theirs, stderr=theirs)
    os.close(theirs)
    shown = bytearray()
    # An error is how Linux says that nobody has the terminal open any more.
    with suppress(OSError):
        while some := os.read(ours, 4096):
            shown += some
    os.close(ours)
    return process.wait(60), shown.decode()


def test_getting_what_is_damaged(node: SimulatedNode, file: StoredFile, tmp_path: Path) -> None:
    """What stood in its place before stays; nothing half-written does."""
    (tmp_path / "b.txt").write_text("before")
    damage(node, file, BLOCK)
    assert "block 1 is wrong" in refused("get", file.sha256.hex(), "-o", "b.txt")
    assert (tmp_path / "b.txt").read_text() == "before"
    assert not list(tmp_path.glob("*.part"))


def test_getting_nothing() -> None:
    """Unknown, too short."""
    assert "There is no such file." in refused("get", "0" * 8)
    assert "8 digits or more" in refused("get", "0" * 7)


@pytest.mark.parametrize("chosen", [["--all"], ["7"]], ids=["all", "one"])
def test_verifying(node: SimulatedNode, file: StoredFile, chosen: list[str]) -> None:
    """Status 0 while all is well, 1 if anything is damaged."""
    named = [file.sha256.hex()[:8] if one == "7" else one for one in chosen]
    assert done("verify", *named) == "1 files checked, 0 damaged.\n"
    damage(node, file, 0)
    result = run("verify", *named)
    assert result.exit_code == 1
    assert result.stdout.splitlines() == [
        f"The file {file.sha256.hex()} is damaged: its hash is wrong.",
        "1 files checked, 1 damaged.",
    ]


@pytest.mark.parametrize("arguments", [[], ["--all", "0" * 8]], ids=str)
def test_verifying_needs_a_choice(arguments: list[str]) -> None:
    """Some files or all."""
    assert "Give hashes, or --all." in refused("verify", *arguments)


def test_removing(node: SimulatedNode, file: StoredFile) -> None:
    """It asks, naming who claims the file; the tombstone has the reason."""
    result = run("rm", file.sha256.hex()[:8], "--reason", "unlawful", typed="y\n")
    assert "chats 1: export.zip\ndemos 1: match.dem\nRemove " in result.stdout
    assert result.stdout.endswith(f"{file.sha256.hex()} is removed; it had 2 claims.\n")
    assert (known(node, file).reason, on_disk(node)) == ("unlawful", set())
    assert "no such file" in refused("rm", file.sha256.hex(), "--reason", "x", "--yes")


def test_removing_on_second_thoughts(node: SimulatedNode, file: StoredFile) -> None:
    """Whoever says no keeps it."""
    assert run("rm", file.sha256.hex(), "--reason", "x", typed="n\n").exit_code == 1
    assert known(node, file).removed is None


def test_removing_needs_a_reason(node: SimulatedNode, file: StoredFile) -> None:
    """Also when it does not ask."""
    assert "--reason" in refused("rm", file.sha256.hex(), "--yes")
    done("rm", file.sha256.hex(), "--yes", "--reason", "why not")
    assert known(node, file).removed is not None
