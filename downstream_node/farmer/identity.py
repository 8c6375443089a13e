"""Who a farmer is: a Bitcoin key of its own, with which it signs for its address."""

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from downstream_node.addresses import signatures
from downstream_node.addresses.freshness import fresh_message
from downstream_node.entropy import random_bytes
from downstream_node.errors import FarmerStopped
from downstream_node.farmer import files


@dataclass(frozen=True)
class SignedMessage:
    """What shows that its sender owns the address."""

    message: str
    signature: str


@dataclass(frozen=True)
class Identity:
    """The private key, 32 bytes, and its address. The text form never shows the key."""

    key: bytes = field(repr=False)
    address: str

    def sign(self, node_name: str, now: datetime) -> SignedMessage:
        """Return a message that is good for joining the node *node_name* at *now* (aware).

        Raises ValueError when *node_name* is not one word.
        """
        message = fresh_message(node_name, now)
        return SignedMessage(message, signatures.sign(self.key, message))


def load_identity(path: Path) -> Identity:
    """Return the identity in the file at *path*, which is made if it is not there yet.

    Raises FarmerStopped if the file holds no private key.
    """
    if not path.exists():
        # If another process is faster, its key is the one that counts for both.
        files.create(path, new_key())
    key = path.read_bytes()
    try:
        return Identity(key, signatures.address_of(key))
    except ValueError:
        raise FarmerStopped(
            f"{path} is no private key of {signatures.SECRET_BYTES} bytes. Restore it, or move "
            "it away to begin with a new address."
        ) from None


def new_key() -> bytes:
    """Return a new private key."""
    while True:
        key = random_bytes(signatures.SECRET_BYTES)
        try:
            signatures.address_of(key)
        except ValueError:  # zero, or beyond the order of the curve: once in 2**127 keys
            continue
        return key
