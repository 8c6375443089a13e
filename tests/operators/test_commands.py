"""`downstream operators`: add, list, remove."""

import pytest
from click.testing import CliRunner, Result
from operators.browser import Browser
from simulator import SimulatedNode

from downstream_node import cli


@pytest.fixture(autouse=True)
def _on_this_node(own_settings: pytest.MonkeyPatch, database_uri: str) -> None:
    """The commands work on the database of the node."""
    own_settings.setenv("DOWNSTREAM_SQLALCHEMY_DATABASE_URI", database_uri)


def run(*arguments: str) -> Result:
    """Run a command in this process."""
    return CliRunner().invoke(cli.main, ["operators", *arguments])


def test_add_prints_a_key_that_opens(node: SimulatedNode) -> None:
    """The first line is the key; the rest says where to use it."""
    result = run("add", "ada")
    assert result.exit_code == 0
    assert "/operator" in result.output
    assert Browser(node).log_in(result.output.splitlines()[0]).status_code == 303


def test_list_shows_names_and_no_keys() -> None:
    """Who has a key, since when, and whether it was used."""
    assert run("list").output == "0 in all\n"
    key = run("add", "ada").output.splitlines()[0]
    output = run("list").output
    assert output.startswith("ada: made ")
    assert output.endswith(", never used\n1 in all\n")
    assert key not in output


def test_remove_ends_it(node: SimulatedNode) -> None:
    """A removed key opens nothing."""
    key = run("add", "ada").output.splitlines()[0]
    assert run("remove", "ada").output == "The key of ada is removed.\n"
    assert Browser(node).log_in(key).status_code == 403


@pytest.mark.parametrize("arguments", [("add", "a b"), ("add", ""), ("remove", "nobody")])
def test_errors_are_one_line(arguments: tuple[str, str]) -> None:
    """What is refused is told in one line, with status 2."""
    result = run(*arguments)
    assert result.exit_code == 2
    assert result.stderr.startswith("Error: ")
    assert result.stderr.count("\n") == 1


def test_a_name_is_given_once() -> None:
    """A second key for one name would leave the first one open unnoticed."""
    run("add", "ada")
    assert "already" in run("add", "ada").stderr
