"""Working files: encrypted, read at any place, and refused when they are not whole (S4)."""

import errno
import io
import os
import subprocess
import sys
import zipfile
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from downstream_node.errors import SealBroken, StorageFailed, StorageFull
from downstream_node.packages.secrets import Secret
from downstream_node.packages.working import (
    DOWNLOAD,
    PIECE,
    PREFIX,
    SEALED_PIECE,
    UPLOAD,
    Seal,
    WorkingWriter,
    opened,
    random_key,
    size_of,
    unnamed,
)

SECRET = Secret("somebody's.secret".replace("'", "-") * 40)
SEAL = Seal(SECRET.upload_key, UPLOAD, SECRET.package_id)
PLAIN = b"".join(b"%06d" % number for number in range((2 * PIECE + 1000) // 6))


def working(plain: bytes, seal: Seal = SEAL, start: int = 0) -> bytes:
    """The bytes of a finished working file."""
    file = io.BytesIO()
    writer = WorkingWriter(file, seal, start)
    writer.write(plain)
    assert writer.finish() == len(plain)
    return file.getvalue()


def content(*files: bytes, seal: Seal = SEAL) -> bytes:
    """All that is in *files*."""
    return opened([io.BytesIO(file) for file in files], seal).read()


FILE = working(PLAIN)
PIECES = [FILE[start : start + SEALED_PIECE] for start in range(PREFIX, len(FILE), SEALED_PIECE)]


@pytest.mark.parametrize("size", [0, 1, PIECE - 1, PIECE, PIECE + 1, 2 * PIECE])
def test_what_was_written_is_read(size: int) -> None:
    """Whatever its size; without reading, its size is known."""
    file = working(PLAIN[:size])
    assert content(file) == PLAIN[:size]
    assert size_of(io.BytesIO(file), SEAL) == size


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, len(PLAIN)), max_size=6))
def test_pieces_of_any_size_may_be_written(cuts: list[int]) -> None:
    """Where they are cut does not matter."""
    file, before = io.BytesIO(), 0
    writer = WorkingWriter(file, SEAL)
    for cut in [*sorted(cuts), len(PLAIN)]:
        writer.write(memoryview(PLAIN)[before:cut])
        before = cut
    assert writer.finish() == writer.size == len(PLAIN)
    assert content(file.getvalue()) == PLAIN


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(0, len(PLAIN)), max_size=3),
    st.lists(st.tuples(st.integers(0, len(PLAIN) + 9), st.integers(0, PIECE + 9)), max_size=8),
)
def test_several_files_are_read_as_one(cuts: list[int], reads: list[tuple[int, int]]) -> None:
    """At any place, across their borders."""
    ends = [0, *sorted(cuts), len(PLAIN)]
    parts = pairwise(ends)
    files = [io.BytesIO(working(PLAIN[start:end], start=start)) for start, end in parts]
    joined = opened(files, SEAL)
    for position, count in reads:
        joined.seek(position)
        assert joined.read(count) == PLAIN[position : position + count]
    assert joined.seek(-7, io.SEEK_END) == len(PLAIN) - 7
    assert joined.read() == PLAIN[-7:]


def test_no_files_are_an_empty_one() -> None:
    """An upload of nothing."""
    assert content() == b""


def test_nothing_is_before_the_start() -> None:
    """As with any file."""
    with pytest.raises((ValueError, OSError)):
        opened([io.BytesIO(FILE)], SEAL).seek(-1)


def test_files_are_closed_with_what_reads_them() -> None:
    """So that nobody has to keep them."""
    file = io.BytesIO(FILE)
    opened([file], SEAL).close()
    assert file.closed


MANY = """
import resource, sys
from pathlib import Path
resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
from downstream_node.packages.orders import Order
from downstream_node.packages.reader import Line, package_of
from downstream_node.packages.secrets import Secret
secret = Secret(sys.argv[1])
paths = sorted(sys.argv[2:])
order = Order(secret.package_id, secret.text, None, paths, "", "", 0, 0)
with package_of(order, secret, Line()) as package:
    package.seek(1)
    sys.stdout.buffer.write(package.read())
    package.seek(0)
    sys.stdout.buffer.write(package.read(1))
"""


def test_more_files_than_a_process_may_open(tmp_path: Path) -> None:
    """An upload in many small parts is read with few of them open."""
    paths = [tmp_path / f"{number:03}" for number in range(200)]
    for number, path in enumerate(paths):
        path.write_bytes(working(PLAIN[number * 7 : number * 7 + 7], start=number * 7))
    command = [sys.executable, "-c", MANY, SECRET.text, *map(str, paths)]
    done = subprocess.run(command, capture_output=True, check=False, timeout=60)
    assert done.stderr == b""
    assert done.stdout == PLAIN[1:1400] + PLAIN[:1]


def test_archives_are_read_from_working_files() -> None:
    """What they are for."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as made:
        made.writestr("a/user.json", PLAIN)
    data = archive.getvalue()
    halves = [io.BytesIO(working(data[:999])), io.BytesIO(working(data[999:], start=999))]
    with opened(halves, SEAL) as file, zipfile.ZipFile(file) as read:
        assert read.read("a/user.json") == PLAIN


def test_s4_nothing_of_the_package_is_on_the_disk() -> None:
    """Neither its bytes nor the key; the original kept the plain archive."""
    assert not any(PLAIN[at : at + 12] in FILE for at in range(0, len(PLAIN) - 12, 997))
    assert SEAL.key not in FILE
    assert bytes.fromhex(SEAL.package_id) not in FILE


def test_a_file_that_is_written_again_shares_nothing() -> None:
    """A segment that was sent twice under one key has two keystreams."""
    again = working(PLAIN)
    assert not set(PIECES) & {
        again[at : at + SEALED_PIECE] for at in range(PREFIX, len(again), SEALED_PIECE)
    }


@pytest.mark.parametrize(
    "seal",
    [
        pytest.param(SEAL._replace(key=random_key()), id="key"),
        pytest.param(SEAL._replace(purpose=DOWNLOAD), id="purpose"),
        pytest.param(SEAL._replace(package_id="00" * 16), id="package"),
    ],
)
def test_files_belong_to_one_job(seal: Seal) -> None:
    """Another key, purpose or package opens nothing."""
    with pytest.raises(SealBroken):
        content(FILE, seal=seal)
    with pytest.raises(SealBroken):
        size_of(io.BytesIO(FILE), seal)


def test_segments_have_their_place() -> None:
    """Two of one upload cannot be exchanged."""
    first, second = working(PLAIN[:500]), working(PLAIN[500:1000], start=500)
    assert content(first, second) == PLAIN[:1000]
    with pytest.raises(SealBroken):
        content(second, first)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, len(FILE) * 8 - 1))
def test_any_flipped_bit_is_noticed(bit: int) -> None:
    """Wherever it is."""
    changed = bytearray(FILE)
    changed[bit // 8] ^= 1 << bit % 8
    with pytest.raises(SealBroken):
        content(bytes(changed))


@settings(max_examples=60, deadline=None)
@given(
    st.one_of(
        st.integers(0, len(FILE) - 1),
        st.sampled_from([0, PREFIX, *(PREFIX + n * SEALED_PIECE for n in (1, 2))]),
    )
)
def test_any_cut_is_noticed_at_once(length: int) -> None:
    """When the file is opened, also if it ends between two pieces."""
    with pytest.raises(SealBroken):
        opened([io.BytesIO(FILE[:length])], SEAL)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=5).filter(lambda some: some != PIECES))
def test_any_other_order_is_noticed(pieces: list[bytes]) -> None:
    """Pieces left out, doubled or exchanged."""
    with pytest.raises(SealBroken):
        content(FILE[:PREFIX] + b"".join(pieces))


@settings(max_examples=50, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_refused(data: bytes) -> None:
    """With our error."""
    with pytest.raises(SealBroken):
        content(data)


def test_unfinished_files_are_not_whole() -> None:
    """What a killed process left behind counts for nothing."""
    file = io.BytesIO()
    WorkingWriter(file, SEAL).write(PLAIN)
    with pytest.raises(SealBroken):
        opened([file], SEAL)


def test_downloads_have_no_name(tmp_path: Path) -> None:
    """So nothing is left of them, whatever ends their process."""
    folder = tmp_path / "a" / "b"
    with unnamed(folder) as file:
        WorkingWriter(file, SEAL).write(PLAIN)
        assert os.fstat(file.fileno()).st_nlink == 0
        assert list(folder.iterdir()) == []
    assert folder.stat().st_mode & 0o077 == 0


def test_durable_files_are_synced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before they are acknowledged."""
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", synced.append)
    with unnamed(tmp_path) as file:
        WorkingWriter(file, SEAL).finish(durable=True)
        assert synced == [file.fileno()]


@pytest.mark.parametrize(
    ("number", "expected"), [(errno.ENOSPC, StorageFull), (errno.EIO, StorageFailed)]
)
def test_errors_of_the_disk_are_ours(number: int, expected: type[Exception]) -> None:
    """They name no path and bring no cause."""

    class Broken(io.BytesIO):
        def write(self, _data: Any) -> int:
            raise OSError(number, os.strerror(number), "/a/path")

    with pytest.raises(expected) as caught:
        WorkingWriter(Broken(), SEAL)
    assert "/a/path" not in str(caught.value)
    assert caught.value.__suppress_context__
