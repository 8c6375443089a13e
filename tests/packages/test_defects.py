"""The defects of the original, B1 to B8 and P1, each as something that holds here.

S8 is in test_archive.py; B7 and P1 have more in test_sessions.py, B6 in test_layout.py.
"""

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest
from packages.made import (
    CHANNEL,
    FRIEND,
    GERMAN,
    GUILD,
    OTHER_CHANNEL,
    OWNER,
    STRANGER,
    MadePackage,
    as_csv,
    message_of,
    read,
)

from downstream_node.packages.reading.sessions import Mark, sessions
from downstream_node.packages.reading.voice import Join, voice_sessions

STAMP = "2021-06-01T08:30:59.000Z"
IN_GUILD = {"id": GUILD, "name": "Garden"}


def test_b1_custom_reactions_say_so() -> None:
    """An emoji with an id is custom, one without is not, under the same name or another."""
    made = MadePackage()
    for fields in ({"emoji_id": "7"}, {"emoji_id": "7"}, {}, {"emoji_id": None}):
        made.event("add_reaction", STAMP, channel_id=CHANNEL, emoji_name="pepe", **fields)
    rows = read(made).activity("add_reaction", "extra_field_2, extra_field_1, occurence_count")
    assert rows == [("0", "pepe", 2), ("1", "pepe", 2)]


@pytest.mark.parametrize(
    "event", ["oauth2_authorize_accepted", "notification_clicked", "voice_message_recorded"]
)
def test_b2_events_need_no_developer_beside_them(event: str) -> None:
    """They are counted on their own account."""
    made = MadePackage().event(event, STAMP).event(event, STAMP)
    assert read(made).activity(event) == [("2021-06-01", 0, 2)]


def test_b3_all_shards_are_read() -> None:
    """What each of three shards has is in the sum."""
    made = MadePackage()
    for shard in range(3):
        made.event("email_opened", STAMP, shard=shard)
    assert read(made).activity("email_opened") == [("2021-06-01", 0, 3)]


def test_b4_messages_in_csv() -> None:
    """With a byte order mark, and newlines, quotes and commas in texts."""
    full = [
        message_of(1, {"Timestamp": "2021-06-01 08:30:00+00:00", "Contents": 'a\n"b",\r\nc'}),
        message_of(2, {"Timestamp": "2021-06-01 09:30:00.5+00:00", "Contents": ""}),
        message_of(3, {"Timestamp": "2021-06-01 09:31:00+00:00", "Attachments": "u v"}),
    ]
    made = MadePackage().channel(CHANNEL, index_name="general", form="csv", guild=IN_GUILD)
    made.put(f"Messages/c{CHANNEL}/messages.csv", b"\xef\xbb\xbf" + as_csv(full))
    result = read(made)
    assert result.activity("message_sent") == [("2021-06-01", 8, 1), ("2021-06-01", 9, 2)]
    assert result.all("SELECT day, message_count, attachment_count FROM attachments") == [
        ("2021-06-01", 1, 2)
    ]
    assert set(result.missing()) == {("analytics", "missing")}


READ_ELSEWHERE = """
import hashlib, io, sys
from downstream_node.packages.reading.analysis import analyse
from downstream_node.packages.reading.limits import Limits
output = io.BytesIO()
package = io.BytesIO(sys.stdin.buffer.read())
analyse(package, output, "", lambda *_: None, lambda: False, Limits())
print(hashlib.sha256(output.getvalue()).hexdigest())
"""


def test_b5_the_machine_s_zone_changes_nothing() -> None:
    """The whole result is the same, to the byte, in New York, in Kathmandu and here."""
    made = (
        MadePackage()
        .event("guild_joined", STAMP, guild_id=GUILD)
        .payments(
            {"id": "1", "created_at": "2021-06-01T23:30:00+00:00", "amount": 1, "currency": "eur"}
        )
    )
    made.event("session_start", STAMP, os="iOS").event("session_end", STAMP, os="iOS")
    made.channel(CHANNEL, ["2021-06-01 08:30:00"], guild=IN_GUILD)
    found = set()
    for zone in ("America/New_York", "Asia/Kathmandu", "UTC"):
        done = subprocess.run(
            [sys.executable, "-c", READ_ELSEWHERE],
            input=made.zipped().getvalue(),
            env={**os.environ, "TZ": zone, "PYTHONPATH": str(Path(__file__).parents[2])},
            capture_output=True,
            check=True,
        )
        found.add(done.stdout)
    assert len(found) == 1
    result = read(made)
    assert result.activity("guild_joined") == [("2021-06-01", 8, 1)]
    assert result.all("SELECT started_date FROM sessions") == [("1622536200.0",)]
    assert result.all("SELECT payment_date FROM payments") == [("2021-06-01",)]


def test_b6_a_translated_package_without_servers() -> None:
    """The names of channels do not become guilds; that servers are missing is said."""
    made = MadePackage(GERMAN).drop("Server/").event("email_opened", STAMP)
    made.channel(CHANNEL, ["2021-06-01 08:30:00"], index_name="x", recipients=[OWNER, FRIEND])
    result = read(made)
    assert result.all("SELECT * FROM guilds") == []
    assert result.missing()["servers", "missing"] == 1
    assert result.all("SELECT package_is_partial FROM package_data") == [(1,)]


@pytest.mark.parametrize("first", [CHANNEL, OTHER_CHANNEL])
def test_b7_voice_is_in_time_order(first: str) -> None:
    """Of two stays that overlap, the earlier is kept, whichever id is the smaller."""
    second = OTHER_CHANNEL if first == CHANNEL else CHANNEL
    made = MadePackage()
    for channel, kind, minute in [
        (first, "join", 0),
        (second, "join", 5),
        (first, "leave", 10),
        (second, "leave", 20),
    ]:
        stamp = f"2021-06-01T08:{minute:02}:00.000Z"
        made.event(f"{kind}_voice_channel", stamp, channel_id=channel)
    result = read(made)
    assert result.all("SELECT channel_id, duration_mins FROM voice_sessions") == [(first, 10)]


def test_b8_group_dms_threads_and_unnamed_channels_stay() -> None:
    """Every message is in the sums, and every channel in a table."""
    made = MadePackage().event("email_opened", STAMP)
    stamps = ["2021-06-01 08:30:00", "2021-06-01 08:31:00"]
    ids = [str(int(CHANNEL) + number) for number in range(4)]
    made.channel(ids[0], stamps, "us", recipients=[OWNER, FRIEND, STRANGER], type=3)
    made.channel(ids[1], stamps, None, type="PUBLIC_THREAD", name="a thread")
    made.channel(ids[2], stamps, None, type=0)
    made.channel(ids[3], stamps, None, guild=IN_GUILD, name="general")
    result = read(made)
    assert result.activity("message_sent", "associated_channel_id, occurence_count") == [
        (channel, 2) for channel in ids
    ]
    groups = "SELECT channel_name, recipient_count, total_message_count FROM group_channels_data"
    assert result.all(groups) == [("us", 3, 2)]
    others = "SELECT channel_name, channel_type, total_message_count FROM other_channels_data"
    assert result.all(others) == [("a thread", "PUBLIC_THREAD", 2), (ids[2], "0", 2)]
    assert result.all("SELECT channel_name FROM guild_channels_data") == [("general",)]
    assert result.all("SELECT total_message_count FROM guilds") == [(2,)]


def test_b8_time_in_voice_is_summed() -> None:
    """Channels of guilds and of people have their time, and calls are given by person."""
    made = MadePackage()
    made.channel(
        CHANNEL, ["2021-06-01 08:30:00"], "Direct Message with bea#0000", recipients=[FRIEND, OWNER]
    )
    made.channel(OTHER_CHANNEL, [], "general", guild=IN_GUILD)
    for hour, channel, guild in [
        (10, CHANNEL, None),
        (11, CHANNEL, None),
        (12, OTHER_CHANNEL, GUILD),
    ]:
        start, end = f"2021-06-01T{hour}:00:00Z", f"2021-06-01T{hour}:{hour}:00Z"
        made.event("join_voice_channel", start, channel_id=channel, guild_id=guild)
        made.event("leave_voice_channel", end, channel_id=channel)
    result = read(made)
    total = "SELECT total_voice_channel_duration FROM"
    assert result.all(f"{total} dm_channels_data") == [(21,)]
    assert result.all(f"{total} guild_channels_data") == [(12,)]
    assert result.all("SELECT * FROM call_times") == [(FRIEND, "bea", 2, 21, 11, "1622545200.0")]


class Counting(int):
    """A minute that counts how often it is compared."""

    compared = 0

    def __lt__(self, other: int) -> bool:
        Counting.compared += 1
        return int(self) < other

    def __le__(self, other: int) -> bool:
        Counting.compared += 1
        return int(self) <= other


def comparisons(count: int) -> int:
    """How often sessions and voice compare times, for *count* of each."""
    Counting.compared = 0
    marks: list[Mark] = []
    joins, leaves = [], []
    for number in range(count):
        start, end = Counting(-10 * number), Counting(-10 * number + 5)
        marks += [(start, "iOS"), (end, None)]
        joins.append(Join(start, str(number % 7), None))
        leaves.append((end, str(number % 7)))
    assert len(sessions(marks)) == len(voice_sessions(joins, leaves)) == count
    return Counting.compared


def test_p1_sessions_are_not_quadratic() -> None:
    """Twice as many take little more than twice as many comparisons."""
    assert comparisons(4000) < 2.3 * comparisons(2000)


def test_nothing_is_needed_but_a_user() -> None:
    """An account alone makes an empty, partial result that says what is missing."""
    result = read(MadePackage().drop("Servers/"))
    parts = {part for part, problem in result.missing() if problem == "missing"}
    assert parts == {"servers", "messages", "analytics", "message index"}
    assert result.report.is_partial
    assert isinstance(result.database.serialize(), bytes)
    assert io.BytesIO(result.database.serialize()).read(15) == b"SQLite format 3"
