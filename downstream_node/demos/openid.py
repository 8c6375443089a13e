"""OpenID 2.0 as Steam speaks it: where to send somebody to sign in, and what came back. Pure.

Section numbers are those of OpenID Authentication 2.0.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import NamedTuple
from urllib.parse import urlencode, urlsplit

from downstream_node.clock import SECOND, WallTime
from downstream_node.errors import DemoRefused

NAMESPACE = "http://specs.openid.net/auth/2.0"
IDENTIFIER_SELECT = f"{NAMESPACE}/identifier_select"
PREFIX = "openid."
MODE = "openid.mode"
MUST_BE_SIGNED = frozenset(
    {"op_endpoint", "claimed_id", "identity", "return_to", "response_nonce", "assoc_handle"}
)
"""Section 10.1. What is not signed says nothing."""
FRESH = 5 * 60 * SECOND
"""A sign-in is good for so long."""
LONGEST = 2048
"""Characters of a field. A nonce has 255 at most, as section 10.1 says."""
LONGEST_NONCE = 255
NONCE_TIME = "%Y-%m-%dT%H:%M:%SZ"
NONCE_TIME_LENGTH = len("2005-05-15T17:11:51Z")
STEAM_ID_DIGITS = 17

UNAUTHORIZED = 401
REFUSED = "This sign-in cannot be accepted. Please sign in again."
CANCELLED = "The sign-in was cancelled."


class Assertion(NamedTuple):
    """What somebody says that Steam said of them; true only once Steam has confirmed it."""

    steam_id: int
    nonce: str
    fields: dict[str, str]


def login_url(endpoint: str, return_to: str) -> str:
    """Where a browser signs in (section 9.1), to be sent back to *return_to*."""
    fields = {
        "openid.ns": NAMESPACE,
        MODE: "checkid_setup",
        "openid.claimed_id": IDENTIFIER_SELECT,
        "openid.identity": IDENTIFIER_SELECT,
        "openid.return_to": return_to,
        "openid.realm": return_to,
    }
    return f"{endpoint}?{urlencode(fields)}"


def has_fields(arguments: Iterable[tuple[str, str]]) -> bool:
    """Whether these arguments of a request are about a sign-in."""
    return any(name.startswith(PREFIX) for name, _ in arguments)


def read_assertion(
    arguments: Iterable[tuple[str, str]], endpoint: str, return_to: str, now: WallTime
) -> Assertion:
    """What came back from *endpoint* to *return_to* (section 11), before Steam is asked.

    Raises DemoRefused (401) unless all of it is as it has to be. Whether the nonce was used before
    is for the caller to see.
    """
    fields = single_fields(arguments)
    if fields.get(MODE) == "cancel":
        raise DemoRefused(UNAUTHORIZED, CANCELLED)
    signed = set(fields.get("openid.signed", "").split(","))
    nonce = fields.get("openid.response_nonce", "")
    claimed = fields.get("openid.claimed_id", "")
    require(fields.get("openid.ns") == NAMESPACE)
    require(fields.get(MODE) == "id_res")
    require(fields.get("openid.op_endpoint") == endpoint)
    require(fields.get("openid.return_to") == return_to)
    require(claimed == fields.get("openid.identity"))
    require(signed >= MUST_BE_SIGNED)
    require(all(fields.get(PREFIX + name) for name in signed))
    require(bool(fields.get("openid.sig")))
    require(is_fresh(nonce, now))
    return Assertion(steam_id_in(claimed, endpoint), nonce, fields)


def single_fields(arguments: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The fields of a sign-in. Raises DemoRefused (401) for one that is there twice, or too long.

    Of two, one could be signed and the other believed.
    """
    fields: dict[str, str] = {}
    for name, value in arguments:
        if name.startswith(PREFIX):
            require(name not in fields and len(name) + len(value) <= LONGEST)
            fields[name] = value
    return fields


def require(condition: bool) -> None:
    """Raise DemoRefused (401) unless *condition*. Which one it was only helps who tries them."""
    if not condition:
        raise DemoRefused(UNAUTHORIZED, REFUSED)


def is_fresh(nonce: str, now: WallTime) -> bool:
    """Whether *nonce*, which begins with Steam's time, was made at most FRESH ago, or ahead."""
    stamp = nonce[:NONCE_TIME_LENGTH]
    if len(nonce) > LONGEST_NONCE or not nonce.isascii():
        return False
    try:
        made = datetime.strptime(stamp, NONCE_TIME).replace(tzinfo=UTC)
    except ValueError:
        return False
    return abs(now - made.timestamp() * SECOND) <= FRESH


def steam_id_in(claimed: str, endpoint: str) -> int:
    """The steam id of a claimed identifier that *endpoint* may speak for (section 11.2).

    Raises DemoRefused (401) unless it is on the host of the endpoint, and exactly of Steam's form.
    """
    parts = urlsplit(endpoint)
    start = re.escape(f"{parts.scheme}://{parts.netloc}/openid/id/")
    found = re.fullmatch(rf"{start}([0-9]{{{STEAM_ID_DIGITS}}})", claimed)
    if found is None:
        raise DemoRefused(UNAUTHORIZED, REFUSED)
    return int(found[1])


def to_confirm(fields: Mapping[str, str]) -> dict[str, str]:
    """What Steam is asked to confirm (section 11.4.2.1): all it is supposed to have said."""
    return {**fields, MODE: "check_authentication"}


def is_confirmed(body: bytes) -> bool:
    """Whether an answer, in key-value form (section 4.1.1), says is_valid:true and nothing else.

    The line has to be exactly this: "is_valid:false" is a text that is not empty, either.
    """
    verdicts = [line for line in body.split(b"\n") if line.startswith(b"is_valid")]
    return verdicts == [b"is_valid:true"]
