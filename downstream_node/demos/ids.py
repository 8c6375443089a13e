"""Session ids: 128-bit numbers, which JSON carries as strings unless a client asks for integers.

JavaScript reads numbers beyond 2**53 rounded, so an id that it was given as a number names
nothing any more. Clients of the document's own kind, which read 39 digits as they stand, may ask
for them with `?integers=true`.
"""

from flask import request

from downstream_node.demos.models import SESSION_ID
from downstream_node.demos.parameters import flag
from downstream_node.web import is_whole_number

MOST = 1 << 128
INTEGERS = "integers"
"""The query parameter."""


def wanted_integers() -> bool:
    """Whether the request wants ids as JSON numbers. Raises DemoRefused (400)."""
    return flag(INTEGERS, request.args) or False


def shown(session_id: str, integers: bool) -> str | int:
    """*session_id* as it stands in an answer, with all its digits either way."""
    return int(session_id) if integers else session_id


def given(value: str | int) -> str | None:
    """The id that *value* of a body or query is; None: it cannot be one."""
    text = str(value)
    if not is_whole_number(text, SESSION_ID):
        return None
    return text if int(text) < MOST and str(int(text)) == text else None
