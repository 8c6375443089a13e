"""How long a data package takes, how much memory, and how both grow with its size.

    python -m benchmarks.packages MAKER [--folder FOLDER]

MAKER is the program that makes the packages (deterministic; it takes longer than reading them).
Each package is read in a process of its own, whose peak of resident memory is the system's figure,
and packed with gzip as it is for a reader. Beside each figure stands the original's.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks.harness import machine, print_table, scratch
from downstream_node.packages.reading.watch import Step

SIZES = ((2_000, 8_000), (100_000, 500_000), (200_000, 1_000_000))
ORIGINAL = {2_000: ("0.7", ""), 100_000: ("23.6", "301"), 200_000: ("155", "482")}
"""Seconds and MB of the original."""
ROUNDS = 3
MARK_SECONDS, MARK_MEGABYTES, MARK_RATIO = 6.0, 150.0, 2.3


def read_elsewhere(package: Path, folder: Path) -> dict[str, Any]:
    """The fastest of some readings of *package*, each in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.one_package", str(package)]
    command.append(str(folder / "result.gz"))
    found = [json.loads(subprocess.check_output(command)) for _ in range(ROUNDS)]
    best: dict[str, Any] = min(found, key=lambda one: float(one["seconds"]))
    return best


def made(maker: Path, folder: Path, messages: int, events: int) -> Path:
    """A package of this size; made only if it is not there."""
    package = folder / f"{messages}-{events}.zip"
    if not package.exists():
        command = [sys.executable, str(maker), str(package)]
        command += ["--messages", str(messages), "--events", str(events)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return package


def measure(maker: Path, folder: Path) -> None:
    """Print the tables."""
    found = {
        (messages, events): read_elsewhere(made(maker, folder, messages, events), folder)
        for messages, events in SIZES
    }
    header = ["messages", "events", "seconds", "CPU", "peak MB", "at start", "SQLite MB"]
    fields = ("seconds", "cpu", "peak", "before", "database", "packed")
    rows = [
        [*size, *(one[field] for field in fields), *ORIGINAL[size[0]]]
        for size, one in found.items()
    ]
    header += ["gzip MB", "original s", "original MB"]
    print_table("Reading a package, gzip included", header, rows)
    steps = list(Step)
    times = [[*size, *(one[step] for step in steps)] for size, one in found.items()]
    print_table("Seconds by step", ["messages", "events", *steps], times)
    once, twice = (found[size] for size in SIZES[1:])
    ratio = twice["seconds"] / once["seconds"]
    print_table(
        "Marks",
        ["what", "mark", "measured", "original"],
        [
            ["seconds", MARK_SECONDS, once["seconds"], ORIGINAL[SIZES[1][0]][0]],
            ["MB", MARK_MEGABYTES, once["peak"], ORIGINAL[SIZES[1][0]][1]],
            ["time of double size", MARK_RATIO, ratio, "5.6"],
            ["CPU time of double size", MARK_RATIO, twice["cpu"] / once["cpu"], ""],
        ],
    )


def main() -> None:
    """Measure packages of three sizes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("maker", type=Path, help="the program that makes packages")
    parser.add_argument("--folder", type=Path, help="where to keep packages between runs")
    chosen = parser.parse_args()
    print(machine())
    with scratch() as own:
        measure(chosen.maker, chosen.folder or own)


if __name__ == "__main__":
    main()
