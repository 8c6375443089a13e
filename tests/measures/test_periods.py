"""Days, weeks and months, at their edges."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from downstream_node.measures.periods import DAY, is_due, period_end, period_start, time_of


def time(*parts: int) -> int:
    """A date in UTC as milliseconds."""
    return time_of(datetime(*parts, tzinfo=UTC))  # type: ignore[misc, arg-type]


@pytest.mark.parametrize(
    ("period", "inside", "begin", "end"),
    [
        pytest.param("day", (2022, 1, 1, 23, 59, 59), (2022, 1, 1), (2022, 1, 2), id="day"),
        pytest.param(None, (2022, 1, 1, 0, 0), (2022, 1, 1), (2022, 1, 2), id="none is a day"),
        pytest.param("week", (2022, 1, 2), (2021, 12, 27), (2022, 1, 3), id="Sunday"),
        pytest.param("week", (2022, 1, 3), (2022, 1, 3), (2022, 1, 10), id="Monday"),
        pytest.param("month", (2024, 2, 29), (2024, 2, 1), (2024, 3, 1), id="leap day"),
        pytest.param("month", (2021, 12, 31), (2021, 12, 1), (2022, 1, 1), id="December"),
        pytest.param("day", (1969, 12, 31, 5), (1969, 12, 31), (1970, 1, 1), id="before 1970"),
    ],
)
def test_periods(
    period: str | None, inside: tuple[int, ...], begin: tuple[int, ...], end: tuple[int, ...]
) -> None:
    """A time belongs to the period that begins at or before it and ends after it."""
    assert period_start(period, time(*inside)) == time(*begin)
    assert period_end(period, time(*inside)) == time(*end)


@given(st.sampled_from(["day", "week", "month", None]), st.integers(-(10**12), 10**13))
def test_periods_leave_no_gap(period: str | None, moment: int) -> None:
    """A time lies in its period, and the next period begins where this one ends."""
    begin, end = period_start(period, moment), period_end(period, moment)
    assert begin <= moment < end
    assert period_start(period, end) == end
    assert period_start(period, end - 1) == begin


@pytest.mark.parametrize(("frequency", "days"), [("day", 1), (None, 1), ("week", 7), ("month", 30)])
def test_frequency(frequency: str | None, days: int) -> None:
    """The next run is due when its days are over, and not a millisecond before."""
    assert not is_due(1000, frequency, 999 + days * DAY)
    assert is_due(1000, frequency, 1000 + days * DAY)


def test_first_run_and_a_clock_set_back_are_due() -> None:
    """What never ran is due, and so is what seems to have run in the future."""
    assert is_due(None, "month", 0)
    assert is_due(1001, "month", 1000)
