"""Tokens of organisations and apps: who shows one may write and read measures.

Only hashes are stored, so a token is shown once, when it is made.
"""

import base64
import hashlib
from dataclasses import dataclass

from sqlalchemy import Connection, String, bindparam, delete, insert, select

from downstream_node import entropy
from downstream_node.database import AnyRow
from downstream_node.errors import InvalidOrganisation
from downstream_node.measures.cells import NAME, is_name
from downstream_node.measures.models import MeasureDefinition, MeasureToken

PREFIX = "dsmt_"
"""Marks a text as a token for measures, for people and for programs that look for leaks."""
TOKEN_BYTES = 32
# Made once: to make a statement takes longer than to have it answered.
WHOSE = select(MeasureToken.org).where(MeasureToken.token_hash == bindparam("token_hash"))


WHOSE_AND_WHAT = (
    select(MeasureToken.org.label("caller"), *MeasureDefinition.__table__.columns)
    .outerjoin(MeasureDefinition, MeasureDefinition.name == bindparam("name", type_=String))
    .where(MeasureToken.token_hash == bindparam("token_hash"))
)


@dataclass(frozen=True, slots=True)
class StoredToken:
    """What is known of a token: its org, when it was made (wall time, ms), how its hash begins."""

    org: str
    created: int
    hash_begins: str


def hash_of(token: str) -> bytes:
    """What is stored of *token*: its SHA-256, 32 bytes."""
    return hashlib.sha256(token.encode(errors="surrogatepass")).digest()


def create(connection: Connection, org: str, now_ms: int) -> str:
    """A new token of *org*, beside those it has; it cannot be shown again.

    Raises InvalidOrganisation for a name that is empty, too long or not printable.
    """
    if not is_name(org, NAME):
        raise InvalidOrganisation(
            f"{org[:NAME]!r} is no name for an organisation: use 1 to {NAME} printable characters, "
            "with no space around them."
        )
    secret = base64.urlsafe_b64encode(entropy.random_bytes(TOKEN_BYTES))
    token = PREFIX + secret.decode().rstrip("=")
    row = {"org": org, "token_hash": hash_of(token), "created": now_ms}
    connection.execute(insert(MeasureToken).values(row))
    return token


def org_of(connection: Connection, token: str) -> str | None:
    """The organisation or app whose *token* this is."""
    # The index sees hashes only, so there is no comparison of secrets that could be timed.
    found = connection.execute(WHOSE, {"token_hash": hash_of(token)})
    return found.scalar_one_or_none()


def org_and_definition(connection: Connection, token: str, name: str | None) -> AnyRow | None:
    """The `caller` whose *token* this is, with the columns of the definition *name*, or None."""
    given = {"token_hash": hash_of(token), "name": name}
    return connection.execute(WHOSE_AND_WHAT, given).one_or_none()


def listed(connection: Connection, org: str | None = None) -> list[StoredToken]:
    """All tokens (of *org*), by organisation and age."""
    query = select(MeasureToken.org, MeasureToken.created, MeasureToken.token_hash)
    if org is not None:
        query = query.where(MeasureToken.org == org)
    rows = connection.execute(query.order_by(MeasureToken.org, MeasureToken.id))
    return [StoredToken(row[0], row[1], bytes(row[2])[:6].hex()) for row in rows]


def replace(connection: Connection, org: str, now_ms: int) -> str:
    """A new token of *org* instead of all that it has, which end at once.

    Raises InvalidOrganisation if it has none.
    """
    if remove_org(connection, org) == 0:
        raise InvalidOrganisation(f"There is no token of {org}.")
    return create(connection, org, now_ms)


def remove_org(connection: Connection, org: str) -> int:
    """Delete all tokens of *org*; how many there were."""
    return connection.execute(delete(MeasureToken).where(MeasureToken.org == org)).rowcount
