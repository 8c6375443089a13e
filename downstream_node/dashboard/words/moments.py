"""Moments in time, and the sentences that contain them.

A sentence is a list of parts: texts, and moments, which templates show as elements that a script
turns into the reader's own time.
"""

import datetime as dt
from dataclasses import dataclass

from downstream_node.dashboard.words.numbers import duration


@dataclass(frozen=True, slots=True)
class Until:
    """A moment in the future, said as the time from *now* until then: 41 s."""

    moment: dt.datetime
    now: dt.datetime

    @property
    def text(self) -> str:
        """The time that is left."""
        return duration(max(0.0, (self.moment - self.now).total_seconds()))


Sentence = list[str | dt.datetime | Until]


def moment(value: dt.datetime) -> str:
    """*value* as 22 Nov 2026, 12:03 UTC."""
    return f"{value.day} {value:%b %Y, %H:%M} UTC"


def ago(value: dt.datetime, now: dt.datetime) -> str:
    """How long before *now* it was."""
    return f"{duration(max(0.0, (now - value).total_seconds()))} ago"


def iso(value: dt.datetime) -> str:
    """*value* for machines, in whole seconds."""
    return f"{value:%Y-%m-%dT%H:%M:%SZ}"


def day(value: dt.date) -> str:
    """*value* as 22 Nov."""
    return f"{value.day} {value:%b}"
