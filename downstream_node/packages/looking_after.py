"""What happens to packages by itself: takeovers, ends of waiting, expiry, and what crashes left."""

import logging
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from sqlalchemy import Connection

from downstream_node.clock import SECOND
from downstream_node.custody import service as custody
from downstream_node.node import Node
from downstream_node.packages import queries, removing, segments
from downstream_node.packages.queries import Stored
from downstream_node.packages.states import Code, State

log = logging.getLogger(__name__)

LOOK_EVERY = 5 * SECOND
TIDY_EVERY = 300 * SECOND
MOST = 100
"""Packages of each kind in one pass."""
DEAD_AFTER = 10
"""Leases. A worker that was silent for less may come back, and open its boxes."""
FAILED_KEPT = 7 * 86400 * SECOND
"""How long the node says why a package failed."""
LEFT_ALONE = 3600 * SECOND
"""A file or a claim that nobody knows may belong to somebody who is about to say so."""
FORGOTTEN = "its time is over"
LEFT_BEHIND = "left behind by a worker that died"


def look_after(node: Node) -> int:
    """One pass over what cannot wait; returns how many packages it changed.

    Any number of processes may do it at once: each change is guarded by what was seen.
    """
    now = node.wall_clock()
    changed = sum(take_over(node, package, now) for package in lapsed(node, now))
    # Looked at first, so that a pass with nothing to do takes no lock.
    if read_some(node, lambda found: queries.stored(found, queries.misplaced(now), 1)):
        changed += node.database.write(lambda found: queries.place(found, now))
    before = now - node.settings.PACKAGES_WAIT * SECOND
    for package in read_some(node, lambda found: queries.waiting_since(found, before, MOST)):
        changed += give_up(node, package, Code.NO_WORKER, now)
    long_ago = now - DEAD_AFTER * node.settings.PACKAGES_LEASE * SECOND
    for worker in node.database.read(lambda found: queries.dead_workers(found, long_ago)):
        bury(node, worker)
    return changed


def read_some(node: Node, query: Callable[[Connection], list[Stored]]) -> Sequence[Stored]:
    """What *query* finds."""
    return node.database.read(query)


def lapsed(node: Node, now: int) -> Sequence[Stored]:
    """Packages whose workers have said nothing for too long."""
    return read_some(node, lambda found: queries.lapsed(found, now, MOST))


def take_over(node: Node, package: Stored, now: int) -> bool:
    """Have somebody else try a lapsed *package*, unless it has been tried often enough."""
    log.warning("The worker of package %s is silent.", package.package_id[:8])
    if package.attempts >= node.settings.PACKAGES_ATTEMPTS:
        return give_up(node, package, Code.SERVER_ERROR, now)
    return node.database.write(lambda found: queries.take_from(found, package, now))


def give_up(node: Node, package: Stored, code: Code, now: int) -> bool:
    """*package* has failed."""
    return removing.end_with_upload(
        node,
        package.package_id,
        lambda found: queries.give_up(found, package, code, now, now + FAILED_KEPT),
    )


def bury(node: Node, worker: int) -> None:
    """A dead worker is no more. Its boxes are worth nothing."""
    node.database.write(lambda found: queries.unregister(found, worker))


def tidy(node: Node) -> int:
    """One pass over what can wait; returns how many packages, uploads, files and claims went."""
    now = node.wall_clock()
    ended = read_some(node, lambda found: queries.expired(found, now, MOST))
    gone = sum(removing.remove_expired(node, package, now, FORGOTTEN) for package in ended)
    over = node.database.read(lambda found: segments.over(found, now, MOST))
    gone += sum(removing.remove_over(node, package_id, now) for package_id in over)
    return gone + tidy_segments(node, now) + tidy_claims(node, now)


def tidy_segments(node: Node, now: int) -> int:
    """Delete segments that belong to no upload: a process died before it wrote their row."""
    folder = removing.uploads_of(node)
    if not folder.is_dir():
        return 0
    old = [path.name for path in folder.iterdir() if is_old(path, now)]
    unknown: list[str] = []
    for start in range(0, len(old), MOST):
        some = old[start : start + MOST]
        known = node.database.read(partial(segments.known_among, files=some))
        unknown += [name for name in some if name not in known]
    removing.discard(node, unknown)
    return len(unknown)


def is_old(path: Path, now: int) -> bool:
    """Whether nobody has written to *path* for LEFT_ALONE."""
    try:
        return path.stat().st_mtime * SECOND < now - LEFT_ALONE
    except OSError:
        return False


def tidy_claims(node: Node, now: int) -> int:
    """Release results that no package names: a worker died between keeping one and saying so."""
    released = 0
    after: int | None = 0
    while after is not None:
        files, after = custody.listed(node, source=removing.SOURCE, after=after, limit=MOST)
        claims = [
            (file.sha256, claim.reference)
            for file in files
            for claim in file.claims
            if claim.source == removing.SOURCE and claim.taken_in < now - LEFT_ALONE
        ]
        names = [reference for _, reference in claims]
        known = node.database.read(partial(queries.results_among, package_ids=names))
        for sha256, reference in claims:
            state, named = known.get(reference, ("", None))
            if named != sha256 and state != State.WORKING:
                released += custody.release(node, sha256, removing.SOURCE, reference, LEFT_BEHIND)
    return released
