"""Databases, clocks and nodes for all tests.

Every test that touches SQL runs on SQLite; it runs on MariaDB and PostgreSQL too where
TEST_MARIADB_URI and TEST_POSTGRESQL_URI name a server. With REQUIRE_ALL=1 a server that is
not named fails the tests instead of leaving them out.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from simulator import ManualClock, SimulatedNode
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from downstream_node import app, schema, settings
from downstream_node.database import Base

SERVERS = {"mariadb": "TEST_MARIADB_URI", "postgresql": "TEST_POSTGRESQL_URI"}
MASTER_KEY = bytes(range(32))


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add --slow."""
    parser.addoption("--slow", action="store_true", help="run the slow tests, too")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip what is marked slow unless --slow is given."""
    if not config.getoption("--slow"):
        for item in items:
            if item.get_closest_marker("slow"):
                item.add_marker(pytest.mark.skip(reason="slow; run with --slow"))


def require(condition: object, reason: str) -> None:
    """Skip the test unless *condition*; with REQUIRE_ALL set, fail it."""
    if not condition:
        if os.environ.get("REQUIRE_ALL"):
            pytest.fail(reason)
        pytest.skip(reason)


@pytest.fixture(scope="session")
def master_key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The master key file of all nodes in the tests: databases are reused, so keys are, too."""
    path = tmp_path_factory.mktemp("keys") / "master.key"
    path.write_bytes(MASTER_KEY)
    return path


def migrated(uri: str, master_key: Path) -> None:
    """Bring the schema of the database at *uri* up to date."""
    values = settings.load({}, None).__class__(
        SQLALCHEMY_DATABASE_URI=uri, MASTER_KEY_PATH=str(master_key)
    )
    application = app.build(values)
    node = application.extensions["downstream"]
    schema.migrate(application, node)
    node.close()


@pytest.fixture(scope="session")
def empty_sqlite(tmp_path_factory: pytest.TempPathFactory, master_key: Path) -> Path:
    """An SQLite file with our schema and nothing in it."""
    path = tmp_path_factory.mktemp("sqlite") / "empty.db"
    migrated(f"sqlite:///{path}", master_key)
    return path


@pytest.fixture(scope="session")
def server_uri(master_key: Path) -> Callable[[str], str]:
    """The address of a database server's test database, its schema up to date."""
    ready: dict[str, str] = {}

    def uri(backend: str) -> str:
        if backend not in ready:
            ready[backend] = own_database(os.environ[SERVERS[backend]])
            recreate_database(ready[backend])
            migrated(ready[backend], master_key)
        return ready[backend]

    return uri


def own_database(uri: str) -> str:
    """*uri* with a database of its own for each worker of pytest-xdist."""
    url = make_url(uri)
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    return url.set(database=f"{url.database}{worker}").render_as_string(hide_password=False)


def recreate_database(uri: str) -> None:
    """Drop and create the database of *uri*: an earlier run may have left another schema."""
    url = make_url(uri)
    name = url.database
    other = "postgres" if url.get_backend_name() == "postgresql" else "mysql"
    engine = create_engine(url.set(database=other), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"DROP DATABASE IF EXISTS {name}"))
        connection.execute(text(f"CREATE DATABASE {name}"))
    engine.dispose()


def emptied(uri: str, master_key: Path) -> None:
    """Delete all rows but the one that binds the database to the master key."""
    engine = create_engine(uri)
    with engine.begin() as connection:
        for table in reversed(Base.metadata.sorted_tables):
            if table.name != schema.NodeIdentity.__tablename__:
                connection.execute(table.delete())
    engine.dispose()
    assert master_key.read_bytes() == MASTER_KEY


def backends() -> list[str]:
    """The kinds of database to test on."""
    named = [name for name, variable in SERVERS.items() if os.environ.get(variable)]
    return ["sqlite", *(SERVERS if os.environ.get("REQUIRE_ALL") else named)]


@pytest.fixture(params=backends())
def database_uri(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    master_key: Path,
    empty_sqlite: Path,
    server_uri: Callable[[str], str],
) -> str:
    """An empty database with our schema, on each kind of server."""
    backend = str(request.param)
    if backend == "sqlite":
        shutil.copy(empty_sqlite, tmp_path / "node.db")
        return f"sqlite:///{tmp_path / 'node.db'}"
    uri = server_uri(backend)
    emptied(uri, master_key)
    return uri


@pytest.fixture
def sqlite_uri(tmp_path: Path, empty_sqlite: Path) -> str:
    """An empty SQLite database with our schema, for tests in which SQL is not the point."""
    shutil.copy(empty_sqlite, tmp_path / "node.db")
    return f"sqlite:///{tmp_path / 'node.db'}"


@pytest.fixture
def clock() -> ManualClock:
    """A wall clock that the test moves."""
    return ManualClock()


NodeMaker = Callable[..., SimulatedNode]


@pytest.fixture
def make_node(
    database_uri: str, master_key: Path, tmp_path: Path, clock: ManualClock
) -> Iterator[NodeMaker]:
    """Make a node on the database of the test, with settings by keyword."""
    made: list[SimulatedNode] = []

    def make(**values: object) -> SimulatedNode:
        own = {
            "SQLALCHEMY_DATABASE_URI": database_uri,
            "MASTER_KEY_PATH": str(master_key),
            "MMDB_PATH": str(tmp_path / "none.mmdb"),
            "FILES_PATH": str(tmp_path / "files"),
            "CHATS_ARCHIVE": f"sqlite:///{tmp_path / 'chats.db'}",
            "CHATS_DROP_FOLDER": str(tmp_path / "drop"),
            "DEMOS_PATH": str(tmp_path / "demos"),
        }
        made.append(SimulatedNode(clock, **own | values))
        return made[-1]

    yield make
    for node in made:
        node.close()


@pytest.fixture
def node(make_node: NodeMaker) -> SimulatedNode:
    """A node with the default settings, but for an interval of 60 s."""
    return make_node(DEFAULT_INTERVAL=60)


@pytest.fixture(scope="module")
def lite(
    tmp_path_factory: pytest.TempPathFactory, empty_sqlite: Path, master_key: Path
) -> Iterator[SimulatedNode]:
    """A node on SQLite for all tests of a file where parsing is the point; others came before."""
    file = tmp_path_factory.mktemp("lite") / "node.db"
    shutil.copy(empty_sqlite, file)
    places = {
        "SQLALCHEMY_DATABASE_URI": f"sqlite:///{file}",
        "MASTER_KEY_PATH": str(master_key),
        "FILES_PATH": str(file.parent / "files"),
        "DEMOS_PATH": str(file.parent / "demos"),
    }
    many = {"MAX_TOKENS_PER_IP": 10_000, "DEMOS_RATE_LIMIT": 0}
    node = SimulatedNode(ManualClock(), DEFAULT_INTERVAL=60, **many, **places)
    yield node
    node.close()


@pytest.fixture
def own_settings(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, master_key: Path
) -> Iterator[pytest.MonkeyPatch]:
    """Commands run in this process with settings of the test and no others.

    Their databases are closed afterwards, as the end of a process would do.
    """
    built: list[Flask] = []
    build = app.build

    def remember(*arguments: Any) -> Flask:
        built.append(build(*arguments))
        return built[-1]

    monkeypatch.setattr(app, "build", remember)
    for name in os.environ:
        if name.startswith(settings.ENVIRONMENT_PREFIX):
            monkeypatch.delenv(name)
    monkeypatch.setattr(settings, "DEFAULT_CONFIG_FILE", tmp_path / "nothing.py")
    monkeypatch.setenv("DOWNSTREAM_MASTER_KEY_PATH", str(master_key))
    monkeypatch.chdir(tmp_path)
    yield monkeypatch
    for application in built:
        application.extensions["downstream"].close()
