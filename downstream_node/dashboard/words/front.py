"""The page of the network."""

from collections.abc import Sequence

from downstream_node.dashboard.words import terms
from downstream_node.dashboard.words.numbers import counted, farmers, number, size
from downstream_node.status.reports import Totals

LEAD = (
    "Volunteers keep this community's data. The node asks each of them again and again for a "
    "proof that the data is still there."
)


def title(node_name: str, totals: Totals) -> str:
    """The title of the page."""
    return f"{node_name}: {totals.online} of {totals.farmers} farmers online"


def headline(totals: Totals) -> str:
    """The whole network in one sentence."""
    if not totals.farmers:
        return "No farmer has joined yet."
    if not totals.online:
        return f"None of {farmers(totals.farmers)} is online."
    verb, holds = (
        ("is", "proves that it holds") if totals.online == 1 else ("are", "prove that they hold")
    )
    of_all = f"{number(totals.online)} of {farmers(totals.farmers)}"
    return f"{of_all} {verb} online and {holds} {size(totals.size)}."


# Totals

TOTALS = "Totals"
FARMERS_ONLINE = "Farmers online"
DATA_HELD = "Data held"
HEARTBEATS = "Heartbeats"
HEARTBEATS_BY_HOUR = "Heartbeats by the hour"
CONTRACTS = "Contracts"


def of_all(total: int) -> str:
    """Of how many farmers some are online."""
    return f"of {number(total)}"


def trend(what: str, values: Sequence[str], hours: int) -> str:
    """A small chart in words: from the first to the last of *values*."""
    if not values:
        return f"{what}: nothing was counted yet"
    return f"{what} in the last {hours} hours: {values[0]} at first, {values[-1]} now"


def trend_caption(hours: int) -> str:
    """What the small charts have in common."""
    return f"The charts show the last {hours} hours; heartbeats are counted by the hour."


# Where they are

WHERE_HEADING = "Where they are"
ALL_ONLINE = "all online"
SOME_ONLINE = "some online"
NONE_ONLINE = "none online"
RINGS = "The area of a ring is the number of farmers, the filled part those online."
BY_COUNTRY = "Farmers by country"
COUNTRY = "Country"
FARMERS = "Farmers"
ONLINE = "Online"
MORE_COUNTRIES = "More countries"
NO_COUNTRY = "No farmer, no country yet."
NO_PLACE = (
    "No farmer's place is known: the node has no database of places, or none of the farmers' "
    "addresses are in it."
)


def map_summary(totals: Totals) -> str:
    """What the map shows, for who does not see it."""
    where = counted(totals.countries, "country", "countries")
    return (
        f"Map of the world: {number(totals.online)} of {farmers(totals.farmers)} online, in "
        f"{where}. The table of countries has the same numbers."
    )


def at_place(count: int, online: int) -> str:
    """Farmers at one point of the map."""
    return f"{farmers(count)} here, {number(online)} online"


def more_countries(count: int) -> str:
    """*count* countries that are not shown at once."""
    return counted(count, "more country", "more countries")


# The choice of farmers

FIND = "Find my farmer"
FIND_EXAMPLE = "Farmer id or Bitcoin address"
STATE = "State"
ANY = "All"
NOT_ONLINE = "Not online"
MIN_UPTIME = "Uptime from, %"
SORT_BY = "Sort by"
ORDER = "Order"
DESCENDING = "Descending"
ASCENDING = "Ascending"
SHOW = "Show"
ALL_FARMERS = "All farmers"
CANNOT_FIND = (
    "This is neither a farmer id (20 characters, 0 to 9 and a to f; the first 6 are enough if no "
    "other id begins with them) nor a Bitcoin address. Look it over and try again."
)

# The list of farmers

LIST = "List of farmers"
PAGES = "Pages of farmers"
COLUMNS = {
    "id": "Farmer",
    "country": "Place",
    "state": "State",
    "uptime": "Uptime",
    "size": "Held",
    "contracts": "Contracts",
    "heartbeats": "Heartbeats",
    "last_answer": "Last answer",
}
"""Columns by which the list can be sorted, with their headings."""
LAST_DAY = "Last 24 hours"
HOURS = "hours"
"""What the bars of one farmer are."""


def found(total: int) -> str:
    """How many farmers a list has."""
    return "No farmer fits this choice." if not total else f"{farmers(total)} in this list."


def copy_id(farmer_id: str) -> str:
    """What the button beside an id does."""
    return f"Copy the id {farmer_id}"


# Outages

OUTAGES_HEADING = "When the node itself was down"
NO_OUTAGE = "No outage is known."

# Words that need an explanation

TERMS = (
    *(terms.FARMER, terms.NODE, terms.CONTRACT, terms.CHALLENGE),
    *(terms.HEARTBEAT, terms.ONLINE, terms.UPTIME),
)
