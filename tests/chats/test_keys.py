"""Keys for the archive: made once, stored as a hash, with a scope; who may import where."""

import base64
import hashlib
from pathlib import Path

import pytest
from chats.asking import EVERYTHING, Asker, bring, export_of, holder, said, served
from click.testing import CliRunner
from simulator import SimulatedNode
from sqlalchemy import select

from downstream_node import cli
from downstream_node.chats import access, keys
from downstream_node.chats.feature import Chats
from downstream_node.chats.models import ArchiveKey
from downstream_node.chats.rebuilding import rebuild
from downstream_node.chats.records import Channel, Guild
from downstream_node.chats.scopes import Asker as Who
from downstream_node.chats.scopes import Scope
from downstream_node.errors import AccessRefused, InvalidChatKey

SCOPE = Scope(guilds=frozenset({7, (1 << 63) - 1}), channels=frozenset({0}))


def test_a_key_has_a_prefix_and_32_bytes(node: SimulatedNode) -> None:
    """It is `dsck_` and 32 bytes in base64url."""
    key = keys.add(node.parts, "ada", EVERYTHING, may_import=False)
    assert key.startswith("dsck_")
    assert len(base64.urlsafe_b64decode(key.removeprefix("dsck_") + "=")) == 32


def test_only_the_hash_is_stored(node: SimulatedNode) -> None:
    """Who reads the database learns the SHA-256 of a key."""
    key = keys.add(node.parts, "ada", SCOPE, may_import=True)
    with node.parts.database.reading() as connection:
        row = connection.execute(select(ArchiveKey)).one()
    assert bytes(row.key_hash) == hashlib.sha256(key.encode()).digest()
    assert key not in str(row)


def test_a_key_opens_its_scope(node: SimulatedNode) -> None:
    """What it was made for, and the same by its hash; imports only with the right to."""
    for name, may_import in (("ada", True), ("bo", False)):
        key = keys.add(node.parts, name, SCOPE, may_import=may_import)
        found = access.with_key(node.parts, f" {key}\n")
        assert found == access.with_hash(node.parts, keys.hash_of(key))
        assert found
        assert (found.name, found.reads) == (name, SCOPE)
        assert found.imports == (SCOPE if may_import else Scope())


@pytest.mark.parametrize("wrong", ["", "dsck_", "ada", "\udc80", "x" * 10_000])
def test_nothing_else_is_a_key(node: SimulatedNode, wrong: str) -> None:
    """Any other text is nobody's key."""
    key = keys.add(node.parts, "ada", EVERYTHING, may_import=False)
    assert access.with_key(node.parts, wrong) is None
    assert access.with_key(node.parts, key.lower()) is None


def test_a_removed_key_ends_at_once(node: SimulatedNode) -> None:
    """By its text and by its hash; there is nothing to remove a second time."""
    key = keys.add(node.parts, "ada", EVERYTHING, may_import=False)
    keys.remove(node.parts, "ada")
    assert access.with_key(node.parts, key) is None
    assert access.with_hash(node.parts, keys.hash_of(key)) is None
    with pytest.raises(InvalidChatKey, match="There is no key ada"):
        keys.remove(node.parts, "ada")


def test_the_use_of_a_key_is_noted(node: SimulatedNode) -> None:
    """At the first use at once, then every hour."""
    key = keys.add(node.parts, "ada", EVERYTHING, may_import=False)
    seen = []
    for seconds in (0, 60, 3600):
        node.advance(seconds)
        access.with_key(node.parts, key)
        seen.append(keys.stored(node.parts)[0].last_used)
    first = node.clock.wall - 3_660_000
    assert seen == [first, first, node.clock.wall]


@pytest.mark.parametrize("name", ["", " ", "a b", "-a", "a" * 65, "\xe4"])
def test_malformed_names(node: SimulatedNode, name: str) -> None:
    """They are refused, and nothing is stored."""
    with pytest.raises(InvalidChatKey, match="is no name"):
        keys.add(node.parts, name, EVERYTHING, may_import=False)
    assert keys.stored(node.parts) == []


def test_a_name_is_taken_once(node: SimulatedNode) -> None:
    """A second key for the same name is refused."""
    keys.add(node.parts, "ada", EVERYTHING, may_import=False)
    with pytest.raises(InvalidChatKey, match="already"):
        keys.add(node.parts, "ada", EVERYTHING, may_import=False)


@pytest.mark.parametrize("ids", [{-1}, {1 << 63}, set(range(1001))])
def test_malformed_scopes(node: SimulatedNode, ids: set[int]) -> None:
    """Ids are such as Discord has, and a thousand at most."""
    with pytest.raises(InvalidChatKey):
        keys.add(node.parts, "ada", Scope(channels=frozenset(ids)), may_import=False)


def test_publishing(node: SimulatedNode) -> None:
    """It adds to what everybody reads, once, and can be taken back."""
    for kind, subject in (("guild", 7), ("channel", 8), ("channel", 8)):
        keys.publish(node.parts, kind, subject)  # type: ignore[arg-type]
    opened = Scope(guilds=frozenset({7}), channels=frozenset({8}))
    assert access.anybody(node.parts) == Who(None, None, opened, Scope())
    assert [keys.unpublish(node.parts, 8) for _ in range(2)] == [1, 0]


# Importing

GUILD, CHANNEL = Guild(1, "Guild"), Channel(10, 1, "general")


@pytest.mark.parametrize(
    ("scope", "stored", "may"),
    [
        pytest.param(EVERYTHING, None, True, id="everything"),
        pytest.param(Scope(channels=frozenset({10})), CHANNEL, True, id="the channel"),
        pytest.param(
            Scope(channels=frozenset({10})), None, False, id="the channel, new in a guild of others"
        ),
        pytest.param(Scope(guilds=frozenset({1})), None, True, id="the guild"),
        pytest.param(Scope(guilds=frozenset({1})), CHANNEL, True, id="a channel of the guild"),
        pytest.param(
            Scope(guilds=frozenset({1})),
            Channel(10, 2, "general"),
            False,
            id="another guild's channel that is called ours",
        ),
        pytest.param(Scope(guilds=frozenset({10})), None, False, id="a guild with that id"),
        pytest.param(Scope(channels=frozenset({1})), None, False, id="a channel with the guild's"),
        pytest.param(Scope(), None, False, id="nothing"),
    ],
)
def test_who_may_import(scope: Scope, stored: Channel | None, may: bool) -> None:
    """Into what the key opens, whatever an export says of where it belongs."""
    who = Who("ada", b"", scope, scope)
    if may:
        access.require_import(who, GUILD, CHANNEL, stored, is_taken=True)
        return
    with pytest.raises(AccessRefused, match="may not import"):
        access.require_import(who, GUILD, CHANNEL, stored, is_taken=True)


def test_a_channel_alone_enters_no_guild_of_others(
    tmp_path: Path, empty_sqlite: Path, master_key: Path
) -> None:
    """Its key brings it into a new guild, but into none that is published or in the archive."""
    node = served(tmp_path / "guilds", empty_sqlite, master_key)
    keys.publish(node.parts, "guild", 2)
    bring(node, export_of([said(1, "2024-01-01T00:00:00+00:00", "first")], channel=30, guild=3))
    ada = holder(node, Scope(channels=frozenset({10})), may_import=True)
    codes = []
    for guild in (2, 3, 4):
        body = export_of([said(5, "2024-01-01T00:00:00+00:00", "hello")], channel=10, guild=guild)
        codes.append(ada.ask("/api/chats/v1/exports", method="POST", data=body).status_code)
    assert codes == [403, 403, 201]
    node.close()


@pytest.mark.parametrize(
    ("scope", "told"),
    [
        (EVERYTHING, ["1 messages are in the archive already in another channel."]),
        (Scope(guilds=frozenset({1})), []),
    ],
)
def test_messages_of_other_channels_are_not_told(
    tmp_path: Path, empty_sqlite: Path, master_key: Path, scope: Scope, told: list[str]
) -> None:
    """Why they count as broken hears only who may read everything."""
    node = served(tmp_path / "foreign", empty_sqlite, master_key)
    same = [said(5, "2024-01-01T00:00:00+00:00", "hello")]
    bring(node, export_of(same, channel=30, guild=3))
    ada = holder(node, scope, may_import=True)
    body = export_of(same, channel=10)
    report = ada.ask("/api/chats/v1/exports", method="POST", data=body).get_json()
    assert (report["counts"]["broken"], report["broken"], report["notes"]) == (1, [], told)
    node.close()


def test_only_who_holds_a_guild_names_it(
    tmp_path: Path, empty_sqlite: Path, master_key: Path
) -> None:
    """A key for one of its channels does not, now or when the archive is made anew."""
    node = served(tmp_path / "names", empty_sqlite, master_key)
    archive = node.parts.feature(Chats).archive
    bring(node, export_of([said(1, "2024-01-01T00:00:00+00:00", "first")], channel=10))
    for name, scope, code in (
        ("ada", Scope(channels=frozenset({10})), "Guild"),
        ("bo", Scope(guilds=frozenset({1})), "Renamed by bo"),
        ("eve", Scope(channels=frozenset({10})), "Renamed by bo"),
    ):
        body = export_of(
            [said(5, "2024-01-01T00:00:00+00:00", name)],
            channel=10,
            guild_name=f"Renamed by {name}",
        )
        asker = holder(node, scope, name=name, may_import=True)
        answer = asker.ask("/api/chats/v1/exports", method="POST", data=body)
        assert answer.status_code == 201, answer.text
        assert [guild.name for guild in archive.guilds()] == [code]
    assert all(not isinstance(report, Exception) for _, report in rebuild(node.parts))
    assert [guild.name for guild in archive.guilds()] == ["Renamed by bo"]
    node.close()


# Commands


@pytest.fixture
def site(
    tmp_path: Path, empty_sqlite: Path, master_key: Path, own_settings: pytest.MonkeyPatch
) -> Asker:
    """A node with one message, closed, whose settings are those of commands; nobody's key."""
    node = served(tmp_path / "site", empty_sqlite, master_key)
    sent = said(1, "2024-01-01T00:00:00+00:00", "hello")
    bring(node, export_of([sent], channel=10, guild=7))
    for name in ("SQLALCHEMY_DATABASE_URI", "FILES_PATH", "CHATS_ARCHIVE"):
        own_settings.setenv(f"DOWNSTREAM_{name}", getattr(node.parts.settings, name))
    node.close()
    return Asker(node)


def run(*words: str) -> tuple[int, str, str]:
    """Code, output and complaints of a command below `chats`."""
    result = CliRunner().invoke(cli.main, ["chats", *words])
    return result.exit_code, result.stdout, result.stderr


def test_the_life_of_a_key(site: Asker) -> None:
    """It is printed alone, listed with its scope, opens the archive, and is removed."""
    code, key, told = run("key", "add", "ada", "--channel", "10", "--guild", "99", "--import")
    assert (code, len(key.split())) == (0, 1)
    assert "not shown again" in told
    code, listed, _ = run("key", "list")
    assert "ada: reads and imports guild 99, channel 10, made 20" in listed
    assert listed.endswith("never used\n1 in all\n")
    assert Asker(site.node, key.strip()).found("hello") == ["hello"]
    assert run("key", "remove", "ada")[0] == 0
    assert Asker(site.node, key.strip()).ask("/api/chats/v1/search").status_code == 401
    assert run("key", "remove", "ada")[0] == 2


def test_a_key_without_a_scope_opens_everything(site: Asker) -> None:
    """It reads, and does not import."""
    _, key, _ = run("key", "add", "ada")
    assert "ada: reads everything" in run("key", "list")[1]
    reader = Asker(site.node, key.strip())
    assert reader.found("hello") == ["hello"]
    assert reader.ask("/api/chats/v1/exports", method="POST").status_code == 403


@pytest.mark.parametrize(("subject", "kind"), [("10", "channel #general"), ("7", "guild Guild")])
def test_publishing_by_command(site: Asker, subject: str, kind: str) -> None:
    """A guild or channel that is there, by its id; and back."""
    assert run("publish", subject)[1] == f"Everybody may read the {kind} now.\n"
    assert site.found("hello") == ["hello"]
    assert run("unpublish", subject)[0] == 0
    assert site.ask("/api/chats/v1/search").status_code == 401
    assert run("unpublish", subject)[0] == 2
    assert "No guild or channel" in run("publish", "11")[2]


@pytest.mark.parametrize(
    ("scope", "code"),
    [
        (Scope(channels=frozenset({10})), 201),
        (Scope(guilds=frozenset({1})), 201),
        (Scope(channels=frozenset({11})), 403),
    ],
)
def test_uploads_into_one_channel(
    tmp_path: Path, empty_sqlite: Path, master_key: Path, scope: Scope, code: int
) -> None:
    """A key for another channel changes nothing, and is told no more than that."""
    node = served(tmp_path / "upload", empty_sqlite, master_key)
    ada = holder(node, scope, may_import=True)
    body = export_of([said(1, "2024-01-01T00:00:00+00:00", "hello")], channel=10)
    answer = ada.ask("/api/chats/v1/exports?name=a.json", method="POST", data=body)
    assert answer.status_code == code, answer.text
    everything = holder(node, name="everything")
    assert everything.found("hello") == (["hello"] if code == 201 else [])
    if code == 201:
        report = answer.get_json()
        assert (report["name"], report["counts"]["new"]) == ("a.json", 1)
        (done,) = ada.get("/api/chats/v1/exports")["imports"]
        assert done["sha256"] == report["sha256"] == hashlib.sha256(body).hexdigest()
    node.close()
