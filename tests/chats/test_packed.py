"""Packed exports: gzip in constant memory, nothing else."""

import gzip
import io
import zlib
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from downstream_node.chats import packed
from downstream_node.chats.packed import unpacked
from downstream_node.errors import InvalidExport


def cut(data: bytes, size: int) -> Iterator[bytes]:
    """*data* in pieces of *size* bytes."""
    return (data[at : at + size] for at in range(0, len(data), size))


@given(st.binary(max_size=300), st.integers(1, 50))
def test_what_is_packed_comes_out(data: bytes, size: int) -> None:
    """In pieces of any size; what is not packed passes as it is."""
    assert b"".join(unpacked(cut(gzip.compress(data), size))) == data
    if not data.startswith((packed.GZIP, *packed.ZIPS)):
        assert b"".join(unpacked(cut(data, size))) == data


@given(st.binary(max_size=100), st.data())
def test_what_is_cut_off_is_refused(data: bytes, drawn: st.DataObject) -> None:
    """Wherever it ends, behind the mark by which it is known."""
    whole = gzip.compress(data)
    end = drawn.draw(st.integers(2, len(whole) - 1))
    with pytest.raises(InvalidExport, match="gzip"):
        list(unpacked(cut(whole[:end], 7)))


@pytest.mark.parametrize("more", [b"x", gzip.compress(b"another")], ids=["a letter", "a member"])
@pytest.mark.parametrize("size", [1, 1000])
def test_what_goes_on_is_refused(more: bytes, size: int) -> None:
    """One file is one export."""
    with pytest.raises(InvalidExport, match="follows the gzip file"):
        list(unpacked(cut(gzip.compress(b"{}") + more, size)))


def test_damage_is_found() -> None:
    """By its own checksum."""
    whole = bytearray(gzip.compress(b"x" * 1000))
    whole[-6] ^= 1
    with pytest.raises(InvalidExport, match="damaged"):
        list(unpacked([bytes(whole)]))


def test_zip_is_refused() -> None:
    """It may hold many files, under any names."""
    with pytest.raises(InvalidExport, match="unpack it first"):
        list(unpacked([b"PK", b"\x03\x04..."]))


def test_a_bomb_is_refused_before_it_goes_off() -> None:
    """What unpacks to two hundred times its size is no export; no more than a block at a time."""
    packer = zlib.compressobj(9, zlib.DEFLATED, packed.GZIP_WINDOW)
    bomb = io.BytesIO()
    for _ in range(200):
        bomb.write(packer.compress(bytes(1 << 20)))
    bomb.write(packer.flush())
    sizes: list[int] = []
    with pytest.raises(InvalidExport, match="200 times"):
        sizes.extend(map(len, unpacked([bomb.getvalue()])))
    assert max(sizes) <= packed.BLOCK
    assert sum(sizes) <= packed.UNSUSPECTED
