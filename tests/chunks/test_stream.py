"""The chunk stream gives the bytes that RandomIO 0.2.1 gave."""

import hashlib
import itertools
import json
from pathlib import Path
from typing import Any

import pytest

from downstream_node.chunks.stream import fill, stream

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "randomio.json").read_text())


def named(section: str, *fields: str) -> list[Any]:
    """Return one parameter per vector of *section*, named by its *fields*."""
    return [
        pytest.param(vector, id=" ".join(str(vector[field]) for field in fields))
        for vector in VECTORS[section]
    ]


def digest(data: bytearray) -> str:
    """Return SHA-256 as the vectors spell it."""
    return hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize("vector", named("whole", "seed", "size"))
def test_stream_from_the_start(vector: dict[str, Any]) -> None:
    """The first bytes of a stream are the recorded ones, whatever the seed's text."""
    data = stream(vector["seed"], 0, vector["size"])
    assert digest(data) == vector["sha256"]
    assert data[:16].hex() == vector["first16"]
    assert data[-16:].hex() == vector["last16"]


@pytest.mark.parametrize("vector", named("reads_after_seek", "offset", "size"))
def test_stream_at_an_offset(vector: dict[str, Any]) -> None:
    """Any part is made without what comes before it, beyond 4 and 64 GiB as well."""
    data = stream(vector["seed"], vector["offset"], vector["size"])
    assert digest(data) == vector["sha256"]
    assert len(data) == vector["tell_after"] - vector["offset"]


@pytest.mark.parametrize("vector", VECTORS["piecewise"])
def test_pieces_join_to_the_whole(vector: dict[str, Any]) -> None:
    """Consecutive pieces of any length are the same bytes as one read."""
    ends = list(itertools.accumulate(vector["reads"]))
    sizes = zip(ends, vector["reads"], strict=True)
    data = bytearray().join(stream(vector["seed"], end - size, size) for end, size in sizes)
    assert digest(data) == vector["sha256"]
    assert data == stream(vector["seed"], 0, ends[-1])


@pytest.mark.parametrize("vector", VECTORS["size_limited"])
def test_what_a_sized_stream_read(vector: dict[str, Any]) -> None:
    """A read that the original cut at the stream's size is that many bytes of ours."""
    data = stream(vector["seed"], vector["tell"], vector["got_length"])
    assert digest(data) == vector["sha256"]


@pytest.mark.parametrize("vector", VECTORS["bytes_seed"])
def test_seed_of_bytes(vector: dict[str, Any]) -> None:
    """A seed of bytes is hashed as it is."""
    seed = bytes.fromhex(vector["seed_bytes_hex"])
    assert digest(stream(seed, 0, vector["size"])) == vector["sha256"]


@pytest.mark.parametrize("size", [0, 1, 16, 65535, 65536, 65537, 200_000])
def test_fill_overwrites_exactly_the_buffer(size: int) -> None:
    """A slice of a larger buffer is filled, whatever stood in it, and its neighbours stay."""
    whole = bytearray(b"\xaa" * (size + 2))
    fill("seed", memoryview(whole)[1:-1], offset=5)
    assert whole == b"\xaa" + stream("seed", 5, size) + b"\xaa"
    assert whole[1:-1] == stream("seed", 0, size + 5)[5:]


@pytest.mark.parametrize(("offset", "size"), [(-1, 4), (0, -1)])
def test_negative_ranges_are_refused(offset: int, size: int) -> None:
    """There is no stream before its start, and no negative number of bytes."""
    with pytest.raises(ValueError, match=r"offset|negative"):
        stream("seed", offset, size)
