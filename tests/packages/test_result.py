"""The result: the document's tables and rules, its queries, and what is missing."""

import io
import tempfile
from typing import Any

import pytest
from packages.made import (
    CHANNEL,
    FRENCH,
    FRIEND,
    GUILD,
    ID,
    OTHER_CHANNEL,
    OWNER,
    STRANGER,
    MadePackage,
    read,
)

from downstream_node.errors import PackageCancelled, PackageRefused
from downstream_node.packages.reading.analysis import analyse
from downstream_node.packages.reading.docs import DOCS
from downstream_node.packages.reading.limits import Limits, Refusal
from downstream_node.packages.reading.watch import Step

STAMP = "2021-06-01T08:30:59.000Z"
MESSAGE = "2022-06-01 08:30:00"
IN_GUILD = {"id": GUILD, "name": "Garden"}


def full() -> MadePackage:
    """A package with something of everything."""
    made = MadePackage()
    made.channel(CHANNEL, [MESSAGE] * 3, "Direct Message with bea#0000", recipients=[OWNER, FRIEND])
    made.channel(OTHER_CHANNEL, [MESSAGE] * 2, "general", guild=IN_GUILD)
    made.payments({"id": "1", "created_at": STAMP, "amount": 499, "currency": "eur", "status": 1})
    for kind in ("join", "leave"):
        made.event(f"{kind}_voice_channel", STAMP, channel_id=CHANNEL)
    for kind in ("start", "end"):
        made.event(f"session_{kind}", STAMP, os="iOS")
    made.event("add_reaction", STAMP, channel_id=CHANNEL, emoji_name="x")
    made.event("application_command_used", STAMP, application_id="5", guild_id=GUILD)
    return made.event("app_opened", STAMP, os="iOS").event("guild_joined", STAMP, guild_id=GUILD)


def test_the_documents_queries_work() -> None:
    """Both examples, as they are printed."""
    result = read(full())
    query = "SELECT SUM(count_this_day) FROM activity"
    assert result.all(f"{query} WHERE day > '2022' AND event_name = 'message_sent';") == [(5,)]
    assert result.all("SELECT name, avatar_url FROM guilds") == [("Garden", None)]


@pytest.mark.parametrize("doc", DOCS, ids=lambda doc: doc.name)
def test_all_questions_of_docs_have_answers(doc: Any) -> None:
    """The table `docs` holds queries that run and, on a full package, find something."""
    result = read(full())
    assert (doc.name, doc.question, doc.query) in result.all("SELECT * FROM docs")
    empty = {"groups", "other_channels", "attachments_by_month", "missing"}
    assert bool(result.all(doc.query)) is (doc.name not in empty)


def test_the_documents_columns() -> None:
    """Tables have the document's columns in its order, before any of ours."""
    result = read(full())
    columns = {
        "activity": "event_name day hour occurence_count associated_user_id associated_channel_id"
        " associated_guild_id extra_field_1 extra_field_2",
        "dm_channels_data": "channel_id dm_user_id user_name display_name user_avatar_url"
        " total_message_count total_voice_channel_duration sentiment_score",
        "guild_channels_data": "channel_id channel_name guild_id total_message_count"
        " total_voice_channel_duration",
        "guilds": "guild_id guild_name total_message_count",
        "payments": "payment_id payment_date payment_amount payment_currency payment_description",
        "voice_sessions": "channel_id guild_id duration_mins started_date ended_date",
        "sessions": "started_date ended_date duration_mins device_os",
        "package_data": "package_id package_version package_owner_id package_owner_name"
        " package_owner_display_name package_owner_avatar_url package_is_partial",
    }
    for table, names in columns.items():
        found = [row[1] for row in result.all(f"PRAGMA table_info({table})")]
        assert found[: len(names.split())] == names.split()


def test_activity_rows() -> None:
    """Each event has its grain and its fields."""
    rows = set(read(full()).all("SELECT * FROM activity"))
    day = "2021-06-01"
    sent = ("message_sent", "2022-06-01", 8)
    assert {row[:9] for row in rows} == {
        (*sent, 3, None, CHANNEL, None, None, None),
        (*sent, 2, None, OTHER_CHANNEL, GUILD, None, None),
        ("guild_joined", day, 8, 1, None, None, GUILD, None, None),
        ("application_command_used", day, 0, 1, "5", None, GUILD, None, None),
        ("add_reaction", day, 0, 1, None, CHANNEL, None, "x", "0"),
        ("app_opened", day, 0, 1, None, None, None, "iOS", None),
    }


@pytest.mark.parametrize(
    ("event", "fields"),
    [
        ("application_command_used", {"application_id": "-1", "guild_id": GUILD}),
        ("application_command_used", {"application_id": "5"}),
        ("app_opened", {}),
        ("session_start", {}),
        ("join_voice_channel", {"client_track_timestamp": "null"}),
        *(
            (name, {"page_name": "/docs/"})
            for name in ("dev_portal_page_viewed", "application_created")
        ),
        ("bot_token_compromised", {}),
        ("ack_messages", {"channel_id": 1.5, "timestamp": None}),
    ],
)
def test_events_that_the_document_leaves_out(event: str, fields: dict[str, Any]) -> None:
    """They make no row, and are no problem either."""
    result = read(MadePackage().event(event, STAMP, **fields))
    assert result.all("SELECT * FROM activity") == []
    assert result.report.events == 1
    assert not {part for part, _ in result.missing()} & {"event", "line of the analytics"}


def test_native_crashes_are_crashes() -> None:
    """Both kinds are one."""
    made = MadePackage().event("app_crashed", STAMP).event("app_native_crash", STAMP)
    assert read(made).activity("app_crashed") == [("2021-06-01", 0, 2)]


@pytest.mark.parametrize(
    ("client", "minutes"),
    [
        pytest.param('"2021-06-01T08:00:30.000Z"', 30, id="the client's"),
        pytest.param("null", 0, id="the server's, where the client has none"),
        pytest.param(None, 0, id="likewise"),
    ],
)
def test_voice_goes_by_the_client_s_clock(client: str | None, minutes: int) -> None:
    """If it says anything."""
    made = MadePackage()
    made.event("join_voice_channel", STAMP, channel_id="1", client_track_timestamp=client)
    made.event("leave_voice_channel", STAMP, channel_id="1")
    assert read(made).all("SELECT duration_mins FROM voice_sessions") == [(minutes,)]


def test_broken_lines_are_counted() -> None:
    """They cost themselves alone, and the report says how many they were."""
    made = MadePackage().event("email_opened", STAMP).event("add_reaction", STAMP)
    made.event("email_opened", "2021-13-01T08:30:00Z").event("guild_joined", STAMP, guild_id=1.5)
    good = made.all_files()[made.shard_name(0)]
    made.put(made.shard_name(0), b'{"event_type": "email\n\n5\n\xff\n{"a": 1}\n' + good)
    result = read(made)
    assert result.activity("email_opened") == [("2021-06-01", 0, 1)]
    missing = result.missing()
    assert missing["line of the analytics", "broken"] == 4
    assert missing["event", "incomplete"] == missing["event", "broken"] == 1
    stored = {
        (part, problem): count for part, problem, count in result.all("SELECT * FROM missing")
    }
    assert stored == missing


def test_broken_messages_are_counted() -> None:
    """In JSON and in CSV; a file that ends too early gives what it has."""
    whole = b'{"Timestamp": "2021-06-01 08:30:00"}'
    made = MadePackage().channel(CHANNEL).channel(OTHER_CHANNEL, form="csv")
    made.put(
        f"Messages/c{CHANNEL}/messages.json", b"[" + whole + b', {"a": 1}, 7, ' + whole + b", {"
    )
    made.put(
        f"Messages/c{OTHER_CHANNEL}/messages.csv",
        b'Contents,Timestamp\nx,2021-06-01 08:30:00\nno stamp\nx,never\n\n"never closed',
    )
    result = read(made)
    assert result.report.messages == 3
    assert result.missing()["message", "broken"] == 5
    assert result.missing()["messages of a channel", "cut off"] == 1


@pytest.mark.parametrize("form", ["json", "csv"])
def test_a_broken_file_of_messages(form: str) -> None:
    """It is named, and the channel stays with what is known of it."""
    made = MadePackage().channel(CHANNEL, [], "us", form, recipients=[OWNER, FRIEND])
    result = read(made.put(f"Messages/c{CHANNEL}/messages.{form}", b"\x00\x01"))
    assert {part for part, problem in result.missing() if problem != "missing"} == {
        "messages of a channel"
    }
    assert result.all("SELECT user_name, total_message_count FROM dm_channels_data") == [("us", 0)]


def test_missing_files_of_a_channel() -> None:
    """A folder without its description, or without messages, is said to lack it."""
    made = MadePackage().channel(CHANNEL, [MESSAGE]).channel(OTHER_CHANNEL)
    made.channel(CHANNEL[::-1], index_name="whole")
    made.drop(f"Messages/c{CHANNEL}/channel.json").drop(f"Messages/c{OTHER_CHANNEL}/messages.json")
    result = read(made)
    assert result.missing()["description of a channel", "missing"] == 1
    assert result.missing()["messages of a channel", "missing"] == 1
    assert result.report.messages == 1


def test_names_and_people() -> None:
    """The English prefix and the old tag go; friends bring their name and picture."""
    made = MadePackage()
    made.channel(CHANNEL, [], "Direct Message with bea#0000", recipients=[FRIEND, OWNER])
    made.channel(OTHER_CHANNEL, [], "Direct Message with carl#1234", recipients=[OWNER, STRANGER])
    columns = "SELECT dm_user_id, user_name, display_name, user_avatar_url"
    assert read(made).all(f"{columns} FROM dm_channels_data ORDER BY 1") == [
        (FRIEND, "bea", "Bea", f"https://cdn.discordapp.com/avatars/{FRIEND}/a_1.gif"),
        (STRANGER, "carl#1234", None, None),
    ]


def test_the_owner() -> None:
    """Who the package is about, and under which id it is kept."""
    rows = read(MadePackage()).all("SELECT * FROM package_data")
    picture = f"https://cdn.discordapp.com/avatars/{OWNER}/f0.jpg"
    assert rows == [(ID, "0.1.0", OWNER, "ada", None, picture, 1)]


def test_payments() -> None:
    """Those that succeeded, in money; from user.json where there is no file of their own."""
    good = {"id": "1", "created_at": STAMP, "amount": 499, "currency": "eur", "status": 1}
    others: list[dict[str, Any]] = [{"status": 2}, {"currency": "discord_orb"}, {"amount": "x"}]
    records = [good, good, *({**good, "id": str(n), **other} for n, other in enumerate(others, 2))]
    result = read(MadePackage().payments(*records))
    expected = [("1", "2021-06-01", 499, "eur", "")]
    assert result.all("SELECT * FROM payments") == expected
    assert result.missing()["payment", "broken"] == 1
    legacy = MadePackage()
    legacy.user["payments"] = [good]
    assert read(legacy).all("SELECT * FROM payments") == expected


def test_guilds_that_only_channels_know() -> None:
    """Without the folder of servers, guilds are those of the channels."""
    made = MadePackage(FRENCH).drop("Serveurs/").channel(CHANNEL, [MESSAGE], "g", guild=IN_GUILD)
    assert read(made).all("SELECT guild_name, total_message_count FROM guilds") == [("Garden", 1)]


@pytest.mark.parametrize("user", [None, b"", b"[]", b'{"id": "1"}', b'{"id": [], "username": 1}'])
def test_no_package_without_a_user(user: bytes | None) -> None:
    """The document's code for it."""
    made = MadePackage().put("Account/user.json", user or b"")
    package = made.zipped() if user is not None else io.BytesIO(made.zipped().getvalue())
    with pytest.raises(PackageRefused) as caught:
        read(package)
    assert caught.value.code == Refusal.MISSING_USER_DATA


def test_progress_goes_through_all_steps() -> None:
    """In their order, each from nothing to at most all."""
    told: list[tuple[Step, float]] = []
    output = io.BytesIO()
    analyse(full().zipped(), output, ID, lambda *at: told.append(at), lambda: False, Limits())
    assert list(dict.fromkeys(step for step, _ in told)) == list(Step)
    assert all(0.0 <= share <= 1.0 for _, share in told)
    assert told[-1] == (Step.WRITING, 1.0)


def asked_until(stop: int) -> int:
    """Read a package that is cancelled when it is asked for the time *stop*; how often it was."""
    asked = 0

    def cancelled() -> bool:
        nonlocal asked
        asked += 1
        return asked > stop

    analyse(full().zipped(), io.BytesIO(), ID, lambda *_: None, cancelled, Limits())
    return asked


def test_cancelling_works_wherever_it_is_asked() -> None:
    """A yes ends the reading, the first time and the last."""
    often = asked_until(1000)
    assert often > len(Step)
    for stop in range(often):
        with pytest.raises(PackageCancelled):
            asked_until(stop)


def test_no_file_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    """The result and its sorting stay in memory: there is nowhere that a file could go."""
    monkeypatch.setattr(tempfile, "tempdir", "/nonexistent")
    monkeypatch.setenv("SQLITE_TMPDIR", "/nonexistent")
    assert read(full()).all("PRAGMA integrity_check") == [("ok",)]


def test_the_file_has_no_holes() -> None:
    """So a VACUUM would gain nothing."""
    made = full()
    for number in range(300):
        made.channel(str(int(CHANNEL) + 10 + number), [MESSAGE] * 5, guild=IN_GUILD)
    result = read(made)
    assert result.all("PRAGMA freelist_count") == [(0,)]
    before = result.all("PRAGMA page_count")[0][0]
    result.database.execute("VACUUM")
    assert result.all("PRAGMA page_count")[0][0] >= before * 0.95


def test_the_same_package_gives_the_same_bytes() -> None:
    """So results can be compared, and nothing of the machine is in them."""
    first, second = (read(full()).database.serialize() for _ in range(2))
    assert first == second
