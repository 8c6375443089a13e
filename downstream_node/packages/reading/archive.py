"""The zip file of a package: members checked by what they say, unpacked by what they do.

Nothing is written anywhere, so names can do no harm here; they are refused all the same, because
no genuine package has them and the next reader may unpack to disk. Only members that somebody
asks for are unpacked, so an archive within the archive stays a row of bytes. What the headers
say of sizes can only make the reading stop early: limits count the bytes that come out.
"""

import errno
import os
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, BinaryIO

from downstream_node.errors import PackageRefused
from downstream_node.packages.reading.limits import KIB, MIB, Limits, Refusal
from downstream_node.packages.reading.watch import Watch

PIECE = 256 * KIB
"""Bytes that are unpacked at once."""
ENTRY = b"PK\x01\x02"
"""Begins each entry of the table of contents. APPNOTE.TXT 4.3.12."""
LOCAL_HEADER_BYTES = 30
"""What stands before a member's name and data, at least. APPNOTE.TXT 4.3.7."""
ENCRYPTED = 0x1 | 0x40 | 0x2000
"""Bits of the flags: encrypted, strongly so, with a masked directory. APPNOTE.TXT 4.4.4."""
METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
"""zipfile unpacks the other methods' blocks without any bound."""
ORDINARY = {0, stat.S_IFREG, stat.S_IFDIR}
DRIVE = re.compile(r"[A-Za-z]:")
CONTROL = re.compile(r"[\x00-\x1f\x7f]")
BROKEN = "The file is not a zip archive, or broken."

DAMAGE = (
    *(zipfile.BadZipFile, zlib.error, struct.error, EOFError),
    *(ValueError, OverflowError, NotImplementedError, OSError),
)
"""What zipfile raises over damaged archives; ValueError is also a name that is no UTF-8."""


class Bounded:
    """*file* for zipfile, which reads the table of contents at once, however long it says it is."""

    def __init__(self, file: BinaryIO, limits: Limits) -> None:
        self._file = file
        self._limits = limits
        self.failure: Exception | None = None
        """What the file itself failed with: zipfile takes it for damage to the archive."""
        self.seek = file.seek
        self.tell = file.tell
        self.seekable = file.seekable

    def read(self, size: int = -1) -> bytes:
        """*size* bytes, or what there is. Raises PackageRefused over an absurd directory."""
        most = self._limits.directory_bytes
        if size > most:
            raise too_many(self._limits)
        # The end of the archive is read with no size given, from a place near the end.
        try:
            data = self._file.read(size if size >= 0 else most)
        except Exception as error:
            self.failure = error
            raise
        # Each entry becomes an object ten times its size: they are counted before that.
        if len(data) > MIB and data.count(ENTRY) > self._limits.members:
            raise too_many(self._limits)
        return data


def too_many(limits: Limits) -> PackageRefused:
    """The refusal of an archive with an absurd number of members."""
    return PackageRefused(
        Refusal.TOO_MANY_MEMBERS, f"The archive has more than {limits.members} files."
    )


class Archive:
    """A package's archive. Raises PackageRefused when it is opened, or when a member is read."""

    def __init__(self, package: BinaryIO, limits: Limits, watch: Watch) -> None:
        self._limits = limits
        self._watch = watch
        self.unpacked = 0
        """Bytes that have come out so far."""
        self._packed = package.seek(0, os.SEEK_END)
        self._file = Bounded(package, limits)
        with self._damage(Refusal.BROKEN_ARCHIVE, BROKEN):
            self._zip = zipfile.ZipFile(self._file)
        check(self._zip.infolist(), self._packed, limits)
        self.names = [info.filename for info in self._zip.infolist() if not info.is_dir()]

    def size(self, name: str) -> int:
        """What the headers say that the member *name* unpacks to; for display only."""
        return self._zip.getinfo(name).file_size

    def pieces(self, name: str) -> Iterator[bytes]:
        """The member *name*, unpacked piece by piece.

        Raises PackageRefused if it is broken or larger than it may be, PackageCancelled.
        """
        info = self._zip.getinfo(name)
        if info.compress_type not in METHODS:
            raise PackageRefused(
                Refusal.UNSUPPORTED_ARCHIVE, "A file is packed by a method other than deflate."
            )
        size = 0
        with self._damage(Refusal.BROKEN_MEMBER, "A file in the archive is damaged."):
            member = self._zip.open(info)
        with member:
            while piece := self._piece(member):
                size += len(piece)
                self._bound(info, size, len(piece))
                self._watch.moved(len(piece))
                yield piece

    def whole(self, name: str) -> bytes | None:
        """All of the member *name*; None if it is larger than a document may be."""
        parts: list[bytes] = []
        size = 0
        for piece in self.pieces(name):
            size += len(piece)
            if size > self._limits.document_bytes:
                return None
            parts.append(piece)
        return b"".join(parts)

    def _piece(self, member: IO[bytes]) -> bytes:
        """The next piece of *member*; its checksum is compared at the end."""
        with self._damage(Refusal.BROKEN_MEMBER, "A file in the archive is damaged."):
            return member.read(PIECE)

    @contextmanager
    def _damage(self, code: Refusal, sentence: str) -> Iterator[None]:
        """Raise PackageRefused where zipfile finds damage; let errors of the file itself out."""
        try:
            yield
        except DAMAGE as error:
            if self._file.failure is not None:
                raise self._file.failure from None
            # Of the system's errors, only a seek before the beginning is the archive's doing.
            if isinstance(error, OSError) and error.errno != errno.EINVAL:
                raise
            raise PackageRefused(code, sentence) from error

    def _bound(self, info: zipfile.ZipInfo, size: int, more: int) -> None:
        """Count *more* bytes, which make *size* of this member. Raises PackageRefused."""
        limits = self._limits
        self.unpacked += more
        if size > limits.member_bytes:
            raise PackageRefused(
                Refusal.HUGE_MEMBER,
                f"A file in the archive unpacks to more than {limits.member_bytes} bytes.",
            )
        # Members do not overlap and lie within the file, so packed sizes cannot lie together.
        bombs = (
            self.unpacked > limits.unpacked_bytes,
            size > limits.ratio_floor and size > limits.ratio * info.compress_size,
            self.unpacked > limits.ratio_floor and self.unpacked > limits.ratio * self._packed,
        )
        if any(bombs):
            raise PackageRefused(
                Refusal.ZIP_BOMB, "The archive unpacks to far more than a data package holds."
            )


def check(members: list[zipfile.ZipInfo], packed: int, limits: Limits) -> None:
    """Check what the table of contents says of a file of *packed* bytes. Raises PackageRefused."""
    if len(members) > limits.members:
        raise too_many(limits)
    names: set[str] = set()
    for info in members:
        check_name(info.orig_filename)
        check_kind(info)
        if info.filename in names:
            raise PackageRefused(
                Refusal.DUPLICATE_NAME, "Two files in the archive have the same name."
            )
        names.add(info.filename)
    check_places(members, packed)


def check_name(name: str) -> None:
    """Check that *name* leads nowhere but down. Raises PackageRefused."""
    parts = name.split("/")
    tricks = (
        not name,
        name.startswith("/"),
        "\\" in name,
        DRIVE.match(name),
        CONTROL.search(name),
        ".." in parts,
        "." in parts,
    )
    if any(tricks):
        raise PackageRefused(
            Refusal.UNSAFE_NAME, "A file in the archive has a name that leads out of its folder."
        )


def check_kind(info: zipfile.ZipInfo) -> None:
    """Check that this is a plain file or folder. Raises PackageRefused."""
    if info.flag_bits & ENCRYPTED:
        raise PackageRefused(Refusal.ENCRYPTED_MEMBER, "A file in the archive is encrypted.")
    if stat.S_IFMT(info.external_attr >> 16) not in ORDINARY:
        raise PackageRefused(
            Refusal.SPECIAL_MEMBER, "The archive holds a link or another special file."
        )


def check_places(members: list[zipfile.ZipInfo], packed: int) -> None:
    """Check that members lie within the *packed* bytes of the file, and share none of them.

    Shared bytes are how a small bomb gets large: Fifield 2019, "A better zip bomb".
    Raises PackageRefused.
    """
    end = 0
    for info in sorted(members, key=lambda info: info.header_offset):
        if 0 <= info.header_offset < end:
            raise PackageRefused(
                Refusal.OVERLAPPING_MEMBERS, "Files in the archive overlap each other."
            )
        end = info.header_offset + LOCAL_HEADER_BYTES + info.compress_size
        if info.header_offset < 0 or end > packed:
            raise PackageRefused(Refusal.BROKEN_ARCHIVE, BROKEN)
