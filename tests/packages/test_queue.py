"""The queue: one job for each package, in order, at its right place, until somebody can do it."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from conftest import NodeMaker
from packages.conftest import QUICK
from packages.journey import Owner, Shop, small_package, work, worker_of
from simulator import SimulatedNode
from sqlalchemy import Connection, func, select

from downstream_node.clock import SECOND
from downstream_node.node import Node
from downstream_node.packages import commands, looking_after, queries, removing
from downstream_node.packages.models import Box, Package
from downstream_node.packages.worker import Worker

DAY = 86400


def owners(node: SimulatedNode, shop: Shop, count: int) -> list[Owner]:
    """So many people with packages of their own, who submit them one after the other."""
    found = [Owner(node, shop.put(f"/{n}.zip", small_package(str(n)))) for n in range(count)]
    for one in found:
        one.submit()
        node.clock.jump(0.001)
    return found


def rows(node: SimulatedNode, table: type) -> int:
    """How many rows a table has."""
    count = select(func.count()).select_from(table)
    return int(node.parts.database.read(lambda found: found.execute(count).scalar_one()))


def after(node: SimulatedNode, seconds: float, *workers: Worker) -> int:
    """Time passes, in which *workers* stay alive; how many packages were looked after."""
    node.advance(seconds)
    for worker in workers:
        worker.beat()
    return looking_after.look_after(node.parts)


# One job for each package


def test_s9_eight_posts_at_once_make_one_job(owner: Owner, worker: Worker) -> None:
    """One row, one box, processed once."""
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(lambda _: owner.submit(), range(8))) == {owner.id}
    assert (rows(owner.node, Package), rows(owner.node, Box)) == (1, 1)
    assert work(worker)
    assert not work(worker)


def test_a_known_package_is_not_queued_again(owner: Owner, worker: Worker, shop: Shop) -> None:
    """Neither while it is processed nor afterwards."""
    owner.submit()
    assert work(worker)
    owner.submit()
    assert not work(worker)
    assert owner.status()["isDataAvailable"]
    assert shop.asked == ["/ada.zip"]


def test_a_failed_package_may_be_submitted_again(owner: Owner, worker: Worker, shop: Shop) -> None:
    """When the link works after all."""
    content = shop.goods.pop("/ada.zip")
    owner.submit()
    assert work(worker)
    status = owner.status()
    assert (status["isErrored"], status["errorMessageCode"]) == (True, "EXPIRED_LINK")
    assert not status["isProcessing"]
    shop.put("/ada.zip", content)
    owner.submit()
    assert owner.status()["isProcessing"]
    assert work(worker)
    assert owner.status()["isDataAvailable"]


def test_a_package_without_its_owner_is_refused(
    taking: SimulatedNode, shop: Shop, worker: Worker
) -> None:
    """The reader's codes reach the status, after one attempt."""
    nobody = Owner(taking, shop.put("/nobody.zip", b"no zip"))
    nobody.submit()
    assert work(worker)
    assert nobody.status()["errorMessageCode"] == "BROKEN_ARCHIVE"
    assert not work(worker)


# Positions


def test_positions_fall_to_nothing(taking: SimulatedNode, shop: Shop, worker: Worker) -> None:
    """In both vocabularies; what was at the start stays."""
    people = owners(taking, shop, 3)
    assert [one.place()["user"] for one in people] == [0, 1, 2]
    last = people[-1]
    started = {"userWhenStarted": 2, "totalWhenStarted": 3}
    joined = {"standardWhenJoined": 3, "premiumWhenJoined": 0}
    for ahead in (2, 1, 0):
        assert last.place() == started | joined | {
            "user": ahead,
            "total": ahead + 1,
            "premiumQueueTotal": 0,
            "standardQueueTotal": ahead + 1,
            "premiumQueueUser": 0,
            "standardQueueUser": ahead,
        }
        assert work(worker)
    assert (last.place()["user"], last.place()["total"]) == (0, 0)


def test_those_in_work_are_ahead(taking: SimulatedNode, shop: Shop, worker: Worker) -> None:
    """As long as they are not done."""
    first, second = owners(taking, shop, 2)
    assert worker.take() is not None
    assert (first.place()["user"], second.place()["user"]) == (0, 1)
    assert second.place()["total"] == 2


def test_the_oldest_is_next(taking: SimulatedNode, shop: Shop, worker: Worker) -> None:
    """Packages are done in the order in which they came."""
    people = owners(taking, shop, 4)
    taken = [worker.take() for _ in people]
    assert [claim and claim.package_id for claim in taken] == [one.id for one in people]


def test_upgraded_packages_go_first(taking: SimulatedNode, shop: Shop, worker: Worker) -> None:
    """And everybody's position says so."""
    first, second, third = owners(taking, shop, 3)
    now = taking.clock.wall
    assert taking.parts.database.write(lambda found: queries.upgrade(found, third.id, now))
    assert third.status()["isUpgraded"]
    assert [one.place()["user"] for one in (first, second, third)] == [1, 2, 0]
    place = third.place()
    assert (place["premiumQueueTotal"], place["standardQueueTotal"]) == (1, 2)
    claim = worker.take()
    assert claim is not None
    assert claim.package_id == third.id


def test_s11_who_waits_for_its_owner_holds_up_nobody(
    taking: SimulatedNode, shop: Shop, worker: Worker
) -> None:
    """A row that nobody can process counts in no position, and does not stay for ever."""
    (stuck,) = owners(taking, shop, 1)
    worker.leave()
    later = worker_of(taking)
    after(taking, 0.1, later)
    other = Owner(taking, shop.put("/other.zip", small_package("other")))
    other.submit()
    assert (other.place()["user"], other.place()["total"]) == (0, 1)
    after(taking, DAY + 1, later)
    assert stuck.status()["errorMessageCode"] == "NO_WORKER"


# Workers come and go


def test_without_a_worker_it_waits(owner: Owner) -> None:
    """Clearly; and the owner's next question brings it on once there is one."""
    owner.submit()
    assert owner.detail() == "waiting"
    worker = worker_of(owner.node)
    assert not work(worker)
    assert owner.detail() == "queued"
    assert work(worker)
    assert owner.status()["isDataAvailable"]


def test_a_worker_that_comes_later_is_given_the_secret(owner: Owner, worker: Worker) -> None:
    """With the next question for the status."""
    owner.submit()
    later = worker_of(owner.node)
    assert later.take() is None
    owner.status()
    assert work(later)
    assert not work(worker)


def test_a_worker_that_leaves_passes_its_secrets_on(owner: Owner, worker: Worker) -> None:
    """To those who live: the owner need not come back."""
    owner.submit()
    later = worker_of(owner.node)
    worker.leave()
    assert work(later)


@pytest.mark.parametrize(
    ("seconds", "code"),
    [
        pytest.param(DAY, None, id="to the second"),
        pytest.param(DAY + 1, "NO_WORKER", id="a second later"),
    ],
)
def test_waiting_ends(owner: Owner, seconds: int, code: str | None) -> None:
    """After PACKAGES_WAIT, with a code."""
    owner.submit()
    after(owner.node, seconds)
    assert owner.status()["errorMessageCode"] == code


def test_a_key_of_a_stranger_gets_no_secret(owner: Owner) -> None:
    """Who can only write to the database cannot have packages sealed to a key of their own."""
    node, now = owner.node, owner.node.clock.wall

    def intrude(connection: Connection) -> None:
        worker = queries.register(connection, b"k" * 32, b"v" * 32, "stranger", now)
        queries.live_on(connection, worker, now + 1000)

    node.parts.database.write(intrude)
    owner.submit()
    assert owner.detail() == "waiting"
    assert rows(node, Box) == 0


def test_a_silent_worker_loses_its_package(owner: Owner, worker: Worker) -> None:
    """Another takes over; what the first then writes has no effect."""
    other = worker_of(owner.node)
    owner.submit()
    claim = worker.take()
    assert claim is not None
    assert after(owner.node, 1.001, other) == 0  # `beat` has done it
    assert owner.detail() == "queued"
    assert work(other)
    size = owner.status()["size"]
    worker.process(claim)
    assert owner.status()["size"] == size
    assert owner.status()["isDataAvailable"]


def test_a_silent_worker_may_come_back(owner: Owner, worker: Worker) -> None:
    """Its boxes are still good, so the package waits no longer."""
    owner.submit()
    after(owner.node, 2)
    package = owner.node.parts.database.read(lambda found: queries.find(found, owner.id))
    assert package is not None
    assert package.state == "waiting"
    worker.beat()
    assert work(worker)


def test_attempts_are_limited(make_node: NodeMaker, shop: Shop, tmp_path: object) -> None:
    """A package whose workers die each time fails, with a code, and leaves the queue."""
    node = make_node(
        PACKAGES_ALLOWED_HOSTS=shop.origin,
        PACKAGES_PATH=f"{tmp_path}/packages",
        PACKAGES_ATTEMPTS=2,
        **QUICK,
    )
    owner = Owner(node, shop.put("/a.zip", small_package()))
    workers = [worker_of(node) for _ in range(3)]
    owner.submit()
    for worker in workers[:2]:
        assert worker.take() is not None
        after(node, 1.001, *workers)
    assert owner.status()["errorMessageCode"] == "SERVER_ERROR"
    assert owner.place()["total"] == 0
    assert workers[2].take() is None
    assert rows(node, Box) == 0


# The end


def test_results_are_kept_for_a_while(owner: Owner, worker: Worker) -> None:
    """For PACKAGES_RETENTION, as the status says; then nothing is known of them."""
    owner.submit()
    assert work(worker)
    assert owner.status()["expiresAt"] == "2027-04-15T08:00:00Z"
    owner.node.advance(90 * DAY - 1)
    looking_after.tidy(owner.node.parts)
    assert owner.status()["isDataAvailable"]
    owner.node.advance(1)
    looking_after.tidy(owner.node.parts)
    assert owner.status()["errorMessageCode"] == "UNKNOWN_PACKAGE_ID"


def test_a_failed_package_may_be_submitted_while_it_is_forgotten(
    owner: Owner, worker: Worker, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the look and the deletion: it is processed."""
    content = shop.goods.pop("/ada.zip")
    owner.submit()
    assert work(worker)
    shop.put("/ada.zip", content)
    after(owner.node, looking_after.FAILED_KEPT / SECOND, worker)
    forget = removing.remove_expired

    def late(node: Node, package: queries.Stored, now: int, reason: str) -> bool:
        owner.submit()
        return forget(node, package, now, reason)

    monkeypatch.setattr(removing, "remove_expired", late)
    assert looking_after.tidy(owner.node.parts) == 0
    assert work(worker)
    assert owner.status()["isDataAvailable"]


def test_operators_see_no_more_than_this(owner: Owner, worker: Worker) -> None:
    """One line: id, state, stage, tier, attempts, size, time."""
    owner.submit()
    assert work(worker)
    (package,) = list(commands.everything(owner.node.parts))
    assert commands.line(package) == (
        f"{owner.id} done done standard attempts 1 {package.size} bytes 2027-01-15T08:00:00Z"
    )
