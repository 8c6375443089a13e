"""Operators' keys: made once, stored as a hash, removed."""

import base64
import hashlib

import pytest
from simulator import ManualClock, SimulatedNode
from sqlalchemy import select

from downstream_node.errors import InvalidOperator
from downstream_node.operators import keys
from downstream_node.operators.attempts import MOST_CLIENTS, MOST_FAILURES, Attempts
from downstream_node.operators.models import OperatorKey


def test_a_key_has_a_prefix_and_32_bytes(key: str) -> None:
    """It is `dsop_` and 32 bytes in base64url."""
    assert key.startswith("dsop_")
    assert len(base64.urlsafe_b64decode(key.removeprefix("dsop_") + "=")) == 32


def test_only_the_hash_is_stored(node: SimulatedNode, key: str) -> None:
    """Who reads the database learns the SHA-256 of a key."""
    with node.parts.database.reading() as connection:
        row = connection.execute(select(OperatorKey)).one()
    assert row.key_hash == hashlib.sha256(key.encode()).digest()
    assert key not in str(row)


def test_a_key_is_found_by_what_is_shown(node: SimulatedNode, key: str) -> None:
    """The key, also with spaces around it, shows who it is."""
    operator = keys.shown(node.parts, f" {key}\n")
    assert operator
    assert operator.name == "ada"


@pytest.mark.parametrize("wrong", ["", "dsop_", "ada", "\udc80", "x" * 10_000])
def test_nothing_else_is_a_key(node: SimulatedNode, key: str, wrong: str) -> None:
    """Any other text is nobody's key."""
    assert keys.shown(node.parts, wrong) is None
    assert keys.shown(node.parts, key.lower()) is None


def test_the_use_of_a_key_is_noted(node: SimulatedNode, key: str) -> None:
    """At the first use at once, then every hour: a monitor shows its key all the time."""
    seen = []
    for seconds in (0, 60, 3600):
        node.advance(seconds)
        keys.shown(node.parts, key)
        seen.append(keys.stored(node.parts)[0].last_used)
    first = node.clock.wall - 3_660_000
    assert seen == [first, first, node.clock.wall]


def test_a_name_is_taken_once(node: SimulatedNode, key: str) -> None:
    """A second key for the same name is refused, and the first one stays good."""
    with pytest.raises(InvalidOperator, match="already"):
        keys.add(node.parts, "ada")
    assert keys.shown(node.parts, key)


@pytest.mark.parametrize("name", ["", " ", "a b", "-a", "ä", "a" * 65, "a\n"])
def test_names_are_plain(node: SimulatedNode, name: str) -> None:
    """A name that could not be typed or listed is refused."""
    with pytest.raises(InvalidOperator, match="no name"):
        keys.add(node.parts, name)


def test_names_differ_in_case(node: SimulatedNode, key: str) -> None:
    """Ada is somebody else than ada, on every database."""
    assert keys.add(node.parts, "Ada") != key
    assert [stored.name for stored in keys.stored(node.parts)] == ["Ada", "ada"]


def test_a_removed_key_is_nobodys(node: SimulatedNode, key: str) -> None:
    """It can be removed once."""
    keys.remove(node.parts, "ada")
    assert keys.shown(node.parts, key) is None
    with pytest.raises(InvalidOperator, match="no operator ada"):
        keys.remove(node.parts, "ada")


# Attempts


def test_ten_failures_a_minute(clock: ManualClock) -> None:
    """The eleventh try has to wait until the first one is a minute old."""
    attempts = Attempts()
    assert [attempts.begin("a", clock()) for _ in range(MOST_FAILURES)] == [0] * MOST_FAILURES
    clock.jump(59.5)
    assert attempts.begin("a", clock()) == 1
    clock.jump(0.5)
    assert attempts.begin("a", clock()) == 0


def test_clients_are_counted_apart(clock: ManualClock) -> None:
    """One client's failures keep no other one out."""
    attempts = Attempts()
    for _ in range(MOST_FAILURES + 1):
        attempts.begin("a", clock())
    assert attempts.begin("b", clock()) == 0


def test_success_forgets_failures(clock: ManualClock) -> None:
    """Who has shown the right key begins anew."""
    attempts = Attempts()
    for _ in range(3 * MOST_FAILURES):
        assert attempts.begin("a", clock()) == 0
        attempts.succeeded("a")


def test_a_clock_set_back_locks_nobody_out(clock: ManualClock) -> None:
    """Failures in the future do not count."""
    attempts = Attempts()
    for _ in range(MOST_FAILURES):
        attempts.begin("a", clock())
    clock.jump(-3600)
    assert attempts.begin("a", clock()) == 0


def test_memory_is_bounded(clock: ManualClock) -> None:
    """However many clients try, a bounded number is remembered: the latest."""
    attempts = Attempts()
    for number in range(3 * MOST_CLIENTS):
        attempts.begin(str(number), clock())
    assert len(attempts._failures) == MOST_CLIENTS  # noqa: SLF001 - there is no other sight of it
