"""What happened, counted: the rows of the table `activity`. Pure."""

from collections.abc import Iterator

from downstream_node.packages.reading.stamps import HOURS, MINUTES, day_text

Row = tuple[str, str, int, int, str | None, str | None, str | None, str | None, str | None]
"""The columns of `activity`, in its order."""
Key = tuple[str, int, str | None, str | None, str | None, str | None, str | None]
"""Event, hour from 1970, then user, channel, guild and the two extra fields."""

MESSAGE = "message_sent"


class Activity:
    """Counts of events, each by the hour or the day."""

    def __init__(self) -> None:
        self._counts: dict[Key, int] = {}
        self._texts: dict[str, str] = {}

    def __len__(self) -> int:
        """The number of rows so far."""
        return len(self._counts)

    def add(  # noqa: PLR0913 - the columns of the document
        self,
        event: str,
        hour: int,
        *,
        user: str | None = None,
        channel: str | None = None,
        guild: str | None = None,
        extra_1: str | None = None,
        extra_2: str | None = None,
    ) -> None:
        """Count one more of *event* in that *hour*."""
        key = (event, hour, user, channel, guild, extra_1, extra_2)
        self._counts[key] = self._counts.get(key, 0) + 1

    def once(self, text: str) -> str:
        """The same *text*, as it was first met: the ids of a package come again and again."""
        return self._texts.setdefault(text, text)

    def taken(self) -> Iterator[Row]:
        """The rows, in the order in which they came up; none is kept."""
        counts, self._counts, self._texts = self._counts, {}, {}
        for (event, hour, user, channel, guild, extra_1, extra_2), count in counts.items():
            day, in_day = divmod(hour, HOURS)
            yield event, day_text(day), in_day, count, user, channel, guild, extra_1, extra_2


def hour_of(minute: int) -> int:
    """The hour of *minute*, both from 1970."""
    return minute // MINUTES


def day_of(minute: int) -> int:
    """The first hour of the day of *minute*: events counted by the day have hour 0."""
    return minute // MINUTES // HOURS * HOURS
