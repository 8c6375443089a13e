"""The operator's pages: the login, what is failing now, and errors.

The problems themselves stand in `operators.problems`: monitors get the same ones.
"""

import datetime as dt
from typing import Literal

from downstream_node.dashboard.words.moments import Sentence
from downstream_node.dashboard.words.numbers import (
    NOTHING,
    counted,
    duration,
    farmers,
    number,
)

FILL = "python runapp.py --maintain MIN MAX TOTAL BASE"
"""What makes chunks."""

VERIFY = "python runapp.py files verify --all"
"""What checks files, and notes which are whole again."""

# The login. What stands between backquotes is code.

LOGIN_TITLE = "Operator: log in"
LOGIN_HEADING = "Operator"
LOGIN_ABOUT = (
    "What is failing now, for who runs this node. Volunteers need no login: all about their "
    "farmers is public."
)
KEY = "Your key"
KEY_HINT = (
    "It begins with `dsop_`. Who can run commands on the node makes one: "
    "`python runapp.py operators add NAME`"
)
LOG_IN = "Log in"
WRONG_KEY = "This is not the key of an operator. Keys begin with dsop_; mind capitals."


def too_many(seconds: int) -> str:
    """Wrong keys came too often; the next try counts in so many *seconds*."""
    return f"Too many wrong keys from your address. Please try again in {seconds} s."


# Errors

TO_PAGE = "Go to the operator's page"
FAILED = "The node could not do this. Its log says why."


def foreign_form(reason: str) -> str:
    """A form without its token; *reason* is the check's own sentence."""
    return (
        f"{reason} The form was too old, came from another site, or your browser refuses the "
        "cookie of this page. Open the page again and repeat what you did."
    )


# The head of the page

HEADING = "What is failing now?"
LOG_OUT = "Log out"
PROBLEMS = "Problems"
SEVERITIES: dict[Literal["urgent", "soon", "note"], str] = {
    "urgent": "Now",
    "soon": "Soon",
    "note": "Note",
}
WELL = "Well"
WELL_TEXT = "Nothing needs you."
NONE = "None."


def title(problems: int) -> str:
    """The title of the page."""
    return counted(problems, "problem", "problems") if problems else "Nothing needs you"


def logged_in(name: str) -> str:
    """Who is logged in."""
    return f"Logged in as {name}."


def as_of(moment: dt.datetime, online: int, total: int) -> Sentence:
    """When the numbers of the page were true, and how many farmers there are."""
    return ["As of ", moment, f": {number(online)} of {farmers(total)} online."]


def table(label: str) -> str:
    """What a table is called for who does not see it."""
    return f"Table: {label}"


FARMER = "Farmer"

# Gone offline

GONE_HEADING = "Gone offline within the last hour"
GONE_ABOUT = (
    "These farmers let their challenges pass. One or two are their own affair; if they are many "
    "at once, look at the network and the proxy."
)
GONE_TABLE = "Farmers gone offline"
OFFLINE_SINCE = "Offline since"


def gone_in_all(count: int) -> str:
    """How many there are besides those in the table."""
    return f"{farmers(count)} in all."


# The pool

POOL_HEADING = "Pool of chunks"
POOL_TABLE = "Chunks in the pool"
SCHEME = "Scheme"
SIZE = "Size"
CHUNKS = "Chunks"
STATE = "State"


def pool_about(one_request: int) -> str:
    """What is needed; code stands between backquotes."""
    return (
        "Farmers get ready chunks only; untagged ones become ready by themselves. One request may "
        f"take {number(one_request)}: with fewer, make more with `{FILL}`."
    )


def pool_counts(ready: int, untagged: int) -> str:
    """What there is."""
    return f"{number(ready)} ready, {number(untagged)} untagged."


def pool_state(*, ready: bool) -> str:
    """How the chunks of one line are."""
    return "ready" if ready else "waits for a tag"


# Contracts that end next

EXPIRING_HEADING = "Contracts that end next"
ENDING = "Ending"
OPEN_IN_ALL = "Open in all"
FIRST_ENDS = "The first ends"


def expiring_about(interval: float) -> str:
    """Whom to look at; *interval* is in seconds."""
    return (
        f"Unless they are answered, these end within {duration(interval)}. A farmer at work "
        "answers in time: look at those that are offline, or that stay here until the last moment."
    )


# Failures

FAILURES_HEADING = "Failures"
FAILURES_ABOUT = (
    "Answers that were missing or wrong. A farmer's own page says why; the same from many farmers "
    "at once points to the node or the network."
)
KINDS_TABLE = "Failures by kind"
KIND = "Kind"
HOUR, DAY, WEEK = "1 h", "24 h", "7 d"
FAILING_HEADING = "Most in 24 hours"
FAILING_TABLE = "Farmers with most failures"
IN_ALL = "In all"
UNANSWERED = "Not answered"
INVALID = "Wrong"
CORRUPTED = "Unreadable"
LAST = "The last"

# The slowest

SLOWEST_HEADING = "Slowest farmers"
MEAN_WAIT = "Mean wait"
HEARTBEATS = "Heartbeats"
NOBODY_ONLINE = "Nobody is online."


def slowest_about(interval: float) -> str:
    """What a long wait leads to; *interval* is in seconds, code stands between backquotes."""
    return (
        "Mean time to an answer, of farmers that are online. Who comes near "
        f"{duration(interval)} is about to lose contracts: fewer of them help, or a longer "
        "`DEFAULT_INTERVAL`."
    )


# Jobs

JOBS_HEADING = "Background jobs"
JOBS_ABOUT = (
    "They close contracts, tag chunks, check files and tidy up. A job that failed is tried again "
    "by itself; the log has the whole error."
)
JOB = "Job"
EVERY = "Every"
LAST_RUN = "Last run"
TOOK = "Took"
DID = "Did"
ERROR = "Error"
NEVER = "never"


def took(seconds: float | None) -> str:
    """How long the last pass of a job took."""
    return NOTHING if seconds is None else f"{seconds:.2f} s"


def did(count: int | None) -> str:
    """How many things the last pass of a job did."""
    return NOTHING if count is None else number(count)


# Outages

OUTAGES_HEADING = "Outages of the node"
NOTHING_TO_CORRECT = "There is nothing to correct."
OUTAGES_TABLE = "Outages"
BEGAN = "Began"
WHAT = "What"
OUTAGE_PAGES = "Pages of outages"
NEWEST = "← Newest"
OLDER = "Older →"
