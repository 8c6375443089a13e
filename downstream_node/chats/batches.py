"""The messages of an export, read one after the other and handed on in batches. Pure."""

import gc
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import msgspec

from downstream_node.chats import reading
from downstream_node.chats.places import Place
from downstream_node.chats.reading import Broken, Reader
from downstream_node.chats.records import Author, Message
from downstream_node.chats.splitting import Splitter

BATCH = 1000
"""Messages after which they are handed on together."""
BATCH_BYTES = 4 << 20
"""Bytes of an export after which they are handed on though they are fewer."""
MOST_REASONS = 20
"""Broken messages of an import that are told with their reasons; the others are counted."""
USUAL = gc.get_threshold()
SELDOM = (100_000, 50, 50)


class Batch(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="batch"):
    """Some messages of an export, and the people in them of whom nothing was said before."""

    people: list[Author]
    messages: list[Message]
    count: int
    """Messages of the file up to here, broken ones too."""
    offset: int
    """Bytes of the file up to here."""


class Ending(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="ending"):
    """What there is to say of an export when all of it was read."""

    broken: int = 0
    """Messages that could not be read."""
    reasons: list[Broken] = []
    """The first MOST_REASONS of them."""
    notes: list[str] = []
    """What is odd about the file but was understood, in words."""
    first: Place | None = None
    """The earliest place in it."""
    last: Place | None = None


def batches(pieces: Iterable[bytes], channel: int) -> Iterator[Batch | Ending]:
    """All messages of an export of *channel*, whose bytes are *pieces*, and at last its Ending.

    Raises InvalidExport.
    """
    splitter, reader = Splitter(pieces), Reader(channel)
    messages: list[Message] = []
    reasons: list[Broken] = []
    broken = start = 0
    for raw in splitter.lists():
        for message in reader.read_list(raw):
            if isinstance(message, Broken):
                broken += 1
                if len(reasons) < MOST_REASONS:
                    reasons.append(message)
            else:
                messages.append(message)
        if len(messages) >= BATCH or splitter.offset - start >= BATCH_BYTES:
            yield Batch(reader.people(), messages, splitter.count, splitter.offset)
            messages, start = [], splitter.offset
    yield Batch(reader.people(), messages, splitter.count, splitter.offset)
    note = reading.count_note(splitter.fields, splitter.count)
    notes = [*([note] if note else []), *reader.notes()]
    yield Ending(broken, reasons, notes, reader.first, reader.last)


@contextmanager
def seldom_collecting() -> Iterator[None]:
    """Look for garbage in cycles seldom: messages have none, and looking costs a tenth of the time.

    It is a setting of the process, so what restores it is the usual, not what there was before.
    """
    gc.set_threshold(*SELDOM)
    try:
        yield
    finally:
        gc.set_threshold(*USUAL)
