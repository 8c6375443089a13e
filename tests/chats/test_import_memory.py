"""However long an export is, importing it takes little memory."""

import subprocess
import sys
from pathlib import Path

import pytest
from chats.exports import messages, pieces
from simulator import SimulatedNode

# Not getrusage: its peak is at least that of the process that started this one.
PROGRAM = """
import os, sys
from pathlib import Path
from downstream_node import settings
from downstream_node.app import build
from downstream_node.chats.importing import import_export

def peak(process):
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return next(int(line.split()[1]) >> 10 for line in lines if line.startswith("VmHWM"))

readers = [0]

def look(*_):
    children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    for child in children:
        if b"chats.reader" in Path(f"/proc/{child}/cmdline").read_bytes():
            readers.append(peak(child))

node = build(settings.load()).extensions["downstream"]
report = import_export(node, Path(sys.argv[1]), "export.json", progress=look)
node.close()
print(report.counts.new, peak("self"), max(readers))
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
    new, own, reader = map(int, done.stdout.split())
    assert new == 300_000
    assert reader > 0
    assert own + reader < MOST_MEGABYTES
