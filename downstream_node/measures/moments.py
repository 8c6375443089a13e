"""Count, mean and squared deviations of values, merged without loss. Pure.

Source: Chan, Golub and LeVeque 1979, "Updating formulae and a pairwise algorithm for computing
sample variances".
"""

from dataclasses import dataclass
from math import sqrt

LARGEST = 1e140
"""The largest value that is counted: squares of it, and sums of as many squares as there can be,
stay finite. A larger one would spoil its cell for good."""


@dataclass(frozen=True, slots=True)
class Moments:
    """What is known of some values. All is 0 while there are none.

    `deviations` is the sum of the squared differences between the values and their mean.
    """

    count: int
    count_not_zero: int
    total: float
    mean: float
    deviations: float
    least: float
    greatest: float


def merged(left: Moments, right: Moments) -> Moments:
    """The moments of the values of both."""
    if not left.count or not right.count:
        return left if left.count else right
    count = left.count + right.count
    total = left.total + right.total
    apart = right.mean - left.mean
    return Moments(
        count=count,
        count_not_zero=left.count_not_zero + right.count_not_zero,
        total=total,
        # From the means and not from the total: that would lose digits where values cancel out.
        mean=left.mean + apart * (right.count / count),
        deviations=left.deviations
        + right.deviations
        + apart * apart * (left.count * (right.count / count)),
        least=min(left.least, right.least),
        greatest=max(left.greatest, right.greatest),
    )


def sample_deviation(count: int, deviations: float) -> float:
    """The standard deviation of a sample of *count* values; 0 for a single value."""
    return sqrt(max(deviations, 0.0) / (count - 1)) if count > 1 else 0.0
