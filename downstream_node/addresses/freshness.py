"""Freshness of a signed message: that it was written for this node, and not long ago.

A signature alone can be shown again by whoever has seen it, at any time and to any node. A fresh
message names the node and the time in UTC, so that it is of use here and now only:
`downstream-node 2026-11-22T01:44:00Z`. Other words may stand around the two.
"""

import re
from datetime import UTC, datetime
from typing import Final

FUTURE_TOLERANCE_SECONDS: Final = 60
"""How far a farmer's clock may be ahead of ours."""

_TIME: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")


def is_fresh(message: str, node_name: str, now: datetime, max_age_seconds: int) -> bool:
    """Whether *message* names this node and exactly one time, and that time is recent.

    Args:
        message: any text; the node's name and the time are words set off by white space.
        node_name: one word, the name that this node goes by.
        now: the instant of receipt, aware.
        max_age_seconds: the greatest age that is still fresh.

    Two times are as bad as none: nobody could tell which of them was meant.
    """
    words = message.split()
    times = [time for time in map(_parse_time, words) if time is not None]
    if node_name not in words or len(times) != 1:
        return False
    age = (now - times[0]).total_seconds()
    return -FUTURE_TOLERANCE_SECONDS <= age <= max_age_seconds


def fresh_message(node_name: str, now: datetime) -> str:
    """Return the message that a farmer signs to join *node_name* at *now* (aware).

    Raises ValueError when *node_name* is not one word: no node could find it again.
    """
    if node_name.split() != [node_name]:
        message = f"a node's name is one word, not {node_name!r}"
        raise ValueError(message)
    time = now.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds")
    return f"{node_name} {time}Z"


def _parse_time(word: str) -> datetime | None:
    """Return the UTC time that *word* writes in full, to the second; None for other words."""
    # The pattern comes first because fromisoformat takes many other forms.
    if _TIME.fullmatch(word) is None:
        return None
    try:
        return datetime.fromisoformat(word)
    except ValueError:  # looks like a time, but there is no 30th of February
        return None
