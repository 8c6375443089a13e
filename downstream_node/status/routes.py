"""v1 routes: the status of all farmers, and of one."""

from typing import Any

from flask import Blueprint, Response

from downstream_node.clock import iso
from downstream_node.errors import InvalidRequest, UnknownFarmer
from downstream_node.farmers.queries import is_farmer_id
from downstream_node.node import Node
from downstream_node.status.queries import (
    SORTS,
    FarmerStatus,
    Listing,
    list_farmers,
    show_farmer,
)
from downstream_node.web import current_node, is_whole_number, json_response

blueprint = Blueprint("status", __name__)

MOST_DIGITS = 9
"""Limits and pages with more digits make no sense; their product still fits 64 bits."""

FILTERS = ("", "/online")
ORDERS = ("", "/by/<sort>", "/by/d/<descending_sort>")
CUTS = ("", "/<limit>", "/<limit>/<page>")


def listed(
    *,
    online_only: bool = False,
    sort: str | None = None,
    descending_sort: str | None = None,
    limit: str | None = None,
    page: str | None = None,
) -> Response:
    """The status of farmers, filtered, sorted and cut as the path says."""
    node = current_node()
    listing = Listing(
        online_only=online_only,
        sort=read_sort(descending_sort or sort or "id"),
        descending=descending_sort is not None,
        limit=None if limit is None else read_number("limit", limit),
        page=0 if page is None else read_number("page", page),
    )
    now = node.clock.now()
    farmers = node.database.read(lambda connection: list_farmers(connection, listing, now))
    return json_response({"farmers": [described(node, farmer) for farmer in farmers]})


def add_list_routes() -> None:
    """Route every combination of filter, order and cut, with or without a slash at the end."""
    for filtered in FILTERS:
        for order in ORDERS:
            for cut in CUTS:
                blueprint.add_url_rule(
                    f"/status/list{filtered}{order}{cut}",
                    endpoint="list",
                    view_func=listed,
                    defaults={"online_only": bool(filtered)},
                    strict_slashes=False,
                )


add_list_routes()


@blueprint.get("/status/show/<farmer_id>", strict_slashes=False)
def show(farmer_id: str) -> Response:
    """The status of one farmer."""
    node = current_node()
    now = node.clock.now()
    if not is_farmer_id(farmer_id):
        raise UnknownFarmer
    farmer = node.database.read(lambda connection: show_farmer(connection, farmer_id, now))
    if farmer is None:
        raise UnknownFarmer
    return json_response(described(node, farmer))


def read_sort(text: str) -> str:
    """*text* as the name of a column to sort by. Raises InvalidRequest."""
    if text not in SORTS:
        raise InvalidRequest("Invalid sort.")
    return text


def read_number(what: str, text: str) -> int:
    """*text* as a limit or page. Raises InvalidRequest."""
    if not is_whole_number(text, MOST_DIGITS):
        raise InvalidRequest(f"Invalid {what}.")
    return int(text)


def described(node: Node, farmer: FarmerStatus) -> dict[str, Any]:
    """*farmer* in the form of the v1 API: uptime in per cent, size in bytes, dates in UTC."""
    last_due = None if farmer.last_due is None else iso(node.clock.to_wall(farmer.last_due))
    return {
        "id": farmer.farmer_id,
        "address": farmer.address,
        "ip_hash": farmer.ip_hash,
        "location": {
            "city": farmer.city,
            "country": farmer.country,
            "state": farmer.state,
            "zip": farmer.zip,
            "lat": farmer.lat,
            "lon": farmer.lon,
        },
        "online": bool(farmer.online),
        "uptime": round(farmer.uptime, 2),
        "heartbeats": farmer.heartbeats,
        "contracts": farmer.contracts,
        "size": farmer.size,
        "last_due": last_due,
    }
