"""Routes of signing in: to Steam, and back to the page that shows the key."""

from http import HTTPStatus

from flask import Blueprint, Response, redirect, request
from werkzeug.wrappers import Response as AnyResponse

from downstream_node import html
from downstream_node.demos import door, openid, sign_in, tickets
from downstream_node.errors import DemoRefused, SteamFailed
from downstream_node.web import current_node

blueprint = Blueprint("demo_sign_in", __name__, template_folder="templates")
door.prepare(blueprint)

NOT_SIGNED_IN = "You are not signed in"
STARTED_ELSEWHERE = (
    "This sign-in did not begin in this browser, or began too long ago: begin at /provision."
)


@blueprint.get("/provision")
def provision() -> AnyResponse:
    """To Steam. Raises DemoRefused (503) if the node does not know its address."""
    node = current_node()
    base = sign_in.base_url(node, request.url_root)
    ticket = tickets.new_ticket()
    back = f"{sign_in.HANDLER}/{ticket}"
    answer = redirect(sign_in.login_url(node, base, back), HTTPStatus.SEE_OTHER)
    return tickets.hand_out(answer, ticket, sign_in.HANDLER)


@blueprint.get(sign_in.HANDLER)
@blueprint.get(f"{sign_in.HANDLER}/<ticket>")
def provision_handler(ticket: str = "") -> Response:
    """Back from Steam: the page with the key, or one that says why there is none."""
    node = current_node()
    if not openid.has_fields(request.args.items()):
        return page(NOT_SIGNED_IN)
    if not ticket or not tickets.is_good(ticket):
        return page(NOT_SIGNED_IN, HTTPStatus.UNAUTHORIZED, text=STARTED_ELSEWHERE)
    try:
        base = sign_in.base_url(node, request.url_root)
        back = f"{sign_in.HANDLER}/{ticket}"
        answer = page("Your key", key=sign_in.new_key(node, request.args, base, back))
        return tickets.take_back(answer, sign_in.HANDLER)
    except DemoRefused as error:
        return page(NOT_SIGNED_IN, error.status, text=str(error))
    except SteamFailed as error:
        return page(NOT_SIGNED_IN, HTTPStatus.BAD_GATEWAY, text=str(error))


def page(heading: str, status: int = HTTPStatus.OK, *, key: str = "", text: str = "") -> Response:
    """A page of the sign-in. Its address, which says who signed in, goes to no other request."""
    response = html.page(
        "demos/sign_in.html", status, heading=heading, code=status, key=key, text=text
    )
    response.headers["Referrer-Policy"] = "no-referrer"
    return response
