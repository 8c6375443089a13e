"""The messages of one channel, from JSON or CSV: counted by hour, never kept. Pure.

The texts are not even decoded.
"""

import csv
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain

import msgspec

from downstream_node.packages.reading.documents import UNREADABLE_JSON
from downstream_node.packages.reading.limits import MIB
from downstream_node.packages.reading.problems import Problem, Problems
from downstream_node.packages.reading.splitting import CutOff, elements, lines
from downstream_node.packages.reading.stamps import HOURS, MINUTES, minute_of

PART = "message"
FILE = "messages of a channel"
AT_ONCE = MIB
"""A file up to this size is decoded in one go, a larger one message by message."""
STAMP_COLUMN = "timestamp"
ATTACHMENTS_COLUMN = "attachments"


class Message(msgspec.Struct, gc=False):
    """What is read of one message; attachments are addresses, with spaces between them."""

    stamp: str = msgspec.field(name="Timestamp")
    attachments: str | None = msgspec.field(name="Attachments", default=None)


@dataclass(slots=True)
class Counted:
    """The messages of a channel in numbers: by hour, and with attachments by day, from 1970."""

    total: int = 0
    hours: Counter[int] = field(default_factory=Counter)
    with_attachments: Counter[int] = field(default_factory=Counter)
    attachments: Counter[int] = field(default_factory=Counter)

    def add(self, hours: list[int]) -> None:
        """Count messages of these hours."""
        self.total += len(hours)
        self.hours.update(hours)

    def attach(self, hour: int, attachments: str) -> None:
        """Count what one message of that *hour* had attached."""
        self.with_attachments[hour // HOURS] += 1
        self.attachments[hour // HOURS] += len(attachments.split())


ONE = msgspec.json.Decoder(Message)
MANY = msgspec.json.Decoder(list[Message])


def count(name: str, pieces: Iterable[bytes], longest: int, problems: Problems) -> Counted:
    """Count the messages in the file *name*, which comes in *pieces*.

    A message longer than *longest* bytes counts as broken.
    """
    counted = Counted()
    rows = from_csv if name.endswith(".csv") else from_json
    for batch in rows(pieces, longest, problems):
        count_batch(batch, counted, problems)
    return counted


def count_batch(batch: Iterable[Message], counted: Counted, problems: Problems) -> None:
    """Count the messages of *batch*."""
    hours = []
    for message in batch:
        try:
            hour = minute_of(message.stamp) // MINUTES
        except ValueError:
            problems.add(PART, Problem.BROKEN)
            continue
        hours.append(hour)
        if message.attachments:
            counted.attach(hour, message.attachments)
    counted.add(hours)


def from_json(
    pieces: Iterable[bytes], longest: int, problems: Problems
) -> Iterator[Iterable[Message]]:
    """The messages of a JSON array: at once where it is small and sound, else one by one."""
    rest = iter(pieces)
    start, ended = beginning(rest)
    if ended:
        try:
            yield MANY.decode(b"".join(start))
        except UNREADABLE_JSON:
            pass
        else:
            return
    yield one_by_one(chain(start, rest), longest, problems)


def beginning(pieces: Iterator[bytes]) -> tuple[list[bytes], bool]:
    """What is decoded at once, and whether that is all."""
    held: list[bytes] = []
    size = 0
    for piece in pieces:
        held.append(piece)
        size += len(piece)
        if size > AT_ONCE:
            return held, False
    return held, True


def one_by_one(pieces: Iterable[bytes], longest: int, problems: Problems) -> Iterator[Message]:
    """The messages of a JSON array that can be read."""
    try:
        for element in elements(pieces, longest):
            try:
                yield ONE.decode(element)
            except UNREADABLE_JSON:
                problems.add(PART, Problem.BROKEN)
    except CutOff:
        problems.add(FILE, Problem.CUT_OFF)


def from_csv(
    pieces: Iterable[bytes], longest: int, problems: Problems
) -> Iterator[Iterable[Message]]:
    """The messages of a CSV file; fields in quotes may hold newlines."""
    rows = sound_rows(pieces, longest, problems)
    header = [name.strip().lower() for name in next(rows, [])]
    if STAMP_COLUMN not in header:
        problems.add(FILE, Problem.BROKEN)
        return
    stamp = header.index(STAMP_COLUMN)
    attached = header.index(ATTACHMENTS_COLUMN) if ATTACHMENTS_COLUMN in header else len(header)
    yield (
        Message(row[stamp], row[attached] if attached < len(row) else None)
        if stamp < len(row)
        else Message("")
        for row in rows
        if row
    )


def sound_rows(pieces: Iterable[bytes], longest: int, problems: Problems) -> Iterator[list[str]]:
    """The rows of a CSV file that the csv module can read."""
    batches = lines(pieces, longest)
    texts = (f"{line.decode(errors='replace')}\n" for batch in batches for line in batch)
    reader = csv.reader(texts)
    while True:
        try:
            yield from reader
        except csv.Error:
            problems.add(PART, Problem.BROKEN)
        else:
            return
