"""How likely a recording's bytes are, by a reference of what follows what; and its longest zeros.

A recording that was made up, or padded, follows its bytes by others than games do. Where the
setting DEMOS_REFERENCE names a reference, a job scores what is filed; nothing waits for it.

The likelihood of a piece is the geometric mean of the probabilities of its byte pairs; that of a
recording the mean over its pieces, by their length.
"""

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, select, update

from downstream_node.custody import service as custody
from downstream_node.database import AnyRow
from downstream_node.demos.models import DemoSession
from downstream_node.demos.states import State
from downstream_node.errors import DamagedFile, InvalidSettings, UnknownFile
from downstream_node.node import Node

try:
    import numpy as np
except ImportError:  # needed only where there is a reference
    np = None  # type: ignore[assignment]

if TYPE_CHECKING:
    from numpy.typing import NDArray

log = logging.getLogger(__name__)

BYTES = 256
PIECE = 64 << 10
"""Bytes that are scored as one, as clients' frames are about so long."""
LEAST_LIKELIHOOD = 3e-5
LONGEST_ZEROS = 384
"""The document's limits."""
UNREADABLE = -1
"""In place of the zeros of a recording that could not be read."""
PER_PASS = 20
BYTES_PER_PASS = 1 << 30


@dataclass(frozen=True, slots=True)
class Score:
    """What the bytes of a recording look like."""

    likelihood: float | None
    """From 0 to 1; None of fewer than two bytes."""
    zero_run: int
    """Bytes of the longest run of zeros."""


def is_anomalous(likelihood: float | None, zero_run: int | None) -> bool:
    """Whether a recording looks like none. What was not scored does not."""
    unlikely = likelihood is not None and likelihood <= LEAST_LIKELIHOOD
    return unlikely or (zero_run is not None and zero_run >= LONGEST_ZEROS)


# Arithmetic


def pieces_of(stream: Iterable[bytes], size: int = PIECE) -> Iterator[bytes]:
    """*stream* cut anew, into pieces of *size* bytes; the last may be shorter."""
    rest = bytearray()
    for data in stream:
        rest += data
        whole = len(rest) - len(rest) % size
        for start in range(0, whole, size):
            yield bytes(rest[start : start + size])
        del rest[:whole]
    if rest:
        yield bytes(rest)


def pairs_in(piece: "NDArray[np.uint8]") -> "NDArray[np.uint16]":
    """All neighbours in *piece*, the first byte times 256 plus the second."""
    pairs: NDArray[np.uint16] = piece[:-1].astype(np.uint16) * np.uint16(BYTES) + piece[1:]
    return pairs


class Zeros:
    """The longest run of zero bytes, over pieces that come one after the other."""

    def __init__(self) -> None:
        self.longest = 0
        self._open = 0
        """Zeros at the end of what has come."""

    def add(self, piece: "NDArray[np.uint8]") -> None:
        """The next piece."""
        others = np.flatnonzero(piece)
        if not len(others):
            self._open += len(piece)
            self.longest = max(self.longest, self._open)
            return
        between = int(np.diff(others).max(initial=1)) - 1
        self.longest = max(self.longest, self._open + int(others[0]), between)
        self._open = len(piece) - 1 - int(others[-1])
        self.longest = max(self.longest, self._open)


def score(stream: Iterable[bytes], reference: "NDArray[np.float64]") -> Score:
    """The score of the bytes of *stream* by a *reference* of 256 x 256 probabilities."""
    with np.errstate(divide="ignore"):
        logarithms = np.log(reference).ravel()
    zeros, total, length = Zeros(), 0.0, 0
    for data in pieces_of(stream):
        piece = np.frombuffer(data, np.uint8)
        zeros.add(piece)
        if len(piece) > 1:
            total += float(np.exp(logarithms[pairs_in(piece)].mean())) * len(piece)
            length += len(piece)
    return Score(total / length if length else None, zeros.longest)


def learned(streams: Iterable[Iterable[bytes]]) -> "NDArray[np.float64]":
    """A reference from recordings that are known to be good. Raises InvalidSettings."""
    require_numpy()
    # One of each, so that what these few recordings do not have is unlikely, not impossible.
    counts = np.ones(BYTES * BYTES, np.int64)
    for stream in streams:
        for data in pieces_of(stream):
            pairs = pairs_in(np.frombuffer(data, np.uint8))
            counts += np.bincount(pairs, minlength=BYTES * BYTES)
    table = counts.reshape(BYTES, BYTES)
    found: NDArray[np.float64] = table / table.sum(axis=1, keepdims=True)
    return found


def require_numpy() -> None:
    """Raise InvalidSettings unless there is numpy."""
    if np is None:
        raise InvalidSettings("DEMOS_REFERENCE needs numpy: pip install numpy")


def loaded(path: Path) -> "NDArray[np.float64]":
    """The reference in a file. Raises InvalidSettings if it is none."""
    require_numpy()
    try:
        found: NDArray[np.float64] = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise InvalidSettings(f"DEMOS_REFERENCE cannot be read: {error}") from None
    good = isinstance(found, np.ndarray) and found.shape == (BYTES, BYTES)
    if not good or found.dtype != np.float64:
        raise InvalidSettings("DEMOS_REFERENCE is not a table of 256 x 256 float64.")
    if not bool(((found >= 0) & (found <= 1)).all()):
        raise InvalidSettings("DEMOS_REFERENCE has what is no probability.")
    return found


def save(path: Path, reference: "NDArray[np.float64]") -> None:
    """Write *reference* to a file as it is read again."""
    with path.open("wb") as file:
        np.save(file, reference, allow_pickle=False)


# The pass


def score_some(node: Node) -> int:
    """Score some recordings that are filed and have no score, the oldest first; how many."""
    if not node.settings.DEMOS_REFERENCE:
        return 0
    reference = loaded(Path(node.settings.DEMOS_REFERENCE))
    scored = read = 0
    for row in node.database.read(unscored):
        if read >= BYTES_PER_PASS:
            break
        note_score(node, row.id, scored_one(node, row, reference))
        scored, read = scored + 1, read + row.size
    return scored


def scored_one(node: Node, row: AnyRow, reference: "NDArray[np.float64]") -> Score:
    """The score of one recording; what cannot be read has none."""
    try:
        return score(custody.read(node, row.sha256), reference)
    except (DamagedFile, UnknownFile) as error:
        log.warning("Recording %s is not scored: %s", row.session_id, error)
        return Score(None, UNREADABLE)


def unscored(connection: Connection) -> list[AnyRow]:
    """Recordings whose bytes are there and that have no score yet."""
    query = select(DemoSession.id, DemoSession.session_id, DemoSession.sha256, DemoSession.size)
    query = query.where(
        DemoSession.state == State.CLOSED,
        DemoSession.is_filed.is_(True),
        DemoSession.sha256.is_not(None),
        DemoSession.pruned.is_(None),
        DemoSession.zero_run.is_(None),
    )
    return list(connection.execute(query.order_by(DemoSession.id).limit(PER_PASS)).all())


def note_score(node: Node, session: int, found: Score) -> None:
    """Write the score of a recording."""
    values = {"score": found.likelihood, "zero_run": found.zero_run}
    noted = update(DemoSession).where(DemoSession.id == session).values(values)
    node.database.write(lambda connection: connection.execute(noted))
