"""Numbers, sizes, durations and counts; names of farmers and places."""

from math import floor

SECOND, MINUTE, HOUR, DAY = 1, 60, 3600, 86_400
"""Seconds."""
UNITS = ((DAY, "d"), (HOUR, "h"), (MINUTE, "min"), (SECOND, "s"))
SIZES = ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")
STEP = 1024
NOTHING = "–"  # noqa: RUF001 - a dash on purpose
"""In place of a value that there is not."""
UNKNOWN_PLACE = "not known"
SHORT_ID = 8
"""Characters of a farmer id that a table shows."""


def number(value: float) -> str:
    """*value* without a fraction, in groups of three digits."""
    return f"{value:,.0f}"


def decimal(value: float) -> str:
    """*value* with at most one decimal, in groups of three digits."""
    return f"{value:,.1f}".removesuffix(".0")


def percent(value: float | None) -> str:
    """*value* with two decimals, rounded down: 100.00 only if nothing at all is missing."""
    if value is None:
        return NOTHING
    return f"{floor(round(value * 100, 6)) / 100:.2f} %"


def size(count: float) -> str:
    """*count* bytes in the largest unit of which there is one: 1.2 GiB."""
    scaled, unit = float(count), 0
    while round(scaled, 1) >= STEP and unit < len(SIZES) - 1:
        scaled, unit = scaled / STEP, unit + 1
    return f"{decimal(scaled)} {SIZES[unit]}"


def duration(seconds: float) -> str:
    """*seconds* in its two largest units: 2 h 5 min."""
    left = round(abs(seconds))
    for place, (unit, name) in enumerate(UNITS):
        if left >= unit:
            count, rest = divmod(left, unit)
            return f"{count} {name}{smaller(place + 1, rest)}"
    return "0 s"


def in_seconds(value: float) -> str:
    """*value* seconds as seconds, with at most one decimal."""
    return f"{decimal(value)} s"


def wait(seconds: float | None) -> str:
    """A mean of short times: milliseconds, or a tenth of a second below a minute."""
    if seconds is None:
        return NOTHING
    if 0 < seconds < SECOND:
        return f"{max(1, round(seconds * 1000))} ms"
    return in_seconds(seconds) if seconds < MINUTE else duration(seconds)


def smaller(place: int, rest: int) -> str:
    """*rest* seconds in the unit at *place*, with a space in front; nothing if there is none."""
    if place == len(UNITS) or rest < UNITS[place][0]:
        return ""
    return f" {rest // UNITS[place][0]} {UNITS[place][1]}"


def counted(count: int, one: str, many: str) -> str:
    """*count* with its noun: 1 contract, 12 contracts."""
    return f"{number(count)} {one if count == 1 else many}"


def contracts(count: int) -> str:
    """*count* contracts."""
    return counted(count, "contract", "contracts")


def heartbeats(count: int | None) -> str:
    """*count* heartbeats; None: not known."""
    return "not counted" if count is None else counted(count, "heartbeat", "heartbeats")


def farmers(count: int) -> str:
    """*count* farmers."""
    return counted(count, "farmer", "farmers")


def short(farmer_id: str) -> str:
    """The beginning of a farmer id."""
    return farmer_id[:SHORT_ID]


def place(city: str | None, country: str | None) -> str:
    """A farmer's place, as far as it is known."""
    return ", ".join(part for part in (city, country) if part) or UNKNOWN_PLACE
