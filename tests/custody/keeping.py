"""What the tests of custody share: contents, claims, a look at the disk."""

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from simulator import SimulatedNode

from downstream_node.clock import SECOND
from downstream_node.custody import service, storage, tidying
from downstream_node.custody.queries import StoredFile

CLAIM: dict[str, Any] = {
    "source": "operator",
    "reference": "1",
    "name": "a file.txt",
    "media_type": "text/plain",
    "redundancy": 0,
    "visibility": "private",
}


def sha256(content: bytes) -> bytes:
    """The hash of *content*."""
    return hashlib.sha256(content).digest()


def bytes_of(size: int, seed: bytes = b"") -> bytes:
    """*size* bytes that look random and are always the same for one *seed*."""
    return hashlib.shake_128(seed).digest(size)


def keep(node: SimulatedNode, content: bytes | Iterable[bytes], **claim: Any) -> StoredFile:
    """Take *content* in, with a claim that differs from CLAIM where *claim* says so."""
    stream = [content] if isinstance(content, bytes) else content
    return service.take_in(node.parts, stream, **(CLAIM | claim))


def release(node: SimulatedNode, file: StoredFile, **claim: str) -> bool:
    """Give up a claim of *file*, that of CLAIM unless *claim* says which."""
    key = {name: claim.get(name, CLAIM[name]) for name in ("source", "reference")}
    return service.release(node.parts, file.sha256, **key, reason="no longer needed")


def content_of(
    node: SimulatedNode, file: StoredFile, start: int = 0, end: int | None = None
) -> bytes:
    """The bytes of *file*, or of a part."""
    return b"".join(service.read(node.parts, file.sha256, start, end))


def known(node: SimulatedNode, file: StoredFile | bytes) -> StoredFile:
    """What the node knows of *file* now."""
    found = service.find(node.parts, file if isinstance(file, bytes) else file.sha256)
    assert found is not None
    return found


def a_day_later(node: SimulatedNode) -> None:
    """All files were last written now, on the node's clock; a day passes, and jobs tidy up."""
    touch_all(node)
    node.advance(25 * 3600)
    tidy_all(node)


def touch_all(node: SimulatedNode) -> None:
    """All files were last written now, on the node's clock."""
    for path in storage.root_of(node.parts).rglob("*"):
        if path.is_file():
            os.utime(path, (node.clock.wall / SECOND, node.clock.wall / SECOND))


def tidy_all(node: SimulatedNode) -> int:
    """As many passes of the job as look through all folders, at one moment."""
    before = node.clock.wall - tidying.KEPT_FOR
    return storage.forget_incoming(storage.root_of(node.parts), before) + sum(
        tidying.tidy_folder(node.parts, prefix, before) for prefix in range(storage.PREFIXES)
    )


def path_of(node: SimulatedNode, file: StoredFile | bytes) -> Path:
    """Where the bytes of *file* are."""
    digest = file if isinstance(file, bytes) else file.sha256
    return storage.path_of(storage.root_of(node.parts), digest)


def on_disk(node: SimulatedNode) -> set[str]:
    """The names of all files below FILES_PATH."""
    return {path.name for path in storage.root_of(node.parts).rglob("*") if path.is_file()}


def damage(node: SimulatedNode, file: StoredFile, position: int) -> None:
    """Turn one bit of *file* on the disk, *position* bytes from its beginning."""
    with path_of(node, file).open("r+b") as opened:
        opened.seek(position)
        byte = opened.read(1)[0]
        opened.seek(position)
        opened.write(bytes([byte ^ 1]))
