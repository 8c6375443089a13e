"""Quartiles: exact ones from all values, and from a sketch where values were purged. Pure.

The sketch is a DDSketch (Masson, Rim and Lee 2019): what it says of a quantile is off by 1 % of
the value at most, and sketches merge without getting worse.
"""

from collections.abc import Iterable, Mapping
from typing import TypeAlias

from ddsketch.ddsketch import BaseDDSketch, DDSketch
from ddsketch.pb.ddsketch_pb2 import DDSketch as Message
from ddsketch.pb.proto import DDSketchProto

ACCURACY = 0.01
"""The greatest error of a sketched quantile, as a part of it."""

SMALLEST = 1e-12
"""What is nearer to zero is zero in a sketch: a sketch grows with the range of its values, and few
values near zero would make it a hundred times as large."""

Quartiles: TypeAlias = tuple[float, float, float]
"""First quartile, median, third quartile."""


def quartiles(count: int, ordered: Mapping[int, float]) -> Quartiles:
    """The quartiles of *count* values, interpolated between the two nearest.

    *ordered* has the values by their place in order, counted from 0; those that `is_needed` says.
    """
    first, median, third = (quartile(count, ordered, number) for number in (1, 2, 3))
    return first, median, third


def quartile(count: int, ordered: Mapping[int, float], number: int) -> float:
    """Quartile *number* of *count* values."""
    place, quarters = divmod(number * (count - 1), 4)
    low = ordered[place]
    return low + (ordered[place + 1] - low) * (quarters / 4) if quarters else low


def with_values(sketch: bytes | None, values: Iterable[float]) -> bytes:
    """*sketch* with *values* in it, too; a new one if it is None."""
    added = opened(sketch)
    for value in values:
        added.add(value if abs(value) >= SMALLEST else 0.0)
    message: Message = DDSketchProto.to_proto(added)  # type: ignore[no-untyped-call]
    written: bytes = message.SerializeToString()
    return written


def opened(sketch: bytes | None) -> BaseDDSketch:
    """What `with_values` made; an empty one for None."""
    if sketch is None:
        return DDSketch(ACCURACY)
    kept = Message.FromString(sketch)
    read: BaseDDSketch = DDSketchProto.from_proto(kept)  # type: ignore[no-untyped-call]
    return read


def sketched_quartiles(
    sketch: bytes, later: Iterable[float], least: float, greatest: float
) -> Quartiles:
    """The quartiles of what is in *sketch* and of *later* values, all within the two bounds."""
    whole = opened(with_values(sketch, later))
    first, median, third = (
        min(max(whole.get_quantile_value(share) or 0.0, least), greatest)
        for share in (0.25, 0.5, 0.75)
    )
    return first, median, third
