"""The archive can be made anew from the exports in custody."""

from pathlib import Path

from chats.exports import CHANNEL, export, messages
from chats.importing import OWN_CLAIM, archive_of, bring, claims, contents, stored
from simulator import SimulatedNode

from downstream_node.chats import rebuilding
from downstream_node.chats.importing import ImportReport
from downstream_node.custody import storage


def test_it_is_as_it_was(chat_node: SimulatedNode) -> None:
    """Edits, revisions and deletions too, though the later export came first."""
    bring(chat_node, export(messages(30, edit_every=5)))
    bring(chat_node, export(messages(30), exported="2024-12-30T00:00:00Z"))
    bring(
        chat_node,
        export(messages(20, drop_every=5), exported="2025-01-02T00:00:00Z"),
        mark_missing=True,
    )
    bring(chat_node, export(messages(5, first=1000), channel=7))
    before = stored(chat_node)
    reports = [report for _, report in rebuilding.rebuild(chat_node.parts)]
    assert all(isinstance(report, ImportReport) for report in reports)
    assert stored(chat_node) == before
    # The list of imports is a history.
    assert len(archive_of(chat_node).imports(9)) == 8


def test_an_export_that_is_damaged_hinders_no_other(chat_node: SimulatedNode) -> None:
    """It is told, and the others are imported."""
    damaged = bring(chat_node, export(messages(5, first=1000), channel=7))
    bring(chat_node, export(messages(5)))
    root = storage.root_of(chat_node.parts)
    storage.path_of(root, damaged.sha256).write_bytes(b"x")
    results = [
        isinstance(report, ImportReport) for _, report in rebuilding.rebuild(chat_node.parts)
    ]
    assert sorted(results) == [False, True]
    # The channel of which no export can be read is left as it was.
    assert len(stored(chat_node)) == 10


def test_a_channel_is_removed_with_its_exports(chat_node: SimulatedNode) -> None:
    """Only what is its own."""
    bring(chat_node, export(messages(5)))
    bring(chat_node, export(messages(6, first=1000), channel=7))
    bring(chat_node, export(messages(8, first=1000), channel=7))
    drop = Path(chat_node.parts.settings.CHATS_DROP_FOLDER)
    for name, channel in (("a.json", 7), ("b.json", CHANNEL)):
        for where in ("done", "failed"):
            (drop / where).mkdir(parents=True, exist_ok=True)
            (drop / where / name).write_bytes(export(messages(2), channel=channel))
        (drop / "failed" / f"{name}.txt").write_text("why")
    assert rebuilding.remove(chat_node.parts, 7) == (8, 2)
    aside = {str(path.relative_to(drop)) for path in drop.rglob("*") if path.is_file()}
    assert aside == {"done/b.json", "failed/b.json", "failed/b.json.txt"}
    assert claims(chat_node) == [OWN_CLAIM]
    assert len(contents(chat_node)) == 5
    assert [one.id for one in archive_of(chat_node).channels()] == [CHANNEL]
