"""How a secret reaches a worker: in a box that only that process can open.

A worker makes a key pair when it starts and never writes the private half down, so a box is worth
nothing once the process has ended. The box is libsodium's sealed box (X25519, XSalsa20-Poly1305),
padded so that its length tells a link from an upload but not one link from another.
"""

from dataclasses import dataclass, field
from typing import Self

import msgspec
from nacl import bindings as sodium
from nacl.exceptions import CryptoError
from nacl.public import PrivateKey, PublicKey, SealedBox

from downstream_node.entropy import random_bytes
from downstream_node.errors import SealBroken
from downstream_node.packages.links import Link
from downstream_node.packages.secrets import Secret

PUBLIC_KEY_BYTES = 32
PADDING = 1024
"""A box's content is filled up to a multiple of this many bytes."""


@dataclass(frozen=True)
class Errand:
    """What a worker has to know for a job and nobody may see: the secret, for a link its address.

    Without a *url* the package was uploaded.
    """

    secret: Secret
    url: str | None = field(default=None, repr=False)

    @classmethod
    def of(cls, link: Link) -> Self:
        """To fetch the package of *link*."""
        return cls(link.secret, link.url)

    @property
    def link(self) -> Link | None:
        """The link to fetch, None for an upload."""
        return None if self.url is None else Link(self.url, self.secret)


class Content(msgspec.Struct, forbid_unknown_fields=True):
    """What a box holds, as JSON."""

    secret: str
    url: str | None


class WorkerKeys:
    """The key pair of one worker process, in its memory alone."""

    def __init__(self, private: PrivateKey) -> None:
        self._private = private

    @classmethod
    def generate(cls) -> Self:
        """A new pair, for a process that starts."""
        return cls(PrivateKey(random_bytes(PrivateKey.SIZE)))

    @property
    def public(self) -> bytes:
        """What the worker publishes. 32 bytes."""
        return bytes(self._private.public_key)

    def open(self, box: bytes, package_id: str) -> Errand:
        """The errand in *box*.

        Raises SealBroken if the box is not for this worker, is damaged, or belongs to another
        job than that of *package_id*.
        """
        try:
            padded = SealedBox(self._private).decrypt(box)
            content = msgspec.json.decode(sodium.sodium_unpad(padded, PADDING), type=Content)
        except (CryptoError, TypeError, ValueError, msgspec.MsgspecError):
            # Without the cause: it may show a piece of what was in the box.
            raise SealBroken from None
        secret = Secret(content.secret)
        if not secret.opens(package_id):
            raise SealBroken
        return Errand(secret, content.url)


def sealed_to(public: bytes, errand: Errand) -> bytes:
    """A box with *errand* for the worker that published *public*.

    Raises SealBroken if *public* is no public key.
    """
    content = msgspec.json.encode(Content(errand.secret.text, errand.url))
    try:
        return SealedBox(PublicKey(public)).encrypt(sodium.sodium_pad(content, PADDING))
    except (CryptoError, TypeError, ValueError):
        raise SealBroken from None
