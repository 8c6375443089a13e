"""What the outside can ask of farmers: join, be found, move."""

import hashlib
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from downstream_node import entropy
from downstream_node.addresses import freshness, signatures
from downstream_node.addresses.base58 import is_bitcoin_address
from downstream_node.addresses.models import Address
from downstream_node.clock import Instant, calendar
from downstream_node.database import insert_missing
from downstream_node.errors import InvalidRequest, UnknownToken
from downstream_node.farmers import queries
from downstream_node.farmers.clients import client_of
from downstream_node.farmers.queries import FarmerKey, place_values
from downstream_node.node import Node

TOKEN_BYTES = 16
FARMER_ID_DIGITS = 20
SIGNATURE_LENGTH = 88


@dataclass(frozen=True, slots=True)
class SignedMessage:
    """What a farmer shows to prove that it owns an address."""

    message: str
    signature: str


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sends a request, as far as the request says."""

    ip: str
    user_agent: str


def join(
    node: Node, address: str, proof: SignedMessage | None, caller: Caller, now: Instant
) -> str:
    """A new token, in hex, for a farmer with this *address* that calls as *caller*.

    Raises InvalidRequest, in the original's words, if the farmer may not join.
    """
    if proof is not None:
        check_signature(node, address, proof)
    elif node.settings.REQUIRE_SIGNATURE:
        raise InvalidRequest(
            "New token requests must include posted signature proving ownership of farming address"
        )
    if not is_bitcoin_address(address):
        raise InvalidRequest("Invalid address given: not a Bitcoin address.")
    farmer = {
        "address": address,
        "ip_hash": node.keys.ip_hash(caller.ip),
        "joined": now,
        "client": client_of(caller.user_agent),
        **place_values(node.locator.locate(caller.ip)),
    }
    return node.database.write(lambda connection: add(connection, node, farmer))


def check_signature(node: Node, address: str, proof: SignedMessage) -> None:
    """Raise InvalidRequest unless *proof* shows that the farmer owns *address*."""
    settings = node.settings
    if len(proof.message.encode(errors="surrogatepass")) > settings.MAX_SIG_MESSAGE_SIZE:
        raise InvalidRequest(
            f"Please restrict your message to less than {settings.MAX_SIG_MESSAGE_SIZE} bytes."
        )
    if len(proof.signature) != SIGNATURE_LENGTH:
        raise InvalidRequest(
            f"Your signature is the wrong length.  It should be {SIGNATURE_LENGTH}bytes."
        )
    if not signatures.verify(address, proof.message, proof.signature):
        raise InvalidRequest("Signature invalid.")
    # Freshness is measured on the calendar, since the farmer knows no service time.
    wall = calendar(node.wall_clock())
    age = settings.SIGNATURE_MAX_AGE
    if age and not freshness.is_fresh(proof.message, settings.NODE_NAME, wall, age):
        raise InvalidRequest(
            f'Signature not fresh: the message must contain "{settings.NODE_NAME}" and a UTC time '
            f"like 2026-11-22T01:44:00Z that is not older than {age} seconds."
        )


def add(connection: Connection, node: Node, farmer: dict[str, Any]) -> str:
    """Store a farmer, under the limits of its IP and of the whitelist; its new token, in hex."""
    require_room(node, queries.lock_ip(connection, farmer["ip_hash"]))
    address = farmer["address"]
    if not node.settings.MIN_SJCX_BALANCE:
        insert_missing(connection, Address, address=address, balance=0)
    balance = queries.lock_address(connection, address)
    if balance is None or balance < node.settings.MIN_SJCX_BALANCE:
        raise InvalidRequest("Invalid address given: address must be in whitelist.")
    token = entropy.random_bytes(TOKEN_BYTES)
    digest = hashlib.sha256(token)
    queries.add_farmer(
        connection,
        {
            "farmer_id": digest.hexdigest()[:FARMER_ID_DIGITS],
            "token_hash": digest.digest(),
            **farmer,
        },
    )
    return token.hex()


def require_room(node: Node, farmers: int) -> None:
    """Raise InvalidRequest if an IP address that *farmers* use takes no further one."""
    if farmers >= node.settings.MAX_TOKENS_PER_IP:
        raise InvalidRequest(
            f"IP Disallowed, only {node.settings.MAX_TOKENS_PER_IP} tokens are permitted per IP "
            "address"
        )


def find(node: Node, token: str) -> FarmerKey:
    """The farmer that *token* names. Raises UnknownToken."""
    try:
        raw = bytes.fromhex(token)
    except ValueError:
        raise UnknownToken from None
    digest = hashlib.sha256(raw).digest()
    farmer = node.database.read(lambda connection: queries.find_by_token(connection, digest))
    if farmer is None:
        raise UnknownToken
    return farmer


def follow(node: Node, farmer: FarmerKey, caller: Caller) -> None:
    """Note where *farmer* comes from now, and with which client; nothing if both are as before.

    Raises InvalidRequest if it comes from another IP address, which has no room for it.
    """
    ip_hash = node.keys.ip_hash(caller.ip)
    # Who says nothing of its client keeps what it said before.
    client = client_of(caller.user_agent) or farmer.client
    moved = ip_hash != farmer.ip_hash
    if not moved and client == farmer.client:
        return
    values: dict[str, Any] = {"client": client}
    if moved:
        values |= {"ip_hash": ip_hash, **place_values(node.locator.locate(caller.ip))}

    def note(connection: Connection) -> None:
        if moved:
            require_room(node, queries.lock_ip(connection, ip_hash))
        queries.note_farmer(connection, farmer.row, values)

    node.database.write(note)
