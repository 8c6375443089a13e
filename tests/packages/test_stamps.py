"""Stamps are read as UTC, to the minute."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from downstream_node.packages.reading.stamps import day_text, minute_of, seconds_text

MINUTE = int(datetime(2021, 6, 1, 8, 30, tzinfo=UTC).timestamp()) // 60


@pytest.mark.parametrize(
    "stamp",
    [
        pytest.param('"2021-06-01T08:30:59.999Z"', id="analytics"),
        pytest.param("2021-06-01 08:30:00", id="messages"),
        pytest.param("2021-06-01 08:30:00.123000+00:00", id="messages in CSV"),
        pytest.param("2021-06-01T08:30:00.123456+00:00", id="payments"),
        pytest.param("2021-06-01 08:30:00 UTC", id="newer analytics"),
        pytest.param("2021-06-01T10:30:59+02:00", id="another zone"),
        pytest.param("2021-05-31T22:30:00-10:00", id="another day"),
        pytest.param("2021-06-01T08:30", id="no seconds"),
    ],
)
def test_forms(stamp: str) -> None:
    """All forms that packages have, seconds cut."""
    assert minute_of(stamp) == MINUTE


@pytest.mark.parametrize(
    "stamp",
    [
        *("", "null", '"null"', "2021-02-30T08:30:00Z", "2021-06-01T24:00:00Z"),
        *("2021-06-01T08:60:00Z", "0000-01-01T00:00:00Z", "٢٠٢١-06-01T08:30:00Z", "tomorrow"),
        *("0001-01-01T00:30:00+01:00", "9999-12-31T23:30:00-01:00"),
    ],
)
def test_no_stamps(stamp: str) -> None:
    """What is no time, or none that a calendar has in UTC, is refused."""
    with pytest.raises(ValueError, match=r".*"):
        minute_of(stamp)


@given(st.datetimes(datetime(2, 1, 1), datetime(9998, 1, 1)), st.integers(-1439, 1439))  # noqa: DTZ001
def test_any_zone(local: datetime, offset: int) -> None:
    """A stamp that names its zone means that instant."""
    when = local.replace(tzinfo=timezone(timedelta(minutes=offset)))
    expected = (when - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(minutes=1)
    assert minute_of(when.isoformat()) == expected


def test_times_are_written_as_the_document_does() -> None:
    """Days as dates, instants as seconds with one decimal, in a text."""
    assert day_text(MINUTE // 1440) == "2021-06-01"
    assert seconds_text(MINUTE) == "1622536200.0"
