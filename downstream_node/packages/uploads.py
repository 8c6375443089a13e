"""Packages that are sent in parts and may be resumed. What is acknowledged is durable.

Each part becomes a segment: a working file, sealed under a key that follows from the secret, which
comes with each request. So an upload survives a restart, and nobody but its owner can open it.
"""

import hashlib
import hmac
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from sqlalchemy import Connection

from downstream_node.clock import SECOND
from downstream_node.entropy import random_bytes
from downstream_node.errors import PackageRefused, StorageFull
from downstream_node.node import Node
from downstream_node.packages import queries, removing, segments, service
from downstream_node.packages.boxes import Errand
from downstream_node.packages.links import FetchRefusal
from downstream_node.packages.links import refused as too_large
from downstream_node.packages.secrets import Secret, uploader
from downstream_node.packages.segments import StoredUpload
from downstream_node.packages.states import Code, Source, State
from downstream_node.packages.working import UPLOAD, Seal, WorkingWriter, disk_errors

SEGMENT = 16 << 20
"""Bytes of a segment at most: what a connection that breaks may cost."""
PIECE = 1 << 16
NAME_BYTES = 16
FIRST_BYTES = 900 * SECOND
"""Milliseconds. An upload to which nothing has come yet is worth nothing, and holds an allowance.
A first segment of full size comes in that time over 150 kbit/s."""
ALGORITHMS = ("sha1", "sha256", "md5")


class Stream(Protocol):
    """Where bytes come from."""

    def read(self, size: int, /) -> bytes:
        """Up to so many bytes, none at the end. May raise an error if the sender is gone."""


@dataclass(frozen=True, slots=True)
class Checksum:
    """What the bytes of one request must hash to."""

    algorithm: str
    digest: bytes


class ChecksumMismatch(PackageRefused):
    """The bytes that came are others than those that were sent. They are not kept."""

    def __init__(self) -> None:
        super().__init__(Code.CHECKSUM_MISMATCH, "The bytes were changed on the way.")


def begin(node: Node, secret: Secret, length: int) -> StoredUpload:
    """A new upload of *length* bytes, or the one that has been begun under the same secret.

    Raises PackageRefused: INVALID_SECRET, TOO_LARGE, ALREADY_KNOWN; StorageFull; Busy.
    """
    uploader(secret.text)
    values, now = node.settings, node.wall_clock()
    if length > values.PACKAGES_MAX_SIZE:
        raise too_large(FetchRefusal.TOO_LARGE)
    package_id = secret.package_id
    expires = now + min(values.PACKAGES_UPLOAD_TIME * SECOND, FIRST_BYTES)

    def work(connection: Connection) -> StoredUpload | None:
        package = queries.find(connection, package_id)
        if package is not None and package.state != State.FAILED:
            raise PackageRefused(Code.ALREADY_KNOWN, "This package has been uploaded already.")
        begun = segments.find(connection, package_id)
        if begun is not None:
            return begun
        wanted = segments.reserved(connection) + segments.allowance(length)
        if wanted > values.PACKAGES_UPLOAD_SPACE:
            raise StorageFull
        segments.begin(connection, package_id, length, now, expires)
        return segments.find(connection, package_id)

    upload = node.database.write(work)
    if upload is None or upload.length != length:
        raise PackageRefused(Code.ALREADY_KNOWN, "Another upload has this secret.")
    return upload


def find(node: Node, secret: Secret) -> StoredUpload:
    """The upload of this secret. Raises PackageRefused (UNKNOWN_UPLOAD)."""
    upload = node.database.read(lambda found: segments.find(found, secret.package_id))
    if upload is None:
        raise PackageRefused(Code.UNKNOWN_UPLOAD, "There is no such upload.")
    return upload


def append(
    node: Node, secret: Secret, offset: int, stream: Stream, checksum: Checksum | None = None
) -> StoredUpload:
    """Take what *stream* has, which belongs at *offset*; the upload with its new offset.

    If the stream breaks off, what came before is kept, unless there is a *checksum* of all of it.

    Raises PackageRefused: UNKNOWN_UPLOAD, WRONG_OFFSET if other bytes are to come next, TOO_LARGE
    if there are more than were announced; ChecksumMismatch; StorageFull, StorageFailed; Busy; and
    what the stream raises, after keeping what came.
    """
    upload = find(node, secret)
    if upload.offset != offset:
        raise wrong_offset()
    if checksum is not None:
        return taken(node, secret, upload, stream, upload.length - offset, checksum)
    while upload.offset < upload.length:
        before = upload.offset
        most = min(SEGMENT, upload.length - before)
        upload = taken(node, secret, upload, stream, most, None)
        if upload.offset < before + most:
            return upload
    if stream.read(1):
        raise too_large(FetchRefusal.TOO_LARGE)
    return upload


def taken(  # noqa: PLR0913, PLR0917 - all of one segment
    node: Node,
    secret: Secret,
    upload: StoredUpload,
    stream: Stream,
    most: int,
    checksum: Checksum | None,
) -> StoredUpload:
    """Take up to *most* bytes as one segment."""
    name = random_bytes(NAME_BYTES).hex()
    path = removing.uploads_of(node) / name
    broken: Exception | None = None
    try:
        with disk_errors():
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            file = os.fdopen(
                os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb", buffering=0
            )
        with file:
            writer = WorkingWriter(
                file, Seal(secret.upload_key, UPLOAD, upload.package_id), upload.offset
            )
            size, broken = received(stream, most, writer, checksum)
            writer.finish(durable=True)
        sync_folder(path.parent)
        after = stored(node, secret, upload, size, name)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    if not size:
        path.unlink()
    if broken is not None:
        raise broken
    return after


def received(
    stream: Stream, most: int, writer: WorkingWriter, checksum: Checksum | None
) -> tuple[int, Exception | None]:
    """Write what *stream* has into *writer*: how many bytes, and what it broke off with."""
    hasher = hashlib.new(checksum.algorithm) if checksum else None
    size = 0
    while size < most:
        try:
            piece = stream.read(min(PIECE, most - size))
        except Exception as error:
            # Whatever the server's stream raises: the sender is gone. Of a part there is no
            # checksum to hold it against.
            if checksum:
                raise
            return size, error
        if not piece:
            break
        size += len(piece)
        writer.write(piece)
        if hasher:
            hasher.update(piece)
    if checksum and hasher:
        if stream.read(1):
            raise too_large(FetchRefusal.TOO_LARGE)
        if not hmac.compare_digest(hasher.digest(), checksum.digest):
            raise ChecksumMismatch
    return size, None


def stored(node: Node, secret: Secret, upload: StoredUpload, size: int, name: str) -> StoredUpload:
    """Write that the segment is there; with the last one the package is queued.

    Raises PackageRefused (WRONG_OFFSET) if somebody else sent the same bytes first; StorageFull.
    """
    now = node.wall_clock()
    expires = now + node.settings.PACKAGES_UPLOAD_TIME * SECOND
    end = upload.offset + size

    def work(connection: Connection) -> StoredUpload | None:
        if not segments.append(
            connection,
            upload.package_id,
            start=upload.offset,
            size=size,
            file=name,
            expires=expires,
        ):
            if name in segments.files_of(connection, upload.package_id):
                # Ours: the commit was done, and its confirmation lost.
                return segments.find(connection, upload.package_id)
            raise wrong_offset()
        # Less than what is announced was kept free for it.
        if size and segments.kept(connection) > node.settings.PACKAGES_UPLOAD_SPACE:
            raise StorageFull
        if end == upload.length:
            service.enter(connection, node, Source.UPLOAD, Errand(secret), now)
        return segments.find(connection, upload.package_id)

    after = node.database.write(work)
    if after is None:
        raise PackageRefused(Code.UNKNOWN_UPLOAD, "The upload was deleted.")
    return after


def wrong_offset() -> PackageRefused:
    """The refusal of bytes that are not the next ones."""
    return PackageRefused(Code.WRONG_OFFSET, "Other bytes are to come next.")


def sync_folder(folder: Path) -> None:
    """The names in *folder* are durable. Raises StorageFailed."""
    with disk_errors():
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def terminate(node: Node, secret: Secret) -> None:
    """Give up the upload, and the package if it has become one. Raises PackageRefused."""
    find(node, secret)
    removing.remove(node, secret.package_id, service.DELETED)
