"""A small working counterpart: a node on a clock that the test moves, and farmers.

The node is the real one, with a real database; only time is simulated. Farmers speak v1 to
it over Flask's test client.
"""

import hashlib
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import update

from downstream_node import jobs, settings
from downstream_node.addresses import signatures
from downstream_node.app import build
from downstream_node.chunks.maker import make_chunks
from downstream_node.chunks.stream import stream
from downstream_node.clock import SECOND, WallTime
from downstream_node.contracts.whitelist import load_whitelist
from downstream_node.service_time import BeatRow

V1 = "/api/downstream/v1"
START = WallTime(1_800_000_000_000)
CHUNK = 1024


class ManualClock:
    """A wall clock that stands still until the test moves it."""

    def __init__(self) -> None:
        self.wall = START

    def __call__(self) -> WallTime:
        """The wall time now."""
        return self.wall

    def jump(self, seconds: float) -> None:
        """Move the clock; whoever looks next sees that time has passed without a beat."""
        self.wall = WallTime(self.wall + round(seconds * SECOND))


class SimulatedNode:
    """The real application, on a manual clock, with its jobs run by hand."""

    def __init__(self, clock: ManualClock, **values: Any) -> None:
        self.app = build(settings.checked(values), clock)
        self.parts = self.app.extensions["downstream"]
        self.clock = clock
        self.parts.clock.beat()

    def close(self) -> None:
        """Close all that the node has open."""
        self.parts.close()

    def advance(self, seconds: float) -> None:
        """Let time pass while the node runs: as if it had beaten all the while."""
        passed = round(seconds * SECOND)
        self.clock.jump(seconds)
        moved = {"wall": BeatRow.wall + passed, "service": BeatRow.service + passed}
        self.parts.database.write(
            lambda connection: connection.execute(update(BeatRow).values(moved))
        )
        self.parts.clock.beat()

    def run_jobs(self) -> dict[str, int]:
        """One pass of every job that is due."""
        return jobs.run_due(self.parts)

    def fill_pool(self, count: int, size: int = CHUNK) -> "SimulatedNode":
        """Put *count* chunks of *size* bytes into the pool."""
        assert len(list(make_chunks(self.parts, [size] * count))) == count
        return self

    def whitelist(self, address: str) -> None:
        """Put *address* on the whitelist."""
        load_whitelist(self.parts, address)

    def request(
        self, method: str, path: str, *, ip: str = "192.0.2.1", **options: Any
    ) -> tuple[int, Any]:
        """One request below the v1 mount: status and decoded JSON."""
        client = self.app.test_client()
        response = client.open(
            V1 + path, method=method, environ_base={"REMOTE_ADDR": ip}, **options
        )
        return response.status_code, response.get_json()

    def status(self, farmer: "FarmerSimulator") -> dict[str, Any]:
        """What the status page says of *farmer*."""
        code, body = self.request("GET", f"/status/show/{farmer.farmer_id}")
        assert code == 200, body
        assert isinstance(body, dict)
        return body


@dataclass
class FarmerSimulator:
    """A farmer that keeps chunks in memory and does what the test tells it."""

    node: SimulatedNode
    name: str = "farmer"
    ip: str = "192.0.2.1"
    token: str = ""
    held: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def key(self) -> bytes:
        """The private key that belongs to the name."""
        return hashlib.sha256(self.name.encode()).digest()

    @property
    def address(self) -> str:
        """The farming address."""
        return signatures.address_of(self.key)

    @property
    def farmer_id(self) -> str:
        """The id on status pages."""
        return hashlib.sha256(bytes.fromhex(self.token)).hexdigest()[:20]

    def try_to_join(self) -> tuple[int, Any]:
        """Ask for a token, whitelisted; status and answer."""
        self.node.whitelist(self.address)
        proof = {"message": "hello", "signature": signatures.sign(self.key, "hello")}
        return self.node.request("POST", f"/new/{self.address}", json=proof, ip=self.ip)

    def join(self) -> "FarmerSimulator":
        """Get a token."""
        code, body = self.try_to_join()
        assert code == 200, body
        self.token = body["token"]
        return self

    def take(self, count: int, size: int = CHUNK) -> "FarmerSimulator":
        """Take *count* chunks of *size* bytes; they must be there."""
        chunks = self.ask_for(count * size)
        assert len(chunks) == count
        return self

    def ask_for(self, size: int) -> list[dict[str, Any]]:
        """Ask for chunks of *size* bytes in all; those that came."""
        code, body = self.node.request("GET", f"/chunk/{self.token}/{size}", ip=self.ip)
        assert code == 200, body
        self.held |= {chunk["file_hash"]: chunk for chunk in body["chunks"]}
        return list(body["chunks"])

    def challenges(self) -> dict[str, dict[str, Any]]:
        """The node's word on every contract, by file hash."""
        code, body = self.node.request("GET", f"/challenge/{self.token}", ip=self.ip)
        assert code == 200, body
        return {entry["file_hash"]: entry for entry in body["challenges"]}

    def proof(self, file_hash: str, challenge: object) -> object:
        """The proof that answers *challenge*."""
        chunk = self.held[file_hash]
        data = stream(chunk["seed"], 0, chunk["size"])
        return self.node.parts.scheme.prove(data, chunk["tag"], challenge)

    def proofs(self) -> list[dict[str, Any]]:
        """Proofs for the challenges of all contracts that have one, answered or not."""
        return [
            {"file_hash": name, "proof": self.proof(name, entry["challenge"])}
            for name, entry in self.challenges().items()
            if "challenge" in entry
        ]

    def send(self, proofs: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Post *proofs*; the node's report."""
        code, body = self.node.request(
            "POST", f"/answer/{self.token}", json={"proofs": proofs}, ip=self.ip
        )
        assert code == 200, body
        return list(body["report"])

    def answer_all(self) -> list[str]:
        """Answer all challenges; "ok" or the error for each."""
        report = self.send(self.proofs())
        return [entry.get("status") or entry["error"] for entry in report]
