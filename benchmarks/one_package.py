"""One reading of a data package, measured, in a process that benchmarks.packages starts.

It imports nothing that reading does not need, so its memory is that of reading.
"""

import argparse
import gzip
import json
import resource
from pathlib import Path
from typing import Any

from downstream_node.clock import monotonic
from downstream_node.packages.reading.analysis import analyse
from downstream_node.packages.reading.limits import MIB, Limits
from downstream_node.packages.reading.watch import Step

KIB = 1024


def measured(package: Path, result: Path) -> dict[str, Any]:
    """Read *package*, and pack the result; returns times in seconds and sizes in MiB."""
    before = peak()
    began = monotonic()
    marks: dict[Step, float] = {}

    def progress(step: Step, _: float) -> None:
        marks.setdefault(step, monotonic())

    with package.open("rb") as source, gzip.open(result, "wb", compresslevel=6) as output:
        report = analyse(source, output, "benchmark", progress, lambda: False, Limits())
    ended = monotonic()
    usage = resource.getrusage(resource.RUSAGE_SELF)
    ends = [*marks.values(), ended][1:]
    steps = {str(step): end - start for (step, start), end in zip(marks.items(), ends, strict=True)}
    return {
        "seconds": ended - began,
        "cpu": usage.ru_utime + usage.ru_stime,
        "before": before,
        "peak": peak(),
        "database": report.database_bytes / MIB,
        "packed": result.stat().st_size / MIB,
        "rows": report.rows["activity"],
        **steps,
    }


def peak() -> float:
    """The largest resident memory of this process so far, in MiB (Linux).

    Not from getrusage, whose figure begins with that of the process that started this one.
    """
    lines = Path("/proc/self/status").read_text().splitlines()
    (peak,) = (int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
    return peak / KIB


def main() -> None:
    """Print the measurement as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("package", type=Path)
    parser.add_argument("result", type=Path, help="where the packed result goes")
    chosen = parser.parse_args()
    print(json.dumps(measured(chosen.package, chosen.result)))


if __name__ == "__main__":
    main()
