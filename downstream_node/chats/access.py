"""Who asks for something of the archive: keys and what is published, put together.

Nothing is remembered from one request to the next, so a key that is removed ends at once.
"""

from sqlalchemy import Connection

from downstream_node.chats import keys
from downstream_node.chats.feature import Chats
from downstream_node.chats.importing import Allowed, Rights
from downstream_node.chats.keys import Key
from downstream_node.chats.records import Channel, Guild
from downstream_node.chats.scopes import Asker, Scope
from downstream_node.errors import AccessRefused, NoChatKey, TooManyRequests
from downstream_node.node import Node

NOTHING = Scope()
EVERYTHING = Scope(everything=True)
UNAVAILABLE = "The archive does not answer now. Please try again."
NO_IMPORT = "Your key may not import into this channel."


def anybody(node: Node) -> Asker:
    """Who shows no key: reads what is published and imports nothing."""
    return Asker(None, None, node.database.read(keys.published), NOTHING)


def with_key(node: Node, key: str) -> Asker | None:
    """Who shows the text *key* (a login or a Bearer header), noted as used; None: nobody's."""
    key_hash = keys.hash_of(key.strip())
    found, opened = node.database.read(lambda connection: looked_up(connection, key_hash))
    if found is None:
        return None
    keys.note_use(node, found, node.wall_clock())
    return holder(found, opened)


def with_hash(node: Node, key_hash: bytes) -> Asker | None:
    """Whose key has this hash (a session's cookie); None: it is nobody's any more."""
    found, opened = node.database.read(lambda connection: looked_up(connection, key_hash))
    return None if found is None else holder(found, opened)


def looked_up(connection: Connection, key_hash: bytes) -> tuple[Key | None, Scope]:
    """The key with this hash, and what everybody may read."""
    return keys.find(connection, key_hash), keys.published(connection)


def holder(key: Key, opened: Scope) -> Asker:
    """Who has *key*, where everybody may read *opened*."""
    return Asker(
        key.name, key.key_hash, key.scope.with_(opened), key.scope if key.may_import else NOTHING
    )


def operator() -> Asker:
    """Who has the machine itself, and so the archive."""
    return Asker(None, None, EVERYTHING, EVERYTHING)


def require_import(
    asker: Asker, guild: Guild, channel: Channel, stored: Channel | None, *, is_taken: bool
) -> None:
    """Raise AccessRefused unless *asker* may import into *channel* of *guild*.

    *stored* is the channel of this id that the archive has: an export that says that it belongs
    to another guild opens nothing. *is_taken*: the guild is in the archive or published, so who
    holds a channel only may not put it there: others read what is in the guild.
    """
    if stored is None:
        may = asker.imports.holds(guild.id, channel.id)
        may &= asker.imports.holds_guild(guild.id) or not is_taken
    else:
        may = all(asker.imports.holds(one, channel.id) for one in (guild.id, stored.guild))
    if not may:
        raise AccessRefused(NO_IMPORT)


def enter(node: Node, authorization: str, client: str) -> Asker:
    """Who sends a request with the header *authorization* ("" if none), counted as one.

    *client* stands for the address that the request comes from.

    Raises TooManyRequests, and NoChatKey for a key of nobody: to show a wrong key is a mistake to
    hear of, even where something may be read without one.
    """
    scheme, _, key = authorization.partition(" ")
    asker = with_key(node, key) if scheme.lower() == "bearer" else None
    who = f"address:{client}" if asker is None else f"key:{asker.name}"
    wait = node.feature(Chats).limiter.hit(who)
    if wait:
        raise TooManyRequests(wait)
    if asker is None and authorization:
        raise NoChatKey
    return asker or anybody(node)


def reader(asker: Asker) -> Asker:
    """*asker*, who may read something. Raises NoChatKey for who needs a key for that."""
    if asker.name is None and asker.reads.is_empty:
        raise NoChatKey
    return asker


def importer(asker: Asker) -> Asker:
    """*asker*, who may import something. Raises NoChatKey, AccessRefused."""
    if asker.imports.is_empty:
        if asker.name is None:
            raise NoChatKey
        raise AccessRefused(NO_IMPORT)
    return asker


def require_channel(node: Node, asker: Asker, channel: int) -> None:
    """Raise AccessRefused if *asker* may surely not import into the channel with this id.

    Of one that the archive does not know, only its export will say to which guild it belongs.
    """
    if asker.imports.everything or channel in asker.imports.channels:
        return
    known = {one.id: one.guild for one in node.feature(Chats).archive.channels()}
    if not asker.imports.guilds or known.get(channel) not in {None, *asker.imports.guilds}:
        raise AccessRefused(NO_IMPORT)


def allowed(node: Node, asker: Asker) -> Allowed:
    """What `importing.import_export` asks before it stores anything of a channel."""
    archive = node.feature(Chats).archive

    def check(guild: Guild, channel: Channel) -> Rights:
        stored = next((one for one in archive.channels() if one.id == channel.id), None)
        is_taken = (
            any(one.id == guild.id for one in archive.guilds())
            or guild.id in node.database.read(keys.published).guilds
        )
        require_import(asker, guild, channel, stored, is_taken=is_taken)
        return Rights(
            names_guild=asker.imports.holds_guild(guild.id),
            reads_everything=asker.reads.everything,
        )

    return check
