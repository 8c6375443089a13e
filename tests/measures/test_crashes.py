"""A sender's process is killed between steps: what was not committed never happened."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from measures.sending import MEASURE, Sender, stored
from simulator import SimulatedNode

from downstream_node.measures.collecting import Item, Verdict, collect

PROGRAM = """
import json, os, signal, sys
from downstream_node import settings
from downstream_node.app import build
from downstream_node.measures import collecting

name, measure = sys.argv[1:]
step = getattr(collecting, name)

def last(*arguments):
    step(*arguments)
    os.kill(os.getpid(), signal.SIGKILL)

setattr(collecting, name, last)
node = build(settings.load()).extensions["downstream"]
collecting.collect(node, "grandlyon", [collecting.Item(json.loads(measure), "key")], 5)
"""


def killed(node: SimulatedNode, after: str) -> int:
    """The exit code of a process that dies while it stores a measure, *after* this step."""
    values = node.parts.settings
    environment = {
        **os.environ,
        "PYTHONPATH": str(Path(__file__).parents[2]),
        "DOWNSTREAM_SQLALCHEMY_DATABASE_URI": values.SQLALCHEMY_DATABASE_URI,
        "DOWNSTREAM_MASTER_KEY_PATH": values.MASTER_KEY_PATH,
        "DOWNSTREAM_MMDB_PATH": values.MMDB_PATH,
    }
    command = [sys.executable, "-c", PROGRAM, after, json.dumps(MEASURE)]
    return subprocess.run(command, env=environment, check=False, timeout=60).returncode


@pytest.mark.parametrize(
    ("after", "kept"),
    [
        pytest.param("receipts", 0, id="before anything is written"),
        pytest.param("insert_receipts", 0, id="between receipt and measure"),
        pytest.param("store", 0, id="before the commit"),
        pytest.param("collect", 1, id="before the answer"),
    ],
)
def test_whoever_is_killed_sends_again(owner: Sender, after: str, kept: int) -> None:
    """Receipt and measure are there together or not at all, so that it counts exactly once."""
    assert killed(owner.node, after) == -signal.SIGKILL
    assert stored(owner.node) == kept
    (outcome,) = collect(owner.node.parts, "grandlyon", [Item(MEASURE, "key")], 6)
    assert outcome.verdict is (Verdict.REPEATED if kept else Verdict.STORED)
    assert stored(owner.node) == 1
