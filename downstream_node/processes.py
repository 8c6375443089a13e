"""Processes of our own that do one piece of work apart from the one that started them."""

import os
import subprocess
import sys
from pathlib import Path

from downstream_node.settings import ENVIRONMENT_PREFIX

ROOT = Path(__file__).parents[1]


def started(module: str) -> "subprocess.Popen[bytes]":
    """A process that runs *module*, with pipes as its standard input and output.

    Its command and environment say nothing of its work: settings, with the database's password
    among them, are nothing for a process that parses what a stranger sent.
    """
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(ENVIRONMENT_PREFIX)
    }
    # From wherever the node was started, and however it found our modules.
    paths = (str(ROOT), environment.get("PYTHONPATH", ""))
    environment["PYTHONPATH"] = os.pathsep.join(path for path in paths if path)
    return subprocess.Popen(  # noqa: S603 - our own module, without a shell
        [sys.executable, "-m", module],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment,
        start_new_session=True,  # Ctrl-C reaches who started it, who decides
    )
