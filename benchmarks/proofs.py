"""Proof schemes and signatures in one process, beside what the hardware does with the bytes.

    python -m benchmarks.proofs [--megabytes 32]

Encode reads the whole chunk or 256 slices of it; plain SHA-256 and AES-CTR of the same bytes
are the physical limit. The original's figures come from the same program with the published
storj-heartbeat and siggy installed beside it (python -m pip install storj-heartbeat siggy, on a
Python old enough for them); without them their rows are left out.
"""

import argparse
import hashlib
import importlib
from collections.abc import Callable
from typing import Any

import msgspec

from benchmarks.harness import machine, print_table, timed
from downstream_node.addresses import signatures
from downstream_node.chunks.stream import fill
from downstream_node.heartbeat.registry import make_scheme
from downstream_node.heartbeat.scheme import Scheme

SECRET = bytes(range(32))
MIB = 1 << 20
FRACTION = 0.01


def filled(size: int) -> bytearray:
    """A chunk of *size* bytes."""
    buffer = bytearray(size)
    fill("a seed", buffer)
    return buffer


def encode_rows(size: int) -> list[list[object]]:
    """How fast a chunk of *size* bytes is made and encoded, beside the physical limit."""
    data = filled(size)
    works: dict[str, Callable[[], object]] = {
        "SHA-256 of the chunk": lambda: hashlib.sha256(data).digest(),
        "AES-256-CTR stream (making the chunk)": lambda: fill("a seed", data),
    }
    for name in ("Merkle", "Swizzle"):
        scheme = make_scheme(name, FRACTION)
        works[f"{name} encode"] = lambda scheme=scheme: scheme.encode(data, SECRET)  # type: ignore[misc]
    rows: list[list[object]] = []
    for name, work in works.items():
        rate = timed(work)
        rows.append([name, shown_size(size), 1000 / rate, rate * size / MIB])
    return rows


def proof_rows(name: str, size: int) -> list[list[object]]:
    """How many proofs of a chunk of *size* bytes are made and verified a second."""
    data = filled(size)
    scheme = make_scheme(name, FRACTION)
    encoding = scheme.encode(data, SECRET)
    tag = msgspec.json.decode(encoding.tag)
    challenges = [scheme.challenge(SECRET, index, encoding.commitment) for index in range(64)]
    proofs = [msgspec.json.encode(scheme.prove(data, tag, item)) for item in challenges]
    require(all(verified(scheme, proofs, encoding.commitment)))
    prove = timed(lambda: [scheme.prove(data, tag, item) for item in challenges])
    verify = timed(lambda: verified(scheme, proofs, encoding.commitment))
    return [[name, shown_size(size), 64 * prove, 64 * verify, len(proofs[0])]]


def verified(scheme: Scheme, proofs: list[bytes], commitment: bytes) -> list[bool]:
    """What the node says of *proofs*."""
    return [scheme.verify(proof, SECRET, index, commitment) for index, proof in enumerate(proofs)]


def require(condition: bool) -> None:
    """Stop the benchmark if what it measures is wrong."""
    if not condition:
        raise RuntimeError("a proof that should verify does not")


def signature_rows() -> list[list[object]]:
    """How many signatures are checked a second, ours and the original's."""
    key = bytes(31) + b"\1"
    address, signature = signatures.address_of(key), signatures.sign(key, "test message")
    checks = {"ours": signatures.verify}
    siggy: Any = optional("siggy")
    if siggy is not None:
        checks["siggy"] = lambda address, message, signature: bool(
            siggy.verify_signature(message, signature, address)
        )
    rows: list[list[object]] = []
    for name, check in checks.items():
        require(check(address, "test message", signature))
        rows.append([name, timed(lambda check=check: check(address, "test message", signature))])  # type: ignore[misc]
    return rows


def optional(module: str) -> Any:  # noqa: ANN401 - a module without types
    """The module of this name, None where it is not installed."""
    try:
        return importlib.import_module(module)
    except ImportError:
        return None


def shown_size(size: int) -> str:
    """*size* in KiB or MiB."""
    return f"{size // MIB} MiB" if size >= MIB else f"{size // 1024} KiB"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Proof schemes and signatures in one process.")
    parser.add_argument("--megabytes", type=int, default=32, help="size of the large chunk")
    sizes = [32768, parser.parse_args().megabytes * MIB]
    print(f"{machine()}; one thread; check fraction {FRACTION}.")
    rows = [row for size in sizes for row in encode_rows(size)]
    print_table("Making and encoding a chunk", ["what", "chunk", "ms", "MiB/s"], rows)
    rows = [
        row for name in ("Merkle", "Swizzle") for size in sizes for row in proof_rows(name, size)
    ]
    header = ["scheme", "chunk", "prove/s", "verify/s, with parsing", "bytes a proof"]
    print_table("Proofs", header, rows)
    print_table("Signatures", ["library", "checks/s"], signature_rows())


if __name__ == "__main__":
    main()
