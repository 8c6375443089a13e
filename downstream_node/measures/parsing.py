"""What a body says, or the document's text for what is wrong with it, in its order. Pure.

The order is: name, definition (which somebody has to look up), value, start, groups, other texts.
Each function raises InvalidMeasure.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from downstream_node.errors import InvalidMeasure
from downstream_node.measures.cells import GROUP, NAME, group_text, is_name, is_text

EMPTY_MEASURE = "The measure cannot be empty"
EMPTY_QUESTION = "The params cannot be empty"
NO_NAME = "A measure name must be given"
NO_VALUE = "A value must be given"
WRONG_VALUE = "value type is incorrect, it must be a number"
WRONG_GROUPS = "groups format is incorrect"

LARGEST = 1e15
"""Values are at most this far from 0, so that whole ones are exact as floating-point numbers."""
SMALLEST = 1e-100
"""Values nearer to 0, but not 0, are refused: their squares would be lost."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)
EARLIEST = (datetime(1900, 1, 1, tzinfo=UTC) - EPOCH) // MILLISECOND
LATEST = (datetime(3000, 1, 1, tzinfo=UTC) - EPOCH) // MILLISECOND
"""Measures start between these, so that all that is derived from a start is a date, too."""
SLOTS = ("group1", "group2", "group3")


@dataclass(frozen=True, slots=True)
class Measure:
    """One measure as it was sent; *start* is wall time in ms, *groups* are JSON texts."""

    name: str
    value: float
    start: int
    groups: tuple[str | None, str | None, str | None]
    created_by: str | None
    aggregation_period: str | None
    contributor: str | None


def loads(body: bytes) -> object:
    """The JSON of *body*; None where there is none.

    NaN and the like are let through, so that they are refused for what they are.
    """
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def filled(body: object, empty: str) -> Mapping[str, object]:
    """*body* if it is an object with something in it, else the error *empty*."""
    if not isinstance(body, dict) or not body:
        raise InvalidMeasure(empty)
    return body


def name_of(body: Mapping[str, object]) -> str:
    """The name of the measure that *body* is about; whether there is one is not known yet."""
    name = body.get("measureName")
    if not isinstance(name, str) or not name:
        raise InvalidMeasure(NO_NAME)
    return name


def shown(text: object) -> str:
    """*text* of a stranger, cut and cleaned so that it can be part of an answer."""
    return str(text)[:NAME].encode(errors="replace").decode().replace("\0", "?")


def measure(body: Mapping[str, object], keys: Sequence[str | None]) -> Measure:
    """The measure in *body*, for a definition whose groups have these *keys*."""
    return Measure(
        name=name_of(body),
        value=value_of(body.get("value")),
        start=start_of(body),
        groups=groups_of(body, keys),
        created_by=name_or_none(body, "createdBy"),
        aggregation_period=text_or_none(body, "aggregationPeriod", NAME),
        contributor=text_or_none(body, "contributor", GROUP),
    )


def value_of(value: object) -> float:
    """*value* as a finite number: a number, or a text that is one."""
    if value is None:
        raise InvalidMeasure(NO_VALUE)
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise InvalidMeasure(WRONG_VALUE)
    try:
        number = float(value)
    except (ValueError, OverflowError):
        raise InvalidMeasure(WRONG_VALUE) from None
    if not math.isfinite(number) or abs(number) > LARGEST or 0 < abs(number) < SMALLEST:
        raise InvalidMeasure(WRONG_VALUE)
    return number


def start_of(body: Mapping[str, object]) -> int:
    """When the measure in *body* starts, wall time in ms."""
    start = time_of(body, "startDate")
    if not EARLIEST <= start < LATEST:
        raise InvalidMeasure("startDate type is incorrect, it must be a date")
    return start


def time_of(body: Mapping[str, object], field: str) -> int:
    """The time in *field*, wall time in ms: ISO 8601, UTC where it names no zone."""
    text = body.get(field)
    if text is None:
        raise InvalidMeasure(f"{field} must be given")
    try:
        if not isinstance(text, str):
            raise TypeError
        when = datetime.fromisoformat(text)
        aware = when.replace(tzinfo=UTC) if when.tzinfo is None else when
        return (aware - EPOCH) // MILLISECOND
    except (TypeError, ValueError, OverflowError):
        raise InvalidMeasure(f"{field} type is incorrect, it must be a date") from None


def groups_of(
    body: Mapping[str, object], keys: Sequence[str | None]
) -> tuple[str | None, str | None, str | None]:
    """The three groups in *body* as JSON texts; their keys have to be *keys*.

    Each is an object with one key and a scalar, so nothing else can be hidden in it.
    """
    groups = [group_of(body[slot]) if slot in body else (None, None) for slot in SLOTS]
    for number, ((given, _), key) in enumerate(zip(groups, keys, strict=True), 1):
        if given != key:
            raise InvalidMeasure(
                f"Group{number} key does not match measure definition: {shown(given)}"
            )
    return groups[0][1], groups[1][1], groups[2][1]


def group_of(group: object) -> tuple[str, str]:
    """Key and JSON text of one group."""
    if not isinstance(group, dict) or len(group) != 1:
        raise InvalidMeasure(WRONG_GROUPS)
    ((key, value),) = group.items()
    text = group_text(value)
    if text is None:
        raise InvalidMeasure(WRONG_GROUPS)
    return key, text


def idempotency_key(key: object) -> str | None:
    """*key* if it can be an idempotency key; None is none."""
    if key is None:
        return None
    if not isinstance(key, str) or not key or not is_text(key, GROUP):
        raise InvalidMeasure("idempotencyKey type is incorrect, it must be a short text")
    return key


def name_or_none(body: Mapping[str, object], field: str) -> str | None:
    """The name in *field* if there is one."""
    name = body.get(field)
    if name is None:
        return None
    if not isinstance(name, str) or not is_name(name, NAME):
        raise InvalidMeasure(f"{field} type is incorrect, it must be a name")
    return name


def text_or_none(body: Mapping[str, object], field: str, longest: int) -> str | None:
    """The text in *field* if there is one, of at most *longest* characters."""
    text = body.get(field)
    if text is None:
        return None
    if not isinstance(text, str) or not is_text(text, longest):
        raise InvalidMeasure(f"{field} type is incorrect, it must be a short text")
    return text
