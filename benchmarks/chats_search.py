"""The archive of chats: what storing costs an engine, and how fast it searches 10^6 messages.

    PYTHONPATH=.:tests python -m benchmarks.chats_search [--archive sqlite:///FILE]
        [--messages 1000000] [--exports FOLDER] [--filled]

Messages are read from exports, or made, before the time is taken and by a process of its own, so
that time and memory are the engine's alone.
"""

import argparse
import resource
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from itertools import chain, groupby, islice
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import Any, BinaryIO

import msgspec
from chats.generated import EXPORTED, START, Generator

from benchmarks.harness import machine, print_table, scratch
from downstream_node.chats import marks
from downstream_node.chats.archive import Archive, Facet, Order
from downstream_node.chats.feature import opened
from downstream_node.chats.places import first_place
from downstream_node.chats.query import (
    And,
    Between,
    Condition,
    Contains,
    Everything,
    Marked,
    Not,
    Or,
    Words,
)
from downstream_node.chats.reading import Reader, header
from downstream_node.chats.records import Author, Counts, Export, Message
from downstream_node.chats.splitting import Splitter
from downstream_node.chats.text import fold, stems
from downstream_node.clock import monotonic

BATCH = 2000
ROUNDS = 7
DAY = 86_400_000
DAYS = 150
DEEP = 300_000
"""Hits before page 30,000 of ten."""
FACETS: tuple[Facet, ...] = ("channel", "author", "month")
encode = msgspec.msgpack.Encoder().encode


class Part(msgspec.Struct, tag=True):
    """A piece of an import: all that belongs to *export*."""

    export: Export
    authors: list[Author]
    messages: list[Message]


Parts = msgspec.msgpack.Decoder(Part)


# Messages, before the time is taken


def spool(path: Path, count: int, exports: Path | None) -> None:
    """Write parts to the file at *path*, each behind its length."""
    with path.open("wb") as file:
        for part in read_parts(exports) if exports else made_parts(count):
            packed = encode(part)
            file.write(len(packed).to_bytes(8) + packed)


def made_parts(count: int) -> Iterator[Part]:
    """Generated messages, channel by channel."""
    chats = Generator(20240427, DAYS).chats(count, channels=4, authors=400)
    for index in range(len(chats.channels)):
        for some in pieces(chats.of(index)):
            yield Part(chats.export(index), chats.authors, some)


def read_parts(folder: Path) -> Iterator[Part]:
    """The messages of all exports in a folder."""
    for path in sorted(folder.glob("*.json")):
        with path.open("rb") as file:
            splitter = Splitter(iter(lambda: file.read(1 << 20), b""))
            messages = iter(splitter)
            first = next(messages)
            export = header(splitter.fields)
            reader = Reader(export.channel.id)
            read = (reader.read(raw) for raw in chain([first], messages))
            for some in pieces(found for found in read if isinstance(found, Message)):
                yield Part(export, reader.people(), some)


def pieces(messages: Iterable[Message]) -> Iterator[list[Message]]:
    """*messages* in batches."""
    rest = iter(messages)
    while some := list(islice(rest, BATCH)):
        yield some


def parts_of(file: BinaryIO) -> Iterator[Part]:
    """The parts that `spool` wrote."""
    while length := file.read(8):
        yield Parts.decode(file.read(int.from_bytes(length)))


# Storing


def fill(archive: Archive, path: Path) -> tuple[int, float]:
    """Store what `spool` wrote, an import for each channel; messages, and seconds in the engine."""
    stored, seconds = 0, 0.0
    with path.open("rb") as file:
        for _, parts in groupby(parts_of(file), lambda part: part.export.channel.id):
            counts, spent = bring(archive, parts)
            stored, seconds = stored + counts.new, seconds + spent
    return stored, seconds


def bring(archive: Archive, parts: Iterator[Part]) -> tuple[Counts, float]:
    """One import, and how long the engine took over it."""
    first = next(parts)
    began = monotonic()
    with archive.writing(first.export, bytes(32), "bench", EXPORTED) as writing:
        seconds = monotonic() - began
        for part in chain([first], parts):
            began = monotonic()
            writing.authors(part.authors)
            writing.add(part.messages)
            seconds += monotonic() - began
        began = monotonic()
        counts = writing.finish(0)
    return counts, seconds + monotonic() - began


# Searching


def questions(archive: Archive) -> dict[str, Condition]:
    """What is searched for, by name."""
    the, running = word("the"), word("running")
    channel = Marked(frozenset({marks.within(archive.channels()[0].id)}))
    (busy,) = archive.facet(Everything(), "author", 1)
    start = first_place(START + 60 * DAY)
    return {
        "the": the,
        "running": running,
        '"pecan pie"': Words(tuple(stems("pecan pie"))),
        "pecan AND pie": And((word("pecan"), word("pie"))),
        "zymurgy": word("zymurgy"),
        **{
            f"contains {text}": Contains(fold(text))
            for text in ("storage", "the", "pi", "e", "pecan pie", "100%")
        },
        "from: the busiest": Marked(frozenset({marks.by(busy.key)})),
        "in: a channel": channel,
        "has:image": Marked(frozenset({marks.has("image")})),
        "the AND in:channel": And((the, channel)),
        "contains storage AND in:channel": And((Contains("storage"), channel)),
        "contains the AND in:channel": And((Contains("the"), channel)),
        "contains pi AND the": And((Contains("pi"), the)),
        "contains pi OR zymurgy": Or((Contains("pi"), word("zymurgy"))),
        "the AND to": And((the, word("to"))),
        "the OR to": Or((the, word("to"))),
        '"to the"': Words(tuple(stems("to the"))),
        **{f"contains '{text}'": Contains(text) for text in ("that", "tion", " the ", "of the")},
        "NOT the": Not(the),
        "NOT contains the": Not(Contains("the")),
        "the -running": And((the, Not(running))),
        "everything": Everything(),
        "1 day": Between(start, first_place(START + 61 * DAY)),
        "30 days": Between(start, first_place(START + 90 * DAY)),
        "the, 30 days": And((the, Between(start, first_place(START + 90 * DAY)))),
    }


def word(text: str) -> Condition:
    """The word *text*."""
    return Words(tuple(stems(text)))


def milliseconds(work: Callable[..., object], *arguments: object) -> tuple[float, float]:
    """How long *work* takes the first time, and the median of some times after."""
    times = []
    for _ in range(1 + ROUNDS):
        began = monotonic()
        work(*arguments)
        times.append(1000 * (monotonic() - began))
    return times[0], median(times[1:])


def row(archive: Archive, name: str, condition: Condition) -> list[Any]:
    """One line of the table of searches."""
    orders: tuple[Order, ...] = ("newest", "oldest")
    hits = archive.count(condition)
    pages = [milliseconds(archive.page, condition, order, 10)[1] for order in orders]
    deep: float | str = "-"
    if hits > DEEP:
        (before,) = archive.page(condition, "newest", 1, skip=DEEP - 1)
        deep = milliseconds(archive.page, condition, "newest", 10, before.place)[1]
    first, count = milliseconds(archive.count, condition)
    return [name, hits, *pages, deep, first, count]


def facets(archive: Archive) -> list[list[Any]]:
    """The table of facets."""
    return [
        [name, *(milliseconds(archive.facet, condition, by, 20)[1] for by in FACETS)]
        for name, condition in questions(archive).items()
        if name in {"the", "running", "everything", "contains storage", '"pecan pie"'}
    ]


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--archive", help="its address; else an SQLite file in a scratch folder")
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--exports", type=Path, help="folder of exports to store in place of those")
    parser.add_argument("--filled", action="store_true", help="the archive has them already")
    options = parser.parse_args()
    with scratch() as folder:
        archive = opened(options.archive or f"sqlite:///{folder / 'chats.db'}")
        with closing(archive):
            archive.prepare()
            print(f"{machine()}; {(options.archive or 'sqlite').split(':')[0]}")
            if not options.filled:
                store(archive, folder / "messages", options.messages, options.exports)
            search(archive)


def store(archive: Archive, path: Path, count: int, exports: Path | None) -> None:
    """Store messages, and tell what that cost."""
    process = get_context("spawn").Process(target=spool, args=(path, count, exports))
    process.start()
    process.join()
    stored, seconds = fill(archive, path)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    print_table(
        "Storing messages",
        ("messages", "seconds in the engine", "microseconds a message", "peak of memory, MB"),
        [(stored, seconds, 1e6 * seconds / stored, peak)],
    )


def search(archive: Archive) -> None:
    """Search, and tell how long it took."""
    header = ("search", "hits", "newest 10", "oldest 10", "page 30,000", "count, first", "count")
    rows = [row(archive, name, condition) for name, condition in questions(archive).items()]
    print_table("Searching, milliseconds", header, rows)
    print_table("Facets, milliseconds", ("search", *FACETS), facets(archive))


if __name__ == "__main__":
    main()
