"""What the database layer promises: retries that end, and connections that heal."""

from typing import Any

import pytest
from simulator import FarmerSimulator, SimulatedNode
from sqlalchemy import Connection, insert, text

from downstream_node.chunks.models import Chunk
from downstream_node.database import MOST_TRIES, Conflict, absolute_uri, batched
from downstream_node.errors import Busy

OTHERS = {
    "mysql": "SELECT id FROM information_schema.processlist "
    "WHERE db = DATABASE() AND id <> CONNECTION_ID()",
    "postgresql": "SELECT pid FROM pg_stat_activity "
    "WHERE datname = current_database() AND pid <> pg_backend_pid()",
}
KILL = {"mysql": "KILL {}", "postgresql": "SELECT pg_terminate_backend({})"}


def kill_other_connections(connection: Connection) -> None:
    """End all connections to this database but our own, as a restarted server does."""
    dialect = connection.dialect.name
    for other in connection.execute(text(OTHERS[dialect])).scalars().all():
        connection.execute(text(KILL[dialect].format(other)))


def test_lost_connections_cost_no_request(node: SimulatedNode) -> None:
    """After a restart of the server the next requests succeed, on new connections."""
    if node.parts.database.dialect == "sqlite":
        pytest.skip("SQLite has no server")
    farmer = FarmerSimulator(node.fill_pool(2)).join().take(1)
    with node.parts.database.writing() as connection:
        kill_other_connections(connection)
    assert farmer.answer_all() == ["ok"]
    assert len(farmer.ask_for(1024)) == 1


def test_a_conflict_is_tried_again(node: SimulatedNode) -> None:
    """Work that meets a conflict runs again, in a new transaction."""
    tries: list[int] = []

    def work(_connection: Connection) -> str:
        tries.append(1)
        if len(tries) < 3:
            raise Conflict
        return "done"

    assert node.parts.database.write(work) == "done"


def test_retries_come_to_an_end(node: SimulatedNode, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work that never succeeds is given up, with an error that a client can act on."""
    monkeypatch.setattr("downstream_node.database.RETRY_PAUSE", 0)
    tries: list[Any] = []

    def work(connection: Connection) -> None:
        tries.append(connection)
        raise Conflict

    with pytest.raises(Busy):
        node.parts.database.write(work)
    assert len(tries) == MOST_TRIES


def test_what_failed_is_not_stored(node: SimulatedNode) -> None:
    """An exception rolls everything back."""

    def work(connection: Connection) -> None:
        connection.execute(insert(Chunk).values(seed="s", size=1))
        raise KeyError

    with pytest.raises(KeyError):
        node.parts.database.write(work)
    with node.parts.database.reading() as connection:
        assert connection.execute(text("SELECT COUNT(*) FROM chunks")).scalar_one() == 0


def test_statements_are_cut_to_size() -> None:
    """No list of parameters is longer than every driver takes, and none is lost."""
    parts = list(batched(range(12_001)))
    assert [len(part) for part in parts] == [5000, 5000, 2001]
    assert [item for part in parts for item in part] == list(range(12_001))


def test_relative_sqlite_paths_begin_at_the_working_directory(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not at Flask's instance folder."""
    monkeypatch.chdir(tmp_path)
    assert absolute_uri("sqlite:///data/x.db") == f"sqlite:///{tmp_path}/data/x.db"
    assert absolute_uri("sqlite://") == "sqlite://"
