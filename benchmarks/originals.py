"""The same figures as `benchmarks.proofs` for the published originals, where they are installed.

    PYTHONPATH=SHIM PYTHON benchmarks/originals.py [--megabytes 32]

Runs by itself with an interpreter that has storj-heartbeat 0.1.10, RandomIO 0.2.1 and siggy
0.1.0, such as the environment that run_real_farmer.py makes (its venv, with its shim folder on
PYTHONPATH); this project need not be installed there.
"""

import argparse
import importlib
import io
import time
from collections.abc import Callable
from statistics import median
from typing import Any

import RandomIO
import siggy

MIB = 1 << 20
FRACTION = 0.01
ADDRESS = "19qVgG8C6eXwKMMyvVegsi3xCsKyk3Z3jV"
SIGNATURE = (
    "HyzVUenXXo4pa+kgm1vS8PNJM83eIXFC5r0q86FGbqFcdla6rcw72/ciXiEPfjli3ENfwWuESHhv6K9esI0dl5I="
)


def timed(work: Callable[[], object], rounds: int = 5) -> float:
    """How often *work* runs per second: the median of some rounds."""
    rates = []
    for _ in range(rounds):
        began = time.perf_counter()
        work()
        rates.append(1 / (time.perf_counter() - began))
    return median(rates)


def measure(name: str, size: int) -> None:
    """Print what scheme *name* does with a chunk of *size* bytes."""
    data = RandomIO.RandomIO("a seed").read(size)
    beat = getattr(importlib.import_module(f"heartbeat.{name}"), name)(check_fraction=FRACTION)
    arguments = (256,) if name == "Merkle" else ()

    def encode() -> tuple[Any, Any]:
        return beat.encode(io.BytesIO(data), *arguments)

    tag, state = encode()
    challenge = beat.gen_challenge(state)
    public = beat.get_public()
    proof = public.prove(io.BytesIO(data), challenge, tag)
    if not beat.verify(proof, challenge, state):
        raise RuntimeError("a proof that should verify does not")
    repeat = 20
    prove = repeat * timed(
        lambda: [public.prove(io.BytesIO(data), challenge, tag) for _ in range(repeat)]
    )
    verify = repeat * timed(lambda: [beat.verify(proof, challenge, state) for _ in range(repeat)])
    rate = timed(encode)
    print(
        f"| {name} | {size // 1024:,} KiB | {1000 / rate:,.1f} | {rate * size / MIB:,.1f} | "
        f"{prove:,.0f} | {verify:,.0f} |"
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="The published originals.")
    parser.add_argument("--megabytes", type=int, default=32, help="size of the large chunk")
    large = parser.parse_args().megabytes * MIB
    print("| original | chunk | encode ms | encode MiB/s | prove/s | verify/s |")
    print("|---|---|---|---|---|---|")
    for name in ("Merkle", "Swizzle"):
        for size in (32768, large):
            measure(name, size)
    rate = timed(lambda: siggy.verify_signature("test message", SIGNATURE, ADDRESS))
    print(f"\nsiggy: {rate:,.1f} signatures/s")


if __name__ == "__main__":
    main()
