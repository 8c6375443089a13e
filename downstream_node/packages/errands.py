"""The secret on its way from its owner to the workers, sealed to each of them alone."""

import base64
import hmac
from collections.abc import Iterable

from sqlalchemy import Connection

from downstream_node.entropy import Keys
from downstream_node.errors import PackageRefused
from downstream_node.node import Node
from downstream_node.packages import queries
from downstream_node.packages.boxes import Errand, sealed_to
from downstream_node.packages.feature import Packages
from downstream_node.packages.links import PREFIX, Link, read_link
from downstream_node.packages.queries import LiveWorker, Stored
from downstream_node.packages.secrets import Secret
from downstream_node.packages.states import Source, State


def source_of(link: Link) -> Source:
    """Which kind of link it is."""
    return Source.DISCORD if link.url.startswith(PREFIX) else Source.HOST


def errand_of(node: Node, source: str, secret: Secret) -> Errand | None:
    """What a worker has to know, from the *secret* alone; None if the link is allowed no more."""
    if source == Source.UPLOAD:
        return Errand(secret)
    url = PREFIX + secret.text
    try:
        if source == Source.HOST:
            padded = secret.text + "=" * (-len(secret.text) % 4)
            url = base64.urlsafe_b64decode(padded).decode()
        return Errand.of(read_link(url, node.feature(Packages).allowed))
    except (ValueError, PackageRefused):
        return None


def trusted(keys: Keys, workers: Iterable[LiveWorker]) -> list[LiveWorker]:
    """Those of *workers* whose keys were made by processes of this node."""
    return [
        worker
        for worker in workers
        if hmac.compare_digest(worker.voucher, keys.package_voucher(worker.public_key))
    ]


def hand_out(connection: Connection, node: Node, package: int, errand: Errand, now: int) -> bool:
    """Seal *errand* to every live worker that has no box of *package* yet.

    Returns whether there was one, or somebody had a box already.
    """
    workers = trusted(node.keys, queries.live_workers(connection, now))
    have = queries.with_boxes(connection, package)
    missing = [worker for worker in workers if worker.id not in have]
    boxes = {worker.id: sealed_to(worker.public_key, errand) for worker in missing}
    return bool(workers) and queries.put_boxes(connection, package, boxes, now)


def lacks_boxes(connection: Connection, node: Node, package: Stored, now: int) -> bool:
    """Whether a live worker could be given a box of *package*."""
    if package.state not in {State.QUEUED, State.WAITING}:
        return False
    workers = trusted(node.keys, queries.live_workers(connection, now))
    have = queries.with_boxes(connection, package.id)
    return any(worker.id not in have for worker in workers)
