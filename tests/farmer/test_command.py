"""The command: what a volunteer types, sees, and can end at any time."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from farmer.served import ServedNode

from downstream_node.errors import FarmerStopped
from downstream_node.farmer import command
from downstream_node.farmer.command import described, farm
from downstream_node.farmer.identity import load_identity
from downstream_node.farmer.loop import Pass
from downstream_node.farmer.storage import Loss

NOTHING = {
    "answered": 0,
    "accepted": 0,
    "refused": (),
    "dropped": (),
    "taken": 0,
    "contracts": 3,
    "size": 98304,
    "trouble": None,
    "wait": 1.0,
}

REPOSITORY = Path(__file__).parents[2]

LOSSES = (
    "2 refused: proof invalid, 3 dropped: no more challenges, 1 dropped: contract expired, "
    "3 contracts, 98304 bytes"
)


def losses(reason: str, count: int) -> tuple[Loss, ...]:
    """*count* contracts that were given up for the same reason."""
    return tuple(Loss(f"{number:064x}", reason) for number in range(count))


def run_farm(*arguments: object) -> Result:
    """Run the command in this process."""
    return CliRunner().invoke(farm, [str(argument) for argument in arguments])


@pytest.mark.parametrize(
    ("happened", "lines"),
    [
        pytest.param({}, [], id="nothing"),
        pytest.param(
            {"answered": 5, "accepted": 5},
            ["5 heartbeats accepted, 3 contracts, 98304 bytes"],
            id="heartbeats",
        ),
        pytest.param(
            {"accepted": 1, "taken": 1, "contracts": 1, "size": 10},
            ["1 heartbeat accepted, 1 chunk taken, 1 contract, 10 bytes"],
            id="one of each",
        ),
        pytest.param(
            {
                "refused": losses("proof invalid", 2),
                "dropped": losses("contract expired", 1) + losses("no more challenges", 3),
            },
            [LOSSES],
            id="losses with their reasons",
        ),
        pytest.param(
            {"accepted": 1, "trouble": "No connection."},
            ["1 heartbeat accepted, 3 contracts, 98304 bytes", "No connection."],
            id="trouble",
        ),
    ],
)
def test_lines_of_a_pass(happened: dict[str, object], lines: list[str]) -> None:
    """A pass is told in a line, with the reason of every loss; a pass that did nothing in none."""
    assert described(Pass(**{**NOTHING, **happened})) == lines  # type: ignore[arg-type]


def test_address_is_shown(tmp_path: Path) -> None:
    """--show-address makes the key and prints its address, without a node."""
    result = run_farm("--data", tmp_path / "new", "--show-address")
    address = load_identity(tmp_path / "new" / "identity.key").address
    assert (result.exit_code, result.output) == (0, f"{address}\n")


def test_identity_may_be_elsewhere(tmp_path: Path) -> None:
    """--identity names another key file."""
    result = run_farm("--data", tmp_path / "x", "--identity", tmp_path / "key", "--show-address")
    assert result.output.strip() == load_identity(tmp_path / "key").address
    assert not (tmp_path / "x").exists()


def test_passes_are_told(served: ServedNode, tmp_path: Path) -> None:
    """The command farms for so many passes, and tells what they did with the time of day."""
    with served.up():
        result = run_farm(
            "--node", served.url, "--data", tmp_path / "f", "--size", 2048, "--passes", 2
        )
    assert result.exit_code == 0, result.output
    told = [line.split(" ", 1) for line in result.output.splitlines()[1:]]
    assert [len(time) for time, _ in told] == [8, 8]
    assert told[0][1] == "2 chunks taken, 2 contracts, 2048 bytes"
    assert told[1][1] == "2 heartbeats accepted, 2 contracts, 2048 bytes"


def test_refusal_is_an_error_of_ours(tmp_path: Path) -> None:
    """What ends the farmer reaches the group of commands, which prints it in a line."""
    result = run_farm("--node", "nonsense", "--data", tmp_path)
    assert isinstance(result.exception, FarmerStopped)


def test_disk_that_fails_is_an_error_of_ours(tmp_path: Path) -> None:
    """So is a folder that cannot be made."""
    (tmp_path / "file").write_text("in the way")
    result = run_farm("--data", tmp_path / "file" / "below", "--show-address")
    assert isinstance(result.exception, FarmerStopped)
    assert "Not a directory" in str(result.exception)


@pytest.mark.parametrize("arguments", [("--size", "-1"), ("--size", "1MB"), ("--passes", "-1")])
def test_wrong_numbers_are_refused(arguments: tuple[str, str]) -> None:
    """Sizes and passes are whole numbers from 0."""
    assert run_farm(*arguments).exit_code == 2


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_ends_it_cleanly(served: ServedNode, tmp_path: Path, number: signal.Signals) -> None:
    """Ctrl-C and SIGTERM end a farmer that waits at once, with exit code 0."""
    words = [sys.executable, "-m", "downstream_node", "farm", "--node", served.url]
    with started([*words, "--data", str(tmp_path)]) as process:
        lines = [process.stdout.readline() for _ in range(2)]  # type: ignore[union-attr]
        process.send_signal(number)
        assert process.wait(20) == 0
    assert "no connection to the node" in lines[1]


@contextmanager
def started(words: list[str]) -> Iterator["subprocess.Popen[str]"]:
    """A process that does not outlive the test."""
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, cwd=REPOSITORY) as process:
        try:
            yield process
        finally:
            process.kill()


def test_signal_may_come_at_any_moment() -> None:
    """A signal that interrupts the wait itself, with its lock held, is heard."""
    with command.stopping() as stop:
        with stop._cond:  # type: ignore[attr-defined]  # noqa: SLF001 - as a wait that begins
            os.kill(os.getpid(), signal.SIGINT)
        assert stop.wait(5)


def test_signals_are_handed_back() -> None:
    """After the command signals do what they did before."""
    former = signal.getsignal(signal.SIGTERM)
    with command.stopping() as stop:
        os.kill(os.getpid(), signal.SIGTERM)
        assert stop.wait(5)
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL  # a second one ends us at once
    assert signal.getsignal(signal.SIGTERM) is former
    assert isinstance(stop, threading.Event)
