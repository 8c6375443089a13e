"""The importing process is killed between steps: what was not committed never happened."""

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from chats.exports import export, messages
from chats.importing import OWN_CLAIM, archive_of, bring, claims, counts, stored
from packages.processes import until
from simulator import SimulatedNode

from downstream_node.chats import rebuilding
from downstream_node.chats.importing import ImportReport

PROGRAM = """
import os, signal, sys
from pathlib import Path
from downstream_node import settings
from downstream_node.app import build
from downstream_node.chats import feature, importing
from downstream_node.chats.engines import elastic_writing
from downstream_node.chats.feature import Chats

elastic_writing.LEASE = 2000  # milliseconds for which nobody else can import after it was killed

step, path, large = sys.argv[1:]
importing.LARGE = int(large)
node = build(settings.load()).extensions["downstream"]

def killing(function):
    def last(*arguments, **options):
        function(*arguments, **options)
        os.kill(os.getpid(), signal.SIGKILL)
    return last

if step == "writer":
    importing.head = killing(importing.head)
elif step == "take_in":
    importing.take_in = killing(importing.take_in)
elif step in ("authors", "add", "finish"):
    archive = node.feature(Chats).archive
    writing = archive.writing
    from contextlib import contextmanager

    @contextmanager
    def watched(*arguments):
        with writing(*arguments) as inner:
            setattr(inner, step, killing(getattr(inner, step)))
            yield inner

    archive.writing = watched
elif step == "store":
    importing.store = killing(importing.store)
importing.import_export(node, Path(path), "export.json")
"""


MARK = "TEST_IMPORT_CRASHES"
"""In the environment of all processes of these tests."""


def killed(node: SimulatedNode, path: Path, step: str, large: int = 0) -> int:
    """The exit code of a process that dies behind this *step* of an import.

    *large*: bytes from which a file is read by another process.
    """
    values = node.parts.settings
    names = (
        "SQLALCHEMY_DATABASE_URI",
        "MASTER_KEY_PATH",
        "MMDB_PATH",
        "FILES_PATH",
        "CHATS_ARCHIVE",
    )
    environment = {
        **os.environ,
        MARK: str(path),
        "PYTHONPATH": str(Path(__file__).parents[2]),
        **{f"DOWNSTREAM_{name}": getattr(values, name) for name in names},
    }
    command = [sys.executable, "-c", PROGRAM, step, str(path), str(large)]
    return subprocess.run(command, env=environment, check=False, timeout=120).returncode


def readers(path: Path) -> list[str]:
    """The processes that still read for an import of *path*."""
    found = []
    for folder in Path("/proc").iterdir():
        with suppress(OSError):
            ours = f"{MARK}={path}".encode() in (folder / "environ").read_bytes()
            if ours and b"chats.reader" in (folder / "cmdline").read_bytes():
                found.append(folder.name)
    return found


@pytest.mark.parametrize("large", [0, 1 << 30], ids=["read apart", "read by a thread"])
@pytest.mark.parametrize(
    ("step", "in_archive", "in_custody"),
    [
        pytest.param("writer", False, False, id="while the file comes in"),
        pytest.param("take_in", False, True, id="between custody and archive"),
        pytest.param("authors", False, True, id="before the first messages"),
        pytest.param("add", False, True, id="behind the first messages"),
        pytest.param("finish", False, True, id="before the commit"),
        pytest.param("store", True, True, id="before the answer"),
    ],
)
def test_whoever_is_killed_imports_again(  # noqa: PLR0913, PLR0917 - what the table says
    chat_node: SimulatedNode,
    engine: str,
    tmp_path: Path,
    step: str,
    in_archive: bool,
    in_custody: bool,
    large: int,
) -> None:
    """What is in the archive is whole and has its file; the same file can be imported again."""
    # Elasticsearch has no transactions: what it had got stays, and is unchanged the next time.
    atomic = engine != "elastic" or step not in {"add", "finish"}
    path = tmp_path / "export.json"
    path.write_bytes(export(messages(2500)))
    assert killed(chat_node, path, step, large) == -signal.SIGKILL
    until(lambda: not readers(path))
    assert len(stored(chat_node)) == 2500 * in_archive or not atomic
    assert len(archive_of(chat_node).imports(9)) == in_archive or not atomic
    assert claims(chat_node) == [OWN_CLAIM] * in_custody
    again = counts(bring(chat_node, path))
    if atomic:
        assert again == {"unchanged" if in_archive else "new": 2500}
    assert again.get("new", 0) + again.get("unchanged", 0) == 2500
    assert len(stored(chat_node)) == 2500
    assert claims(chat_node) == [OWN_CLAIM]


def test_a_file_that_was_left_is_imported_by_a_rebuild(
    chat_node: SimulatedNode, tmp_path: Path
) -> None:
    """Its bytes are in custody, whole."""
    path = tmp_path / "export.json"
    path.write_bytes(export(messages(20)))
    assert killed(chat_node, path, "take_in") == -signal.SIGKILL
    ((name, report),) = rebuilding.rebuild(chat_node.parts)
    assert name == "export.json"
    assert isinstance(report, ImportReport)
    assert counts(report) == {"new": 20}
