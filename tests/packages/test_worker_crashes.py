"""A worker is killed, or its package deleted, at each step of its work.

The package is finished by another worker, or has failed cleanly; deleted is deleted. Nothing is
left behind.
"""

import importlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from packages.journey import Owner, Shop, owner_name, work, worker_of
from simulator import SimulatedNode

from downstream_node.clock import monotonic, pause
from downstream_node.custody import service as custody
from downstream_node.custody.queries import StoredFile
from downstream_node.packages import looking_after, queries
from downstream_node.packages.worker import Worker

MARK = f"DOWNSTREAM-TEST-{os.getpid()}"
PROGRAM = """
import importlib, json, os, signal, sys
from downstream_node import settings
from downstream_node.app import build
from downstream_node.packages import worker

def die(values, wall, place, when, stage):
    owner, name = place.rsplit(".", 1)
    module, _, kind = owner.partition(":")
    owner = importlib.import_module("downstream_node." + module)
    owner = getattr(owner, kind) if kind else owner
    step = getattr(owner, name)

    def last(*arguments, **options):
        wanted = not stage or any(getattr(one, "stage", None) == stage for one in arguments)
        done = step(*arguments, **options) if when == "after" or not wanted else None
        if wanted:
            os.kill(os.getpid(), signal.SIGKILL)
        return done

    setattr(owner, name, last)
    worker.POLL_SECONDS = 0.02
    node = build(settings.checked(values), lambda: wall).extensions["downstream"]
    mortal = worker.Worker(node, worker.Stop())
    mortal.beat()
    mortal.run(once=True)

for line in sys.stdin:
    child = os.fork()
    if child == 0:
        try:
            die(*json.loads(line))
        finally:
            os._exit(1)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""

Place = tuple[str, str, str]
"""A function, whether before or after it, and at which stage of the package, "" for any."""

OUTSIDE: dict[str, Place] = {
    "taken": ("packages.worker:Worker.process", "before", ""),
    "reader started": ("packages.worker:Reader.__enter__", "after", ""),
    "downloading": ("packages.worker:Worker._go_on", "before", "downloading"),
    "checking": ("packages.worker:Worker._note", "before", "checking"),
    "account": ("packages.worker:Worker._note", "after", "account"),
    "messages": ("packages.worker:Worker._note", "before", "messages"),
    "analytics": ("packages.worker:Worker._note", "after", "analytics"),
    "sessions": ("packages.worker:Worker._note", "before", "sessions"),
    "writing": ("packages.worker:Worker._note", "after", "writing"),
    "storing": ("packages.worker:Worker._note", "before", "storing"),
    "before it is kept": ("custody.writing:Writer.finish", "before", ""),
    "kept": ("custody.writing:Writer.finish", "after", ""),
}
"""Steps at which the worker is in no transaction."""
INSIDE: dict[str, Place] = {
    "before the claim is committed": ("packages.queries.take", "after", ""),
    "before the end is committed": ("packages.queries.finish", "after", ""),
    "finished": ("packages.removing.discard", "before", ""),
}


def placed(places: dict[str, Place]) -> list[object]:
    """The places as parameters."""
    return [pytest.param(*place, id=name) for name, place in places.items()]


@pytest.fixture(scope="module")
def mortals() -> Iterator["subprocess.Popen[str]"]:
    """A process that makes workers, which die; to import all modules takes each too long."""
    program = subprocess.Popen(
        [sys.executable, "-c", PROGRAM],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"TEST_MARK": MARK},
    )
    with program:
        yield program
        assert program.stdin is not None
        program.stdin.close()


Doomed = Callable[[SimulatedNode, Owner, Place], int]


@pytest.fixture
def doomed(mortals: "subprocess.Popen[str]") -> Doomed:
    """A worker takes the package and dies at a place; how it ended."""

    def run(node: SimulatedNode, owner: Owner, place: Place) -> int:
        assert mortals.stdin is not None
        assert mortals.stdout is not None
        values = vars(node.parts.settings)
        before = alive(node)
        mortals.stdin.write(json.dumps([values, node.clock.wall, *place]) + "\n")
        mortals.stdin.flush()
        until(lambda: alive(node) > before)
        owner.submit()
        return int(mortals.stdout.readline())

    return run


def alive(node: SimulatedNode) -> int:
    """How many workers are alive."""
    now = node.clock.wall
    return int(node.parts.database.read(lambda found: queries.count_live_workers(found, now)))


def until(reached: Callable[[], bool], seconds: float = 20) -> None:
    """Wait until something is so."""
    end = monotonic() + seconds
    while not reached():
        assert monotonic() < end, "it does not come"
        pause(0.01)


def readers() -> list[int]:
    """The reading processes of killed workers."""
    found = []
    for folder in Path("/proc").iterdir():
        try:
            ours = MARK.encode() in (folder / "environ").read_bytes()
            reads = b"packages.reader" in (folder / "cmdline").read_bytes()
        except OSError:
            continue
        if ours and reads:
            found.append(int(folder.name))
    return found


def results(node: SimulatedNode) -> list[StoredFile]:
    """The sealed results that are kept."""
    return custody.listed(node.parts, source="packages").files


def later(node: SimulatedNode, *workers: Worker) -> None:
    """Leases lapse; *workers* live on."""
    node.advance(1.001)
    for worker in workers:
        worker.beat()


def tidied(node: SimulatedNode, *workers: Worker) -> None:
    """What is left of crashes goes, two hours later."""
    node.advance(7200)
    for worker in workers:
        worker.beat()
    looking_after.tidy(node.parts)


@pytest.mark.parametrize(("place", "when", "stage"), placed(OUTSIDE | INSIDE))
def test_another_worker_finishes(  # noqa: PLR0913, PLR0917 - fixtures
    owner: Owner, worker: Worker, doomed: Doomed, shop: Shop, place: str, when: str, stage: str
) -> None:
    """What a killed worker had; its reading process dies with it."""
    node = owner.node
    if stage == "downloading":
        shop.hold.clear()
    assert doomed(node, owner, (place, when, stage)) == -signal.SIGKILL
    shop.hold.set()
    until(lambda: not readers())
    later(node, worker)
    work(worker)
    status = owner.status()
    assert (status["isDataAvailable"], status["errorMessageCode"]) == (True, None)
    assert owner_name(owner.data()) == "ada"
    tidied(node, worker)
    assert len(results(node)) == 1
    assert owner_name(owner.data()) == "ada"


def test_the_owner_helps_when_nobody_is_left(owner: Owner, doomed: Doomed) -> None:
    """The only worker is killed: the next one cannot open the package until its owner asks."""
    node = owner.node
    assert doomed(node, owner, OUTSIDE["messages"]) == -signal.SIGKILL
    later(node)
    looking_after.look_after(node.parts)
    fresh = worker_of(node)
    assert not work(fresh)
    assert owner.detail() == "queued"
    assert work(fresh)
    assert owner.status()["isDataAvailable"]


# Deleted is deleted


@pytest.mark.parametrize(("place", "when", "stage"), placed(OUTSIDE))
def test_s5_deleted_in_every_step(  # noqa: PLR0913, PLR0917 - fixtures
    owner: Owner,
    worker: Worker,
    shop: Shop,
    monkeypatch: pytest.MonkeyPatch,
    place: str,
    when: str,
    stage: str,
) -> None:
    """A worker in the middle cannot bring it back, and the sealed file leaves the store."""
    path, name = place.rsplit(".", 1)
    module, _, kind = path.partition(":")
    target = getattr(importlib.import_module(f"downstream_node.{module}"), kind)
    step = getattr(target, name)
    deleted: list[dict[str, object]] = []

    def interrupted(*arguments: object, **options: object) -> object:
        wanted = not stage or any(getattr(one, "stage", None) == stage for one in arguments)
        done = step(*arguments, **options) if when == "after" or not wanted else None
        if wanted and not deleted:
            deleted.append(owner.delete())
        shop.hold.set()
        return done if when == "after" or not wanted else step(*arguments, **options)

    monkeypatch.setattr(target, name, interrupted)
    if stage == "downloading":
        shop.hold.clear()
    owner.submit()
    work(worker)
    assert deleted == [{"isDeleted": True, "errorMessageCode": None}]
    assert owner.status()["errorMessageCode"] == "UNKNOWN_PACKAGE_ID"
    assert owner.ask("GET", f"/{owner.id}/data", headers=owner.headers).status_code == 404
    assert owner.ask("GET", f"/{owner.id}/blob", headers=owner.headers).status_code == 404
    assert results(owner.node) == []
    monkeypatch.undo()
    owner.submit()
    assert work(worker)
    assert owner.status()["isDataAvailable"]


def test_s5_deleted_when_it_is_done(owner: Owner, worker: Worker) -> None:
    """The sealed file leaves the store at once."""
    owner.submit()
    assert work(worker)
    (kept,) = results(owner.node)
    path = Path(owner.node.parts.settings.FILES_PATH) / kept.sha256.hex()[:2]
    assert any(one.is_file() for one in path.rglob(kept.sha256.hex()))
    assert owner.delete()["isDeleted"]
    assert results(owner.node) == []
    assert not any(one.is_file() for one in path.rglob(kept.sha256.hex()))
    assert owner.delete() == {"isDeleted": False, "errorMessageCode": "UNKNOWN_PACKAGE_ID"}


def test_s5_deleted_while_it_is_queued(owner: Owner, worker: Worker) -> None:
    """Nobody takes it."""
    owner.submit()
    assert owner.delete()["isDeleted"]
    assert not work(worker)
