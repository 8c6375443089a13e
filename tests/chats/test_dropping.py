"""What is put into the drop folder is imported, once, and put aside."""

import fcntl
import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from chats.exports import CHANNEL, export, messages
from chats.importing import archive_of, claims, stored
from simulator import SimulatedNode

from downstream_node.chats import dropping
from downstream_node.chats.dropping import import_channel, import_dropped
from downstream_node.errors import Busy, InvalidRequest

pytestmark = pytest.mark.parametrize("engine", ["sqlite"], scope="session")
ChatMaker = Callable[..., SimulatedNode]


@pytest.fixture
def folder(chat_node: SimulatedNode) -> Path:
    """The drop folder."""
    path = Path(chat_node.parts.settings.CHATS_DROP_FOLDER)
    path.mkdir()
    return path


def names(folder: Path) -> set[str]:
    """What lies in *folder* and below, without folders and the lock."""
    return {
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if not (path.is_dir() and not path.is_symlink()) and path.name != dropping.LOCK
    }


def test_exports_are_imported_and_put_aside(chat_node: SimulatedNode, folder: Path) -> None:
    """Files with another ending and hidden ones are left alone."""
    for number, name in enumerate(["a.json", "B.JSON", "c.txt", ".d.json"]):
        (folder / name).write_bytes(export(messages(5, first=5 * number)))
    assert import_dropped(chat_node.parts, 0) == 2
    assert names(folder) == {"done/a.json", "done/B.JSON", "c.txt", ".d.json"}
    assert len(stored(chat_node)) == 10
    assert import_dropped(chat_node.parts, 0) == 0


def test_what_is_no_export_is_put_aside_with_the_reason(
    chat_node: SimulatedNode, folder: Path
) -> None:
    """It does not hinder the others."""
    (folder / "a.json").write_bytes(b"{")
    (folder / "b.json").write_bytes(export(messages(5)))
    assert import_dropped(chat_node.parts, 0) == 1
    assert names(folder) == {"failed/a.json", "failed/a.json.txt", "done/b.json"}
    modes = {(folder / name).stat().st_mode & 0o777 for name in ("done", "failed")}
    assert modes == {0o700}
    assert "ends too early" in (folder / "failed" / "a.json.txt").read_text()


def test_a_file_that_grows_is_left_alone(
    chat_node: SimulatedNode, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is still being copied; the next pass takes it."""
    data = export(messages(5))
    path = folder / "a.json"
    path.write_bytes(data[:100])
    monkeypatch.setattr(dropping, "pause", lambda _: path.write_bytes(data))
    assert import_dropped(chat_node.parts) == 0
    monkeypatch.setattr(dropping, "pause", lambda _: None)
    assert import_dropped(chat_node.parts) == 1


def test_links_and_folders_are_refused(
    chat_node: SimulatedNode, folder: Path, tmp_path: Path
) -> None:
    """Whoever may write here may not have the node read other files, nor wait for ever."""
    secret = tmp_path / "secret.json"
    secret.write_bytes(export(messages(5)))
    (folder / "link.json").symlink_to(secret)
    (folder / "folder.json").mkdir()
    os.mkfifo(folder / "pipe.json")
    assert import_dropped(chat_node.parts, 0) == 0
    assert {name for name in names(folder) if name.endswith(".txt")} == {
        f"failed/{name}.json.txt" for name in ("link", "folder", "pipe")
    }
    assert secret.exists()
    assert claims(chat_node) == []


@pytest.mark.parametrize(
    "name",
    [
        b"\xff\xfe.json",
        "\u202eevil\n.json".encode(),
        b"-rf.json",
        b"%s {channel} ;$(x).json",
        b"x" * 250 + b".json",
        "\u65e5\u672c.json".encode(),
    ],
)
def test_names_of_any_kind(chat_node: SimulatedNode, folder: Path, name: bytes) -> None:
    """What a file is called means nothing, and is made fit for display."""
    for data in (export(messages(5)), b"no export"):
        path = Path(os.fsdecode(os.fsencode(folder) + b"/" + name))
        path.write_bytes(data)
        import_dropped(chat_node.parts, 0)
        assert not path.exists()
    assert len(stored(chat_node)) == 5
    shown = archive_of(chat_node).imports(1)[0].name
    assert shown.isprintable()


def test_names_that_are_taken(chat_node: SimulatedNode, folder: Path) -> None:
    """Nothing that was put aside is written over."""
    for number in range(3):
        (folder / "a.json").write_bytes(export(messages(1, first=number)))
        import_dropped(chat_node.parts, 0)
    assert names(folder) == {"done/a.json", "done/a (2).json", "done/a (3).json"}


def test_no_folder_is_no_error(chat_node: SimulatedNode) -> None:
    """Nobody has to have one, and no archive is made for it."""
    assert import_dropped(chat_node.parts) == 0
    assert import_channel(chat_node.parts, CHANNEL, None) == []
    assert not Path(chat_node.parts.settings.CHATS_ARCHIVE.removeprefix("sqlite:///")).exists()


def test_two_at_once(chat_node: SimulatedNode, folder: Path) -> None:
    """Nodes that share a folder import each file once."""
    for number in range(6):
        (folder / f"{number}.json").write_bytes(export(messages(200, first=200 * number)))
    did: list[int] = []
    threads = [
        threading.Thread(target=lambda: did.append(import_dropped(chat_node.parts, 0.1)))
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(did) == [0, 6]
    assert len(archive_of(chat_node).imports(100)) == 6


def test_a_request_waits_for_the_folder(
    chat_node: SimulatedNode, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For a while; then the caller is told to come again."""
    monkeypatch.setattr(dropping, "LOCK_SECONDS", 0.2)
    with (folder / dropping.LOCK).open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with pytest.raises(Busy):
            import_channel(chat_node.parts, CHANNEL, None, 0)


def test_one_channel_alone(chat_node: SimulatedNode, folder: Path) -> None:
    """What names another channel stays, whatever the file is called."""
    (folder / "a.json").write_bytes(export(messages(5)))
    (folder / f"{CHANNEL}.json").write_bytes(export(messages(5), channel=5))
    (folder / "c.json").write_bytes(b"{")
    (report,) = import_channel(chat_node.parts, CHANNEL, None, 0)
    assert report.counts.new == 5
    assert names(folder) == {"done/a.json", f"{CHANNEL}.json", "c.json"}


def test_an_export_that_breaks_off_is_told_to_who_asks(
    chat_node: SimulatedNode, folder: Path
) -> None:
    """And is put aside."""
    (folder / "a.json").write_bytes(export(messages(5))[:-20])
    with pytest.raises(InvalidRequest, match="ends too early"):
        import_channel(chat_node.parts, CHANNEL, None, 0)
    assert "failed/a.json.txt" in names(folder)


def test_the_job_does_it(chat_maker: ChatMaker, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every CHATS_WATCH_EVERY seconds; with 0 there is no such job."""
    monkeypatch.setattr(dropping, "QUIET_SECONDS", 0)
    node = chat_maker()
    folder = Path(node.parts.settings.CHATS_DROP_FOLDER)
    folder.mkdir()
    assert node.run_jobs()["import dropped chats"] == 0
    (folder / "a.json").write_bytes(export(messages(5)))
    node.advance(59)
    assert "import dropped chats" not in node.run_jobs()
    node.advance(1)
    assert node.run_jobs()["import dropped chats"] == 1
    assert "import dropped chats" not in chat_maker(CHATS_WATCH_EVERY=0).run_jobs()
