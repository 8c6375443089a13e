"""Files are read again and again, so that damage is known while there still is a backup."""

import logging

from downstream_node.custody import blocks, queries, storage
from downstream_node.custody.blocks import Hasher
from downstream_node.custody.models import CHECK_EVERY
from downstream_node.custody.queries import Content
from downstream_node.custody.reading import checked_block, content_of, note_damage, opened
from downstream_node.custody.removing import discard
from downstream_node.errors import DamagedFile, UnknownFile
from downstream_node.node import Node

log = logging.getLogger(__name__)

BLOCKS_PER_PASS = 64
"""A pass checks so many blocks of 1 MiB, and every file counts as one at least. With a pass every
10 seconds, 8 TB are checked within CHECK_EVERY after they are due: each file every 28 days."""


def verify(node: Node, sha256: bytes) -> str | None:
    """See `service.verify`."""
    content = content_of(node, sha256)
    try:
        found = hashed(node, content)
        if found.whole != content.sha256:
            raise DamagedFile(f"The file {sha256.hex()} is damaged: its hash is wrong.")
    except DamagedFile as damage:
        note_damage(node, content, damage)
        return str(damage)
    if found.blocks != content.blocks:
        # The bytes are right, so it is the database's list that is not.
        log.warning("Bytes are right, block hashes were wrong: %s", sha256.hex())
        node.database.write(lambda c: queries.replace_blocks(c, content, found.blocks))
    note_sound(node, content)
    return None


def hashed(node: Node, content: Content) -> Hasher:
    """The hashes of the bytes on the disk. Raises DamagedFile if they cannot be read."""
    hasher = Hasher()
    with opened(node, content) as file:
        storage.forget_cached(file)
        try:
            for number in range(blocks.count(content.size)):
                hasher.update(storage.read_block(file, number))
        except OSError as error:
            raise DamagedFile(
                f"The file {content.sha256.hex()} cannot be read: {error.strerror}."
            ) from error
    return hasher


def note_sound(node: Node, content: Content) -> None:
    """Write down that all of *content* is right."""
    now = node.wall_clock()
    node.database.write(lambda c: queries.note_sound(c, content, now, now + CHECK_EVERY))


def check_some(node: Node) -> int:
    """One pass over files that are due; returns how many it is done with.

    Bytes of removed files that are still there, because a process died, are taken away. A large
    file is checked over several passes, block by block.
    """
    room, done = BLOCKS_PER_PASS, 0
    while room > 0:
        now = node.wall_clock()
        content = node.database.read(lambda c: queries.due_at(c, now))  # noqa: B023 - called here
        if content is None:
            break
        if content.removed is not None:
            discard(node, content.sha256)
            room, done = room - 1, done + 1
            continue
        upto = min(content.position + room, blocks.count(content.size))
        done += check_part(node, content, upto)
        room -= max(upto - content.position, 1)
    return done


def check_part(node: Node, content: Content, upto: int) -> bool:
    """Check the blocks of *content* behind those that are checked, before *upto*, and note it.

    Returns whether nothing is left to check.
    """
    try:
        with opened(node, content) as file:
            storage.forget_cached(file)
            for number in range(content.position, upto):
                checked_block(file, content, number)
    except UnknownFile:
        return True  # removed since its row was read
    except DamagedFile as damage:
        note_damage(node, content, damage)
        return True
    if upto < blocks.count(content.size):
        node.database.write(lambda c: queries.note_position(c, content, upto))
        return False
    note_sound(node, content)
    return True
