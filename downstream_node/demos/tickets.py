"""One browser's way to Steam and back: a cookie says that it was this one that set out.

Without it, somebody could have others come back with a sign-in that is not theirs, and stream
with a key that is not theirs either.
"""

import base64
import hmac

from flask import Response, request
from werkzeug.wrappers import Response as AnyResponse

from downstream_node import entropy

COOKIE = "recordings-sign-in"
SECONDS = 900
TICKET_BYTES = 16


def new_ticket() -> str:
    """What stands in the address to come back to, and in the cookie."""
    return base64.urlsafe_b64encode(entropy.random_bytes(TICKET_BYTES)).rstrip(b"=").decode()


def hand_out(answer: AnyResponse, ticket: str, path: str) -> AnyResponse:
    """*answer*, which sends a browser off to come back below *path*."""
    answer.set_cookie(
        COOKIE,
        ticket,
        max_age=SECONDS,
        path=path,
        secure=request.is_secure,
        httponly=True,
        # It has to come along when Steam sends the browser back; a session's own does not.
        samesite="Lax",
    )
    return answer


def is_good(ticket: str) -> bool:
    """Whether the request comes from the browser that was handed this *ticket*."""
    return hmac.compare_digest(request.cookies.get(COOKIE, "").encode(), ticket.encode())


def take_back(answer: Response, path: str) -> Response:
    """*answer*, after which the ticket is worth nothing."""
    answer.delete_cookie(COOKIE, path=path)
    return answer
