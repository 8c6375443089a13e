"""What ends a package: the rows, then what lies on the disk. Deletion is final."""

from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from sqlalchemy import Connection

from downstream_node.custody import service as custody
from downstream_node.node import Node
from downstream_node.packages import queries, segments
from downstream_node.packages.queries import Stored

SOURCE = "packages"
"""Under which results are claimed in custody; the reference is the package's id."""


def uploads_of(node: Node) -> Path:
    """The folder of the segments of uploads."""
    return Path(node.settings.PACKAGES_PATH) / "uploads"


def working_of(node: Node) -> Path:
    """The folder of files without a name, in which downloads lie while they are read."""
    return Path(node.settings.PACKAGES_PATH) / "working"


def remove(node: Node, package_id: str, reason: str) -> bool:
    """Delete all that is known of a package, finished or not; False if there was nothing.

    A worker in the middle of it finds its attempt ended, and lets go what it took in. If this
    process dies before the bytes are gone, a job deletes them.
    """

    def rows(connection: Connection) -> tuple[Stored | None, list[str] | None]:
        package = queries.find(connection, package_id)
        if package is not None:
            queries.delete_package(connection, [package.id])
        return package, segments.forget(connection, package_id)

    package, files = node.database.write(rows)
    discard(node, files or ())
    if package is not None and package.sha256 is not None:
        custody.release(node, package.sha256, SOURCE, package_id, reason)
    return package is not None or files is not None


def remove_expired(node: Node, package: Stored, now: int, reason: str) -> bool:
    """The same for *package*, whose time is over; False if something was done with it meanwhile.

    An upload under its id goes only if it is over, too: a package that failed may be sent again.
    """

    def rows(connection: Connection) -> list[str] | None:
        if not queries.lock_expired(connection, package, now):
            return None
        files = segments.forget_over(connection, package.package_id, now)
        queries.delete_package(connection, [package.id])
        return files or []

    files = node.database.write(rows)
    if files is None:
        return False
    discard(node, files)
    if package.sha256 is not None:
        custody.release(node, package.sha256, SOURCE, package.package_id, reason)
    return True


def remove_over(node: Node, package_id: str, now: int) -> bool:
    """Delete the bytes of an upload that is over; False if it is not, or no more there."""
    files = node.database.write(lambda found: segments.forget_over(found, package_id, now))
    discard(node, files or ())
    return files is not None


def end_with_upload(node: Node, package_id: str, end: Callable[[Connection], bool]) -> bool:
    """Write the *end* of a package, and in the same transaction that its upload is no more.

    False if *end* returns it, and nothing is deleted. Afterwards somebody may send the package
    again under the same id.
    """

    def rows(connection: Connection) -> list[str] | None:
        return (segments.forget(connection, package_id) or []) if end(connection) else None

    files = node.database.write(rows)
    discard(node, files or ())
    return files is not None


def discard(node: Node, files: Iterable[str]) -> None:
    """Delete these segments. What cannot be deleted now a job deletes later."""
    folder = uploads_of(node)
    for name in files:
        with suppress(OSError):
            (folder / name).unlink()
