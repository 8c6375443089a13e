"""The one secret of a package, and what follows from it: its id and its keys. Pure.

A person's secret is the UPN of their link, or what their browser drew for an upload. The node
never stores it, nor anything that opens the package: the id is a hash that leads nowhere, and
the keys exist only while a request or a worker holds the secret.
"""

import hashlib
import hmac
import re
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from downstream_node.errors import PackageRefused

ID_BYTES = 16
KEY_BYTES = 32
ID_PURPOSE = b"downstream package id 1"
KEY_PURPOSE = b"downstream package key 1"
UPLOAD_PURPOSE = b"downstream upload key 1"

INVALID_SECRET = "INVALID_SECRET"  # noqa: S105 - the name of a refusal
LONGEST = 8000
"""Characters of the longest secret: servers refuse longer headers, so it could prove nothing."""
SECRET = re.compile(rf"[A-Za-z0-9._-]{{1,{LONGEST}}}")
UPLOAD_SECRET = re.compile(rf"[A-Za-z0-9_-]{{43,{LONGEST}}}")
"""Base64url of 32 random bytes or more."""
AUTHORIZATION = re.compile(r"[^\s]+ +([^\s]+) *")
"""Any scheme, and the secret."""


@dataclass(frozen=True)
class Secret:
    """A secret that nobody sees by accident: its text form shows nothing of it.

    Raises PackageRefused (INVALID_SECRET) for a *text* that cannot be the secret of a package.
    """

    text: str = field(repr=False)

    def __post_init__(self) -> None:
        if not SECRET.fullmatch(self.text):
            raise refused()

    @property
    def package_id(self) -> str:
        """The id of its package: 32 hex digits, the start of a SHA-256 with a purpose."""
        message = ID_PURPOSE + b"\0" + self.text.encode()
        return hashlib.sha256(message).digest()[:ID_BYTES].hex()

    @property
    def key(self) -> bytes:
        """What its sealed package is encrypted with. 32 bytes."""
        return self._derived(KEY_PURPOSE)

    @property
    def upload_key(self) -> bytes:
        """What the working files of its upload are encrypted with. 32 bytes."""
        return self._derived(UPLOAD_PURPOSE)

    def opens(self, package_id: str) -> bool:
        """Whether it is the secret of *package_id*; takes as long whatever the answer."""
        return hmac.compare_digest(self.package_id.encode(), package_id.encode())

    def _derived(self, purpose: bytes) -> bytes:
        # No salt: the secret is random enough, and the browser has to come to the same key.
        info = purpose + bytes.fromhex(self.package_id)
        return HKDF(SHA256(), KEY_BYTES, salt=None, info=info).derive(self.text.encode())


def refused() -> PackageRefused:
    """The refusal of a secret; it does not repeat it."""
    return PackageRefused(INVALID_SECRET, "This is not the secret of a package.")


def presented(authorization: str | None) -> Secret | None:
    """The secret in a header `Authorization: <any scheme> <secret>`, None if there is none."""
    match = AUTHORIZATION.fullmatch(authorization or "")
    if match is None or not SECRET.fullmatch(match[1]):
        return None
    return Secret(match[1])


def uploader(text: object) -> Secret:
    """The secret that a client made for an upload: base64url, 43 characters or more.

    Raises PackageRefused (INVALID_SECRET).
    """
    if not isinstance(text, str) or not UPLOAD_SECRET.fullmatch(text):
        raise refused()
    return Secret(text)
