"""S8, the zip part: archives that play tricks are refused with a code, in bounded memory."""

import hashlib
import io
import stat
import struct
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import pytest
from packages.made import CHANNEL, MadePackage, read, zipped

from downstream_node.errors import PackageRefused
from downstream_node.packages.reading.archive import PIECE
from downstream_node.packages.reading.limits import MIB, Limits, Refusal

SMALL = Limits(
    members=50,
    member_bytes=4 * MIB,
    unpacked_bytes=6 * MIB,
    ratio=100,
    ratio_floor=MIB,
)
SHARD = "Activity/analytics/events.json"
MESSAGES = f"Messages/c{CHANNEL}/messages.json"
PADDING = b"".join(hashlib.sha256(b"%d" % number).digest() for number in range(1 << 15))
"""1 MiB that does not pack."""


def refusal(file: io.BytesIO, limits: Limits = SMALL) -> Refusal:
    """The code with which *file* is refused; its sentence is one."""
    with pytest.raises(PackageRefused) as caught:
        read(file, limits)
    assert str(caught.value).endswith(".")
    return Refusal(caught.value.code)


def with_members(*more: tuple[str, bytes]) -> io.BytesIO:
    """A good package with *more* members."""
    return zipped([*MadePackage().all_files().items(), *more])


def with_member(change: Callable[[zipfile.ZipInfo], object]) -> io.BytesIO:
    """A good package with one more member, about which *change* tells lies."""
    file = with_members()
    info = zipfile.ZipInfo("more")
    change(info)
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr(info, b"more")
    file.seek(0)
    return file


def patched(file: io.BytesIO, name: bytes, offset: int, form: str, value: int) -> io.BytesIO:
    """*file* with a field of the directory's entry of *name* changed."""
    data = bytearray(file.getvalue())
    entry = data.rindex(name) - 46
    assert data[entry : entry + 4] == b"PK\1\2"
    struct.pack_into(form, data, entry + offset, value)
    return io.BytesIO(bytes(data))


@pytest.mark.parametrize(
    "name",
    [
        *(
            "../evil",
            "a/../../evil",
            "a/./b",
            "/etc/passwd",
            "C:/evil",
            "c:evil",
            "a\\b",
            "..\\evil",
        ),
        *("a/..", "..", "a\nb", "a\x7fb"),
    ],
)
def test_s8_names_that_lead_elsewhere(name: str) -> None:
    """Names go down into folders and nowhere else."""
    assert refusal(with_members((name, b""))) is Refusal.UNSAFE_NAME


def test_s8_a_name_with_an_end_in_the_middle() -> None:
    """The library shows the part before the NUL; the whole is judged."""
    file = with_members(("a.txt_b", b""))
    data = file.getvalue().replace(b"a.txt_b", b"a.txt\0b")
    assert refusal(io.BytesIO(data)) is Refusal.UNSAFE_NAME


def test_s8_two_members_of_one_name() -> None:
    """Readers disagree on which is meant."""
    with pytest.warns(UserWarning, match="Duplicate name"):
        file = with_members(("a", b"1"), ("a", b"2"))
    assert refusal(file) is Refusal.DUPLICATE_NAME


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR, stat.S_IFSOCK])
def test_s8_special_members(kind: int) -> None:
    """Links, pipes and devices are no part of a package."""

    def special(info: zipfile.ZipInfo) -> None:
        info.external_attr = (kind | 0o644) << 16

    assert refusal(with_member(special)) is Refusal.SPECIAL_MEMBER


@pytest.mark.parametrize("bit", [0x1, 0x40, 0x2000])
def test_s8_encrypted_members(bit: int) -> None:
    """Whatever is encrypted cannot be read by us."""
    file = patched(with_members(("more", b"x")), b"more", 8, "<H", bit)
    assert refusal(file) is Refusal.ENCRYPTED_MEMBER


def test_s8_too_many_members() -> None:
    """One more than allowed is too many."""
    files = MadePackage().all_files()
    spare = SMALL.members - len(files)
    read(zipped([*files.items(), *((f"x{n}", b"") for n in range(spare))]), SMALL)
    one_more = zipped([*files.items(), *((f"x{n}", b"") for n in range(spare + 1))])
    assert refusal(one_more) is Refusal.TOO_MANY_MEMBERS


def test_s8_an_absurd_directory_is_not_even_read() -> None:
    """What the end of the archive says of its directory's size is not believed."""
    limits = replace(SMALL, directory_bytes=100)
    assert refusal(with_members(), limits) is Refusal.TOO_MANY_MEMBERS


def test_s8_entries_are_counted_before_objects_are_made_of_them() -> None:
    """A directory of many entries is refused at the cost of its own bytes."""
    count = 40_000
    end = struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, 0xFFFE, 0xFFFE, count * 47, 0, 0)
    file = io.BytesIO((b"PK\1\2" + bytes(24) + b"\1" + bytes(17) + b"x") * count + end)
    tracemalloc.start()
    assert refusal(file) is Refusal.TOO_MANY_MEMBERS
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 * MIB


def bomb(size: int) -> bytes:
    """*size* bytes that pack a thousand times smaller."""
    return (b" " * 999 + b"\n") * (size // 1000) + b" " * (size % 1000)


def analytics_of(content: bytes) -> io.BytesIO:
    """A good package, whose analytics have this *content*."""
    return MadePackage().put(SHARD, content).zipped()


def test_s8_a_member_that_is_too_large() -> None:
    """The limit is on what comes out."""
    limits = replace(SMALL, ratio=10_000, unpacked_bytes=100 * MIB)
    read(analytics_of(bomb(SMALL.member_bytes)), limits)
    assert refusal(analytics_of(bomb(SMALL.member_bytes + 1)), limits) is Refusal.HUGE_MEMBER


def test_s8_a_bomb_by_its_ratio() -> None:
    """Below the floor any ratio will do, above it none that no package has."""
    read(analytics_of(bomb(MIB - PIECE)), SMALL)
    assert refusal(analytics_of(bomb(MIB + PIECE))) is Refusal.ZIP_BOMB


def test_s8_a_bomb_in_many_parts() -> None:
    """The limits on the whole are over all members that are read."""
    made = MadePackage()
    for number in range(8):
        made.put(f"{SHARD}-{number}.json", bomb(MIB - PIECE))
    assert refusal(made.zipped()) is Refusal.ZIP_BOMB
    lenient = replace(SMALL, ratio=10_000, unpacked_bytes=5 * MIB)
    assert refusal(made.zipped(), lenient) is Refusal.ZIP_BOMB


def test_s8_a_bomb_that_lies_about_its_size() -> None:
    """A header that says 10 bytes gets 10 bytes, whose checksum is not that of the bomb."""
    file = patched(analytics_of(bomb(8 * MIB)), SHARD.encode(), 24, "<I", 10)
    assert refusal(file) is Refusal.BROKEN_MEMBER


def test_s8_a_bomb_that_lies_about_its_packed_size() -> None:
    """A packed size that makes the ratio look good reaches beyond the file, or into the next."""
    file = analytics_of(bomb(8 * MIB))
    beyond = patched(file, SHARD.encode(), 20, "<I", 8 * MIB)
    assert refusal(beyond) is Refusal.BROKEN_ARCHIVE
    padded = zipped([*MadePackage().all_files().items(), (SHARD, bomb(8 * MIB)), ("z", PADDING)])
    into_next = patched(padded, SHARD.encode(), 20, "<I", MIB // 2)
    assert refusal(into_next) is Refusal.OVERLAPPING_MEMBERS


def test_s8_members_that_share_their_bytes() -> None:
    """A kernel that many entries point at unpacks without end."""
    names = [f"Messages/c{int(CHANNEL) + number}/messages.json" for number in range(3)]
    file = with_members(*((name, bomb(1000)) for name in names))
    with zipfile.ZipFile(file) as archive:
        first = archive.getinfo(names[0]).header_offset
    assert refusal(patched(file, names[2].encode(), 42, "<I", first)) is Refusal.OVERLAPPING_MEMBERS


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"[" + b" " * 12 * MIB, id="no message"),
        pytest.param(b'[{"Contents": "' + b"x" * 12 * MIB, id="one message"),
        pytest.param(b"[" + (b'{"Contents": "%s"},' % (b"x" * 999)) * 12_000, id="many messages"),
    ],
)
@pytest.mark.parametrize("form", ["json", "csv"])
def test_s8_a_bomb_costs_little_memory(content: bytes, form: str) -> None:
    """12 MB are unpacked in pieces, and no more than some of them are held."""
    made = MadePackage().channel(CHANNEL).drop(MESSAGES)
    file = made.put(f"Messages/c{CHANNEL}/messages.{form}", content).zipped()
    limits = replace(SMALL, member_bytes=100 * MIB, unpacked_bytes=100 * MIB, ratio=10_000)
    tracemalloc.start()
    result = read(file, limits)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert result.report.missing
    assert peak < 8 * MIB


def test_s8_archives_within_the_archive_are_left_alone() -> None:
    """They are neither unpacked nor looked at."""
    inner = zipped([("Account/user.json", bomb(MIB))]).getvalue()
    result = read(with_members(("Activity/analytics/inner.zip", inner), ("Messages/x.zip", inner)))
    assert result.report.unpacked_bytes < 1000


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_s8_other_methods_than_deflate(method: int) -> None:
    """The library unpacks their blocks without any bound."""
    file = MadePackage().channel(CHANNEL).zipped()
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr(MESSAGES.replace(CHANNEL, CHANNEL[::-1]), b"[]", method)
    file.seek(0)
    assert refusal(file) is Refusal.UNSUPPORTED_ARCHIVE


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"<html>This link has expired</html>", id="a web page"),
        pytest.param(MadePackage().zipped().getvalue()[:-30], id="cut off"),
        pytest.param(MadePackage().zipped().getvalue()[100:], id="cut at the beginning"),
    ],
)
def test_what_is_no_archive(data: bytes) -> None:
    """It is refused as such."""
    assert refusal(io.BytesIO(data)) in {Refusal.BROKEN_ARCHIVE, Refusal.BROKEN_MEMBER}


def test_a_wrong_checksum() -> None:
    """A member that is not what was packed makes the whole worthless."""
    made = MadePackage().event("email_opened", "2021-06-01T08:30:00.000Z")
    good = zlib.crc32(made.all_files()[made.shard_name(0)])
    file = patched(made.zipped(), made.shard_name(0).encode(), 16, "<I", good ^ 1)
    assert refusal(file) is Refusal.BROKEN_MEMBER


def test_errors_of_the_disk_are_not_the_package_s() -> None:
    """A source that fails says so itself."""

    class Failing(io.BytesIO):
        def read(self, *_: Any) -> bytes:
            raise OSError(5, "Input/output error")

    with pytest.raises(OSError, match="Input/output"):
        read(Failing(MadePackage().zipped().getvalue()))


def test_rows_are_bounded() -> None:
    """Neither rows nor bytes of the result grow without end."""
    made = MadePackage()
    for minute in range(30):
        made.event("guild_joined", f"2021-06-01T08:{minute:02}:00Z", guild_id=str(minute))
    read(made, replace(SMALL, rows=30))
    assert refusal(made.zipped(), replace(SMALL, rows=29)) is Refusal.TOO_MANY_ROWS
    assert refusal(made.zipped(), replace(SMALL, database_bytes=MIB // 10)) is Refusal.TOO_MANY_ROWS


def test_rows_of_messages_are_bounded() -> None:
    """Likewise for those that messages add."""
    stamps: Iterable[str] = [f"2021-06-{day:02} 08:30:00" for day in range(1, 31)]
    made = MadePackage().channel(CHANNEL, stamps)
    read(made, replace(SMALL, rows=30))
    assert refusal(made.zipped(), replace(SMALL, rows=29)) is Refusal.TOO_MANY_ROWS
