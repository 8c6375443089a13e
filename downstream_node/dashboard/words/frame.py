"""What all pages share: their frame, lists over several pages, and what the script says."""

import datetime as dt

from downstream_node.dashboard.words.moments import Sentence
from downstream_node.dashboard.words.numbers import UNITS, number

LANGUAGE = "en-GB"
"""Of all texts; the script writes dates in it, too."""
DOWNSTREAM = "Downstream"

# At the top

SKIP = "Skip to the content"
NAVIGATION = "Main"
NETWORK = "Network"
STATISTICS = "Statistics"
CHATS = "Chats"
PACKAGES = "Packages"
DEMOS = "Recordings"
API = "API"
OPERATOR = "Operator"

# At the bottom

PLACES = "Places are rounded to about 11 km."
GEOLITE = "This product includes GeoLite2 data created by MaxMind, available from"
"""Before MAXMIND; the licence of GeoLite2 asks for these words."""
MAXMIND = "https://www.maxmind.com"
OUTLINES = "Outlines of the world: Natural Earth."
TERMS_HEADING = "What these words mean"

# Up to when, and updates by the script

STOP_UPDATES = "Stop updates"
GO_ON = "Go on updating"
CONNECTED_AGAIN = "Connected again."
LOST = "The node has not answered since {moment}. This is what was known then."
"""The script puts in the moment."""
COPIED = "Copied."
CANNOT_COPY = "Your browser does not let this page copy. Mark the text and copy it yourself."
UNIT_NAMES = " ".join(name for _, name in UNITS)


def title(page: str, node_name: str) -> str:
    """The title of a page of this node."""
    return f"{page} · {node_name}"


def as_of(moment: dt.datetime) -> Sentence:
    """When the numbers of a page were true."""
    return ["As of ", moment, "."]


# Charts and lists

NO_CHART_YET = "A chart will be here after two hours."
PREVIOUS = "← Previous"
NEXT = "Next →"


def page_number(page: int) -> str:
    """Which page; the first is 1."""
    return f"Page {number(page)}"


def page_of(page: int, pages: int) -> str:
    """Which page of how many; the first is 1."""
    return f"Page {number(page)} of {number(pages)}"
