"""Secrets on their way to a worker (S3): only the process that published the key opens a box."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from downstream_node.errors import SealBroken
from downstream_node.packages.boxes import Errand, WorkerKeys, sealed_to
from downstream_node.packages.links import PREFIX, read_link
from downstream_node.packages.secrets import Secret

LINK = read_link(PREFIX + "uPn.1-_" * 80)
ERRAND = Errand.of(LINK)
KEYS = WorkerKeys.generate()
ID = LINK.secret.package_id
BOX = sealed_to(KEYS.public, ERRAND)


def test_a_worker_opens_its_box() -> None:
    """And has secret and link again."""
    assert KEYS.open(BOX, ID) == ERRAND
    assert KEYS.open(BOX, ID).link == LINK


def test_uploads_have_no_link() -> None:
    """Their secret alone is sent."""
    errand = Errand(Secret("a" * 43))
    opened = KEYS.open(sealed_to(KEYS.public, errand), errand.secret.package_id)
    assert opened == errand
    assert opened.link is None


def test_s3_no_other_worker_opens_it() -> None:
    """Not even one that has just been started in its place."""
    with pytest.raises(SealBroken):
        WorkerKeys.generate().open(BOX, ID)


def test_s3_a_box_shows_nothing() -> None:
    """Neither its bytes nor the text form of what was in it."""
    assert LINK.secret.text.encode()[:8] not in BOX
    assert b"discord" not in BOX
    assert LINK.secret.text not in f"{ERRAND!r} {ERRAND} {KEYS!r}"


def test_a_box_belongs_to_one_job() -> None:
    """Put into another row it is refused."""
    with pytest.raises(SealBroken):
        KEYS.open(BOX, Secret("another").package_id)


def test_two_boxes_of_an_errand_differ() -> None:
    """Each has a key of its own."""
    assert sealed_to(KEYS.public, ERRAND) != BOX


@pytest.mark.parametrize("length", [500, 550])
def test_the_length_of_a_box_tells_no_link(length: int) -> None:
    """Links of about the same length have boxes of the same length."""
    errand = Errand.of(read_link(PREFIX + "a" * length))
    assert len(sealed_to(KEYS.public, errand)) == len(BOX) == 2048 + 48


@settings(max_examples=60, deadline=None)
@given(st.integers(0, len(BOX) * 8 - 1))
def test_any_flipped_bit_is_noticed(bit: int) -> None:
    """Wherever it is."""
    changed = bytearray(BOX)
    changed[bit // 8] ^= 1 << bit % 8
    with pytest.raises(SealBroken):
        KEYS.open(bytes(changed), ID)


@settings(max_examples=50, deadline=None)
@given(st.one_of(st.binary(max_size=100), st.integers(0, len(BOX) - 1).map(lambda n: BOX[:n])))
def test_any_bytes_are_refused(box: bytes) -> None:
    """With our error, which has no cause that would show what was in it."""
    with pytest.raises(SealBroken) as caught:
        KEYS.open(box, ID)
    assert caught.value.__suppress_context__


@pytest.mark.parametrize("public", [b"", bytes(31), bytes(33)])
def test_what_is_no_key_gets_no_box(public: bytes) -> None:
    """A row that somebody changed."""
    with pytest.raises(SealBroken):
        sealed_to(public, ERRAND)
