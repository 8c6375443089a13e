"""The only caller of the system's random source, and the node's one secret: the master key.

Every other secret of the node is derived from the master key, so that a backup of one file
of 32 bytes, beside the database, is enough.
"""

import contextlib
import hmac
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from downstream_node.errors import WrongMasterKey

MASTER_KEY_BYTES = 32


def random_bytes(count: int) -> bytes:
    """*count* bytes that nobody can guess."""
    return secrets.token_bytes(count)


def below(limit: int) -> int:
    """A whole number from 0 to *limit* - 1, each as likely as the others."""
    return secrets.randbelow(limit)


def derive(key: bytes, purpose: bytes, message: bytes = b"") -> bytes:
    """32 bytes that belong to one *purpose* and *message* under *key*.

    The purpose is closed by a zero byte, so no two (purpose, message) pairs share an input.
    """
    return hmac.digest(key, purpose + b"\0" + message, "sha256")


@dataclass(frozen=True)
class Keys:
    """What the node derives from its master key. Its text form never shows the key."""

    master: bytes

    def __repr__(self) -> str:
        return f"Keys({self.fingerprint})"

    @property
    def fingerprint(self) -> str:
        """32 hex digits that tell master keys apart without telling anything of them."""
        return derive(self.master, b"fingerprint")[:16].hex()

    def contract_secret(self, file_hash: bytes) -> bytes:
        """The secret of one contract: all its challenges come from it. 32 bytes."""
        return derive(self.master, b"contract", file_hash)

    @property
    def session_key(self) -> bytes:
        """What signs the cookies of operators who are logged in. 32 bytes."""
        return derive(self.master, b"session")

    def contributor_hash(self, definition: int, period: int, contributor: str) -> bytes:
        """What is stored of the *contributor* of a measure. 16 bytes.

        Another one in each *period* (any number that names it) and for each *definition*, so that
        nobody can be followed from one to the next.
        """
        message = b"%d\0%d\0" % (definition, period) + contributor.encode()
        return derive(self.master, b"contributor", message)[:16]

    def package_voucher(self, public_key: bytes) -> bytes:
        """What shows that a process of this node made *public_key*: secrets are sealed to it.

        Who can write to the database alone cannot have packages sealed to a key of their own.
        """
        return derive(self.master, b"package worker", public_key)

    def package_signature(self, package_id: str, sha256: bytes, expires: int) -> str:
        """What makes an address of a sealed package good until *expires*. 64 hex digits."""
        message = b"%s\0%s\0%d" % (package_id.encode(), sha256, expires)
        return derive(self.master, b"package address", message).hex()

    def ip_hash(self, address: str) -> str:
        """A keyed hash of an IP address, 32 hex digits.

        Keyed, since all IPv4 addresses can be tried against a plain hash in half an hour.
        """
        return derive(self.master, b"ip", address.encode())[:16].hex()


def load_keys(path: Path) -> Keys:
    """The keys of the master key file, which is made if it is not there yet.

    Raises WrongMasterKey if the file is not 32 bytes long.
    """
    if not path.exists():
        create_master_key(path)
    master = path.read_bytes()
    if len(master) != MASTER_KEY_BYTES:
        raise WrongMasterKey(
            f"{path} is no master key: it has {len(master)} bytes, not {MASTER_KEY_BYTES}."
        )
    return Keys(master)


def create_master_key(path: Path) -> None:
    """Write a new master key, readable by its owner only; one of several racing makers wins."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(random_bytes(MASTER_KEY_BYTES))
        file.flush()
        os.fsync(file.fileno())
    # A link fails if the name is taken, where a rename would overwrite the winner's key.
    with contextlib.suppress(FileExistsError):
        os.link(temporary, path)
    temporary.unlink()
