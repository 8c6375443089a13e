"""Large exports are read by a process of their own; nobody sees a difference but on the clock."""

import json
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from chats.exports import CHANNEL, export, message, messages, pieces
from chats.importing import OWN_CLAIM, archive_of, bring, claims, counts, stored
from simulator import SimulatedNode

from downstream_node.chats import importing
from downstream_node.chats.apart import batches_apart
from downstream_node.chats.batches import BATCH_BYTES, Batch, Ending, batches
from downstream_node.chats.frames import NUMBER
from downstream_node.chats.records import Author, Message
from downstream_node.custody import service as custody
from downstream_node.custody import storage
from downstream_node.errors import Busy, DamagedFile, InvalidExport, StorageFailed

READER = (sys.executable, "-m", "downstream_node.chats.reader")


@pytest.fixture(autouse=True)
def always_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """However small a file is."""
    monkeypatch.setattr(importing, "LARGE", 0)


def readers() -> list[int]:
    """The reading processes that this one has started and that are there."""
    threads = Path("/proc/self/task").iterdir()
    children = [child for one in threads for child in (one / "children").read_text().split()]
    return [
        int(child)
        for child in children
        if b"chats.reader" in Path(f"/proc/{child}/cmdline").read_bytes()
    ]


def parts(data: bytes, size: int = 10_000) -> Iterator[bytes]:
    """*data* in pieces of *size* bytes."""
    return (data[start : start + size] for start in range(0, len(data), size))


def taken(data: Iterable[bytes]) -> list[Batch | Ending]:
    """What the process makes of an export."""
    with batches_apart(data, CHANNEL) as items:
        return list(items)


def flat(items: Iterable[Batch | Ending]) -> tuple[list[Message], list[Author], Ending]:
    """What they hold, wherever one batch ends and the next begins."""
    messages: list[Message] = []
    people: list[Author] = []
    ending = None
    for item in items:
        assert ending is None
        if isinstance(item, Ending):
            ending = item
        else:
            messages += item.messages
            people += item.people
    assert ending is not None
    return messages, people, ending


def said() -> Iterator[dict[str, object]]:
    """Messages of many kinds, some of them broken."""
    yield from messages(1200)
    yield message(2000, timestamp="soon")
    yield message(2001, content="naïve \U0001f600", timestamp="2024-04-02T10:00:00")
    yield message(2002, reactions=[{"emoji": {"name": "x"}, "count": 2}], isPinned=True)
    yield message(2003, mentions=[message(5)["author"]], type="Reply", reference={"messageId": "5"})


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(export(said(), count=7), id="of many kinds"),
        pytest.param(export([]), id="empty"),
        pytest.param(json.dumps(json.loads(export(messages(10)))).encode(), id="in one line"),
    ],
)
def test_it_reads_the_same(data: bytes) -> None:
    """As in this process: messages, people, reasons, notes, times."""
    assert flat(taken(parts(data))) == flat(batches([data], CHANNEL))


def test_large_messages_come_in_small_batches() -> None:
    """So that a frame is never much longer than a message may be."""
    long = {"embeds": [{"description": "x" * 1_000_000}]}
    found = taken(pieces(message(n, **long) for n in range(9)))
    sizes = [len(item.messages) for item in found if isinstance(item, Batch)]
    assert sum(sizes) == 9
    assert max(sizes) * 1_000_000 <= BATCH_BYTES + 1_000_000


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(export(messages(1500))[:-200], id="cut off"),
        pytest.param(export(messages(5)).replace(b'"User 2",', b'"User 2"'), id="no JSON"),
        pytest.param(export(messages(5)) + b"{}" * 1_000_000, id="with much behind it"),
        pytest.param(b"", id="nothing"),
    ],
)
def test_it_refuses_the_same(data: bytes) -> None:
    """With the same words."""
    with pytest.raises(InvalidExport) as here:
        list(batches([data], CHANNEL))
    with pytest.raises(InvalidExport) as there:
        taken(parts(data))
    assert str(there.value) == str(here.value)
    assert not readers()


@pytest.mark.parametrize("end", [b"", export(messages(3)), export(messages(1500))])
def test_what_the_bytes_raise_comes_through(end: bytes) -> None:
    """Also if what came until then was a whole export."""

    def broken() -> Iterator[bytes]:
        yield end
        raise StorageFailed("The disk.")

    with pytest.raises(StorageFailed, match="The disk"):
        taken(broken())


def test_nothing_is_left_of_one_that_is_not_wanted() -> None:
    """Neither the process nor a thread, wherever it is."""
    with batches_apart(pieces(messages(20_000)), CHANNEL) as items:
        assert isinstance(next(items), Batch)
        assert len(readers()) == 1
    assert not readers()


def test_one_that_dies_is_told(chat_node: SimulatedNode) -> None:
    """The import may be tried again; nothing was stored."""

    def killed(_done: int, _offset: int, _size: int) -> None:
        for reader in readers():
            subprocess.run(["kill", "-9", str(reader)], check=True)

    with pytest.raises(Busy, match="could not be read now"):
        bring(chat_node, pieces(messages(40_000)), progress=killed)
    assert (stored(chat_node), claims(chat_node), archive_of(chat_node).imports(9)) == ([], [], [])


def test_one_that_cannot_be_started_is_told(
    chat_node: SimulatedNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if it had died."""
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(Busy, match="could not be read now"):
        bring(chat_node, export(messages(3)))
    assert claims(chat_node) == []


def test_an_import_goes_through_it(chat_node: SimulatedNode) -> None:
    """With all counts, and again."""
    data = export([*messages(2500), message(3000, timestamp="soon")])
    report = bring(chat_node, data)
    assert counts(report) == {"new": 2500, "broken": 1}
    assert [one.index for one in report.broken] == [2500]
    assert counts(bring(chat_node, data)) == {"unchanged": 2500, "broken": 1}
    assert claims(chat_node) == [OWN_CLAIM]
    assert not readers()


def test_missing_messages_are_marked(chat_node: SimulatedNode) -> None:
    """What it says of the first and the last message counts."""
    bring(chat_node, export(messages(30), exported="2024-12-30T00:00:00Z"))
    later = export(messages(20, drop_every=5), exported="2025-01-02T00:00:00Z")
    assert counts(bring(chat_node, later, mark_missing=True)) == {"unchanged": 16, "deleted": 3}


def test_an_export_that_is_damaged_in_custody(
    chat_node: SimulatedNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is found while it is read, and told as what it is."""
    take_in = importing.take_in

    def damaging(*arguments: object) -> importing.Taken:
        taken = take_in(*arguments)  # type: ignore[arg-type]
        path = storage.path_of(storage.root_of(chat_node.parts), taken.file.sha256)
        path.write_bytes(path.read_bytes().replace(b"pecan", b"pekan"))
        return taken

    monkeypatch.setattr(importing, "take_in", damaging)
    with pytest.raises(DamagedFile):
        bring(chat_node, export(messages(1500)))
    assert stored(chat_node) == []
    assert custody.listed(chat_node.parts).files == []


def test_ctrl_c_ends_it(chat_node: SimulatedNode) -> None:
    """The process, too, and nothing is left."""

    def interrupted(done: int, _offset: int, _size: int) -> None:
        if done > 2000:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        bring(chat_node, pieces(messages(20_000)), progress=interrupted)
    assert not readers()
    assert (stored(chat_node), claims(chat_node)) == ([], [])


@pytest.mark.parametrize("sent", [b"", b"\1\0\0"])
def test_it_ends_with_the_import(sent: bytes) -> None:
    """Though that dies before it has said anything."""
    done = subprocess.run(READER, input=sent, capture_output=True, check=False, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_it_ends_when_nobody_listens() -> None:
    """Without a word, while there is more to read."""
    process = subprocess.Popen(
        READER, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0
    )
    with process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        with suppress(BrokenPipeError):
            process.stdin.write(NUMBER.pack(CHANNEL) + export(messages(5000)))
        assert process.wait(timeout=60) == 0
        assert process.stderr.read() == b""


def test_it_needs_no_server() -> None:
    """Neither the database nor the web: its memory is for messages."""
    program = "import sys, downstream_node.chats.reader; print(' '.join(sys.modules))"
    words = [sys.executable, "-c", program]
    loaded = subprocess.run(words, capture_output=True, text=True, check=True)
    names = set(loaded.stdout.split())
    assert "downstream_node.chats.reader" in names
    assert not names & {"flask", "sqlalchemy", "click", "requests", "downstream_node.settings"}
