"""The recorded vectors of storj-heartbeat as parameters of tests."""

import base64
import hmac
import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from downstream_node.chunks.stream import stream

Case = dict[str, Any]


@cache
def load(name: str) -> dict[str, Any]:
    """Return the vectors in file *name*."""
    path = Path(__file__).parents[1] / "vectors" / name
    vectors: dict[str, Any] = json.loads(path.read_text())
    return vectors


def cases(name: str) -> list[Any]:
    """Return one parameter per case of file *name*."""
    return [pytest.param(case, id=case["name"]) for case in load(name)["cases"]]


def within(name: str, section: str, label: str) -> list[Any]:
    """Return one parameter (case, item) per item of *section* of each case of file *name*."""
    return [
        pytest.param(case, item, id=f"{case['name']}: {label} {item.get('what', number)}")
        for case in load(name)["cases"]
        for number, item in enumerate(case[section])
    ]


def file_of(case: Case) -> bytes:
    """Return the file that the case is about."""
    return bytes(stream(case["file"]["randomio_seed"], 0, case["file"]["size"]))


def chained_seeds(case: Case) -> list[bytes]:
    """Return the original's challenge seeds: each is HMAC(key, the one before)."""
    key, seed = base64.b64decode(case["key"]), base64.b64decode(case["seed"])
    seeds = []
    for _ in range(case["n"]):
        seed = hmac.digest(key, seed, "sha256")
        seeds.append(seed)
    return seeds
