"""A farmer's standing with one node: the token that it has there, and how to make proofs."""

from dataclasses import dataclass
from pathlib import Path

import msgspec

from downstream_node.clock import WallClock, calendar, system_clock
from downstream_node.errors import FarmerStopped, MalformedProof
from downstream_node.farmer import files
from downstream_node.farmer.identity import Identity
from downstream_node.farmer.messages import Joined, Token, decode, printable
from downstream_node.farmer.node_client import NodeClient
from downstream_node.heartbeat.registry import make_prover
from downstream_node.heartbeat.scheme import Prover


class Remembered(msgspec.Struct, frozen=True):
    """What `farmer.json` holds."""

    node: str
    token: Token


@dataclass(frozen=True, slots=True)
class Member:
    """What a farmer works with at a node."""

    token: str
    prover: Prover


class Membership:
    """The standing of *identity* with the node of *client*, remembered in the file *path*."""

    def __init__(
        self,
        client: NodeClient,
        identity: Identity,
        path: Path,
        wall_clock: WallClock = system_clock,
    ) -> None:
        self._client = client
        self._identity = identity
        self._path = path
        self._wall_clock = wall_clock
        self._member: Member | None = None

    def member(self) -> Member:
        """Return the token and its prover; joins the node if we have no token of it.

        Raises what `NodeClient` does, and FarmerStopped if the node wants proofs of a kind that
        we cannot make.
        """
        if self._member is None:
            token = self._recall()
            joined = self._join() if token is None else self._client.heartbeat(token)
            self._member = Member(joined.token, prover_of(joined))
        return self._member

    def check(self) -> None:
        """Ask the node again, before the next use, what proofs are to be made with."""
        self._member = None

    def forget(self) -> None:
        """Forget the token: the next use joins again."""
        self._member = None
        self._path.unlink(missing_ok=True)

    def _join(self) -> Joined:
        name = self._client.about().node
        signed = self._identity.sign(name, calendar(self._wall_clock()))
        joined = self._client.join(self._identity.address, signed.message, signed.signature)
        self._remember(joined.token)
        return joined

    def _recall(self) -> str | None:
        """Return our token; None if there is none, or only one of another node.

        A token is a secret between us and the node that gave it.
        """
        content = self._path.read_bytes() if self._path.exists() else b""
        remembered = decode(content, Remembered)
        if remembered is None or remembered.node != self._client.url:
            return None
        return remembered.token

    def _remember(self, token: str) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        files.replace(self._path, msgspec.json.encode(Remembered(self._client.url, token)))
        files.sync_folder(self._path.parent)


def prover_of(joined: Joined) -> Prover:
    """Return the prover that the node asks for. Raises FarmerStopped if we have none such."""
    try:
        return make_prover(joined.type, joined.heartbeat)
    except MalformedProof as error:
        raise FarmerStopped(
            f"The node wants proofs that we cannot make: {printable(str(error))}"
        ) from error
