"""Which links lead to packages, and where a link may lead on to. Pure.

A person's text becomes a `Link` here, or is refused; nothing is ever fetched by anything else.
"""

import base64
import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple, Self
from urllib.parse import urljoin, urlsplit

from downstream_node.errors import InvalidSettings, PackageRefused
from downstream_node.packages.secrets import LONGEST, Secret


class FetchRefusal(StrEnum):
    """Why a link, or what it leads to, is refused. The first two are the document's."""

    INVALID_LINK = "INVALID_LINK"
    EXPIRED_LINK = "EXPIRED_LINK"
    TOO_LARGE = "TOO_LARGE"
    TIMED_OUT = "TIMED_OUT"
    UNREACHABLE = "UNREACHABLE"


SENTENCES = {
    FetchRefusal.INVALID_LINK: "The link does not lead to a package.",
    FetchRefusal.EXPIRED_LINK: "The link has expired.",
    FetchRefusal.TOO_LARGE: "The package is too large.",
    FetchRefusal.TIMED_OUT: "The package took too long to come.",
    FetchRefusal.UNREACHABLE: "The package could not be fetched.",
}
RETRYABLE = frozenset({FetchRefusal.TIMED_OUT, FetchRefusal.UNREACHABLE})
"""Another attempt may go better."""

PREFIX = "https://click.discord.com/ls/click?upn="
SHORTEST_UPN = 500
PACKAGE_LINK = re.compile(rf"{re.escape(PREFIX)}([A-Za-z0-9._-]{{{SHORTEST_UPN},{LONGEST}}})")
PORTS = {"https": 443, "http": 80}
LARGEST_PORT = 0xFFFF
HOST = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\]")
ADDRESS = re.compile(r"[!#-;=?-\[\]_a-z~|]+")
"""What a link is made of: visible ASCII without quotes, brackets < >, { }, \\, ^ and `."""


class Origin(NamedTuple):
    """Whom a link speaks to: scheme, host (lower case, an IPv6 address in brackets), port."""

    scheme: str
    host: str
    port: int

    @classmethod
    def of(cls, url: str) -> Self:
        """The origin of *url*. Raises ValueError for what no link of a package has."""
        parts = urlsplit(url)
        host, _, port = parts.netloc.lower().partition(":")
        if host.startswith("["):
            host, _, port = parts.netloc.lower().partition("]")
            host, port = f"{host}]", port.removeprefix(":")
        if parts.scheme not in PORTS or not HOST.fullmatch(host):
            raise ValueError
        if not re.fullmatch(r"[0-9]{0,5}", port):
            raise ValueError
        number = int(port) if port else PORTS[parts.scheme]
        if not 0 < number <= LARGEST_PORT:
            raise ValueError
        return cls(parts.scheme, host, number)

    @property
    def authority(self) -> str:
        """Host and port as a request names them: the usual port is left out."""
        return self.host if self.port == PORTS[self.scheme] else f"{self.host}:{self.port}"

    @property
    def text(self) -> str:
        """How its links start."""
        return f"{self.scheme}://{self.authority}/"


@dataclass(frozen=True)
class Link:
    """Where a package is fetched from, and its secret. Its text form shows neither."""

    url: str = field(repr=False)
    secret: Secret


def refused(code: FetchRefusal) -> PackageRefused:
    """The refusal with this *code*; it says nothing of the link."""
    return PackageRefused(code, SENTENCES[code])


def allowed_origins(setting: str) -> frozenset[Origin]:
    """The hosts of PACKAGES_ALLOWED_HOSTS: `host`, `host:port`, or with http:// or https:// before.

    Raises InvalidSettings.
    """
    return frozenset(allowed_origin(item.strip()) for item in setting.split(",") if item.strip())


def allowed_origin(item: str) -> Origin:
    """One host of the setting; https unless it says http."""
    url = item if "://" in item else f"https://{item}"
    try:
        origin = Origin.of(url)
    except ValueError:
        origin = None
    # As written: no path, no name and password, nothing that could mean another host.
    if origin is None or url.lower() not in {
        f"{origin.scheme}://{origin.host}",
        f"{origin.scheme}://{origin.host}:{origin.port}",
    }:
        raise InvalidSettings(
            f"PACKAGES_ALLOWED_HOSTS has {item!r}; it must be a host such as files.example.org, "
            "files.example.org:8443 or http://127.0.0.1:8123."
        )
    return origin


def read_link(value: object, allowed: frozenset[Origin] = frozenset()) -> Link:
    """The link that a person sent. Raises PackageRefused (INVALID_LINK) for anything else.

    Discord's link is matched from end to end. A link to a host of *allowed* starts with exactly
    that host; its secret is the whole link in base64url, so that no two hosts share an id.
    """
    if not isinstance(value, str):
        raise refused(FetchRefusal.INVALID_LINK)
    match = PACKAGE_LINK.fullmatch(value)
    if match is not None:
        return Link(value, Secret(match[1]))
    encoded = base64.urlsafe_b64encode(value.encode(errors="replace")).rstrip(b"=").decode()
    starts = any(value.startswith(origin.text) for origin in allowed)
    if not starts or "#" in value or not ADDRESS.fullmatch(value) or len(encoded) > LONGEST:
        raise refused(FetchRefusal.INVALID_LINK)
    return Link(value, Secret(encoded))


def redirected(url: str, location: str, allowed: frozenset[Origin]) -> str:
    """Where *url* leads on to. Raises PackageRefused (INVALID_LINK).

    Any host may be, on https and its usual port; what its name resolves to is checked when it is
    connected to. Other ports, and http, only where *allowed* says so.
    """
    try:
        target = urljoin(url, location).partition("#")[0]
        origin = Origin.of(target)
    except ValueError:
        raise refused(FetchRefusal.INVALID_LINK) from None
    usual = origin.scheme == "https" and origin.port == PORTS["https"]
    if not ADDRESS.fullmatch(target) or not (usual or origin in allowed):
        raise refused(FetchRefusal.INVALID_LINK)
    return target
