"""How recordings are scored: the arithmetic against a plain one, then passes of the job."""

import math
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from conftest import NodeMaker
from custody.keeping import damage
from demos.conftest import QUICK
from demos.journey import recording
from demos.kept import kept, known
from hypothesis import given
from hypothesis import strategies as st
from simulator import SimulatedNode

from downstream_node.custody import service as custody
from downstream_node.demos import scoring
from downstream_node.demos.scoring import PIECE, Score, is_anomalous, learned, pieces_of, score
from downstream_node.errors import InvalidSettings

EVEN = np.full((256, 256), 1 / 256)
CONTENT = recording(100_000)


def plainly(data: bytes, reference: Any) -> float:
    """The likelihood as the specification has it, byte by byte."""
    total = length = 0.0
    for start in range(0, len(data), PIECE):
        piece = data[start : start + PIECE]
        logs = [math.log(reference[pair]) for pair in pairwise(piece)]
        if logs:
            total += math.exp(sum(logs) / len(logs)) * len(piece)
            length += len(piece)
    return total / length


def test_the_likelihood() -> None:
    """The geometric mean of a piece, averaged by length."""
    reference = learned([[CONTENT]])
    found = score([CONTENT], reference).likelihood
    assert found == pytest.approx(plainly(CONTENT, reference), rel=1e-9)


def test_what_is_even_is_as_likely_as_anything() -> None:
    """1 in 256, whatever the bytes."""
    assert score([CONTENT], EVEN).likelihood == pytest.approx(1 / 256)


def test_what_the_reference_rules_out() -> None:
    """Has no likelihood at all."""
    impossible = EVEN.copy()
    impossible[1, 2] = 0
    assert score([b"\x01\x02" * 100], impossible).likelihood == 0


@pytest.mark.parametrize("data", [b"", b"x"])
def test_fewer_than_two_bytes(data: bytes) -> None:
    """Are not likely or unlikely."""
    assert score([data], EVEN) == Score(None, 0)


def longest_zeros(data: bytes) -> int:
    """The longest run of zeros, plainly."""
    return max(map(len, data.replace(b"\x02", b"\x01").split(b"\x01")))


@given(st.lists(st.binary(max_size=9).map(lambda data: bytes(byte % 3 for byte in data))))
def test_zeros_across_pieces(parts: list[bytes]) -> None:
    """A run goes on from one piece to the next."""
    zeros = scoring.Zeros()
    for part in parts:
        zeros.add(np.frombuffer(part, np.uint8))
    assert zeros.longest == longest_zeros(b"".join(parts))


@given(st.lists(st.binary(max_size=20)), st.integers(1, 7))
def test_pieces(parts: list[bytes], size: int) -> None:
    """Of one size but for the last, with all the bytes in order."""
    found = list(pieces_of(parts, size))
    assert b"".join(found) == b"".join(parts)
    assert {len(piece) for piece in found[:-1]} <= {size}
    assert all(found)


def test_how_it_comes_does_not_matter() -> None:
    """The same bytes have the same score, in whatever pieces they are read."""
    reference = learned([[CONTENT]])
    cut = [CONTENT[start : start + 777] for start in range(0, len(CONTENT), 777)]
    assert score(cut, reference) == score([CONTENT], reference)


@pytest.mark.parametrize(
    ("likelihood", "zeros", "expected"),
    [
        (3e-5, 0, True),
        (3.1e-5, 0, False),
        (1.0, 384, True),
        (1.0, 383, False),
        (None, None, False),
        (None, 384, True),
        (None, scoring.UNREADABLE, False),
    ],
)
def test_the_limits(likelihood: float | None, zeros: int | None, expected: bool) -> None:
    """The document's; what was not scored is not strange."""
    assert is_anomalous(likelihood, zeros) is expected


def test_a_reference_is_made_of_rows() -> None:
    """Each sums up to 1, and nothing in it is impossible."""
    reference = learned([[b"abab"], [b"ab"]])
    assert reference.sum(axis=1) == pytest.approx(np.ones(256))
    assert reference.min() > 0
    assert reference[ord("a"), ord("b")] == pytest.approx(4 / 259)


def test_games_are_likelier_than_noise() -> None:
    """By a reference of the same kind."""
    random = Random(7)  # noqa: S311 - content
    words = [random.randbytes(5) for _ in range(40)]
    text = b"".join(random.choices(words, k=20_000))
    reference = learned([[text]])
    noise = random.randbytes(100_000)
    assert (score([text], reference).likelihood or 0) > 10 * (
        score([noise], reference).likelihood or 0
    )


# Files


def saved(path: Path, table: Any) -> Path:
    """A file with *table*."""
    scoring.save(path, table)
    return path


def test_a_reference_is_read_as_it_was_written(tmp_path: Path) -> None:
    """To the last bit."""
    reference = learned([[CONTENT]])
    assert (scoring.loaded(saved(tmp_path / "it.npy", reference)) == reference).all()


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        (np.zeros((256, 255)), "is not a table"),
        (np.zeros((256, 256), np.float32), "is not a table"),
        (EVEN * 300, "no probability"),
        (-EVEN, "no probability"),
        (EVEN * np.nan, "no probability"),
    ],
)
def test_other_tables(tmp_path: Path, table: Any, problem: str) -> None:
    """Are refused."""
    with pytest.raises(InvalidSettings, match=problem):
        scoring.loaded(saved(tmp_path / "it.npy", table))


@pytest.mark.parametrize("content", [b"", b"nothing", b"\x93NUMPY\x01\x00"])
def test_other_files(tmp_path: Path, content: bytes) -> None:
    """As well."""
    path = tmp_path / "it.npy"
    path.write_bytes(content)
    with pytest.raises(InvalidSettings, match="cannot be read"):
        scoring.loaded(path)
    with pytest.raises(InvalidSettings, match="cannot be read"):
        scoring.loaded(tmp_path / "none.npy")


def test_without_numpy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The operator is told what to do."""
    monkeypatch.setattr(scoring, "np", None)
    with pytest.raises(InvalidSettings, match="pip install numpy"):
        scoring.loaded(tmp_path / "it.npy")


# The job


@pytest.fixture
def scoring_node(make_node: NodeMaker, tmp_path: Path) -> SimulatedNode:
    """A node with a reference."""
    path = saved(tmp_path / "reference.npy", learned([[CONTENT]]))
    return make_node(**QUICK, DEMOS_REFERENCE=str(path))


def test_what_is_filed_is_scored_once(scoring_node: SimulatedNode) -> None:
    """By all its bytes."""
    demo, padded = kept(scoring_node, CONTENT), kept(scoring_node, b"x" + bytes(400) + b"y")
    assert scoring.score_some(scoring_node.parts) == 2
    expected = plainly(CONTENT, learned([[CONTENT]]))
    assert known(scoring_node, demo.session_id).score == pytest.approx(expected, rel=1e-9)
    assert known(scoring_node, padded.session_id).zero_run == 400
    assert scoring.score_some(scoring_node.parts) == 0


def test_what_cannot_be_read_does_not_hold_up_the_others(scoring_node: SimulatedNode) -> None:
    """It is noted, and not tried again."""
    broken, demo = kept(scoring_node, b"broken"), kept(scoring_node, CONTENT)
    stored = custody.find(scoring_node.parts, broken.sha256 or b"")
    assert stored is not None
    damage(scoring_node, stored, 0)
    assert scoring.score_some(scoring_node.parts) == 2
    assert known(scoring_node, broken.session_id).score is None
    assert known(scoring_node, demo.session_id).score is not None
    assert scoring.score_some(scoring_node.parts) == 0


def test_without_a_reference(demo_node: SimulatedNode) -> None:
    """Nothing is scored."""
    demo = kept(demo_node, CONTENT)
    assert scoring.score_some(demo_node.parts) == 0
    assert known(demo_node, demo.session_id).zero_run is None


def test_a_pass_has_its_measure(
    scoring_node: SimulatedNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In bytes: the next pass goes on."""
    monkeypatch.setattr(scoring, "BYTES_PER_PASS", len(CONTENT))
    for _ in range(2):
        kept(scoring_node, CONTENT)
    assert [scoring.score_some(scoring_node.parts) for _ in range(3)] == [1, 1, 0]
