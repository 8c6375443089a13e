"""The operator's commands for packages."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from packages.journey import Owner, work
from simulator import SimulatedNode

from downstream_node import cli
from downstream_node.packages.worker import Worker


@pytest.fixture
def database_uri(sqlite_uri: str) -> str:
    """SQLite only: the SQL of what the commands call has tests of its own."""
    return sqlite_uri


@pytest.fixture(autouse=True)
def _environment(own_settings: pytest.MonkeyPatch, taking: SimulatedNode, tmp_path: Path) -> None:
    """The commands work on the node of the test."""
    values = taking.parts.settings
    own_settings.setenv("DOWNSTREAM_MMDB_PATH", str(tmp_path / "none.mmdb"))
    for name in ("SQLALCHEMY_DATABASE_URI", "FILES_PATH", "PACKAGES_PATH"):
        own_settings.setenv(f"DOWNSTREAM_{name}", getattr(values, name))


def run(*arguments: str) -> Result:
    """Run a command in this process."""
    return CliRunner().invoke(cli.main, ["packages", *arguments])


def done(*arguments: str) -> str:
    """What a command prints that has to succeed."""
    result = run(*arguments)
    assert (result.exit_code, result.exception) == (0, None), result.output
    return result.output


def test_list_shows_what_operators_may_know(owner: Owner, worker: Worker) -> None:
    """One line for each package, nothing of its secret."""
    owner.submit()
    first = done("list")
    assert f"{owner.id} queued queued standard attempts 0 -" in first
    assert owner.secret.text not in first
    assert work(worker)
    assert done("list").endswith("1 in all\n")
    assert f"{owner.id} done" in done("list")


def test_upgrade_lets_a_package_go_first(owner: Owner, worker: Worker) -> None:
    """Its owner sees it."""
    owner.submit()
    assert done("upgrade", owner.id) == f"{owner.id} is upgraded.\n"
    assert owner.status()["isUpgraded"]
    assert work(worker)


def test_remove_deletes(owner: Owner, worker: Worker) -> None:
    """The package, its result, and what is known of it."""
    owner.submit()
    assert work(worker)
    assert done("remove", owner.id) == f"{owner.id} is deleted.\n"
    assert owner.status()["errorMessageCode"] == "UNKNOWN_PACKAGE_ID"


@pytest.mark.parametrize("command", ["remove", "upgrade"])
def test_unknown_packages_are_told(command: str) -> None:
    """In one line, with status 2."""
    result = run(command, "0" * 32)
    assert result.exit_code == 2
    assert result.stderr == f"Error: There is no package {'0' * 32}.\n"
