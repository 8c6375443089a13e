"""How often one may ask, in memory; with a Redis that is gone, in memory too."""

import socket

import pytest

from downstream_node.errors import InvalidSettings
from downstream_node.limiting import MINUTE, NoLimit, PerMinute
from downstream_node.shared import Shared


def free_port() -> int:
    """A port on which nobody listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@pytest.mark.parametrize("redis", [False, True], ids=["memory", "a Redis that is gone"])
def test_each_has_its_own_count(redis: bool) -> None:
    """So many a minute, then it is told how long to wait; others are not."""
    shared = Shared(f"redis://127.0.0.1:{free_port()}/0") if redis else None
    limiter = PerMinute(2, shared)
    assert [limiter.hit("ada"), limiter.hit("ada")] == [0, 0]
    assert 1 <= limiter.hit("ada") <= MINUTE
    assert limiter.hit("bea") == 0
    if shared:
        shared.close()


def test_no_limit_is_none() -> None:
    """However often."""
    assert {NoLimit().hit("ada") for _ in range(100)} == {0}


def test_an_address_that_is_none_is_told() -> None:
    """Without showing it: it may contain a password."""
    with pytest.raises(InvalidSettings, match="REDIS_URL") as caught:
        Shared("nonsense://:secret@host")
    assert "secret" not in str(caught.value)
