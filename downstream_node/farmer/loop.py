"""What a farmer does: one pass over its contracts, and the loop that repeats it."""

import math
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from downstream_node.clock import WallClock, monotonic, system_clock
from downstream_node.errors import MalformedProof, UnknownToken
from downstream_node.farmer.identity import Identity
from downstream_node.farmer.membership import Member, Membership
from downstream_node.farmer.messages import Challenge, Proof, printable
from downstream_node.farmer.node_client import NodeClient, NodeUnavailable
from downstream_node.farmer.storage import CannotKeep, DamagedChunk, Loss, Storage

BATCH: Final = 500
"""Contracts in one request; proofs for many more would take so long that the first get old."""

LEAST_WAIT: Final = 0.2
MOST_WAIT: Final = 30.0
"""Seconds between two passes, and between two requests for chunks when there are none."""

ALREADY_ANSWERED: Final = "Challenge already answered."
"""The node accepted an answer before, and its word did not reach us: nothing is lost."""

NOT_MENTIONED: Final = "the node left it out of its answer"
JOIN_AGAIN: Final = "The node does not know our token any more; joining again."


@dataclass(frozen=True, slots=True)
class Pass:
    """What one pass did."""

    answered: int
    """Proofs that were sent."""
    accepted: int
    refused: tuple[Loss, ...]
    """Contracts given up because the node did not accept the proof."""
    dropped: tuple[Loss, ...]
    """Contracts given up for another reason: expired, run out, damaged, not stored."""
    taken: int
    contracts: int
    """Contracts held at the end."""
    size: int
    """Bytes in them."""
    trouble: str | None
    """Why the pass ended early; the next one goes on from there."""
    wait: float
    """Seconds until there is something to do again."""


@dataclass(slots=True)
class Tally:
    """What a pass has done so far."""

    answered: int = 0
    accepted: int = 0
    refused: list[Loss] = field(default_factory=list)
    dropped: list[Loss] = field(default_factory=list)
    taken: int = 0
    faulty: bool = False
    """Something is wrong here or at the node; new chunks would only be lost, too."""


class Farmer:
    """A farmer with *storage*, at the node of *client*."""

    def __init__(
        self,
        client: NodeClient,
        storage: Storage,
        membership: Membership,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._client = client
        self._storage = storage
        self._membership = membership
        self._clock = clock
        self._scanned = False
        self._failures = 0  # passes in a row that ended early
        self._next: dict[str, float] = {}  # when each contract's next challenge is to be had
        self._next_chunks = -math.inf  # when to ask for chunks

    def one_pass(self, stop: threading.Event) -> Pass:
        """Answer what is to be answered, then take new chunks; end early once *stop* is set.

        Raises FarmerStopped if there is no point in going on, and OSError if the disk fails.
        """
        tally = Tally()
        trouble = self._trouble(tally, stop)
        self._failures = self._failures + 1 if trouble else 0
        return Pass(
            answered=tally.answered,
            accepted=tally.accepted,
            refused=tuple(tally.refused),
            dropped=tuple(tally.dropped),
            taken=tally.taken,
            contracts=len(self._storage.hashes),
            size=self._storage.size,
            trouble=trouble,
            wait=backoff(self._failures) if trouble else self._wait(),
        )

    def _trouble(self, tally: Tally, stop: threading.Event) -> str | None:
        """Do the work of a pass; return why it ended early, None if it did not."""
        try:
            self._work(tally, stop)
        except NodeUnavailable as error:
            return str(error)
        except UnknownToken:
            self._membership.forget()
            return JOIN_AGAIN
        return None

    def _work(self, tally: Tally, stop: threading.Event) -> None:
        if not self._scanned:
            tally.dropped += self._storage.scan()
            self._scanned = True
        member = self._membership.member()
        hashes = self._open_hashes()
        for start in range(0, len(hashes), BATCH):
            if stop.is_set():
                return
            self._answer(member, hashes[start : start + BATCH], tally)
        if self._storage.room and self._clock() >= self._next_chunks and not stop.is_set():
            self._take(member, tally, stop)

    def _open_hashes(self) -> list[str]:
        """Return the contracts whose next challenge is to be had, those waiting longest first."""
        now = self._clock()
        opening = {name: self._next.get(name, -math.inf) for name in self._storage.hashes}
        return sorted((name for name in opening if opening[name] <= now), key=opening.__getitem__)

    def _answer(self, member: Member, hashes: Sequence[str], tally: Tally) -> None:
        """Ask for the challenges of the contracts *hashes*, and answer those that are open."""
        challenges = self._ask(member, hashes, tally)
        now = self._clock()
        next_ones = {name: now + challenge.due for name, challenge in challenges.items()}
        done = {name for name, challenge in challenges.items() if challenge.answered}
        proofs = [
            Proof(name, proof)
            for name, challenge in challenges.items()
            if name not in done
            and (proof := self._prove(member, name, challenge, tally)) is not None
        ]
        done |= self._send(member, proofs, tally)
        # Only now: what could not be sent is still to be answered.
        self._next |= {name: next_ones[name] for name in done}

    def _ask(self, member: Member, hashes: Sequence[str], tally: Tally) -> dict[str, Challenge]:
        """Return the challenges of the contracts *hashes*; drop those that have none any more."""
        given = {item.file_hash: item for item in self._client.challenges(member.token, hashes)}
        for name in hashes:
            end = given[name].end if name in given else NOT_MENTIONED
            if end is not None:
                self._give_up(name, end, tally.dropped)
        return {name: given[name] for name in hashes if name in self._storage.hashes}

    def _prove(self, member: Member, name: str, challenge: Challenge, tally: Tally) -> object:
        """Return the proof that answers *challenge*; None if there is none, and drop it."""
        try:
            chunk = self._storage.load(name)
            return member.prover.prove(chunk.data, chunk.tag, challenge.challenge)
        except DamagedChunk as error:
            self._give_up(name, str(error), tally.dropped)
        except MalformedProof as error:
            # The node may have gone over to another scheme since we joined.
            self._membership.check()
            self._give_up(name, str(error), tally.dropped)
        tally.faulty = True
        return None

    def _send(self, member: Member, proofs: Sequence[Proof], tally: Tally) -> set[str]:
        """Send *proofs*; return the contracts that are answered, drop those that are refused."""
        if not proofs:
            return set()
        tally.answered += len(proofs)
        reports = {item.file_hash: item for item in self._client.answer(member.token, proofs)}
        answered = set()
        for name in [proof.file_hash for proof in proofs]:
            refusal = reports[name].refusal if name in reports else NOT_MENTIONED
            if refusal is None or refusal == ALREADY_ANSWERED:
                tally.accepted += refusal is None
                answered.add(name)
            else:
                self._give_up(name, refusal, tally.refused)
                tally.faulty = True
        return answered

    def _take(self, member: Member, tally: Tally, stop: threading.Event) -> None:
        """Ask once for as many chunks as there is room for.

        Once in a pass: what is taken is due soon, and answered before more is taken.
        """
        offers = () if tally.faulty else self._client.chunks(member.token, self._storage.room)
        for offer in offers:
            if stop.is_set():
                return
            try:
                self._storage.keep(offer)
                tally.taken += 1
            except CannotKeep as error:
                tally.dropped.append(Loss(offer.file_hash, str(error)))
                tally.faulty = True
        if tally.faulty or not offers:
            self._next_chunks = self._clock() + MOST_WAIT

    def _give_up(self, name: str, reason: str, losses: list[Loss]) -> None:
        """Remove a contract, and add it to *losses*."""
        self._storage.remove(name)
        self._next.pop(name, None)
        losses.append(Loss(name, printable(reason)))

    def _wait(self) -> float:
        """Return the seconds until the next challenge is to be had, or the next chunk."""
        now = self._clock()
        moments = [self._next.get(name, now) for name in self._storage.hashes]
        if self._storage.room:
            moments.append(self._next_chunks)
        earliest = min(moments, default=math.inf)
        return min(max(earliest - now, LEAST_WAIT), MOST_WAIT)


def backoff(failures: int) -> float:
    """Return the seconds to wait after this many failures in a row (1 or more)."""
    return float(min(2 ** min(failures - 1, 10), MOST_WAIT))


def make_farmer(  # noqa: PLR0913 - the parts of a farmer, and the clocks of tests
    client: NodeClient,
    folder: Path,
    limit: int,
    identity: Identity,
    *,
    clock: Callable[[], float] = monotonic,
    wall_clock: WallClock = system_clock,
) -> Farmer:
    """Return the farmer that keeps everything in *folder*, chunks of *limit* bytes in all."""
    membership = Membership(client, identity, folder / "farmer.json", wall_clock)
    return Farmer(client, Storage(folder / "chunks", limit), membership, clock)


def run(
    farmer: Farmer,
    stop: threading.Event,
    tell: Callable[[Pass], None],
    passes: int = 0,
) -> None:
    """Repeat passes until *stop* is set, or *passes* of them if that is not 0.

    Each is handed to *tell*. Raises what `Farmer.one_pass` does.
    """
    count = 0
    while not stop.is_set():
        done = farmer.one_pass(stop)
        tell(done)
        count += 1
        if count == passes:
            return
        stop.wait(done.wait)
