"""Who asks, and whether they may: tokens and definitions put together."""

from downstream_node.database import AnyRow
from downstream_node.errors import AccessRefused, NoMeasureToken, UnknownMeasure
from downstream_node.measures import definitions, parsing, tokens
from downstream_node.node import Node

NO_ACCESS = "You cannot access results for this measure"


def caller(node: Node, authorization: str) -> str:
    """The organisation or app whose token stands in the header *authorization*.

    Raises NoMeasureToken. Nothing is remembered, so a token that is deleted ends at once.
    """
    token = token_in(authorization)
    org = node.database.read(lambda connection: tokens.org_of(connection, token))
    if org is None:
        raise NoMeasureToken
    return org


def sender(node: Node, authorization: str, name: object) -> tuple[str, dict[str, AnyRow]]:
    """The `caller`, and the definition *name* by its name if there is one: in one round trip.

    Raises NoMeasureToken.
    """
    token = token_in(authorization)
    wanted = name if definitions.can_be_name(name) else None
    row = node.database.read(
        lambda connection: tokens.org_and_definition(connection, token, wanted)
    )
    if row is None:
        raise NoMeasureToken
    return row.caller, {} if row.id is None else {row.name: row}


def token_in(authorization: str) -> str:
    """The token in the header *authorization*. Raises NoMeasureToken if there is none."""
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer":
        raise NoMeasureToken
    return token.strip()


def readable(node: Node, org: str, name: str) -> AnyRow:
    """The definition *name*, whose results *org* may read. Raises UnknownMeasure, AccessRefused."""
    definition = defined(node, name)
    if not definitions.may_read(definition, org):
        raise AccessRefused(f"{NO_ACCESS}: {name}")
    return definition


def visible(node: Node, org: str, name: str) -> AnyRow:
    """The definition *name*. Raises UnknownMeasure where *org* may not know that it is there."""
    definition = defined(node, name)
    if not definitions.is_visible(definition, org):
        raise UnknownMeasure(parsing.shown(name))
    return definition


def defined(node: Node, name: str) -> AnyRow:
    """The definition *name*. Raises UnknownMeasure."""
    found = node.database.read(lambda connection: definitions.by_name(connection, name))
    if found is None:
        raise UnknownMeasure(parsing.shown(name))
    return found
