"""The operator's commands for measures, through `flask` and through `runapp.py measures`."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest
import requests
from click.testing import CliRunner, Result
from flask.cli import cli as flask_program
from servers import free_port
from simulator import SimulatedNode
from sqlalchemy import func, insert, select

from downstream_node import cli
from downstream_node.clock import monotonic, pause
from downstream_node.jobs import JobRow
from downstream_node.measures import aggregating, definitions, redefining, telemetry, tokens
from downstream_node.measures.cells import cell_key
from downstream_node.measures.models import (
    Cell,
    MeasureDefinition,
    QuarantinedMeasure,
    RawMeasure,
)
from downstream_node.measures.periods import DAY, date_of, period_start

NAME = "visits-daily"
PROGRAMS: dict[str, tuple[click.Command, tuple[str, ...]]] = {
    "flask": (flask_program, ()),
    "runapp": (cli.main, ("measures",)),
}


@pytest.fixture
def database_uri(sqlite_uri: str) -> str:
    """SQLite only: the SQL of what the commands call has tests of its own."""
    return sqlite_uri


@pytest.fixture(autouse=True)
def _environment(own_settings: pytest.MonkeyPatch, database_uri: str) -> None:
    """Settings of the test and no others."""
    own_settings.setenv("DOWNSTREAM_SQLALCHEMY_DATABASE_URI", database_uri)
    own_settings.setenv("FLASK_APP", "downstream_node.app")
    # The program sets it for its own process.
    own_settings.setenv("FLASK_RUN_FROM_CLI", "true")


class Commands:
    """One of the two programs."""

    def __init__(self, program: str) -> None:
        self.command, self.before = PROGRAMS[program]

    def run(self, *arguments: str) -> Result:
        """Run a command in this process."""
        return CliRunner().invoke(self.command, [*self.before, *arguments])

    def done(self, *arguments: str) -> str:
        """What a command prints that has to succeed."""
        result = self.run(*arguments)
        assert (result.exit_code, result.exception) == (0, None), result.output
        return result.stdout

    def refused(self, *arguments: str) -> str:
        """The one line that a command prints that has to be refused with status 2."""
        result = self.run(*arguments)
        assert (result.exit_code, result.stdout) == (2, ""), (result.output, result.exception)
        (line,) = result.stderr.splitlines()
        assert line.startswith("Error: ")
        return line


@pytest.fixture(params=list(PROGRAMS))
def program(request: pytest.FixtureRequest, node: SimulatedNode) -> Commands:
    """Each program, on the database of the node."""
    assert node.parts
    return Commands(request.param)


def org_of(node: SimulatedNode, token: str) -> str | None:
    """Whose token it is."""
    with node.parts.database.reading() as connection:
        org: str | None = tokens.org_of(connection, token.strip())
    return org


def count(node: SimulatedNode, model: Any, *where: Any) -> int:
    """How many rows there are."""
    query = select(func.count()).select_from(model).where(*where)
    with node.parts.database.reading() as connection:
        return int(connection.execute(query).scalar_one())


# Tokens


def test_a_token(node: SimulatedNode, program: Commands) -> None:
    """It is printed once, alone, and names its organisation from then on."""
    token = program.done("token", "create", "museum")
    assert org_of(node, token) == "museum"
    listed = program.done("token", "get", "museum")
    assert "museum: made " in listed
    assert token.strip() not in listed


def test_all_tokens(program: Commands) -> None:
    """Without an organisation all are listed, with one its own."""
    for org in ("museum", "museum", "zoo"):
        program.done("token", "create", org)
    assert "3 in all" in program.done("token", "get")
    assert "2 in all" in program.done("token", "get", "museum")


def test_a_new_token(node: SimulatedNode, program: Commands) -> None:
    """Updating ends every former token of the organisation."""
    former = [program.done("token", "create", "museum") for _ in range(2)]
    token = program.done("token", "update", "museum")
    assert org_of(node, token) == "museum"
    assert [org_of(node, one) for one in former] == [None, None]


def test_d13_no_token_is_left(node: SimulatedNode, program: Commands) -> None:
    """Deleting an organisation ends all of its tokens, and nobody else's."""
    former = [program.done("token", "create", "museum") for _ in range(2)]
    other = program.done("token", "create", "zoo")
    assert program.done("token", "delete-org", "museum") == "2 tokens of museum are removed.\n"
    assert [org_of(node, one) for one in [*former, other]] == [None, None, "zoo"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("update", "nobody"), "There is no token of nobody."),
        (("delete-org", "nobody"), "There is no token of nobody."),
        (("create", ""), "is no name for an organisation"),
    ],
)
def test_tokens_of_nobody(program: Commands, arguments: tuple[str, ...], told: str) -> None:
    """What cannot be done is told in one line."""
    assert told in program.refused("token", *arguments)


# Definitions


def test_shipped_definitions(node: SimulatedNode, program: Commands) -> None:
    """Without a file the node's own definitions are put in, and again without harm."""
    assert program.done("insert-definitions-json") == "4 definitions inserted, 0 updated.\n"
    assert program.done("insert-definitions-json") == "0 definitions inserted, 4 updated.\n"
    assert count(node, MeasureDefinition) == 4


def test_the_example(node: SimulatedNode, program: Commands) -> None:
    """The document's path to the example works from anywhere."""
    program.done("insert-definitions-json", "-f", "assets/definitions-example.json")
    assert count(node, MeasureDefinition, MeasureDefinition.name == "connection-count-daily") == 1


def test_own_file(node: SimulatedNode, program: Commands, tmp_path: Path) -> None:
    """A file of the operator's is found from the working directory, and goes by names.

    It holds a list, or an object with one.
    """
    for threshold in (3, 7):
        one = {"name": NAME, "org": "museum", "aggregation_threshold": threshold}
        content = [one] if threshold == 3 else {"definitions": [one]}
        (tmp_path / "own.json").write_text(json.dumps(content))
        program.done("insert-definitions-json", "-f", "own.json")
    assert count(node, MeasureDefinition, MeasureDefinition.aggregation_threshold == 7) == 1
    assert count(node, MeasureDefinition) == 1


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("[", "is not JSON"),
        ("{}", "is not a list of definitions"),
        ("[1]", "is not a list of definitions"),
        ('[{"name": "a"}]', "'a'"),
        ('[{"name": "b", "org": "o"}, {"name": "a", "org": "o", "x": 1}]', "'a'"),
    ],
)
def test_bad_files(
    node: SimulatedNode, program: Commands, tmp_path: Path, content: str, told: str
) -> None:
    """A file with one mistake is refused as a whole."""
    (tmp_path / "own.json").write_text(content)
    assert told in program.refused("insert-definitions-json", "-f", "own.json")
    assert count(node, MeasureDefinition) == 0


def test_no_file(program: Commands) -> None:
    """A file that is not there is named."""
    assert "nowhere.json" in program.refused("insert-definitions-json", "-f", "nowhere.json")


# Aggregation, purging


def today(node: SimulatedNode) -> int:
    """When the day of the test began."""
    return period_start("day", node.parts.wall_clock())


def measured(node: SimulatedNode, *values: float, days_ago: int = 0) -> None:
    """Collect *values* for one measure, which arrive on their day."""
    one = {"name": NAME, "org": "museum", "aggregation_threshold": 1, "with_quartiles": False}
    start = today(node) - days_ago * DAY
    with node.parts.database.writing() as connection:
        redefining.load(connection, [one])
        definition = definitions.by_name(connection, NAME)
        assert definition is not None
        key = cell_key(start, None, None, None, None)
        row = {"definition": definition.id, "start": start, "arrived": start, "cell_key": key}
        connection.execute(insert(RawMeasure), [row | {"value": value} for value in values])


def totals(node: SimulatedNode) -> list[float]:
    """The sums of all cells, by start."""
    with node.parts.database.reading() as connection:
        return list(connection.execute(select(Cell.total).order_by(Cell.start)).scalars())


def test_computing(node: SimulatedNode, program: Commands) -> None:
    """What has come in is counted; not again before its time, but when it is forced."""
    measured(node, 1, 2)
    assert program.done("compute-aggregation", NAME) == "2 measures counted.\n"
    measured(node, 3)
    assert program.done("compute-aggregation", NAME) == "0 measures counted.\n"
    assert program.done("compute-aggregation", NAME, "-f") == "1 measures counted.\n"
    assert totals(node) == [6]


def test_computing_all(node: SimulatedNode, program: Commands) -> None:
    """All measures are counted, each told by its name."""
    measured(node, 1, 2)
    assert f"{NAME}: 2 measures counted." in program.done("compute-all-aggregations", "-f")


def test_purging(node: SimulatedNode, program: Commands) -> None:
    """Only what is counted and old enough goes: 90 days, or as many as are given."""
    measured(node, 1, days_ago=2000)
    measured(node, 2, days_ago=400)
    aggregating.aggregate(node.parts, NAME, force=True)
    measured(node, 3, days_ago=2000)
    # The command's clock is the machine's, which is not that of the test.
    assert program.done("purge", "measure", NAME, "-d", "1500") == "1 measures deleted.\n"
    assert f"{NAME}: 1 measures deleted." in program.done("purge", "all-measures", "-d", "0")
    assert count(node, RawMeasure) == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ("compute-aggregation", "nothing"),
        ("purge", "measure", "nothing"),
        ("delete-aggregations-from-date", "nothing", "2026-01-01", "--yes"),
        ("quarantine", "list", "nothing"),
    ],
)
def test_unknown_measures(program: Commands, arguments: tuple[str, ...]) -> None:
    """A name that nobody has defined is told in the document's words."""
    assert "No measure definition found for: nothing" in program.refused(*arguments)


@pytest.mark.parametrize("days", ["-1", "x", "1.5"])
def test_bad_days(program: Commands, days: str) -> None:
    """Days are whole numbers from 0 on."""
    assert program.run("purge", "measure", NAME, "-d", days).exit_code == 2


# Undoing


def undo(program: Commands, node: SimulatedNode, days_ago: int) -> str:
    """Undo what starts so many days ago or later."""
    date = f"{date_of(today(node) - days_ago * DAY):%Y-%m-%d}"
    return program.done("delete-aggregations-from-date", NAME, date, "--yes")


def test_undoing(node: SimulatedNode, program: Commands) -> None:
    """Aggregates from a date on are deleted, and the next aggregation makes the same again."""
    for days_ago in (3, 2, 1):
        measured(node, 10 + days_ago, 20, days_ago=days_ago)
    aggregating.aggregate(node.parts, NAME, force=True)
    assert undo(program, node, 2).startswith("2 aggregates deleted, 4 measures to be counted")
    assert totals(node) == [33]
    aggregating.aggregate(node.parts, NAME)
    assert totals(node) == [33, 32, 31]


def test_undoing_asks_first(node: SimulatedNode, program: Commands) -> None:
    """Without --yes and without an answer nothing happens."""
    measured(node, 1)
    aggregating.aggregate(node.parts, NAME, force=True)
    assert program.run("delete-aggregations-from-date", NAME, "2020-01-01").exit_code == 1
    assert totals(node) == [1]


# Quarantine


def test_quarantine(node: SimulatedNode, program: Commands) -> None:
    """What was set aside is listed with its reason."""
    measured(node, 1)
    with node.parts.database.writing() as connection:
        definition = connection.execute(select(MeasureDefinition.id)).scalar_one()
        row = {"definition": definition, "measure": '{"value":"x"}', "reason": "It is poison."}
        connection.execute(insert(QuarantinedMeasure).values(rejected=0, **row))
    told = program.done("quarantine", "list", NAME)
    assert told.startswith(f"1970-01-01T00:00:00Z {NAME}: It is poison.")
    assert program.done("quarantine", "list") == told


# The programs themselves


def test_flask_commands_are_no_serving(node: SimulatedNode) -> None:
    """A command of `flask` does no job of the node."""
    Commands("flask").done("token", "get")
    assert count(node, JobRow) == 0


@pytest.mark.parametrize("name", list(PROGRAMS))
def test_outdated_database(name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A database without our tables is told in one line, with what to do."""
    monkeypatch.setenv("DOWNSTREAM_SQLALCHEMY_DATABASE_URI", f"sqlite:///{tmp_path}/empty.db")
    assert "--initdb" in Commands(name).refused("token", "get")


@pytest.mark.parametrize("name", list(PROGRAMS))
def test_help_needs_no_database(name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Every command says what it does, whatever state the node is in."""
    monkeypatch.setenv("DOWNSTREAM_SQLALCHEMY_DATABASE_URI", f"sqlite:///{tmp_path}/empty.db")
    assert "Make a token" in Commands(name).done("token", "create", "--help")
    assert "longer ago" in Commands(name).done("purge", "measure", "--help")


@pytest.mark.slow
def test_the_programs_as_they_are(node: SimulatedNode) -> None:
    """Both programs do it as an operator starts them."""
    root = Path(__file__).parents[2]
    environment = {**os.environ, "PYTHONPATH": str(root), "DOWNSTREAM_CONFIG": os.devnull}
    for command in ([sys.executable, "-m", "flask"], [sys.executable, str(root / "runapp.py")]):
        words = [*command, *([] if "flask" in command else ["measures"]), "token", "create", "zoo"]
        made = subprocess.run(words, env=environment, capture_output=True, text=True, check=True)
        assert org_of(node, made.stdout) == "zoo"


@pytest.mark.slow
def test_flask_run_serves(node: SimulatedNode) -> None:
    """`flask run`, as the document has it, serves a node that does its jobs."""
    root, port = Path(__file__).parents[2], free_port()
    environment = {**os.environ, "PYTHONPATH": str(root), "DOWNSTREAM_CONFIG": os.devnull}
    del environment["FLASK_RUN_FROM_CLI"]
    words = [sys.executable, "-m", "flask", "run", "--port", str(port)]
    server = subprocess.Popen(words, env=environment, stderr=subprocess.DEVNULL)
    try:
        assert status_of(port)["global_status"] == "ok"
        pause(2)
        assert count(node, JobRow) > 0
    finally:
        server.terminate()
        server.wait()


def status_of(port: int) -> dict[str, Any]:
    """What the document's health check says, once the server is up."""
    give_up = monotonic() + 20
    while True:
        try:
            found: dict[str, Any] = requests.get(
                f"http://127.0.0.1:{port}/status", timeout=5
            ).json()
        except requests.ConnectionError:
            assert monotonic() < give_up
            pause(0.2)
        else:
            return found


def test_shipped_files_are_packed() -> None:
    """What the commands read is part of the package."""
    assert telemetry.DEFINITIONS.parent.name == "assets"
    setup = (Path(__file__).parents[2] / "setup.py").read_text()
    assert '"assets/**/*"' in setup


# Data as a whole


def test_data_as_a_whole(node: SimulatedNode, program: Commands, tmp_path: Path) -> None:
    """Wildcards, tables, the view and fixtures: each command of the document does its work."""
    one = {"name": NAME, "org": "museum", "group1_key": "device"}
    node.parts.database.write(lambda connection: redefining.load(connection, [one]))
    assert "50 measures stored, 0 refused." in program.done(
        "measures", "insert-random-measures", NAME, "-n", "50", "--days", "1"
    )
    (row,) = program.done("compute-wildcard-aggregate", NAME, "group1").splitlines()
    assert (json.loads(row)["count"], json.loads(row)["group1"]) == (50, {"device": "*"})
    file = tmp_path / "measures.json"
    measure = {"measureName": NAME, "value": 1, "startDate": "2022-01-01", "group1": {"device": 1}}
    file.write_text(json.dumps([measure]))
    told = program.done("measures", "insert-fixtures-from-file", "-f", str(file))
    assert told == "1 measures stored, 0 refused.\n"
    for what in ("create", "update", "recreate", "delete"):
        assert "filtered_aggregation is" in program.done("view", f"{what}-filtered-aggregation")
    assert program.done("table", "create-all") == "The tables are up to date.\n"
    assert len(program.done("table", "show", "raw_measures").splitlines()) == 51
    assert program.done("refusals", NAME) == "0 in all\n"
    assert "not emptied alone" in program.refused("table", "reset", "measure_budget", "--yes")
    assert "0 rows" in program.done("table", "reset", "measure_tokens", "--yes")
    assert "raw_measures: 51 rows deleted." in program.done("table", "reset-all", "--yes")
    assert count(node, RawMeasure) == 0
