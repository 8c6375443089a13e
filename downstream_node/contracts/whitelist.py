"""What an operator can ask of the whitelist: replace it whole, or add one address.

It stands with the contracts, because who leaves the whitelist takes farmers and contracts
along, and their chunks go back into the pool.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from sqlalchemy import Connection, delete, insert, select, update

from downstream_node.addresses.base58 import is_bitcoin_address
from downstream_node.addresses.models import Address
from downstream_node.addresses.whitelist import parse
from downstream_node.contracts import queries
from downstream_node.contracts.models import Contract
from downstream_node.database import batched
from downstream_node.errors import InvalidWhitelist
from downstream_node.farmers.models import Farmer
from downstream_node.node import Node

FETCH_SECONDS = 30
MOST_BYTES = 64 << 20


@dataclass(frozen=True)
class WhitelistChange:
    """How many addresses came, changed, stayed and went; what went with them."""

    added: int
    updated: int
    unchanged: int
    removed: int
    removed_tokens: int
    removed_contracts: int

    def __str__(self) -> str:
        """The change as an operator reads it."""
        return (
            f"{self.added} addresses added, {self.updated} updated, {self.unchanged} unchanged, "
            f"{self.removed} removed with {self.removed_tokens} tokens and "
            f"{self.removed_contracts} contracts"
        )


def load_whitelist(node: Node, source: str) -> WhitelistChange:
    """Take the whitelist from *source*: a CSV file, the http(s) URL of one, or one address.

    A list replaces the one before; a single address is added to it, with at least the balance
    that MIN_SJCX_BALANCE asks for. Raises InvalidWhitelist, and then nothing has changed.
    """
    least = node.settings.MIN_SJCX_BALANCE
    if is_bitcoin_address(source):
        return node.database.write(partial(add, address=source, balance=least))
    balances = parse(read(source))
    return node.database.write(lambda connection: replace(connection, balances))


def read(source: str) -> str:
    """The text of a file or URL. Raises InvalidWhitelist."""
    try:
        if source.startswith(("http://", "https://")):
            with urlopen(source, timeout=FETCH_SECONDS) as response:  # noqa: S310 - http(s) only
                raw: bytes = response.read(MOST_BYTES + 1)
        else:
            raw = Path(source).read_bytes()
    except (OSError, URLError, ValueError) as error:
        raise InvalidWhitelist(
            f"{source} is neither a readable file or URL nor a Bitcoin address: {error}"
        ) from None
    if len(raw) > MOST_BYTES:
        raise InvalidWhitelist(f"{source} is larger than {MOST_BYTES} bytes.")
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise InvalidWhitelist(f"line {line}: not UTF-8 text") from None


def replace(connection: Connection, balances: dict[str, int]) -> WhitelistChange:
    """Make *balances* the whole whitelist."""
    known = set(connection.execute(select(Address.address)).scalars())
    gone = sorted(known - balances.keys())
    tokens, contracts = remove(connection, gone)
    change = merge(connection, balances)
    return WhitelistChange(
        change.added, change.updated, change.unchanged, len(gone), tokens, contracts
    )


def add(connection: Connection, address: str, balance: int) -> WhitelistChange:
    """Add one address, or raise its balance to *balance*."""
    query = select(Address.balance).where(Address.address == address)
    known = connection.execute(query).scalar_one_or_none()
    return merge(connection, {address: max(balance, known or 0)})


def merge(connection: Connection, balances: dict[str, int]) -> WhitelistChange:
    """Add and update addresses, and leave all others alone."""
    query = select(Address.address, Address.balance)
    known = {row.address: row.balance for row in connection.execute(query)}
    new = [
        {"address": address, "balance": balance}
        for address, balance in sorted(balances.items())
        if address not in known
    ]
    changed = [
        name for name in sorted(balances) if known.get(name, balances[name]) != balances[name]
    ]
    for rows in batched(new):
        connection.execute(insert(Address), rows)
    for address in changed:
        statement = update(Address).where(Address.address == address)
        connection.execute(statement.values(balance=balances[address]))
    same = len(balances) - len(new) - len(changed)
    return WhitelistChange(len(new), len(changed), same, 0, 0, 0)


def remove(connection: Connection, addresses: Sequence[str]) -> tuple[int, int]:
    """Remove *addresses* with their farmers and contracts; how many of each there were."""
    tokens = contracts = 0
    for names in batched(addresses):
        # The locks keep new farmers and contracts of these addresses out.
        lock = select(Address.address).where(Address.address.in_(names))
        connection.execute(lock.order_by(Address.address).with_for_update()).all()
        farmers = select(Farmer.id).where(Farmer.address.in_(names)).order_by(Farmer.id)
        for farmer in connection.execute(farmers.with_for_update()).scalars().all():
            contracts += remove_farmer(connection, farmer)
            tokens += 1
        connection.execute(delete(Address).where(Address.address.in_(names)))
    return tokens, contracts


def remove_farmer(connection: Connection, farmer: int) -> int:
    """Remove a farmer, whose row is locked, and its contracts; how many there were."""
    queries.return_chunks(connection, queries.open_of(connection, farmer))
    removed = connection.execute(delete(Contract).where(Contract.farmer == farmer)).rowcount
    connection.execute(delete(Farmer).where(Farmer.id == farmer))
    return removed
