"""The published downstream-farmer 0.1.8 earns heartbeats from a node started by runapp.py.

The client and what it needs are installed from their published packages by a runner of its
own, run_real_farmer.py, that REAL_FARMER names; beside a checkout it is found by itself.
"""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from conftest import require

from downstream_node.clock import monotonic, pause

ROOT = Path(__file__).resolve().parent.parent
RUNNER = Path(os.environ.get("REAL_FARMER", ROOT.parent / "shared/tools/run_real_farmer.py"))
ADDRESS = "19qVgG8C6eXwKMMyvVegsi3xCsKyk3Z3jV"
CHUNK = 32768
INTERVAL = 20
CLIENT_SECONDS = 200

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


def runapp(environment: dict[str, str], *arguments: str) -> None:
    """Run runapp.py to its end, as an operator does."""
    command = [sys.executable, "runapp.py", *arguments]
    subprocess.run(command, cwd=ROOT, env=environment, check=True, timeout=120)


def free_port() -> int:
    """A loopback port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@pytest.fixture(params=["Merkle", "Swizzle"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A node that was set up and is served by runapp.py alone, as the document tells."""
    require(RUNNER.exists(), "there is no run_real_farmer.py; REAL_FARMER can name it")
    port = free_port()
    environment = {
        **os.environ,
        "DOWNSTREAM_SQLALCHEMY_DATABASE_URI": f"sqlite:///{tmp_path / 'node.db'}",
        "DOWNSTREAM_MASTER_KEY_PATH": str(tmp_path / "master.key"),
        "DOWNSTREAM_DEFAULT_INTERVAL": str(INTERVAL),
        "DOWNSTREAM_HEARTBEAT_SCHEME": request.param,
        "DOWNSTREAM_PORT": str(port),
    }
    runapp(environment, "--initdb")
    runapp(environment, "--whitelist", ADDRESS)
    for _ in range(4):
        runapp(environment, "--generate-chunk", str(CHUNK))
    with subprocess.Popen([sys.executable, "runapp.py"], cwd=ROOT, env=environment) as server:
        try:
            wait_for(f"http://127.0.0.1:{port}/")
            yield f"http://127.0.0.1:{port}"
        finally:
            server.send_signal(signal.SIGINT)
            server.wait(20)


def wait_for(url: str) -> None:
    """Wait until *url* answers."""
    give_up = monotonic() + 30
    while monotonic() < give_up:
        try:
            requests.get(url, timeout=5).raise_for_status()
        except requests.ConnectionError:
            pause(0.2)
        else:
            return
    pytest.fail(f"{url} does not answer")


def farm(url: str, *, heartbeats: int, size: int) -> str:
    """Run the client until it has had *heartbeats* proofs accepted; what it printed."""
    command = [sys.executable, str(RUNNER), url, "-n", str(heartbeats), "-s", str(size)]
    command += ["--timeout", str(CLIENT_SECONDS)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout[-4000:] + result.stderr[-2000:]
    return result.stdout


def test_three_heartbeats_in_a_row(url: str) -> None:
    """One chunk, three windows: the client answers each, and the node counts three."""
    assert "0 error lines" in farm(url, heartbeats=3, size=CHUNK)
    (farmer,) = requests.get(f"{url}/api/downstream/v1/status/list", timeout=10).json()["farmers"]
    assert (farmer["heartbeats"], farmer["contracts"], farmer["uptime"]) == (3, 1, 100.0)
    assert farmer["online"]


def test_several_chunks_at_once(url: str) -> None:
    """Three chunks are answered in one request, two windows in a row."""
    output = farm(url, heartbeats=6, size=3 * CHUNK)
    assert output.count("Submitted 3 proofs successfully") == 2
    (farmer,) = requests.get(f"{url}/api/downstream/v1/status/list", timeout=10).json()["farmers"]
    assert (farmer["heartbeats"], farmer["size"]) == (6, 3 * CHUNK)
