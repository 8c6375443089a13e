"""`downstream chats ...` as an operator types it."""

from pathlib import Path

import pytest
from chats.exports import CHANNEL, GUILD, export, messages
from click.testing import CliRunner, Result

from downstream_node.cli import main


@pytest.fixture
def chats(own_settings: pytest.MonkeyPatch, sqlite_uri: str, tmp_path: Path) -> "Chats":
    """The commands, on a node of their own in the working directory."""
    own_settings.setenv("DOWNSTREAM_SQLALCHEMY_DATABASE_URI", sqlite_uri)
    (tmp_path / "a.json").write_bytes(export(messages(30)))
    (tmp_path / "b.json").write_bytes(b"{")
    return Chats()


class Chats:
    """Runs commands."""

    def __call__(self, *arguments: str) -> Result:
        """The result of `downstream chats ...`."""
        return CliRunner().invoke(main, ["chats", *arguments])


def test_import(chats: Chats) -> None:
    """Each file with its counts."""
    result = chats("import", "a.json")
    assert result.exit_code == 0, result.output
    assert "a.json: #channel-0 of Guild: 30 new, 0 changed, 0 unchanged" in result.output


def test_import_where_one_fails(chats: Chats) -> None:
    """The others are imported all the same, and the exit code says that one failed."""
    result = chats("import", "b.json", "a.json")
    assert result.exit_code == 1
    assert (
        "b.json: The export ends too early, at byte 1. Nothing of it was imported." in result.stderr
    )
    assert "30 new" in result.output


def test_import_with_marks(chats: Chats) -> None:
    """What a later export lacks is counted as deleted."""
    chats("import", "a.json")
    later = export(messages(30, drop_every=4), exported="2025-01-02T00:00:00Z")
    Path("later.json").write_bytes(later)
    assert "7 deleted, 0 restored" in chats("import", "--mark-missing", "later.json").output


def test_lists(chats: Chats) -> None:
    """Imports and channels."""
    chats("import", "a.json")
    assert f"channel {CHANNEL}: a.json: 30 new" in chats("imports").output
    listed = f"{CHANNEL} #channel-0 of {GUILD['id']} Guild\n1 in all"
    assert listed in chats("channels").output


def test_remove(chats: Chats) -> None:
    """After a question, unless --yes answers it."""
    chats("import", "a.json")
    assert chats("remove", str(CHANNEL)).exit_code == 1
    result = chats("remove", str(CHANNEL), "--yes")
    assert "30 messages removed, 1 exports given up." in result.output
    assert chats("remove", str(CHANNEL), "--yes").exit_code == 2


def test_rebuild(chats: Chats) -> None:
    """Also after the archive was lost."""
    chats("import", "a.json")
    Path("data/chats.db").unlink()
    for rest in Path("data").glob("chats.db-*"):
        rest.unlink()
    result = chats("rebuild")
    assert "1 exports imported, 0 failed." in result.output
    assert "30 new" in result.output


def test_a_node_without_chats_makes_no_archive(chats: Chats) -> None:
    """Nor does `db init`."""
    assert CliRunner().invoke(main, ["db", "init"]).exit_code == 0
    assert chats("--help").exit_code == 0
    assert not Path("data/chats.db").exists()
