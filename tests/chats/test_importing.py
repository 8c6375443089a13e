"""An export goes into custody and its messages into the archive: all of it, or nothing."""

import gzip
import json
import random
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from chats.exports import CHANNEL, edited, export, message, messages, pieces
from chats.importing import (
    OWN_CLAIM,
    archive_of,
    bring,
    claims,
    contents,
    counts,
    stored,
)
from simulator import SimulatedNode

from downstream_node.chats import importing
from downstream_node.chats.importing import Rights
from downstream_node.chats.records import Channel, Guild
from downstream_node.custody import service as custody
from downstream_node.errors import AccessRefused, Busy, InvalidExport, RequestTooLarge

# What an import does


def test_defect_2_more_than_one_batch_is_stored(chat_node: SimulatedNode) -> None:
    """The original stored the first 1,000 messages of any export and failed."""
    report = bring(chat_node, export(messages(2500)))
    assert counts(report) == {"new": 2500}
    assert [one.content.rsplit(" ")[-1] for one in stored(chat_node)] == [
        str(n) for n in range(2500)
    ]


def test_it_is_in_custody(chat_node: SimulatedNode) -> None:
    """Byte for byte, private, wanted by as many farmers as the operator says."""
    data = export(messages(3))
    report = bring(chat_node, data)
    assert b"".join(custody.read(chat_node.parts, report.sha256)) == data
    (file,) = custody.listed(chat_node.parts).files
    assert (file.visibility, file.redundancy, report.size) == ("private", 3, len(data))
    assert claims(chat_node) == [OWN_CLAIM]


def test_the_same_file_again_changes_nothing(chat_node: SimulatedNode) -> None:
    """Neither the archive nor what is in custody."""
    data = export(messages(30))
    bring(chat_node, data)
    before, version = stored(chat_node), archive_of(chat_node).version()
    assert counts(bring(chat_node, data)) == {"unchanged": 30}
    assert (stored(chat_node), archive_of(chat_node).version()) == (before, version)
    assert claims(chat_node) == [OWN_CLAIM]


def test_edits_arrive(chat_node: SimulatedNode) -> None:
    """A later export with edits: the new texts are found, the old ones are revisions."""
    bring(chat_node, export(messages(20), exported="2024-12-30T00:00:00Z"))
    report = bring(chat_node, export(messages(20, edit_every=5)))
    assert counts(report) == {"changed": 4, "unchanged": 16}
    assert contents(chat_node)[:1] == ["corrected 0"]
    (revision,) = archive_of(chat_node).revisions(stored(chat_node)[0].place)
    assert revision.content == message(0)["content"]


def test_an_older_export_changes_nothing_back(chat_node: SimulatedNode) -> None:
    """Whatever the order in which exports come, the latest edit is what is found."""
    bring(chat_node, export(messages(20, edit_every=5)))
    report = bring(chat_node, export(messages(20), exported="2024-12-30T00:00:00Z"))
    assert counts(report) == {"unchanged": 16, "older": 4}
    assert contents(chat_node)[0] == "corrected 0"


def test_overlapping_exports(chat_node: SimulatedNode) -> None:
    """Each message is there once."""
    bring(chat_node, export(messages(30)))
    report = bring(chat_node, export(messages(30, first=20), exported="2025-01-01T00:00:00Z"))
    assert counts(report) == {"new": 20, "unchanged": 10}
    assert len(stored(chat_node)) == 50


def test_the_order_of_imports_does_not_matter(
    chat_node: SimulatedNode, another_chat_node: SimulatedNode
) -> None:
    """Overlapping exports with edits, in two orders: the same archive."""
    exports = [
        export(
            messages(40, first=10 * n, edit_every=n + 1),
            exported=f"2024-12-{n + 10}T00:00:00Z",
        )
        for n in range(4)
    ]
    for data in exports:
        bring(chat_node, data)
    random.Random(5).shuffle(exports)  # noqa: S311 - the same each time
    for data in exports:
        bring(another_chat_node, data)
    one, other = (
        [(m.place, m.content, m.edited) for m in stored(node)]
        for node in (chat_node, another_chat_node)
    )
    assert one == other


def test_broken_messages_are_told_and_hinder_no_others(chat_node: SimulatedNode) -> None:
    """The report counts all and has the reasons of the first twenty."""
    said = [message(n, **({"timestamp": "soon"} if n % 2 else {})) for n in range(60)]
    report = bring(chat_node, export(said))
    assert counts(report) == {"new": 30, "broken": 30}
    assert [one.index for one in report.broken] == list(range(1, 41, 2))
    assert "is no time" in report.broken[0].reason


def test_messages_of_another_channel_are_left_alone(chat_node: SimulatedNode) -> None:
    """Who may import into one channel cannot change what was said in another."""
    bring(chat_node, export(messages(5)))
    before = stored(chat_node)
    report = bring(chat_node, export(messages(8, edit_every=1), channel=7))
    assert counts(report) == {"new": 3, "broken": 5}
    assert report.notes == ("5 messages are in the archive already in another channel.",)
    assert stored(chat_node)[:5] == before


def test_an_export_without_messages(chat_node: SimulatedNode) -> None:
    """Nothing was said; the channel is known all the same."""
    assert counts(bring(chat_node, export([]))) == {}
    assert [one.id for one in archive_of(chat_node).channels()] == [CHANNEL]


def test_a_count_that_differs_is_told(chat_node: SimulatedNode) -> None:
    """Somebody cut something out of the file."""
    report = bring(chat_node, export(messages(3), count=5))
    assert report.notes == ("It says that it has 5 messages; there are 3.",)


def test_the_channel_may_stand_behind_the_messages(chat_node: SimulatedNode) -> None:
    """JSON has no order of fields."""
    root = json.loads(export(messages(1500)))
    turned = json.dumps(dict(reversed(root.items()))).encode()
    assert counts(bring(chat_node, turned)) == {"new": 1500}


def test_gzip_is_kept_as_what_it_holds(chat_node: SimulatedNode) -> None:
    """So the same export is the same file, packed or not."""
    data = export(messages(5))
    report = bring(chat_node, gzip.compress(data))
    assert report.size == len(data)
    assert counts(bring(chat_node, data)) == {"unchanged": 5}
    assert claims(chat_node) == [OWN_CLAIM]


def test_parts_of_one_channel(chat_node: SimulatedNode) -> None:
    """The exporter may write several files; together they are the channel."""
    for first in (0, 10, 20):
        assert counts(bring(chat_node, export(messages(10, first=first)))) == {"new": 10}
    assert len(archive_of(chat_node).imports(10)) == 3


def test_who_wrote_is_known(chat_node: SimulatedNode) -> None:
    """Names come with the messages."""
    bring(chat_node, export(messages(20)))
    assert {one.author.name for one in stored(chat_node)} == {f"user_{n}" for n in range(17)}


# Deleted messages


def test_missing_messages_are_marked_if_wanted(chat_node: SimulatedNode) -> None:
    """What lies between the first and the last message of an export, and is not in it."""
    bring(chat_node, export(messages(30), exported="2024-12-30T00:00:00Z"))
    later = export(messages(20, drop_every=5))
    assert counts(bring(chat_node, later)) == {"unchanged": 16}
    report = bring(
        chat_node,
        export(messages(20, drop_every=5), exported="2025-01-02T00:00:00Z"),
        mark_missing=True,
    )
    # The last one, number 19, is left out at the end: nobody can tell.
    assert counts(report) == {"unchanged": 16, "deleted": 3}
    assert [one.content.rsplit(" ")[-1] for one in stored(chat_node) if one.deleted] == [
        "4",
        "9",
        "14",
    ]


def test_a_date_range_says_more_than_the_messages(chat_node: SimulatedNode) -> None:
    """With it, what is missing at the ends is missing, too."""
    bring(chat_node, export(messages(30), exported="2024-12-30T00:00:00Z"))
    covers = {"after": "2024-03-01T00:00:00Z", "before": "2024-05-01T00:00:00Z"}
    report = bring(chat_node, export(messages(10, first=10), **covers), mark_missing=True)
    assert counts(report) == {"unchanged": 10, "deleted": 20}


def test_a_part_covers_its_own_messages_only(chat_node: SimulatedNode) -> None:
    """The date range in it is that of all parts."""
    covers = {"after": "2024-03-01T00:00:00Z", "before": "2024-05-01T00:00:00Z"}
    bring(chat_node, export(messages(30), exported="2024-12-30T00:00:00Z"))
    report = importing.import_export(
        chat_node.parts,
        [export(messages(10, first=10), **covers)],
        "x [part 2].json",
        mark_missing=True,
    )
    assert counts(report) == {"unchanged": 10}


def test_nothing_is_marked_if_something_could_not_be_read(chat_node: SimulatedNode) -> None:
    """It may be just what seems to be missing."""
    bring(chat_node, export(messages(10), exported="2024-12-30T00:00:00Z"))
    said = [*messages(3), message(5, timestamp="soon"), *messages(3, first=7)]
    report = bring(chat_node, export(said), mark_missing=True)
    assert "deleted" not in counts(report)
    assert "Nothing was marked" in report.notes[0]


# All or nothing


BROKEN_EXPORTS = [
    pytest.param(export(messages(2500))[:-200], id="cut off"),
    pytest.param(export(messages(2500)) + b"{}", id="with something behind it"),
    pytest.param(export(messages(2500)).replace(b'"User 5",', b'"User 5"', 1), id="no JSON"),
    pytest.param(b"", id="empty"),
    pytest.param(b'{"messages": []}', id="without a channel"),
    pytest.param(b"PK\x03\x04 and so on", id="zip"),
    pytest.param(gzip.compress(export(messages(10)))[:-20], id="gzip that is cut off"),
]


@pytest.mark.parametrize("data", BROKEN_EXPORTS)
def test_a_file_that_is_no_export_leaves_nothing(chat_node: SimulatedNode, data: bytes) -> None:
    """Neither a message nor a file."""
    with pytest.raises(InvalidExport):
        bring(chat_node, data)
    assert (stored(chat_node), claims(chat_node)) == ([], [])


def test_a_file_that_was_there_before_stays(
    chat_node: SimulatedNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If its import fails the second time, the first one still has its file."""
    data = export(messages(5))
    bring(chat_node, data)
    monkeypatch.setattr(importing.Source, "notes", fail)
    with pytest.raises(Interrupted):
        bring(chat_node, data)
    assert claims(chat_node) == [OWN_CLAIM]


class Interrupted(Exception):
    """What goes wrong in a test."""


def fail(*_: object) -> None:
    """Something that goes wrong at the end of an import."""
    raise Interrupted


def test_what_fails_at_the_end_leaves_nothing(
    chat_node: SimulatedNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also if all messages were stored already."""
    monkeypatch.setattr(importing.Source, "notes", fail)
    with pytest.raises(Interrupted):
        bring(chat_node, export(messages(1500)))
    assert (stored(chat_node), claims(chat_node), archive_of(chat_node).imports(9)) == ([], [], [])


def test_a_file_that_another_import_gave_up(
    chat_node: SimulatedNode, monkeypatch: pytest.MonkeyPatch, engine: str
) -> None:
    """An import in the archive has its file in custody, or is not there."""
    if engine.startswith("elastic"):
        pytest.skip("It has no transactions: what was stored stays until it is imported again.")
    notes = importing.Source.notes

    def removed(source: importing.Source) -> list[str]:
        for file in custody.listed(chat_node.parts).files:
            custody.remove(chat_node.parts, file.sha256, "by another")
        return notes(source)

    monkeypatch.setattr(importing.Source, "notes", removed)
    with pytest.raises(Busy):
        bring(chat_node, export(messages(5)))
    assert (stored(chat_node), claims(chat_node)) == ([], [])


def test_a_stream_that_breaks_off_leaves_nothing(chat_node: SimulatedNode) -> None:
    """A client that goes away."""

    def broken() -> Iterator[bytes]:
        yield from list(pieces(messages(1500)))[:1000]
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        bring(chat_node, broken())
    assert (stored(chat_node), claims(chat_node)) == ([], [])


def test_a_file_has_a_limit(chat_maker: Callable[..., SimulatedNode]) -> None:
    """The operator says how large an export may be; unpacked, too."""
    node = chat_maker(CHATS_MAX_EXPORT_SIZE=10_000)
    data = export(messages(100))
    for packed in (data, gzip.compress(data)):
        with pytest.raises(RequestTooLarge):
            bring(node, packed)
    assert claims(node) == []


def test_it_may_not_be_allowed(chat_node: SimulatedNode) -> None:
    """Who may import into one channel only is told before anything is stored."""

    def refused(guild: Guild, channel: Channel) -> Rights:
        raise AccessRefused(f"{guild.name} {channel.id}")

    with pytest.raises(AccessRefused, match=f"Guild {CHANNEL}"):
        bring(chat_node, export(messages(5)), allowed=refused)
    assert (stored(chat_node), claims(chat_node)) == ([], [])


def test_ctrl_c_ends_it_cleanly(chat_node: SimulatedNode) -> None:
    """The reading thread ends, too, and nothing is left."""

    def interrupted(done: int, _offset: int, _size: int) -> None:
        if done > 2000:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        bring(chat_node, pieces(messages(20_000)), progress=interrupted)
    assert not [one for one in threading.enumerate() if one.name == "reading ahead"]
    assert (stored(chat_node), claims(chat_node)) == ([], [])


def test_imports_at_once(chat_node: SimulatedNode) -> None:
    """Two threads with overlapping exports: each message is there once."""
    reports = []
    threads = [
        threading.Thread(
            target=lambda first: reports.append(
                bring(chat_node, export(messages(2000, first=first)))
            ),
            args=(first,),
        )
        for first in (0, 1000)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(report.counts.new for report in reports) == 3000
    assert sum(report.counts.unchanged for report in reports) == 1000


def test_progress_is_told(chat_node: SimulatedNode, tmp_path: Path) -> None:
    """It ends with the whole file."""
    told: list[tuple[int, int, int]] = []
    path = tmp_path / "export.json"
    path.write_bytes(export(messages(2500)))
    bring(chat_node, path, progress=lambda *now: told.append(now))
    assert [now[0] for now in told][-1] == 2500
    assert told == sorted(told)
    assert told[-1][1] == told[-1][2] == path.stat().st_size


def test_an_edit_is_an_edit(chat_node: SimulatedNode) -> None:
    """The generator of these tests does what it says."""
    assert edited(7)["id"] == message(7)["id"]
    bring(chat_node, export([edited(7)]))
    assert stored(chat_node)[0].edited is not None
