"""Days, weeks and months in UTC: which one a time belongs to, and when work is due again. Pure.

Times are milliseconds since 1970. Weeks begin on Monday, as in ISO 8601.
"""

from datetime import UTC, datetime, timedelta

from downstream_node.clock import SECOND

DAY = 86_400 * SECOND
DAYS = {"day": 1, "week": 7, "month": 30}
"""Days from one aggregation to the next, by the definition's frequency."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def days_of(frequency: str | None) -> int:
    """The days between two runs; a definition that names no frequency means a day."""
    return DAYS[frequency or "day"]


def is_due(last_run: int | None, frequency: str | None, now: int) -> bool:
    """Whether the time for the next run has come.

    A last run in the future was written before the clock was set back; it holds nothing up.
    """
    if last_run is None or last_run > now:
        return True
    return now - last_run >= days_of(frequency) * DAY


def date_of(time: int) -> datetime:
    """*time* as a date; exact, and right before 1970 too."""
    return EPOCH + timedelta(milliseconds=time)


def time_of(date: datetime) -> int:
    """The inverse of `date_of`."""
    return (date - EPOCH) // timedelta(milliseconds=1)


def period_start(period: str | None, time: int) -> int:
    """When the day, week or month of *time* begins; None means a day."""
    day = date_of(time).replace(hour=0, minute=0, second=0, microsecond=0)
    if period == "week":
        day -= timedelta(days=day.weekday())
    elif period == "month":
        day = day.replace(day=1)
    return time_of(day)


def period_end(period: str | None, time: int) -> int:
    """The first time after the day, week or month of *time*."""
    begin = date_of(period_start(period, time))
    if period == "month":
        # From no first of a month do 31 days lead over the next one's end.
        return time_of((begin + timedelta(days=31)).replace(day=1))
    return time_of(begin + timedelta(days=days_of(period)))
