"""The pages of the chat archive: search, what was found, one channel read through, the login."""

import datetime as dt
from typing import Literal

from downstream_node.dashboard.words.numbers import counted, number

Order = Literal["newest", "oldest", "relevance"]

HEADING = "Chats"
SEARCH_HEADING = "Search the chats"
BOX = "Search for"
BOX_EXAMPLE = "Words, “a phrase”, from:ada, has:image …"
SEARCH = "Search"
SLASH = "/"
"""The key that leads to the box."""
TO_RESULTS = "Skip to what was found"

# Filters

FILTERS = "Filter"
FILTERS_ABOUT = "What you choose here is added to the search."
CHANNEL = "Channel"
ANY_CHANNEL = "Any channel"
AUTHOR = "Author"
AUTHOR_EXAMPLE = "A name"
SINCE = "From"
UNTIL = "Up to"
HAS = "With"
ANYTHING = "Anything"
ADD = "Add"

HAS_NAMES = {
    "attachment": "an attachment",
    "image": "an image",
    "video": "a video",
    "sound": "a sound",
    "file": "another file",
    "link": "a link",
    "embed": "a preview",
    "sticker": "a sticker",
    "reaction": "a reaction",
    "mention": "a mention",
    "poll": "a poll",
}
"""What `has:` can ask for, as it is told."""
IS_NAMES = {
    "pinned": "pinned",
    "edited": "edited",
    "reply": "a reply",
    "forwarded": "forwarded",
    "bot": "by a bot",
    "deleted": "deleted",
}
"""What `is:` can ask for, as it is told."""

# Order

ORDER = "Order"
ORDERS: dict[Order, str] = {
    "newest": "Newest first",
    "oldest": "Oldest first",
    "relevance": "Best first",
}

# What was found

REMOVE = "Remove from the search"
UNDERSTOOD = "Understood as"
PAGES = "Pages of what was found"
NOTHING_HEADING = "Nothing found"
TRY_LESS = "All of the above has to be true of a message. Take something off."
TRY_OTHER = "Look at the spelling, or try another word."
TRY_PARTS = (
    "Words are found in all their English forms, but only as whole words. This finds characters "
    'anywhere: `contains:"part"`'
)
EMPTY_HEADING = "Nothing is archived yet"
EMPTY_ABOUT = "The node has no message that everybody may see, or none at all."
EMPTY_HINT = (
    "Who can run commands on the node puts an export into it: `downstream chats import FILE`"
)
MESSAGES_PER_MONTH = "Messages per month"
MESSAGES_PER_YEAR = "Messages per year"
ALL_DATES = "All dates"
BY_CHANNEL = "Channels"
BY_AUTHOR = "Authors"
NARROW = "Narrow"

# One message

CONTEXT = "Read on from here"
READ_CHANNEL = "Read on →"
REPLY_TO = "In reply to"
NOT_ARCHIVED = "a message that is not in the archive"
PINNED = "pinned"
DELETED = "deleted later"
BOT = "bot"
EDITED = "edited"
FORWARDED = "Forwarded"
ATTACHMENTS = "Attachments"
STICKER = "Sticker"
REACTIONS = "Reactions"
SHOW_REST = "Show the rest"
NO_TEXT = "No text"

# One channel, read through

BACK_TO_RESULTS = "Back to what was found"
SEARCH_CHATS = "Search the chats"
EARLIER_MESSAGES = "↑ Earlier messages"
LATER_MESSAGES = "↓ Later messages"
FIRST_MESSAGE = "The first message of the channel"
LAST_MESSAGE = "The last message that is archived"
READ_ON = "Earlier and later messages"
NO_SUCH_MESSAGE = (
    "There is no such message",
    "It is not in the archive, or it is not for you to see. Search for what it said.",
)

# Help. What stands between backquotes is code.

HELP = "Help"
HELP_HEADING = "How to search"
OPERATORS = (
    ("`kettle tea`", "both words, in any form: “teas”, “Tea”"),
    ('`"the kettle"`', "these words in a row"),
    ('`contains:"100%"`', "exactly these characters, even inside a word"),
    ("`tea OR coffee`", "at least one of them"),
    ("`-coffee`", "without it; the sign works before everything below, too"),
    ("`(tea OR coffee) milk`", "parentheses group"),
    ("`from:ada`", 'by an author; names with spaces in quotation marks: `from:"Ada L"`'),
    ("`in:general`", "in a channel or server"),
    ("`mentions:bo`", "mentions somebody"),
    ("`during:2024-04`", "in that year, month or day (UTC)"),
    ("`after:2024-04-26`", "later than that day; `before:` is earlier"),
    (
        "`has:image`",
        "attachment, image, video, sound, file, link, embed, sticker, reaction, mention, poll",
    ),
    ("`is:pinned`", "pinned, edited, reply, forwarded, bot, deleted"),
)
KEYS_HEADING = "Keys"
KEYS = (
    ("/", "to the search box"),
    ("j k", "to the next message that was found, to the one before"),
    ("↓ ↑", "the same, from the box or from a message"),
    ("Enter", "read on from the message"),
    ("Esc", "back to the box"),
    ("?", "this help"),
)

# Login

LOGIN_TITLE = "Chats: log in"
LOGIN_HEADING = "These chats are private"
LOGIN_ABOUT = "Who keeps this archive gives keys to those who may read it."
LOGIN_OPEN = "Log in to see more"
KEY = "Your key"
KEY_HINT = "It begins with `dsck_`. Who can run commands on the node makes one."
LOG_IN = "Log in"
LOG_OUT = "Log out"
WRONG_KEY = "This is no key of the archive. Mind capitals, and copy it whole."
FOREIGN_FORM = "This form came from another page, or is too old. Load the page and try again."

# What goes wrong

PROBLEM_HEADING = "This search cannot be read"
RATE_HEADING = "A little slower, please"


def too_many(seconds: int) -> str:
    """Wrong keys came too often."""
    return f"Too many wrong keys from your address. Please try again in {seconds} s."


def too_fast(seconds: int) -> str:
    """Searches came too often."""
    return f"Too many searches in a short time. The next one can be made in {seconds} s."


def logged_in(name: str) -> str:
    """Who is logged in."""
    return f"Logged in as {name}"


def found(total: int) -> str:
    """How many messages were found, exactly."""
    return counted(total, "message", "messages")


def archived(total: int) -> str:
    """What there is to search through."""
    return f"{found(total)}, the latest first"


def ranked(most: int) -> str:
    """What "best first" means when more was found than is ranked."""
    return f"Only the newest {number(most)} were compared; older ones follow in order of time."


def newest(most: int) -> str:
    """Which hits channels and authors are counted of, when there are more."""
    return f"Counted among the newest {number(most)}."


def month(year: int, month_number: int | None) -> str:
    """April 2024, or a whole year."""
    if month_number is None:
        return str(year)
    return f"{dt.date(2000, month_number, 1):%B} {year}"


def column(year: int, month_number: int | None, count: int) -> str:
    """One column of the timeline."""
    return f"{month(year, month_number)}: {found(count)}"


TERMS = {
    "text": "“{}”",
    "contains": "exactly “{}”",
    "from": "by {}",
    "in": "in #{}",
    "mentions": "mentions {}",
    "after": "after {}",
    "before": "before {}",
    "during": "during {}",
}
"""Kinds of terms, as they are told."""


def term(kind: str, value: str, *, negated: bool) -> str:
    """One term of a search as it was understood."""
    if kind == "has":
        told = f"with {HAS_NAMES.get(value, value)}"
    elif kind == "is":
        told = IS_NAMES.get(value, value)
    else:
        told = TERMS.get(kind, "{}").format(value.removeprefix("#") if kind == "in" else value)
    return f"not {told}" if negated else told


def unknown(names: list[str]) -> str:
    """Names in the search that nobody has."""
    listed = ", ".join(f"“{name}”" for name in names)
    return f"Nobody here and no channel is called {listed}."


def channel(name: str) -> str:
    """A channel by its name."""
    return f"#{name}"


def read_channel(name: str) -> str:
    """Leads to the channel as a whole."""
    return f"Read on in #{name}"


def title(query: str) -> str:
    """The title of a page of results."""
    return f"{query} – {HEADING}" if query else HEADING  # noqa: RUF001 - a dash on purpose


def revisions(count: int) -> str:
    """How often a message was changed."""
    return f"edited, {counted(count, 'earlier text', 'earlier texts')}"


def replaced(moment: dt.datetime | None) -> str:
    """Until when an earlier text stood."""
    return "Earlier" if moment is None else f"Until {moment.day} {moment:%b %Y} or before"


def reaction(emoji: str, count: int) -> str:
    """How many reacted with an emoji."""
    return f"{emoji} {number(count)}"


def command(name: str) -> str:
    """The command that a bot answers."""
    return f"answer to /{name}"


def at_character(position: int) -> str:
    """Where in the query something is wrong; the first character is 1."""
    return f"At character {number(position)}:"
