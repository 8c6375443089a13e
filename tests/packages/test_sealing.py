"""The sealed form: S6 of the original's defects, and what other programs have to know of it."""

import gzip
import json
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from downstream_node.errors import SealBroken
from downstream_node.packages.sealing import (
    CHUNK,
    NAMED,
    PREFIX,
    SEALED_CHUNK,
    Opener,
    SealedGzip,
    Sealer,
    seal,
    sealed_size,
    stream_header,
    unseal,
)
from downstream_node.packages.secrets import Secret

SECRET = Secret("known-answer_" * 40)
OTHER = Secret("another-answer_" * 40)
VECTOR = json.loads(Path(__file__).with_name("dsp1.json").read_text())


def plain_bytes(size: int) -> bytes:
    """*size* bytes that do not repeat with the chunks."""
    return (b"%0251d" * (size // 251 + 1) % tuple(range(size // 251 + 1)))[:size]


def sealed(plain: bytes, secret: Secret = SECRET) -> bytes:
    """*plain* sealed in one go."""
    return b"".join(seal([plain], secret))


def opened(data: bytes, secret: Secret = SECRET) -> bytes:
    """What is in *data*, given in one go."""
    return b"".join(unseal([data], secret))


def cut(data: bytes, places: Iterable[int]) -> list[bytes]:
    """*data* in pieces."""
    ends = [0, *sorted(places), len(data)]
    return [data[start:end] for start, end in pairwise(ends)]


PLAIN = plain_bytes(2 * CHUNK + 1000)
SEALED = sealed(PLAIN)
CHUNKS = cut(SEALED, [PREFIX, PREFIX + SEALED_CHUNK, PREFIX + 2 * SEALED_CHUNK])


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 2 * CHUNK + 1])
def test_what_was_sealed_is_opened(size: int) -> None:
    """Whatever its size; the last chunk is full where it can be."""
    plain = plain_bytes(size)
    data = sealed(plain)
    assert len(data) == sealed_size(size) == PREFIX + size + 17 * max(1, -(-size // CHUNK))
    assert opened(data) == plain


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, len(PLAIN)), max_size=5), st.lists(st.integers(0, len(SEALED))))
def test_pieces_of_any_size_do(plain_cuts: list[int], sealed_cuts: list[int]) -> None:
    """On both ways."""
    data = b"".join(seal(cut(PLAIN, plain_cuts), SECRET))
    assert len(data) == len(SEALED)
    assert b"".join(unseal(cut(data, sealed_cuts), SECRET)) == PLAIN


def test_the_layout() -> None:
    """Magic, id, and the header that the stream was started with."""
    sealer = Sealer(SECRET.key, SECRET.package_id)
    data = sealer.update(b"x") + sealer.finish()
    assert data[:NAMED] == b"DSP1" + bytes.fromhex(SECRET.package_id)
    assert data[NAMED:PREFIX] == sealer.header == stream_header(data[:PREFIX])
    assert len(data) == 44 + 1 + 17


@pytest.mark.parametrize(
    "start",
    [b"", b"DSP1", SEALED[: PREFIX - 1], b"DSP2" + SEALED[4:PREFIX]],
    ids=["nothing", "magic alone", "a byte less", "another magic"],
)
def test_what_is_not_sealed_has_no_header(start: bytes) -> None:
    """Short, or another format."""
    with pytest.raises(SealBroken):
        stream_header(start)


def test_each_sealing_is_another_one() -> None:
    """The same package twice shares no chunk."""
    assert not set(CHUNKS) & set(cut(sealed(PLAIN), [PREFIX, PREFIX + SEALED_CHUNK]))


def test_s6_another_secret_opens_nothing() -> None:
    """Nor the right key for another id."""
    with pytest.raises(SealBroken):
        opened(SEALED, OTHER)
    with pytest.raises(SealBroken):
        Opener(SECRET.key, OTHER.package_id).update(SEALED)


def test_s6_a_package_cannot_pass_for_another_one() -> None:
    """The id is bound to the first chunk: who writes another one in front is found out."""
    moved = SEALED[:4] + bytes.fromhex(OTHER.package_id) + SEALED[NAMED:]
    opener = Opener(SECRET.key, OTHER.package_id)
    with pytest.raises(SealBroken):
        opener.update(moved)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, len(SEALED) * 8 - 1))
def test_s6_any_flipped_bit_is_noticed(bit: int) -> None:
    """The original's form had no tag, so a change came out as other data."""
    changed = bytearray(SEALED)
    changed[bit // 8] ^= 1 << bit % 8
    with pytest.raises(SealBroken):
        opened(bytes(changed))


@settings(max_examples=60, deadline=None)
@given(
    st.one_of(
        st.integers(0, len(SEALED) - 1),
        st.sampled_from([0, NAMED, PREFIX, *(PREFIX + n * SEALED_CHUNK for n in (1, 2))]),
    )
)
def test_s6_any_cut_is_noticed(length: int) -> None:
    """Also between two chunks."""
    with pytest.raises(SealBroken):
        opened(SEALED[:length])


@settings(max_examples=30, deadline=None)
@given(st.lists(st.sampled_from(CHUNKS[1:]), max_size=5).filter(lambda some: some != CHUNKS[1:]))
def test_s6_any_other_order_is_noticed(chunks: list[bytes]) -> None:
    """Chunks left out, doubled or exchanged."""
    with pytest.raises(SealBroken):
        opened(CHUNKS[0] + b"".join(chunks))


@settings(max_examples=30, deadline=None)
@given(st.binary(min_size=1, max_size=100))
def test_s6_nothing_may_follow(more: bytes) -> None:
    """What was added behind the last chunk is noticed."""
    with pytest.raises(SealBroken):
        opened(SEALED + more)


@settings(max_examples=50, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_refused(data: bytes) -> None:
    """With our error."""
    with pytest.raises(SealBroken):
        opened(data)


def test_a_database_is_packed_and_sealed() -> None:
    """Written in pieces as the reader gives them; gzip inside."""
    out: list[bytes] = []
    output = SealedGzip(SECRET, out.append)
    for start in range(0, len(PLAIN), 10_000):
        output.write(memoryview(PLAIN)[start : start + 10_000])
    output.finish()
    assert gzip.decompress(opened(b"".join(out))) == PLAIN


# The known answer


def derived(secret: Secret) -> dict[str, str]:
    """What the vector says of its secret."""
    return {"package_id": secret.package_id, "key": secret.key.hex()}


def test_the_known_answer() -> None:
    """A sealed package that was made once is opened by what is written down of it."""
    secret = Secret(VECTOR["secret"])
    data = bytes.fromhex(VECTOR["sealed"])
    assert derived(secret) == {name: VECTOR[name] for name in derived(secret)}
    assert stream_header(data).hex() == VECTOR["header"]
    assert gzip.decompress(opened(data, secret)).decode() == VECTOR["text"]
