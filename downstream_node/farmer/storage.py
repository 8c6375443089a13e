"""The chunks of a farmer, on disk.

Each contract is two files, named by its file hash: `.chunk` has the bytes, `.json` what belongs
to them. The second is written last, so a contract is there when its `.json` is.
"""

import hashlib
import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from downstream_node.chunks.stream import stream
from downstream_node.errors import DownstreamError
from downstream_node.farmer import files
from downstream_node.farmer.messages import Offer, Size, decode

CHUNK: Final = ".chunk"
RECORD: Final = ".json"

_FILE_HASH: Final = re.compile(r"[0-9a-f]{64}")


class CannotKeep(DownstreamError):
    """An offered chunk is not kept: there is no room for it, or no disk that takes it."""


class DamagedChunk(DownstreamError):
    """What is on the disk is not what was put there."""


class Loss(NamedTuple):
    """A contract that is given up, and why."""

    file_hash: str
    reason: str


class Record(msgspec.Struct, frozen=True):
    """What is kept beside the bytes of a chunk."""

    seed: str
    size: Size
    sha256: str
    tag: object


class Length(msgspec.Struct, frozen=True):
    """The part of a `Record` that `Storage.scan` needs."""

    size: Size


@dataclass(frozen=True, slots=True)
class Chunk:
    """What a proof is made from."""

    data: bytes
    tag: object


class Storage:
    """Chunks in *folder*, of at most *limit* bytes in all. Call `scan` before anything else.

    The limit counts the bytes of chunks, as contracts do; a tag (25 KB with Merkle) comes on top.
    """

    def __init__(self, folder: Path, limit: int) -> None:
        self._folder = folder
        self._limit = limit
        self._sizes: dict[str, int] = {}

    @property
    def hashes(self) -> Collection[str]:
        """The file hashes of all chunks."""
        return self._sizes.keys()

    @property
    def size(self) -> int:
        """Bytes in all chunks."""
        return sum(self._sizes.values())

    @property
    def room(self) -> int:
        """Bytes that new chunks may have."""
        return max(0, self._limit - self.size)

    def scan(self) -> list[Loss]:
        """Find out what is on the disk; remove what is half-written or damaged, and return it."""
        self._folder.mkdir(parents=True, exist_ok=True)
        for unfinished in self._folder.glob(f"*{files.UNFINISHED}"):
            unfinished.unlink()
        losses = []
        for file_hash in sorted(self._names()):
            try:
                self._sizes[file_hash] = self._measure(file_hash)
            except DamagedChunk as error:
                self.remove(file_hash)
                losses.append(Loss(file_hash, str(error)))
            except OSError as error:
                # Not removed: the farmer may only have been started by another user.
                losses.append(Loss(file_hash, f"cannot read it: {error.strerror}"))
        return losses

    def keep(self, offer: Offer) -> None:
        """Make the chunk of *offer* and store it. Raises CannotKeep."""
        if offer.file_hash in self._sizes:
            raise CannotKeep("the node offered a contract that we already have")
        if offer.size > self.room:
            raise CannotKeep("the node sent more bytes than were asked for")
        try:
            self._write(offer)
        except OSError as error:
            self.remove(offer.file_hash)
            raise CannotKeep(f"cannot store it: {error.strerror}") from error
        self._sizes[offer.file_hash] = offer.size

    def load(self, file_hash: str) -> Chunk:
        """Return the chunk *file_hash*. Raises DamagedChunk if it is not what was stored."""
        try:
            record = decode(self._path(file_hash, RECORD).read_bytes(), Record)
            data = self._path(file_hash, CHUNK).read_bytes()
        except OSError as error:
            raise DamagedChunk(f"cannot read it: {error.strerror}") from error
        # A disk that changes bytes is noticed here, before the node takes it for a lie.
        if record is None or hashlib.sha256(data).hexdigest() != record.sha256:
            raise DamagedChunk("it has changed on the disk")
        return Chunk(data, record.tag)

    def remove(self, file_hash: str) -> None:
        """Remove the chunk *file_hash*, if it is there."""
        # In the reverse order of writing, so that half of it is never taken for the whole.
        for suffix in (RECORD, CHUNK):
            self._path(file_hash, suffix).unlink(missing_ok=True)
        self._sizes.pop(file_hash, None)

    def _write(self, offer: Offer) -> None:
        data = stream(offer.seed, 0, offer.size)
        record = Record(offer.seed, offer.size, hashlib.sha256(data).hexdigest(), offer.tag)
        files.replace(self._path(offer.file_hash, CHUNK), data)
        files.replace(self._path(offer.file_hash, RECORD), msgspec.json.encode(record))
        files.sync_folder(self._folder)

    def _names(self) -> set[str]:
        """Return the file hashes of which there is a file; other files are none of ours."""
        return {
            path.stem
            for path in self._folder.iterdir()
            if path.suffix in {CHUNK, RECORD} and _FILE_HASH.fullmatch(path.stem)
        }

    def _measure(self, file_hash: str) -> int:
        """Return the size in bytes of a chunk. Raises DamagedChunk, or OSError if unreadable.

        Its bytes are not looked at: with a terabyte of them that would take an hour.
        """
        try:
            record = decode(self._path(file_hash, RECORD).read_bytes(), Length)
            size = self._path(file_hash, CHUNK).stat().st_size
        except FileNotFoundError:
            raise DamagedChunk("it was only half written") from None
        if record is None or record.size != size:
            raise DamagedChunk("it has changed on the disk")
        return size

    def _path(self, file_hash: str, suffix: str) -> Path:
        """Return where a chunk's file is. The one place where a node's word becomes a path."""
        if not _FILE_HASH.fullmatch(file_hash):
            raise ValueError(f"a file hash is 64 hex digits, not {file_hash!r}")
        return self._folder / f"{file_hash}{suffix}"
