"""A worker: takes one package after the other, has it read, keeps what comes of it.

Whatever it writes about a package is guarded by its own attempt at it. If it says nothing for the
length of a lease another worker takes over; if the package is deleted, or taken from it, it
notices with the next thing that it writes, and lets go what it has.
"""

import logging
import os
import select
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import msgspec
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from downstream_node.clock import SECOND, monotonic, pause
from downstream_node.custody import service as custody
from downstream_node.custody.writing import Writer
from downstream_node.errors import DownstreamError, PackageRefused, SealBroken
from downstream_node.node import Node
from downstream_node.packages import queries, redaction, removing, segments
from downstream_node.packages.boxes import Errand, WorkerKeys
from downstream_node.packages.errands import hand_out
from downstream_node.packages.links import RETRYABLE
from downstream_node.packages.looking_after import FAILED_KEPT, look_after
from downstream_node.packages.models import NAME
from downstream_node.packages.orders import Ended, Frames, Kind, Order, Refused, Told
from downstream_node.packages.queries import Claim, Result
from downstream_node.packages.sealing import PREFIX, stream_header
from downstream_node.packages.states import Code, Source, Stage
from downstream_node.processes import started

log = logging.getLogger(__name__)

POLL_SECONDS = 1.0
BEATS_IN_A_LEASE = 4
GRACE_SECONDS = 20.0
"""How long a worker that is to end goes on with its package before it gives it back."""
PIECE = 1 << 16
MEDIA_TYPE = "application/octet-stream"
Work = Callable[[Connection, int], bool]
"""Gets the wall time, too; says whether its guard held."""
AGAIN = {*RETRYABLE, Code.SERVER_ERROR}
"""Another attempt may go better."""


class Stop:
    """Whether signals asked the worker to end, and how often."""

    requests = 0
    since = 0.0

    def on_signals(self) -> "Stop":
        """Take SIGINT and SIGTERM as requests."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._request)
        return self

    def _request(self, _number: int, _frame: object) -> None:
        self.since = self.since or monotonic()
        self.requests += 1

    @property
    def requested(self) -> bool:
        """Whether it is to take no further package."""
        return self.requests > 0

    @property
    def impatient(self) -> bool:
        """Whether it is to give back the one that it has."""
        return self.requests > 1 or (self.requested and monotonic() > self.since + GRACE_SECONDS)


class Lost(DownstreamError):
    """The attempt is over: the package was deleted, or somebody else has it."""


class GivenBack(DownstreamError):
    """The worker ends before the package is done."""


class Reader:
    """The process that reads one package. In a `with` statement, at whose end it is gone."""

    def __init__(self, order: Order) -> None:
        self._process = started("downstream_node.packages.reader")
        self._frames = Frames()
        self._order: bytes | None = msgspec.json.encode(order) + b"\n"
        self.ended = False
        """Whether it has said its last word."""

    def __enter__(self) -> Self:
        assert self._process.stdin is not None  # noqa: S101 - a pipe, as above
        # If it has ended already, the first look at its answers shows that.
        with suppress(BrokenPipeError):
            self._process.stdin.write(self._order or b"")
            self._process.stdin.flush()
        self._order = None
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None  # noqa: S101 - pipes, as above
            with suppress(BrokenPipeError):
                pipe.close()

    def frames(self, seconds: float) -> Iterator[tuple[Kind, bytes]]:
        """The frames that have come, or come within so many *seconds*. Raises BrokenFrame."""
        assert self._process.stdout is not None  # noqa: S101 - a pipe, as above
        output = self._process.stdout.fileno()
        if select.select([output], [], [], seconds)[0]:
            data = os.read(output, PIECE)
            self.ended = not data
            yield from self._frames.feed(data)


@dataclass
class Attempt:
    """What a worker knows of the package that it has."""

    claim: Claim
    errand: Errand
    deadline: float
    stage: Stage = Stage.DOWNLOADING
    done: float = 0.0
    start: bytes = b""
    """The first bytes of the result."""


class Worker:
    """One worker. A process has one, and one package at a time."""

    def __init__(self, node: Node, stop: Stop) -> None:
        self.node = node
        self.stop = stop
        self.lease = node.settings.PACKAGES_LEASE * SECOND
        self._keys = WorkerKeys.generate()
        self._name = f"{socket.gethostname()}:{os.getpid()}"[:NAME]
        self._beaten = 0.0
        self.id = self._registered()

    # Alive

    def _registered(self) -> int:
        public, now = self._keys.public, self.node.wall_clock()
        voucher = self.node.keys.package_voucher(public)

        def work(connection: Connection) -> int:
            worker = queries.register(connection, public, voucher, self._name, now)
            queries.live_on(connection, worker, now + self.lease)
            return worker

        return self.node.database.write(work)

    def is_time(self) -> bool:
        """Whether it should say that it is alive."""
        return monotonic() >= self._beaten + self.lease / SECOND / BEATS_IN_A_LEASE

    def beat(self) -> None:
        """Say so, and see after packages of workers that do not."""
        self._beaten = monotonic()
        until = self.node.wall_clock() + self.lease
        if not self.node.database.write(
            lambda connection: queries.live_on(connection, self.id, until)
        ):
            log.warning("The worker %s was taken for dead.", self._name)
            self.id = self._registered()
        look_after(self.node)

    def leave(self) -> None:
        """Be no more. Whoever lives gets the secrets that only this worker can open."""
        node, now = self.node, self.node.wall_clock()
        for package, package_id, box in node.database.read(
            lambda connection: queries.boxes_of(connection, self.id)
        ):
            try:
                errand = self._keys.open(box, package_id)
            except SealBroken:
                continue
            self._hand_out(package, errand, now)
        node.database.write(lambda connection: queries.unregister(connection, self.id))

    def _hand_out(self, package: int, errand: Errand, now: int) -> None:
        self.node.database.write(
            lambda connection: hand_out(connection, self.node, package, errand, now)
        )

    # Work

    def run(self, *, once: bool = False) -> int:
        """Take packages until it is stopped, or *once*; how many it took."""
        taken = 0
        while not self.stop.requested and not (once and taken):
            try:
                did = self.one_pass()
            except (DownstreamError, SQLAlchemyError) as error:
                # A database that is away for a while. What it was to be told of a package is
                # lost, so the lease lapses, and somebody takes it over.
                log.error("The database does not do its part: %s.", type(error).__name__)  # noqa: TRY400
                did = False
            taken += did
            if not did:
                pause(POLL_SECONDS)
        return taken

    def one_pass(self) -> bool:
        """Say that it is alive if it is time, and do the next package; False if there is none."""
        if self.is_time():
            self.beat()
        claim = self.take()
        if claim is None:
            return False
        self.process(claim)
        return True

    def take(self) -> Claim | None:
        """The package that is next, if there is one for this worker and nobody else is first."""
        database = self.node.database
        claim = database.read(lambda connection: queries.next_for(connection, self.id))
        if claim is None:
            return None
        now = self.node.wall_clock()
        taken = database.write(
            lambda connection: queries.take(connection, claim, now, now + self.lease)
        )
        return claim if taken else None

    def process(self, claim: Claim) -> None:
        """Have the package read, and note what came of it."""
        try:
            errand = self._keys.open(claim.box, claim.package_id)
        except SealBroken:
            # It was taken out of the table with the claim; the owner has to show it again.
            self._write(lambda found, now: queries.give_back(found, claim, claim.attempt, now))
            return
        began = monotonic()
        with redaction.known(errand.secret, errand.url or ""):
            word = self._tried(claim, errand)
        log.info(
            "Package %s, attempt %d: %s after %.1f s.",
            *(claim.package_id[:8], claim.attempt, word, monotonic() - began),
        )

    def _tried(self, claim: Claim, errand: Errand) -> str:
        """Carry out the attempt; a word about how it ended."""
        try:
            self._attempt(claim, errand)
        except Lost:
            return "no longer wanted"
        except GivenBack:
            self._give_back(claim, errand, claim.attempt - 1)
            return "given back"
        except PackageRefused as refusal:
            return self._failed(claim, errand, refusal.code)
        except Exception as error:  # noqa: BLE001 - of the disk or the database: try again
            log.error("A package could not be processed: %s.", type(error).__name__)  # noqa: TRY400
            return self._failed(claim, errand, Code.SERVER_ERROR)
        return "done"

    def _attempt(self, claim: Claim, errand: Errand) -> None:
        """Read the package and keep its result.

        Raises Lost, GivenBack, PackageRefused, and what the disk and the database raise.
        """
        seconds = self.node.settings.PACKAGES_TIMEOUT
        attempt = Attempt(claim, errand, monotonic() + seconds)
        with custody.writer(self.node) as result, Reader(self._order(claim, errand)) as reader:
            while True:
                for kind, content in reader.frames(min(1.0, self.lease / SECOND / 8)):
                    if self._heard(attempt, kind, content, result) is not None:
                        return
                if reader.ended:
                    raise PackageRefused(Code.SERVER_ERROR, "The reading process has died.")
                self._go_on(attempt)

    def _order(self, claim: Claim, errand: Errand) -> Order:
        """What the reading process has to know."""
        node = self.node
        names: list[str] = []
        if claim.source == Source.UPLOAD:
            names = node.database.read(
                lambda connection: segments.files_of(connection, claim.package_id)
            )
        return Order(
            package_id=claim.package_id,
            secret=errand.secret.text,
            url=errand.url,
            segments=[str(removing.uploads_of(node) / name) for name in names],
            working=str(removing.working_of(node)),
            allowed=node.settings.PACKAGES_ALLOWED_HOSTS,
            max_size=node.settings.PACKAGES_MAX_SIZE,
            fetch_seconds=node.settings.PACKAGES_FETCH_TIMEOUT,
        )

    def _heard(self, attempt: Attempt, kind: Kind, content: bytes, result: Writer) -> Ended | None:
        """Do what a frame wants; what came of the package, if it is the last. Raises as above."""
        if kind == Kind.DATA:
            attempt.start = attempt.start or content[:PREFIX]
            result.write(content)
        elif kind == Kind.TOLD:
            told = msgspec.json.decode(content, type=Told)
            news = told.stage != attempt.stage
            attempt.stage, attempt.done = Stage(told.stage), told.done
            if news:
                self._note(attempt)
        elif kind == Kind.REFUSED:
            refused = msgspec.json.decode(content, type=Refused)
            if refused.where:
                log.error("A package could not be read: %s.", refused.where)
            raise PackageRefused(refused.code, "The package is refused.")
        else:
            ended = msgspec.json.decode(content, type=Ended)
            self._keep(attempt, ended, result)
            return ended
        return None

    def _go_on(self, attempt: Attempt) -> None:
        """Say that the attempt goes on, if it does. Raises Lost, GivenBack, PackageRefused."""
        if self.stop.impatient:
            raise GivenBack
        if monotonic() > attempt.deadline:
            raise PackageRefused(Code.TIMED_OUT, "The package takes too long.")
        if self.is_time():
            self._note(attempt)
            self.beat()

    def _note(self, attempt: Attempt) -> None:
        """Note how far it is. Raises Lost."""
        claim, stage, done = attempt.claim, attempt.stage, attempt.done
        if not self._write(
            lambda found, now: queries.note(found, claim, stage, done, now, now + self.lease)
        ):
            raise Lost

    def _keep(self, attempt: Attempt, ended: Ended, result: Writer) -> None:
        """Keep the result, and be done. Raises Lost; the result is released then."""
        claim, node = attempt.claim, self.node
        attempt.stage, attempt.done = Stage.STORING, 0.0
        self._note(attempt)
        header = stream_header(attempt.start)
        stored = result.finish(
            source=removing.SOURCE,
            reference=claim.package_id,
            name=f"{claim.package_id}.dsp1",
            media_type=MEDIA_TYPE,
            redundancy=node.settings.PACKAGES_REDUNDANCY,
            visibility="private",
        )
        kept = Result(stored.sha256, header, stored.size, ended.is_partial)
        kept_for = node.settings.PACKAGES_RETENTION * SECOND
        if not self._end(
            claim, lambda found, now: queries.finish(found, claim, kept, now, now + kept_for)
        ):
            custody.release(
                node, stored.sha256, removing.SOURCE, claim.package_id, "not wanted any more"
            )
            raise Lost

    def _failed(self, claim: Claim, errand: Errand, code: str) -> str:
        """Try again later, or never; a word about it."""
        if code in AGAIN and claim.attempt < self.node.settings.PACKAGES_ATTEMPTS:
            self._give_back(claim, errand, claim.attempt)
            return f"{code}, to be tried again"
        self._end(
            claim, lambda found, now: queries.fail(found, claim, code, now, now + FAILED_KEPT)
        )
        return code

    def _give_back(self, claim: Claim, errand: Errand, attempts: int) -> None:
        """Let somebody else try, who is given the secret."""

        def work(connection: Connection, now: int) -> bool:
            if not queries.give_back(connection, claim, attempts, now):
                return False
            return hand_out(connection, self.node, claim.id, errand, now)

        self._write(work)

    def _end(self, claim: Claim, work: Work) -> bool:
        """Write the end of the attempt; nobody reads the uploaded bytes again."""
        now = self.node.wall_clock()
        return removing.end_with_upload(
            self.node, claim.package_id, lambda connection: work(connection, now)
        )

    def _write(self, work: Work) -> bool:
        now = self.node.wall_clock()
        return self.node.database.write(lambda connection: work(connection, now))
