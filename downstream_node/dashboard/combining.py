"""Results of one group that begin within one period, taken together as one. Pure but for its types.

Counts and sums add up, means and deviations follow from them. Quartiles do not: those of the whole
are not known from those of its parts.
"""

from collections.abc import Sequence
from math import fsum
from typing import Any

import msgspec

from downstream_node.measures.moments import sample_deviation
from downstream_node.measures.results import NO_QUARTILES, AggregateRow


def combined(rows: Sequence[AggregateRow]) -> AggregateRow:
    """The result of all *rows* (one at least) together, with the place of the first.

    What one of them does not have, the whole does not have.
    """
    if len(rows) == 1:
        return rows[0]
    return msgspec.structs.replace(
        rows[0],
        **NO_QUARTILES,
        count=sum(row.count for row in rows),
        total=fsum(row.total for row in rows),
        avg=mean(rows),
        std=deviation(rows),
        count_not_zero=of_all(sum, [row.count_not_zero for row in rows]),
        least=of_all(min, [row.least for row in rows]),
        greatest=of_all(max, [row.greatest for row in rows]),
        noisy=any(row.noisy for row in rows),
    )


def of_all(function: Any, values: Sequence[Any]) -> Any:  # noqa: ANN401 - of any kind of number
    """*function* of the *values*; None if one of them is not known."""
    return None if None in values else function(values)


def mean(rows: Sequence[AggregateRow]) -> float:
    """The mean of all that *rows* stand for; noise may have left no contribution at all."""
    count = sum(row.count for row in rows)
    if not count:
        return fsum(row.avg for row in rows) / len(rows)
    return fsum(row.avg * row.count for row in rows) / count


def deviation(rows: Sequence[AggregateRow]) -> float | None:
    """The standard deviation of all that *rows* stand for: within them, and of their means."""
    middle = mean(rows)
    parts = []
    for row in rows:
        if row.std is None:
            return None
        parts.append(row.std**2 * (row.count - 1) + row.count * (row.avg - middle) ** 2)
    return sample_deviation(sum(row.count for row in rows), fsum(parts))
