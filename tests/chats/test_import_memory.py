"""However long an export is, importing it takes little memory."""

import subprocess
import sys
from pathlib import Path

import pytest
from chats.exports import messages, pieces
from simulator import SimulatedNode

# Proportional sizes: pages that both processes share count once. Not getrusage: its peak is at
# least that of the process that started this one.
PROGRAM = """
import os, sys, threading, time
from pathlib import Path
from downstream_node import settings
from downstream_node.app import build
from downstream_node.chats.importing import import_export

def size(process):
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))

def readers():
    for task in Path("/proc/self/task").iterdir():
        try:
            yield from (task / "children").read_text().split()
        except FileNotFoundError:
            pass

peaks = [0, 0]

def look():
    while True:
        own, reader = size("self"), sum(map(size, readers()))
        peaks[:] = max(peaks[0], own + reader), max(peaks[1], reader)
        time.sleep(0.02)

node = build(settings.load()).extensions["downstream"]
threading.Thread(target=look, daemon=True).start()
report = import_export(node, Path(sys.argv[1]), "export.json")
node.close()
print(report.counts.new, peaks[0] >> 10, peaks[1] >> 10)
"""
MOST_MEGABYTES = 300


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_defect_6_memory(chat_node: SimulatedNode, tmp_path: Path) -> None:
    """300,000 messages, 250 MB: the original would have needed 1.5 GB."""
    path = tmp_path / "export.json"
    with path.open("wb") as file:
        file.writelines(pieces(messages(300_000)))
    values = chat_node.parts.settings
    names = ("SQLALCHEMY_DATABASE_URI", "MASTER_KEY_PATH", "FILES_PATH", "CHATS_ARCHIVE")
    environment = {f"DOWNSTREAM_{name}": str(getattr(values, name)) for name in names}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(path)],
        env={"PYTHONPATH": str(Path(__file__).parents[2]), **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    new, together, reader = map(int, done.stdout.split())
    assert new == 300_000
    assert reader > 0
    assert together < MOST_MEGABYTES
