"""Whatever is done to a package, there is a report or a refusal, and nothing else."""

import io
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st
from packages.made import (
    CHANNEL,
    FRIEND,
    GUILD,
    OTHER_CHANNEL,
    OWNER,
    STRANGER,
    MadePackage,
    read,
    zipped,
)

from downstream_node.errors import PackageRefused
from downstream_node.packages.reading.limits import Refusal

STAMP = "2021-06-01T08:30:59.000Z"


def some_package() -> MadePackage:
    """A package with most of what there can be."""
    made = MadePackage().payments(
        {"id": "1", "created_at": STAMP, "amount": 499, "currency": "eur", "status": 1}
    )
    stamps = [f"2021-06-01 {hour:02}:30:00" for hour in range(24)]
    made.channel(CHANNEL, stamps, "Direct Message with bea#0000", recipients=[OWNER, FRIEND])
    made.channel(OTHER_CHANNEL, stamps, "g", "csv", guild={"id": GUILD, "name": "Garden"})
    made.channel(CHANNEL[::-1], stamps, None, recipients=[OWNER, FRIEND, STRANGER])
    for hour in range(24):
        stamp = f"2021-06-01T{hour:02}:30:00.000Z"
        for kind in ("join_voice_channel", "leave_voice_channel"):
            made.event(kind, stamp, hour % 3, channel_id=CHANNEL, client_track_timestamp="null")
        for kind in ("session_start", "session_end", "app_opened"):
            made.event(kind, stamp, hour % 3, os="iOS")
        made.event("add_reaction", stamp, hour % 3, channel_id=CHANNEL, emoji_name="é\U0001f600")
        made.event("application_command_used", stamp, application_id="5", guild_id=GUILD)
    return made


FILES = some_package().all_files()
PACKED = some_package().zipped().getvalue()
TOKENS = [
    *(
        b'"',
        b"{",
        b"}",
        b"[",
        b"]",
        b",",
        b":",
        b"\n",
        b"\\",
        b"\0",
        b"\xff",
        b"null",
        b"-1",
        b"1e999",
    ),
    *(b'"\\ud800"', b"\xed\xa0\x80", b"9" * 30, b"9" * 5000, b"[" * 5000, b'{"a":' * 5000, b""),
    *(b"0001-01-01T00:00:00+23:59", b"9999-12-31T23:59:59-23:59", b"PK\1\2", b"PK\5\6"),
]


def outcome(file: io.BytesIO) -> Refusal | None:
    """The code of the refusal, or None for a report whose database is sound."""
    try:
        result = read(file)
    except PackageRefused as refused:
        return Refusal(refused.code)
    assert result.all("PRAGMA integrity_check") == [("ok",)]
    return None


def damaged(data: bytes, chance: Random, times: int) -> bytes:
    """*data* after some bytes were changed, cut out, repeated or put in."""
    some = bytearray(data)
    for _ in range(times):
        start = chance.randrange(len(some) + 1)
        length = chance.choice((0, 1, 1, 2, 8, 100))
        end = min(len(some), start + length)
        new = chance.choice(
            (chance.choice(TOKENS), chance.randbytes(length), bytes(some[start:end]) * 2)
        )
        some[start:end] = new
    return bytes(some)


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 6))
def test_damage_to_the_archive(seed: int, times: int) -> None:
    """Any bytes of the zip file may be others."""
    outcome(io.BytesIO(damaged(PACKED, Random(seed), times)))  # noqa: S311 - repeatable


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 6))
def test_damage_to_the_files(seed: int, times: int) -> None:
    """Any bytes of any member may be others; then only the user may be lost."""
    chance = Random(seed)  # noqa: S311 - repeatable
    chosen = set(chance.sample(sorted(FILES), 3))
    members = (
        (name, damaged(data, chance, times) if name in chosen else data)
        for name, data in FILES.items()
    )
    assert outcome(zipped(members)) in {None, Refusal.MISSING_USER_DATA}


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=300), st.sampled_from(sorted(FILES)))
def test_any_bytes_in_any_file(data: bytes, name: str) -> None:
    """A member may as well hold anything."""
    assert outcome(zipped([*{**FILES, name: data}.items()])) in {None, Refusal.MISSING_USER_DATA}


def test_cut_off_anywhere() -> None:
    """A download that stopped is no archive, wherever it stopped."""
    for end in range(0, len(PACKED), 101):
        assert outcome(io.BytesIO(PACKED[:end])) is Refusal.BROKEN_ARCHIVE
