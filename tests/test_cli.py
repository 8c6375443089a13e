"""The operator's commands, as flags of `runapp.py` and as subcommands."""

import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from traceback import format_exception
from typing import Any

import click
import pytest
import requests
from click.testing import CliRunner, Result
from simulator import CHUNK, FarmerSimulator, ManualClock, SimulatedNode
from sqlalchemy import select

from downstream_node import app, cli, settings
from downstream_node.chunks import pool
from downstream_node.clock import monotonic, pause
from downstream_node.database import Base

ROOT = Path(__file__).parents[1]
PROGRAM = (sys.executable, str(ROOT / "runapp.py"))
FIRST, SECOND, THIRD = (FarmerSimulator(None, name).address for name in "abc")  # type: ignore[arg-type]
PASSWORD = "open-sesame"  # noqa: S105 - looked for in what is printed
UNREACHABLE = f"mysql+pymysql://user:{PASSWORD}@127.0.0.1:1/nothing"


@pytest.fixture(autouse=True)
def environment(own_settings: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """Settings of the test and no others: a new SQLite file."""
    own_settings.setenv("DOWNSTREAM_MMDB_PATH", str(tmp_path / "none.mmdb"))
    own_settings.setenv("DOWNSTREAM_SQLALCHEMY_DATABASE_URI", f"sqlite:///{tmp_path}/new/node.db")
    return own_settings


@pytest.fixture
def ready(node: SimulatedNode, environment: pytest.MonkeyPatch, database_uri: str) -> SimulatedNode:
    """The commands work on the database of a node."""
    environment.setenv("DOWNSTREAM_SQLALCHEMY_DATABASE_URI", database_uri)
    return node


@pytest.fixture
def light(
    sqlite_uri: str, master_key: Path, clock: ManualClock, environment: pytest.MonkeyPatch
) -> Iterator[SimulatedNode]:
    """The commands work on a node on SQLite, for tests in which SQL is not the point."""
    environment.setenv("DOWNSTREAM_SQLALCHEMY_DATABASE_URI", sqlite_uri)
    places = {"SQLALCHEMY_DATABASE_URI": sqlite_uri, "MASTER_KEY_PATH": str(master_key)}
    node = SimulatedNode(clock, **places)
    yield node
    node.close()


def run(*arguments: str) -> Result:
    """Run a command in this process."""
    return CliRunner().invoke(cli.main, arguments)


def done(*arguments: str) -> str:
    """What a command prints that has to succeed."""
    result = run(*arguments)
    assert (result.exit_code, result.exception) == (0, None), result.output
    return result.output


def refused(*arguments: str) -> str:
    """What a command prints that has to be refused with status 2, in one line."""
    result = run(*arguments)
    assert result.exit_code == 2, (result.output, result.exception)
    assert result.stderr.splitlines()[-1].startswith("Error: ")
    return result.stderr


def program(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `runapp.py` as an operator does."""
    command = [*PROGRAM, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def counts(node: SimulatedNode) -> dict[int, int]:
    """The pool's chunks by size."""
    with node.parts.database.reading() as connection:
        return pool.counts(connection)


def dump(node: SimulatedNode) -> dict[str, list[Any]]:
    """All rows of all tables."""
    with node.parts.database.reading() as connection:
        return {
            table.name: sorted(map(repr, connection.execute(select(table))))
            for table in Base.metadata.sorted_tables
        }


def whitelist_file(tmp_path: Path, *rows: str) -> str:
    """A CSV file with a header row and these rows."""
    file = tmp_path / "whitelist.csv"
    file.write_text("\n".join(["address,balance", *rows]) + "\n")
    return str(file)


# Help


def commands(
    command: click.Command = cli.main, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """All commands with their paths."""
    yield path, command
    if isinstance(command, click.Group):
        for name, inner in command.commands.items():
            yield from commands(inner, (*path, name))


COMMANDS = dict(commands())


@pytest.mark.parametrize("path", COMMANDS, ids=lambda path: " ".join(path) or "runapp")
def test_every_command_and_option_has_help(path: tuple[str, ...]) -> None:
    """Whoever types --help learns what each word does."""
    command = COMMANDS[path]
    assert command.help
    assert all(option.help for option in command.params if isinstance(option, click.Option))
    assert "Usage:" in done(*path, "--help")


@pytest.mark.parametrize(
    "flag",
    ["--initdb", "--cleandb", "--whitelist", "--generate-chunk", "--maintain", "--clearchunks"],
)
def test_the_flags_of_the_original(flag: str) -> None:
    """They are all there."""
    assert flag in done("--help")


def test_a_flag_and_a_command_are_too_much() -> None:
    """It would not be clear what is meant."""
    assert "either flags or a command" in refused("--initdb", "chunks", "clear")


@pytest.mark.parametrize("arguments", [["--nonsense"], ["nonsense"], ["chunks", "nonsense"]])
def test_unknown_words(arguments: list[str]) -> None:
    """They are named, and nothing is served."""
    assert "nonsense" in refused(*arguments)


# The database


@pytest.mark.parametrize("arguments", [["--initdb"], ["db", "init"]])
def test_a_new_database(tmp_path: Path, arguments: list[str]) -> None:
    """It is made with its folder; a second time changes nothing."""
    for _ in range(2):
        assert done(*arguments).startswith("The database sqlite:///")
    assert (tmp_path / "new" / "node.db").exists()
    assert done("chunks", "list").split() == ["0", "in", "all"]


def test_the_second_time_keeps_what_is_there(ready: SimulatedNode) -> None:
    """On every database, bringing an up-to-date schema up to date changes no row."""
    FarmerSimulator(ready.fill_pool(2)).join().take(1)
    before = dump(ready)
    done("--initdb")
    assert dump(ready) == before


def test_as_a_program(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """From nothing, with no settings at all: database and master key are made in data/."""
    for name in ("MASTER_KEY_PATH", "MMDB_PATH", "SQLALCHEMY_DATABASE_URI"):
        environment.delenv(f"DOWNSTREAM_{name}")
    result = program("--initdb")
    assert (result.returncode, result.stderr) == (0, "")
    assert {path.name for path in (tmp_path / "data").iterdir()} >= {"downstream.db", "master.key"}
    assert (tmp_path / "data" / "master.key").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("arguments", [["--cleandb"], ["db", "clean"]])
def test_cleaning_up(ready: SimulatedNode, arguments: list[str]) -> None:
    """Expired contracts are closed and forgotten; those that live are left alone."""
    farmer = FarmerSimulator(ready.fill_pool(3)).join().take(2)
    ready.advance(70)
    farmer.take(1)
    printed = done(*arguments)
    assert printed == "2 expired contracts closed, 2 closed contracts deleted.\n"
    assert (ready.status(farmer)["contracts"], len(farmer.challenges())) == (1, 1)
    assert done(*arguments) == "0 expired contracts closed, 0 closed contracts deleted.\n"


# The whitelist


@pytest.mark.parametrize("name", ["--whitelist", "whitelist"])
def test_a_whitelist_file(ready: SimulatedNode, tmp_path: Path, name: str) -> None:
    """Adds, updates and removes, and says how many of each."""
    first = whitelist_file(tmp_path, f"{FIRST},10000", f"{SECOND},20000")
    nothing_gone = "0 removed with 0 tokens and 0 contracts.\n"
    assert done(name, first) == f"2 addresses added, 0 updated, 0 unchanged, {nothing_gone}"
    assert done(name, first) == f"0 addresses added, 0 updated, 2 unchanged, {nothing_gone}"
    second = whitelist_file(tmp_path, f"{SECOND},20001", f"{THIRD},0")
    gone = "1 removed with 0 tokens and 0 contracts.\n"
    assert done(name, second) == f"1 addresses added, 1 updated, 0 unchanged, {gone}"
    assert len(dump(ready)["addresses"]) == 2


def test_who_is_gone_takes_all_along(ready: SimulatedNode, tmp_path: Path) -> None:
    """Tokens and contracts of removed addresses are removed; others keep theirs."""
    ready.fill_pool(4)
    gone = [FarmerSimulator(ready, "gone").join().take(1) for _ in range(2)]
    stays = FarmerSimulator(ready, "stays").join().take(2)
    printed = done("--whitelist", whitelist_file(tmp_path, f"{stays.address},10000"))
    assert "1 removed with 2 tokens and 2 contracts" in printed
    for farmer in gone:
        code, body = ready.request("GET", f"/challenge/{farmer.token}")
        assert (code, body["message"]) == (400, "Nonexistent token.")
    assert (len(stays.challenges()), counts(ready)) == (2, {CHUNK: 2})


def test_an_empty_whitelist(ready: SimulatedNode, tmp_path: Path) -> None:
    """A header alone removes everybody: it is what the file says."""
    FarmerSimulator(ready).join()
    assert "1 removed with 1 tokens" in done("--whitelist", whitelist_file(tmp_path))
    assert dump(ready)["farmers"] == dump(ready)["addresses"] == []


def test_one_address(ready: SimulatedNode) -> None:
    """It is added to those that are there, with the balance that is needed."""
    FarmerSimulator(ready, "there").join()
    nothing_gone = "0 removed with 0 tokens and 0 contracts.\n"
    added = f"1 addresses added, 0 updated, 0 unchanged, {nothing_gone}"
    assert done("--whitelist", FIRST) == added
    assert FarmerSimulator(ready, "a").join().token
    assert len(dump(ready)["addresses"]) == 2


@pytest.mark.parametrize(
    ("rows", "line"),
    [
        pytest.param([f"{SECOND},1", "nonsense,2"], 3, id="no address"),
        pytest.param([f"{SECOND},1", "", f"{THIRD},-1"], 4, id="a negative balance"),
        pytest.param([f"{SECOND},many"], 2, id="no balance"),
        pytest.param([f"{SECOND},1", f"{THIRD}"], 3, id="a short row"),
        pytest.param([f"{SECOND},1", f"{SECOND},2"], 3, id="two balances"),
        pytest.param([f"{SECOND},1", f"{THIRD},9{'0' * 30}"], 3, id="a huge balance"),
    ],
)
def test_a_bad_row_changes_nothing(
    light: SimulatedNode, tmp_path: Path, rows: list[str], line: int
) -> None:
    """It is named by its line, and all tables stay as they are."""
    FarmerSimulator(light.fill_pool(1), "a").join().take(1)
    before = dump(light)
    assert f"line {line}:" in refused("--whitelist", whitelist_file(tmp_path, *rows))
    assert dump(light) == before


@pytest.mark.parametrize(
    "source",
    ["missing.csv", "", ".", FIRST[:-1], "http://127.0.0.1:1/list.csv", "http://", "x\0y"],
)
def test_a_source_that_cannot_be_read(light: SimulatedNode, source: str) -> None:
    """Neither file nor URL nor address: an error, and nobody is removed."""
    FarmerSimulator(light, "a").join()
    before = dump(light)
    refused("--whitelist", source)
    assert dump(light) == before


def test_a_file_that_is_no_text(light: SimulatedNode, tmp_path: Path) -> None:
    """The line of the first strange byte is named."""
    file = tmp_path / "whitelist.csv"
    file.write_bytes(b"address,balance\n\xff\xfe\n")
    assert "line 2:" in refused("--whitelist", str(file))
    assert dump(light)["addresses"] == []


# Chunks


@pytest.mark.parametrize("name", [["--generate-chunk"], ["chunks", "generate"]])
def test_one_chunk(ready: SimulatedNode, name: list[str]) -> None:
    """It has the given size and can be taken."""
    assert "1 chunks made, 4096 bytes." in done(*name, "4096")
    assert counts(ready) == {4096: 1}
    FarmerSimulator(ready).join().take(1, 4096)


@pytest.mark.parametrize("workers", ["1", "2"])
def test_many_chunks(ready: SimulatedNode, workers: str) -> None:
    """In one process or several."""
    printed = done("chunks", "generate", "1024", "--count", "9", "--workers", workers)
    assert "9 chunks made, 9216 bytes." in printed
    assert counts(ready) == {1024: 9}
    assert done("chunks", "list").split()[:4] == ["9", "of", "1024", "bytes"]


@pytest.mark.parametrize("size", ["0", "-1", "1", "99", "many", "1.5"])
@pytest.mark.parametrize("name", [["--generate-chunk"], ["chunks", "generate", "--"]])
def test_chunks_that_prove_nothing(
    light: SimulatedNode, environment: pytest.MonkeyPatch, name: list[str], size: str
) -> None:
    """No size, or one of which a proof would read no byte, is refused; nothing is served."""
    environment.setattr(cli, "run_simple", None)
    environment.setattr(app, "create_app", None)
    refused(*name, size)
    assert counts(light) == {}


@pytest.mark.parametrize("workers", ["0", "-1"])
def test_work_needs_workers(light: SimulatedNode, workers: str) -> None:
    """At least one process."""
    refused("chunks", "generate", "1024", "--workers", workers)
    assert counts(light) == {}


@pytest.mark.parametrize("name", [["--maintain"], ["chunks", "maintain"]])
def test_levels(ready: SimulatedNode, name: list[str]) -> None:
    """Equal numbers of each power of BASE from MIN to MAX, TOTAL bytes in all."""
    ready.fill_pool(3, 512).fill_pool(1, 999)
    printed = done(*name, "500", "2048", "8000", "2")
    assert "4 chunks made, 6144 bytes." in printed
    assert counts(ready) == {512: 3, 999: 1, 1024: 2, 2048: 2}
    assert done(*name, "500", "2048", "8000", "2") == "The pool is full.\n"


def test_what_is_taken_is_made_anew(ready: SimulatedNode) -> None:
    """The next run fills up what farmers took."""
    levels = ("--maintain", "1000", "2048", "6144", "2")
    done(*levels)
    assert counts(ready) == {1024: 2, 2048: 2}
    FarmerSimulator(ready).join().ask_for(2048 + 1024)
    done(*levels)
    assert counts(ready) == {1024: 2, 2048: 2}


@pytest.mark.parametrize(
    "levels",
    [
        pytest.param(("1024", "4096", "8192", "1"), id="powers of 1"),
        pytest.param(("1024", "4096", "8192", "0"), id="powers of 0"),
        pytest.param(("1024", "4096", "8192", "-2"), id="powers of a negative number"),
        pytest.param(("1025", "2047", "8192", "2"), id="no power between"),
        pytest.param(("4096", "1024", "8192", "2"), id="the wrong way round"),
        pytest.param(("0", "0", "0", "0"), id="zeros"),
        pytest.param(("1", "4096", "8192", "2"), id="too small to prove"),
        pytest.param(("1024", "4096", "8192", "x"), id="a word"),
        pytest.param(("1024", "4096", "8192"), id="too few"),
    ],
)
def test_levels_that_make_no_sense(light: SimulatedNode, levels: Sequence[str]) -> None:
    """They are refused before any chunk is made."""
    refused("chunks", "maintain", "--", *levels)
    assert counts(light) == {}


@pytest.mark.parametrize("arguments", [["--clearchunks"], ["chunks", "clear"]])
def test_clearing_the_pool(ready: SimulatedNode, arguments: list[str]) -> None:
    """What farmers hold is left alone."""
    farmer = FarmerSimulator(ready.fill_pool(3)).join().take(1)
    assert done(*arguments) == "2 chunks removed from the pool.\n"
    assert (counts(ready), farmer.answer_all()) == ({}, ["ok"])
    assert done(*arguments) == "0 chunks removed from the pool.\n"


def test_several_flags_have_their_own_order() -> None:
    """The database comes first, wherever it stands."""
    printed = done("--clearchunks", "--generate-chunk", "1024", "--initdb")
    assert printed.index("is ready") < printed.index("chunks made") < printed.index("removed")


# What stops a command


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param([], id="serving"),
        pytest.param(["serve"], id="serving by command"),
        pytest.param(["--cleandb"], id="cleaning up"),
        pytest.param(["--whitelist", FIRST], id="whitelist"),
        pytest.param(["--generate-chunk", "1024"], id="a chunk"),
        pytest.param(["--maintain", "1024", "1024", "1024", "2"], id="levels"),
        pytest.param(["--clearchunks"], id="clearing"),
        pytest.param(["chunks", "list"], id="counting"),
    ],
)
def test_without_a_database(environment: pytest.MonkeyPatch, arguments: list[str]) -> None:
    """Nothing works before --initdb, and the error says what to do."""
    environment.setattr(cli, "run_simple", None)
    assert "run `python runapp.py --initdb`" in refused(*arguments)


@pytest.mark.parametrize("arguments", [[], ["--initdb"], ["--clearchunks"]])
def test_another_master_key(
    ready: SimulatedNode, environment: pytest.MonkeyPatch, tmp_path: Path, arguments: list[str]
) -> None:
    """A database is bound to its key: contracts made with another would all fail."""
    before = dump(ready)
    other = tmp_path / "other.key"
    other.write_bytes(bytes(32))
    environment.setenv("DOWNSTREAM_MASTER_KEY_PATH", str(other))
    environment.setattr(cli, "run_simple", None)
    assert f"{other} is not the master key" in refused(*arguments)
    assert dump(ready) == before


@pytest.mark.parametrize("size", [0, 31, 33])
def test_a_damaged_master_key(environment: pytest.MonkeyPatch, tmp_path: Path, size: int) -> None:
    """It is named, and not replaced."""
    damaged = tmp_path / "damaged.key"
    damaged.write_bytes(bytes(size))
    environment.setenv("DOWNSTREAM_MASTER_KEY_PATH", str(damaged))
    assert f"{damaged} is no master key" in refused("--initdb")
    assert damaged.read_bytes() == bytes(size)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        pytest.param("DEFAULT_INTERVALL", "20", "DEFAULT_INTERVALL", id="unknown"),
        pytest.param("DEFAULT_INTERVAL", "0", "DEFAULT_INTERVAL", id="out of range"),
        pytest.param("PORT", "web", "PORT", id="no number"),
        pytest.param("HEARTBEAT_CHECK_FRACTION", "nan", "FRACTION", id="not a number"),
        pytest.param("HEARTBEAT_CHECK_FRACTION", "0", "FRACTION", id="proofs of nothing"),
        pytest.param("DEFAULT_CHUNK_SIZE", "1", "DEFAULT_CHUNK_SIZE", id="chunks of one byte"),
        pytest.param("CONFIG", "missing.py", "missing.py", id="no such file"),
        pytest.param("SQLALCHEMY_DATABASE_URI", "x", "SQLALCHEMY_DATABASE_URI", id="no database"),
        pytest.param("SQLALCHEMY_DATABASE_URI", "", "SQLALCHEMY_DATABASE_URI", id="empty"),
        pytest.param(
            "SQLALCHEMY_DATABASE_URI", "a://b/c", "SQLALCHEMY_DATABASE_URI", id="unknown database"
        ),
        pytest.param(
            "SQLALCHEMY_DATABASE_URI",
            "mysql+pymysql://u@h:x/d",
            "SQLALCHEMY_DATABASE_URI",
            id="no port",
        ),
    ],
)
def test_a_wrong_setting(environment: pytest.MonkeyPatch, name: str, value: str, said: str) -> None:
    """One line that names it, and status 2."""
    environment.setenv(f"DOWNSTREAM_{name}", value)
    printed = refused("--initdb")
    assert len(printed.splitlines()) == 1
    assert said in printed


def test_a_wrong_setting_ends_the_program(environment: pytest.MonkeyPatch) -> None:
    """What scripts see of it: status 2, and the reason on standard error."""
    environment.setenv("DOWNSTREAM_NONSENSE", "1")
    result = program()
    assert (result.returncode, result.stdout) == (2, "")
    assert (
        result.stderr == "Error: Unknown setting NONSENSE. See config.py.template for all names.\n"
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param("SQLALCHEMY_DATABASE_URI", UNREACHABLE, id="no server"),
        pytest.param("SQLALCHEMY_DATABASE_URI", "sqlite:////proc/x/y.db", id="no folder"),
        pytest.param("MASTER_KEY_PATH", "/", id="a folder for a file"),
    ],
)
def test_a_machine_that_does_not_play_along(
    environment: pytest.MonkeyPatch, name: str, value: str
) -> None:
    """A server that is away or a path that leads nowhere is told in one line, no traceback."""
    environment.setenv(f"DOWNSTREAM_{name}", value)
    assert len(refused("--initdb").splitlines()) == 1


@pytest.mark.parametrize(
    "uri",
    [
        pytest.param(UNREACHABLE, id="in its place"),
        pytest.param(
            f"mysql+pymysql://user@127.0.0.1:1/nothing?password={PASSWORD}", id="in the query"
        ),
        pytest.param(f"postgresql+psycopg://user:{PASSWORD}@127.0.0.1:1/nothing", id="PostgreSQL"),
    ],
)
@pytest.mark.parametrize("arguments", [["settings"], ["--initdb"], ["chunks", "list"]], ids=str)
def test_passwords_are_not_printed(
    environment: pytest.MonkeyPatch, uri: str, arguments: list[str]
) -> None:
    """Neither when the database's address is shown nor when it is wrong."""
    environment.setenv("DOWNSTREAM_SQLALCHEMY_DATABASE_URI", uri)
    result = run(*arguments)
    crash = "".join(format_exception(result.exception)) if result.exception else ""
    assert PASSWORD not in result.output + crash


# Settings and serving


def test_settings_are_shown(environment: pytest.MonkeyPatch) -> None:
    """Each with the value that is in force."""
    environment.setenv("DOWNSTREAM_DEFAULT_INTERVAL", "20")
    lines = done("settings").splitlines()
    assert [line.split(" = ")[0] for line in lines] == list(settings.FIELDS)
    assert "DEFAULT_INTERVAL = 20" in lines


def test_the_template_is_printed() -> None:
    """As it is in the package."""
    template = (ROOT / "downstream_node" / "config.py.template").read_text()
    assert done("settings", "--template") == template


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def answer(url: str) -> requests.Response:
    """The first answer of a server that is starting."""
    give_up = monotonic() + 30
    while True:
        try:
            return requests.get(url, timeout=5)
        except requests.ConnectionError:
            assert monotonic() < give_up
            pause(0.1)


def test_serving(environment: pytest.MonkeyPatch, empty_sqlite: Path, tmp_path: Path) -> None:
    """Without a word: on localhost, at DOWNSTREAM_PORT, until Ctrl-C."""
    shutil.copy(empty_sqlite, tmp_path / "node.db")
    environment.setenv("DOWNSTREAM_SQLALCHEMY_DATABASE_URI", f"sqlite:///{tmp_path}/node.db")
    environment.setenv("DOWNSTREAM_PORT", str(port := free_port()))
    with subprocess.Popen(PROGRAM, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as server:
        status = answer(f"http://127.0.0.1:{port}/api/downstream/v1/status/list")
        server.send_signal(signal.SIGINT)
        printed, errors = server.communicate(timeout=20)
    assert (status.status_code, status.json()) == (200, {"farmers": []})
    assert (server.returncode, errors) == (0, b"")
    assert f"http://localhost:{port}/".encode() in printed
