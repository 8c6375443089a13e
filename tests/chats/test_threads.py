"""Work that another thread does ahead."""

import threading
from collections.abc import Iterator

import pytest

from downstream_node.chats.threads import ahead
from downstream_node.clock import pause


def is_working() -> bool:
    """Whether there is a thread that reads ahead."""
    return any(thread.name == "reading ahead" for thread in threading.enumerate())


def test_everything_comes_in_order() -> None:
    """From another thread."""
    ids = set()

    def items() -> Iterator[int]:
        for number in range(1000):
            ids.add(threading.get_ident())
            yield number

    with ahead(items(), 3) as found:
        assert list(found) == list(range(1000))
    assert ids
    assert threading.get_ident() not in ids
    assert not is_working()


def test_it_is_only_so_far_ahead() -> None:
    """However slowly the items are taken."""
    made = []

    def items() -> Iterator[int]:
        for number in range(100):
            made.append(number)
            yield number

    with ahead(items(), 2) as found:
        next(found)
        pause(0.1)
        # One was taken, two wait, and one is to be put behind them.
        assert len(made) == 4


def test_errors_travel() -> None:
    """What is raised there is raised here, behind the items before it."""

    def items() -> Iterator[int]:
        yield 1
        raise ZeroDivisionError

    taken: list[int] = []
    with ahead(items(), 2) as found, pytest.raises(ZeroDivisionError):
        taken.extend(found)
    assert taken == [1]
    assert not is_working()


def test_whoever_leaves_early_ends_it() -> None:
    """The thread waits for a place in the queue, and is ended all the same."""

    def items() -> Iterator[int]:
        while True:
            yield 1

    def interrupted() -> None:
        with ahead(items(), 2) as found:
            next(found)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert not is_working()
