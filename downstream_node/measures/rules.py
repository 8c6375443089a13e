"""Which settings of a definition decide what may be given out, and a name for all of them. Pure.

A release remembers the name of the rules that it was last held against. Where a definition has
others by now, nobody gets the release before it has been held against those, too.
"""

import hashlib

import msgspec

RULES = (
    *("aggregation_threshold", "count_contributors", "aggregation_period"),
    *("release_at_period_end", "suppress_complements"),
    *("noise_epsilon", "noise_budget", "value_min", "value_max", "most_per_contributor"),
)
"""The settings that decide what may be given out."""


def fingerprint(definition: object) -> bytes:
    """The name of the rules of *definition*, a row or an object: 16 bytes."""
    values = {name: getattr(definition, name) for name in RULES}
    # A definition that names no period means a day.
    values["aggregation_period"] = values["aggregation_period"] or "day"
    return hashlib.sha256(msgspec.json.encode(values)).digest()[:16]
