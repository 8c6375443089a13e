"""The function that picks a challenge's slice gives what the original gave."""

import base64
from typing import Any

import pytest
from heartbeat.golden import load

from downstream_node.heartbeat import prf


@pytest.mark.parametrize(
    "vector", [pytest.param(v, id=v["range"][:12]) for v in load("merkle.json")["prf"]]
)
def test_recorded_picks(vector: dict[str, Any]) -> None:
    """Every recorded input maps to the recorded number, for ranges of 1 to 1024 bits."""
    key, limit = base64.b64decode(vector["key"]), int(vector["range"])
    for x, expected in vector["values"].items():
        assert prf.pick([key], limit, int(x)) == [int(expected)]


def test_each_key_picks_as_if_alone() -> None:
    """Keys in one call do not influence each other."""
    keys = [bytes([number]) * 32 for number in range(50)]
    assert prf.pick(keys, 32442) == [prf.pick([key], 32442)[0] for key in keys]
