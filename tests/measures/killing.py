"""Processes of their own that work on a node's database, and are killed within a step."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from simulator import SimulatedNode

PROGRAM = """
import importlib, os, signal, sys
from downstream_node import settings
from downstream_node.app import build

name, work, after = sys.argv[1:]
module = importlib.import_module(f"downstream_node.measures.{name}")
step = getattr(module, after)

def last(*arguments, **options):
    step(*arguments, **options)
    os.kill(os.getpid(), signal.SIGKILL)

setattr(module, after, last)
node = build(settings.load()).extensions["downstream"]
eval(work, vars(module) | {"node": node})
"""


def killed(node: SimulatedNode, module: str, work: str, *, after: str) -> None:
    """Have another process do *work*, an expression in a *module* of measures about `node`.

    It dies by SIGKILL when it has done the step *after*, a function of that module, for the first
    time. Its clock is that of the machine.
    """
    values = node.parts.settings
    environment = {
        **os.environ,
        "PYTHONPATH": str(Path(__file__).parents[2]),
        "DOWNSTREAM_SQLALCHEMY_DATABASE_URI": values.SQLALCHEMY_DATABASE_URI,
        "DOWNSTREAM_MASTER_KEY_PATH": values.MASTER_KEY_PATH,
        "DOWNSTREAM_MMDB_PATH": values.MMDB_PATH,
    }
    command = [sys.executable, "-c", PROGRAM, module, work, after]
    process = subprocess.run(
        command, env=environment, check=False, timeout=60, capture_output=True, text=True
    )
    assert process.returncode == -signal.SIGKILL, process.stderr
