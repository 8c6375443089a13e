"""What the owner of a package may ask: take it, how far is it, give me the result, delete it."""

import hmac
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

from sqlalchemy import Connection

from downstream_node.clock import SECOND
from downstream_node.custody import service as custody
from downstream_node.errors import PackageRefused, UnknownFile
from downstream_node.node import Node
from downstream_node.packages import queries, removing
from downstream_node.packages.boxes import Errand
from downstream_node.packages.errands import errand_of, hand_out, lacks_boxes, source_of
from downstream_node.packages.feature import Packages
from downstream_node.packages.links import read_link
from downstream_node.packages.queries import Stored
from downstream_node.packages.sealing import unseal
from downstream_node.packages.secrets import Secret
from downstream_node.packages.states import DEMO, Code, Position, Queue, Source, State

DELETED = "deleted by its owner"


@dataclass(frozen=True, slots=True)
class Status:
    """How far a package is, and its place in the queue."""

    package: Stored
    position: Position


@dataclass(frozen=True, slots=True)
class Address:
    """Where the sealed result may be fetched, without a header, for *ttl* seconds."""

    package_id: str
    expires: int
    """Wall time, seconds."""
    signature: str
    iv: str | None
    """Hex of the header of the sealed form; None: it is not sealed."""
    ttl: int


def refused(code: Code) -> PackageRefused:
    """The refusal with this code."""
    return PackageRefused(code, SENTENCES[code])


SENTENCES = {
    Code.UNAUTHORIZED: "This is not the secret of the package.",
    Code.UNKNOWN_PACKAGE_ID: "There is no such package.",
    Code.DATA_NOT_AVAILABLE: "The package is not processed yet, or could not be.",
    Code.INVALID_SIGNATURE: "This address is wrong, or no longer good.",
}


# Taking


def submit_link(node: Node, value: object) -> str:
    """Take the package behind the link *value*; its id. A known one stays as it is.

    Raises PackageRefused (INVALID_LINK) and Busy.
    """
    link = read_link(value, node.feature(Packages).allowed)
    return submit(node, source_of(link), Errand.of(link))


def submit(node: Node, source: Source, errand: Errand) -> str:
    """Take the package of *errand*; its id. Raises Busy."""
    now = node.wall_clock()
    node.database.write(lambda connection: enter(connection, node, source, errand, now))
    return errand.secret.package_id


def enter(connection: Connection, node: Node, source: Source, errand: Errand, now: int) -> None:
    """The same in the caller's transaction."""
    package = queries.join(connection, errand.secret.package_id, source, now)
    if package.state in {State.QUEUED, State.WAITING}:
        hand_out(connection, node, package.id, errand, now)


# How far


def require_owner(secret: Secret | None, package_id: str) -> Secret:
    """*secret*, which opens the package. Raises PackageRefused (UNAUTHORIZED).

    Nothing is looked up before: whoever has no secret learns not even what is there.
    """
    if secret is None or not secret.opens(package_id):
        raise refused(Code.UNAUTHORIZED)
    return secret


def status(node: Node, secret: Secret) -> Status | None:
    """How far the package of *secret* is; None: there is none.

    Workers that cannot open it yet, since they started later, get the secret now.
    """
    now = node.wall_clock()
    package = node.database.read(lambda connection: queries.find(connection, secret.package_id))
    if package is None:
        return None
    if node.database.read(lambda connection: lacks_boxes(connection, node, package, now)):
        show_again(node, package, secret, now)
        return node.database.read(lambda connection: status_of(connection, secret.package_id))
    return Status(package, node.database.read(lambda found: position_of(found, package)))


def show_again(node: Node, package: Stored, secret: Secret, now: int) -> None:
    """Give the secret of *package* to the workers that live now."""
    errand = errand_of(node, package.source, secret)
    if errand is not None:
        node.database.write(lambda found: hand_out(found, node, package.id, errand, now))


def status_of(connection: Connection, package_id: str) -> Status | None:
    """How far the package is; None: there is none."""
    package = queries.find(connection, package_id)
    return None if package is None else Status(package, position_of(connection, package))


def position_of(connection: Connection, package: Stored) -> Position:
    """Where *package* stands in the queue; those that are processed or done with stand nowhere."""
    in_line = package.state in {State.QUEUED, State.WAITING}
    return Position(
        ahead=queries.ahead(connection, package) if in_line else 0,
        now=queries.queue(connection),
        joined=Queue(premium=package.premium_when_joined, standard=package.standard_when_joined),
        ahead_when_joined=package.ahead_when_joined,
    )


# The result


def finished(node: Node, package_id: str) -> tuple[Stored, bytes]:
    """The package and the hash of its sealed result.

    Raises PackageRefused (UNKNOWN_PACKAGE_ID, DATA_NOT_AVAILABLE).
    """
    package = node.database.read(lambda connection: queries.find(connection, package_id))
    if package is None:
        raise refused(Code.UNKNOWN_PACKAGE_ID)
    if package.state != State.DONE or package.sha256 is None:
        raise refused(Code.DATA_NOT_AVAILABLE)
    return package, package.sha256


def data(node: Node, secret: Secret) -> Iterator[bytes]:
    """The result, opened: gzip of an SQLite file, in pieces.

    Raises PackageRefused at once if there is none; DamagedFile or SealBroken at once if the first
    piece is damaged, otherwise while it is read.
    """
    _, sha256 = finished(node, secret.package_id)
    return begun(unseal(sealed_pieces(node, sha256), secret))


def sealed_pieces(node: Node, sha256: bytes) -> Iterator[bytes]:
    """A sealed result from the store. Raises PackageRefused if it was deleted meanwhile."""
    try:
        return custody.read(node, sha256)
    except UnknownFile:
        raise refused(Code.UNKNOWN_PACKAGE_ID) from None


def begun(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The same *pieces*, of which the first is there: what is wrong with it is raised here."""
    some = (piece for piece in pieces if piece)
    return chain([next(some, b"")], some)


def address(node: Node, secret: Secret) -> Address:
    """Where the sealed result may be fetched for a while. Raises PackageRefused."""
    package, sha256 = finished(node, secret.package_id)
    assert package.header is not None  # noqa: S101 - stored together with the hash
    return signed(node, package.package_id, sha256, package.header.hex())


def demo_address(node: Node) -> Address:
    """Where the demo may be fetched."""
    return signed(node, DEMO, b"", None)


def signed(node: Node, package_id: str, sha256: bytes, iv: str | None) -> Address:
    """An address of the result with this hash, good from now on."""
    ttl = node.settings.PACKAGES_BLOB_TTL
    expires = node.wall_clock() // SECOND + ttl
    signature = node.keys.package_signature(package_id, sha256, expires)
    return Address(package_id, expires, signature, iv, ttl)


def require_signature(
    node: Node, package_id: str, sha256: bytes, expires: int, signature: str
) -> None:
    """Raise PackageRefused unless the address is one of ours and still good."""
    right = node.keys.package_signature(package_id, sha256, expires)
    if not hmac.compare_digest(right.encode(), signature.encode()):
        raise refused(Code.INVALID_SIGNATURE)
    if node.wall_clock() // SECOND > expires:
        raise refused(Code.INVALID_SIGNATURE)


def sealed(
    node: Node, package_id: str, expires: int, signature: str
) -> tuple[Iterator[bytes], int]:
    """The sealed result at a signed address, and its size in bytes. Raises PackageRefused."""
    try:
        package, sha256 = finished(node, package_id)
    except PackageRefused:
        # As for a wrong signature: who has none does not learn which packages there are.
        raise refused(Code.INVALID_SIGNATURE) from None
    require_signature(node, package_id, sha256, expires, signature)
    return begun(sealed_pieces(node, sha256)), package.size or 0


# The end


def delete(node: Node, secret: Secret) -> bool:
    """Delete the package and all that came of it; False if there is none. Raises Busy."""
    return removing.remove(node, secret.package_id, DELETED)
