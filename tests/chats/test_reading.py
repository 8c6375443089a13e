"""What an export says, in all the ways in which exporters say it, becomes the same values."""

import json
from typing import Any

import pytest

from downstream_node.chats import marks, reading
from downstream_node.chats.places import sent_at
from downstream_node.chats.reading import Broken, Reader
from downstream_node.chats.records import Author, Export, Message
from downstream_node.chats.splitting import mended
from downstream_node.errors import InvalidExport

CHANNEL = 1165030189714129000
NOON = 1714219200000
"""2024-04-27T12:00:00Z."""
ID = NOON - 1420070400000 << 22
ADA = {"id": "200000000000000001", "name": "ada", "nickname": "Ada", "isBot": False, "roles": []}


def raw(**values: Any) -> dict[str, Any]:
    """A message as the exporter writes it, with changes."""
    message: dict[str, Any] = {
        "id": str(ID),
        "type": "Default",
        "timestamp": "2024-04-27T12:00:00+00:00",
        "timestampEdited": None,
        "callEndedTimestamp": None,
        "isPinned": False,
        "content": "They had pecan pie",
        "author": ADA,
        "attachments": [],
        "embeds": [],
        "stickers": [],
        "reactions": [],
        "mentions": [],
        "inlineEmojis": [],
    }
    return {**message, **values}


def read(message: object) -> Message | Broken:
    """What a reader makes of one message."""
    return Reader(CHANNEL).read(mended(json.dumps(message).encode()))


def good(**values: Any) -> Message:
    """What a reader makes of a message that makes sense."""
    message = read(raw(**values))
    assert isinstance(message, Message), message
    return message


def is_and_has(message: Message) -> set[str]:
    """The marks of *message* beside author and channel, without their signs."""
    return {mark[1:] for mark in message.marks if mark[1] in "hi"}


# Times


@pytest.mark.parametrize(
    ("stamp", "moment"),
    [
        ("2024-04-27T12:00:00+00:00", NOON),
        ("2024-04-27T12:00:00Z", NOON),
        ("2024-04-27t12:00:00z", NOON),
        ("2024-04-27 12:00:00Z", NOON),
        ("2024-04-27T12:00:00", NOON),
        ("2024-04-27T14:00:00+02:00", NOON),
        ("2024-04-27T08:00:00-04:00", NOON),
        ("2024-04-27T17:30:00+05:30", NOON),
        ("2024-04-27T08:30:00-03:30", NOON),
        ("2024-04-28T02:00:00+14:00", NOON),
        ("2024-04-27T00:00:00-12:00", NOON),
        ("2024-04-27T14:00:00+0200", NOON),
        ("2024-04-27T14:00:00+02", NOON),
        ("2024-04-27T12:00:00-00:00", NOON),
        ("2024-04-27T12:00:00.1+00:00", NOON + 100),
        ("2024-04-27T12:00:00.12+00:00", NOON + 120),
        ("2024-04-27T12:00:00.123+00:00", NOON + 123),
        ("2024-04-27T12:00:00.1234+00:00", NOON + 123),
        ("2024-04-27T12:00:00.12345+00:00", NOON + 123),
        ("2024-04-27T12:00:00.123456+00:00", NOON + 123),
        ("2024-04-27T12:00:00.1239999+00:00", NOON + 123),
        ("2024-04-27T12:00:00.123456789Z", NOON + 123),
        ("2024-04-27T12:00:00.001Z", NOON + 1),
        ("2024-04-27T12:00:00.5", NOON + 500),
        ("2024-04-27T12:00:00,5Z", NOON + 500),
        ("2024-02-29T00:00:00Z", 1709164800000),
        ("1970-01-01T00:00:00Z", 0),
        ("1969-12-31T23:59:59.999Z", -1),
    ],
)
def test_every_form_of_a_time(stamp: str, moment: int) -> None:
    """Any zone, any number of digits, any separator."""
    assert reading.moment_of(stamp)[0] == moment


@pytest.mark.parametrize(
    "stamp",
    [
        *("", "yesterday", "2024-04-27", "2024-04-27T12:00", "2024-13-01T00:00:00Z"),
        *("2023-02-29T00:00:00Z", "2024-04-27T24:00:00Z", "2024-04-27T12:60:00Z"),
        *("2024-04-27T12:00:00+24:00", "2024-04-27T12:00:00.Z", "2024-04-27T12:00:00 UTC"),
        *("12024-04-27T12:00:00Z", "2024-04-27T12:00:00Z\n", "٢٠٢٤-04-27T12:00:00Z"),
        "0000-01-01T00:00:00Z",
    ],
)
def test_what_is_no_time(stamp: str) -> None:
    """It breaks its message and no other."""
    found = read(raw(timestamp=stamp))
    assert isinstance(found, Broken)
    assert "is no time" in found.reason


def test_defect_3_whole_seconds() -> None:
    """A whole second has no fraction, which cost the original a batch of 1,000 messages."""
    reader = Reader(CHANNEL)
    stamps = ["2024-04-27T12:00:00+00:00", "2024-04-27T12:00:00.25+00:00"]
    found = [
        reader.read(json.dumps(raw(timestamp=stamp, id=n)).encode())
        for n, stamp in enumerate(stamps)
    ]
    assert [sent_at(one.place) for one in found if isinstance(one, Message)] == [NOON, NOON + 250]


def test_times_without_a_zone_are_noted() -> None:
    """They are taken as UTC, and the report says so."""
    reader = Reader(CHANNEL)
    for _ in range(2):
        reader.read(json.dumps(raw(timestamp="2024-04-27T12:00:00")).encode())
    reader.read(json.dumps(raw()).encode())
    assert reader.notes() == ["2 times have no time zone; they were taken as UTC."]


# Messages


def test_a_message() -> None:
    """Everything that is searched, shown or compared."""
    found = good()
    assert (found.place, found.id, found.channel) == (ID, ID, CHANNEL)
    assert (found.author, found.kind, found.edited) == (200000000000000001, "Default", None)
    assert (found.content, found.folded) == ("They had pecan pie", "they had pecan pie")
    assert (found.stems, found.extras) == (["they", "had", "pecan", "pie"], b"")
    assert found.marks == [marks.within(CHANNEL), marks.by(200000000000000001)]


def test_only_what_is_needed_is_required() -> None:
    """An id, a time and an author make a message."""
    found = read({"id": ID, "timestamp": "2024-04-27T12:00:00Z", "author": {"id": 5}})
    assert isinstance(found, Message)
    assert (found.content, found.kind, found.author) == ("", "Default", 5)


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        pytest.param({"id": None}, "id", id="no id"),
        pytest.param({"id": "x"}, "no id of a message", id="an id of letters"),
        pytest.param({"id": "-5"}, "no id of a message", id="an id with a sign"),
        pytest.param({"id": 1 << 63}, "no id of a message", id="an id that is too large"),
        pytest.param({"id": True}, "id", id="an id that is true"),
        pytest.param({"author": None}, "object", id="nobody"),
        pytest.param({"author": {"name": "x"}}, "id", id="somebody without an id"),
        pytest.param({"content": 5}, "content", id="a number for a text"),
        pytest.param({"content": "x" * 100_001}, "100000 characters", id="too long"),
        pytest.param({"timestamp": 1714219200}, "timestamp", id="a number for a time"),
        pytest.param({"timestamp": "1901-01-01T00:00:00Z"}, "1945", id="before computers"),
        pytest.param({"timestampEdited": "soon"}, "is no time", id="a wrong time of the edit"),
        pytest.param({"attachments": {}}, "attachments", id="an object for a list"),
        pytest.param({"attachments": [5]}, "object", id="a number for an attachment"),
    ],
)
def test_a_broken_message_says_why(values: dict[str, Any], reason: str) -> None:
    """It becomes a value with its index and the reason."""
    reader = Reader(CHANNEL)
    reader.read(json.dumps(raw()).encode())
    found = reader.read(json.dumps(raw(**values)).encode())
    assert isinstance(found, Broken)
    assert found.index == 1
    assert reason in found.reason


@pytest.mark.parametrize("message", [None, 5, "x", [], {}])
def test_what_is_no_message(message: object) -> None:
    """Any JSON may stand in the list."""
    assert isinstance(read(message), Broken)


def test_a_broken_message_in_a_list_hinders_no_other() -> None:
    """It is told with the same words as by itself, and with its place among all."""
    said = [raw(), raw(timestamp=5), raw(timestamp="soon"), raw(content="last")]
    lists = [said[:1], said[1:]], [said[:3], said[3:]], [said]
    one_by_one = Reader(CHANNEL)
    found = [one_by_one.read(json.dumps(one).encode()) for one in said]
    assert [isinstance(one, Broken) for one in found] == [False, True, True, False]
    for some in lists:
        reader = Reader(CHANNEL)
        assert [
            one for part in some for one in reader.read_list(json.dumps(part).encode())
        ] == found


def test_unknown_fields_and_kinds_are_kept_or_ignored() -> None:
    """Newer exporters say more."""
    found = good(type="SomethingNew", future={"a": [1]}, author={**ADA, "pronouns": "she"})
    assert found.kind == "SomethingNew"
    assert good(type=46).kind == "46"


def test_halves_of_characters_and_nul_are_replaced() -> None:
    """No database could store them."""
    assert good(content="a\ud83d b\0c \ud83d\ude00").content == "a\ufffd b\ufffdc \U0001f600"


def test_what_a_message_is() -> None:
    """Pinned, edited, reply, forwarded, written by a bot."""
    reference = {"type": "Default", "messageId": "77", "channelId": "5", "guildId": "6"}
    found = good(
        type="Reply",
        isPinned=True,
        timestampEdited="2024-04-27T12:01:00Z",
        author={**ADA, "isBot": True},
        reference=reference,
    )
    assert is_and_has(found) == {"ipinned", "iedited", "ireply", "ibot"}
    assert (found.edited, found.reply_to) == (NOON + 60_000, 77)
    assert json.loads(found.extras) == {"reference": reference}


def test_a_forwarded_message_has_the_text_that_it_forwards() -> None:
    """So it is found by it; it replies to nothing."""
    found = good(
        content="",
        reference={"type": "Forward", "messageId": "77"},
        forwardedMessage={"content": "pecan pie", "attachments": [{"fileName": "a.png"}]},
    )
    assert (found.content, found.reply_to) == ("pecan pie", None)
    assert is_and_has(found) == {"iforwarded", "hattachment", "himage"}


@pytest.mark.parametrize(
    ("name", "form"),
    [
        *(("photo.PNG", "image"), ("a.b.jpeg", "image"), ("clip.mp4", "video")),
        *(("song.opus", "sound"), ("notes.txt", "file"), ("png", "file"), (".hidden", "file")),
        ("", "file"),
    ],
)
def test_what_an_attachment_is(name: str, form: str) -> None:
    """Its name tells, whatever the case of its ending."""
    assert is_and_has(good(attachments=[{"id": "1", "fileName": name}])) == {
        "hattachment",
        f"h{form}",
    }


def test_the_type_of_an_attachment_counts_more_than_its_name() -> None:
    """Some exporters write it."""
    found = good(attachments=[{"fileName": "x.bin", "contentType": "audio/ogg"}])
    assert is_and_has(found) == {"hattachment", "hsound"}


@pytest.mark.parametrize(
    ("values", "has"),
    [
        ({"content": "see HTTPS://example.org"}, {"hlink"}),
        ({"content": "http:// is no link"}, set()),
        ({"embeds": [{"title": "x"}]}, {"hembed"}),
        ({"embeds": [{"type": "poll_result"}]}, {"hembed", "hpoll"}),
        ({"type": "Poll"}, {"hpoll"}),
        ({"poll": {"question": "?"}}, {"hpoll"}),
        ({"stickers": [{"id": "1", "name": "x"}]}, {"hsticker"}),
        ({"reactions": [{"emoji": {"name": "x"}, "count": 1}]}, {"hreaction"}),
        ({"mentions": [ADA]}, {"hmention"}),
    ],
)
def test_what_a_message_has(values: dict[str, Any], has: set[str]) -> None:
    """`has:` finds it by these marks."""
    assert is_and_has(good(**values)) == has


def test_people() -> None:
    """Who wrote or was mentioned is known by name; each is told once."""
    reader = Reader(CHANNEL)
    bob = {
        "id": 9,
        "name": "bob",
        "isBot": True,
        "color": "#ff0000",
        "avatarUrl": "https://x.invalid",
    }
    message = reader.read(json.dumps(raw(mentions=[bob, bob])).encode())
    assert isinstance(message, Message)
    assert message.marks.count(marks.mentions(9)) == 1
    assert reader.people() == [
        Author(200000000000000001, "ada", "Ada"),
        Author(9, "bob", None, None, True, "#ff0000", "https://x.invalid"),
    ]
    reader.read(json.dumps(raw()).encode())
    assert reader.people() == []


# What changes


def test_how_it_is_written_changes_nothing() -> None:
    """Compact or indented, with ids as texts or numbers: the same message."""
    message = raw(attachments=[{"id": "5", "fileName": "a.png"}], mentions=[ADA])
    reader = Reader(CHANNEL)
    other = {**message, "id": ID}
    assert reader.read(json.dumps(message, indent=2).encode()) == reader.read(
        json.dumps(other).encode()
    )


@pytest.mark.parametrize(
    ("values", "changes"),
    [
        ({"content": "other"}, True),
        ({"timestampEdited": "2024-04-27T12:01:00Z"}, True),
        ({"isPinned": True}, True),
        ({"reactions": [{"emoji": {"name": "x"}, "count": 2}]}, True),
        ({"attachments": []}, True),
        ({"embeds": [{"title": "x"}]}, True),
        ({"mentions": []}, True),
        ({"author": {**ADA, "nickname": "Countess", "roles": [{"id": 1}]}}, False),
        ({"mentions": [{**ADA, "nickname": "Countess"}]}, False),
        ({"reactions": [{"emoji": {"name": "x"}, "count": 1, "users": [ADA]}]}, False),
        (
            {"attachments": [{"id": "1", "url": "https://cdn.invalid/1/a.png?ex=67&is=68&hm=69&"}]},
            False,
        ),
        ({"embeds": []}, False),
        ({"future": 5}, False),
    ],
)
def test_what_counts_as_a_change(values: dict[str, Any], changes: bool) -> None:
    """What somebody did to the message; not who people are today, nor for how long links live."""
    before = {
        "attachments": [{"id": "1", "url": "https://cdn.invalid/1/a.png?ex=1a&is=2b&hm=3c&"}],
        "reactions": [{"emoji": {"name": "x"}, "count": 1}],
        "mentions": [ADA],
    }
    assert (good(**before).fingerprint != good(**{**before, **values}).fingerprint) is changes


def test_signatures_in_embeds_are_no_change() -> None:
    """Pictures in embeds are signed as attachments are."""
    one, two = (
        good(embeds=[{"image": {"url": f"https://cdn.invalid/1/a.png?ex={n}&is={n}&hm={n}&w=5"}}])
        for n in ("1a", "2b")
    )
    assert one.fingerprint == two.fingerprint


def test_a_fingerprint_fits_63_bits() -> None:
    """So that every database can store it."""
    assert all(0 <= good(content=str(n)).fingerprint < 1 << 63 for n in range(100))


# The root fields


def header(**fields: Any) -> Export:
    """The header of an export with these fields."""
    given = {"channel": {"id": "5", "name": "general"}, **fields}
    return reading.header({name: json.dumps(value).encode() for name, value in given.items()})


def test_a_header() -> None:
    """Guild, channel, range and moment."""
    found = header(
        guild={"id": "1", "name": "Guild", "iconUrl": "https://x.invalid"},
        channel={"id": 5, "type": "GuildTextChat", "category": "c", "name": "n", "topic": "t"},
        dateRange={"after": "2024-04-01T00:00:00Z", "before": None},
        exportedAt="2024-04-27T14:00:00+02:00",
    )
    assert (found.guild.id, found.guild.name) == (1, "Guild")
    assert (found.channel.id, found.channel.guild, found.channel.kind) == (5, 1, "GuildTextChat")
    assert (found.after, found.before, found.exported) == (1711929600000, None, NOON)


@pytest.mark.parametrize("guild", [None, {}, {"id": "0", "name": "Direct Messages"}])
def test_direct_messages(guild: Any) -> None:
    """They belong to no guild."""
    found = header(guild=guild)
    assert (found.guild.id, found.guild.name, found.exported) == (0, "Direct Messages", None)


@pytest.mark.parametrize(
    "fields",
    [
        {"channel": None},
        {"channel": {"name": "x"}},
        {"channel": {"id": "x"}},
        {"channel": {"id": 1 << 63}},
        {"channel": []},
        {"guild": "x"},
        {"exportedAt": "soon"},
        {"dateRange": {"after": "x"}},
    ],
)
def test_a_header_that_makes_no_sense(fields: dict[str, Any]) -> None:
    """An export that nobody can tell the channel of is none."""
    with pytest.raises(InvalidExport):
        header(**fields)


def test_no_channel() -> None:
    """Other JSON files have messages, too."""
    with pytest.raises(InvalidExport, match='no "channel"'):
        reading.header({})


@pytest.mark.parametrize(
    ("said", "note"),
    [("2", None), ("null", None), ("3", "It says that it has 3"), ('"x"', "is no number")],
)
def test_the_number_of_messages_is_checked(said: str, note: str | None) -> None:
    """A file that says that it has more or fewer is odd."""
    found = reading.count_note({"messageCount": said.encode()}, 2)
    assert (found is None) if note is None else (found is not None and note in found)
