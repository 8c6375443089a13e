"""`make run`: a node, its pool of chunks, one farmer and more, each a process of its own.

Everything is started through the same commands that an operator and a volunteer use.
"""

import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import click
import requests

from downstream_node.clock import monotonic, pause
from downstream_node.demos.access import PREFIX as KEY_PREFIX
from downstream_node.errors import DownstreamError
from downstream_node.packages.example import package
from downstream_node.settings import CONFIG_VARIABLE, ENVIRONMENT_PREFIX

OWN_SETTINGS = {
    "DOWNSTREAM_SQLALCHEMY_DATABASE_URI": "sqlite:///data/demo.db",
    "DOWNSTREAM_MASTER_KEY_PATH": "data/demo.key",
    "DOWNSTREAM_FILES_PATH": "data/demo-files",
    "DOWNSTREAM_CHATS_ARCHIVE": "sqlite:///data/demo-chats.db",
    "DOWNSTREAM_CHATS_DROP_FOLDER": "data/demo-chats-drop",
    # What lies in the drop folder waits there for the document's POST, which needs no key here:
    # the demo listens on this machine alone.
    "DOWNSTREAM_CHATS_WATCH_EVERY": "0",
    "DOWNSTREAM_CHATS_OPEN_EXPORT": "true",
    "DOWNSTREAM_PACKAGES_PATH": "data/demo-packages",
    "DOWNSTREAM_DEMOS_PATH": "data/demo-recordings",
    # The document's example names a game server that there cannot be.
    "DOWNSTREAM_DEMOS_CHECK_SERVERS": "false",
}
"""Unless the environment says otherwise."""
ENVIRONMENT = Path("data/demo.env")
OPERATOR = "demo"
EXAMPLES = "assets/definitions-example.json"
EXAMPLE_ORG = "cozy"
CHATS = Path(__file__).parent / "chats" / "assets"
EXPORTS = "example-export*.json"
"""In the order of their names, earlier exports of a channel come first."""
TO_DROP = "example-drop.json"
"""More of one channel, for its export to be asked for."""
CHAT_GUILD = "1163112098675904512"
CHAT_CHANNEL = "1165030189714129000"
SHOP = Path("data/demo-shop")
"""Stands in for Discord: a package lies there to be downloaded."""
PACKAGE = "package.zip"
DOCUMENTED = Path(__file__).parent / "demos" / "documented"
ANALYST = "76561198000000001"
"""A Steam id for somebody who looks at recordings."""
NODE = "node"
INTERVAL_SECONDS = 5
POOL = ("1024", "65536", "4194304", "2")
"""Powers of 2 from 1 KiB to 64 KiB, 4 MiB in all."""
POOL_CHECK_SECONDS = 5
FARMER_BYTES = 262144
START_SECONDS = 60
STOP_SECONDS = 10
LOOK_SECONDS = 0.2


class ProcessEnded(DownstreamError):
    """A part of the demo ended by itself."""


def run_demo(port: int, data: str) -> None:
    """Run the demo on 127.0.0.1:*port* until it is interrupted.

    The operator's configuration file is left out, and the database and key are the demo's own, so
    that it never works on those of a production node. Raises ProcessEnded if the port is taken, if
    the node ends by itself, or if it does not answer.
    """
    require_free(port)
    os.environ[CONFIG_VARIABLE] = os.devnull
    for name, value in OWN_SETTINGS.items():
        os.environ.setdefault(name, value)
    # A shorter interval than the default, so that somebody who looks sees heartbeats rise.
    os.environ.setdefault("DOWNSTREAM_DEFAULT_INTERVAL", str(INTERVAL_SECONDS))
    url = f"http://127.0.0.1:{port}"
    shop_port = free_port()
    shop = f"http://127.0.0.1:{shop_port}"
    os.environ.setdefault("DOWNSTREAM_PACKAGES_ALLOWED_HOSTS", shop)
    steam_port = free_port()
    stand_in_for_steam(steam_port)
    stop = Stop().on_signals()
    write_environment()
    command("db", "init")
    command("whitelist", farmer_address(data))
    command("measures", "insert-definitions-json", "-f", EXAMPLES)
    key, token, analyst = operator_key(), measures_token(), analyst_key()
    chats_of_the_example()
    SHOP.mkdir(parents=True, exist_ok=True)
    (SHOP / PACKAGE).write_bytes(package().getvalue())
    with processes() as started:
        started[NODE] = start(*server(port))
        started["pool of chunks"] = start(
            *ours("chunks", "maintain", *POOL, "--every", str(POOL_CHECK_SECONDS))
        )
        started["worker for packages"] = start(*ours("packages", "work"))
        started["shop of packages"] = start(*file_server(shop_port, SHOP))
        started["stand-in for Steam"] = start(*steam_server(steam_port))
        wait_for_node(url, started, stop)
        farm = ("farm", "--node", url, "--data", data, "--size", str(FARMER_BYTES))
        started["farmer"] = start(*ours(*farm))
        click.echo(f"\nThe status page: {url}/")
        click.echo(f"The operator's page: {url}/operator, with the key {key}")
        click.echo(f"An archive of chats: {url}/chats")
        click.echo(f"The same for programs: curl '{url}/api/chats/search?search_term=pie'")
        click.echo(
            f"More of it: curl -X POST -H 'X-Token: x' {url}/api/chats/export/{CHAT_CHANNEL}"
        )
        click.echo(f"Data packages: {url}/packages; to try it with the file {SHOP / PACKAGE},")
        click.echo(f"or with its link: {shop}/{PACKAGE}")
        click.echo(f"Recordings of games: {url}/recordings; a key for a client: {url}/provision")
        click.echo(f"The same as an analyst: {url}/recordings, with the key {analyst}")
        click.echo(
            f"For measures like those of downstream_node/measures/{EXAMPLES}: the token {token}"
        )
        click.echo(
            f"Commands on this node, in another shell: . .venv/bin/activate; . {ENVIRONMENT}"
        )
        click.echo("Ctrl-C stops all of it.\n")
        keep_running(started, stop)
    click.echo("Stopped.")


def write_environment() -> None:
    """Write the settings of this node for a shell, so that other commands work on it."""
    lines = [
        f"export {name}={shlex.quote(value)}\n"
        for name, value in os.environ.items()
        if name.startswith(ENVIRONMENT_PREFIX)
    ]
    # So that the examples of the document about recordings run as they are printed.
    lines.append(f"export PYTHONPATH={shlex.quote(str(DOCUMENTED))}${{PYTHONPATH:+:$PYTHONPATH}}\n")
    ENVIRONMENT.parent.mkdir(parents=True, exist_ok=True)
    ENVIRONMENT.write_text("".join(sorted(lines)))
    ENVIRONMENT.chmod(0o600)


def require_free(port: int) -> None:
    """Raise ProcessEnded if somebody listens on the port already."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
        except OSError as error:
            raise ProcessEnded(
                f"Port {port} is not to be had ({error.strerror}). PORT=5001 make run takes 5001."
            ) from None


def free_port() -> int:
    """A port on which nobody listens right now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def file_server(port: int, folder: Path) -> list[str]:
    """A server of the files in *folder*."""
    options = ["--bind", "127.0.0.1", "--directory", str(folder)]
    return [sys.executable, "-m", "http.server", str(port), *options]


def stand_in_for_steam(port: int) -> None:
    """Have the node ask the stand-in on this *port* instead of Steam, unless it is told whom."""
    url = f"http://127.0.0.1:{port}"
    for name, value in (
        ("STEAM_API_URL", url),
        ("STEAM_LOGIN_URL", f"{url}/openid/login"),
        ("STEAM_API_KEY", "demo"),
    ):
        os.environ.setdefault(f"{ENVIRONMENT_PREFIX}{name}", value)


def steam_server(port: int) -> list[str]:
    """A stand-in for Steam."""
    return [sys.executable, "-m", "downstream_node.demos.steam_stub", "--port", str(port)]


def ours(*arguments: str) -> list[str]:
    """One of our own commands."""
    return [sys.executable, "-m", "downstream_node", *arguments]


def server(port: int) -> list[str]:
    """The node as it runs in production, with one worker."""
    options = ["--worker-class", "gthread", "--threads", "4", "--bind", f"127.0.0.1:{port}"]
    # Without this, a second gunicorn of the same user would claim the same control socket.
    options += ["--no-control-socket", "--log-level", "warning"]
    return [sys.executable, "-m", "gunicorn", *options, "downstream_node.app:create_app()"]


def command(*arguments: str) -> None:
    """Run one of our commands to its end. Raises ProcessEnded if it fails."""
    if subprocess.run(ours(*arguments), check=False).returncode:  # noqa: S603 - our own program
        raise ProcessEnded(f"`downstream {' '.join(arguments)}` failed.")


def farmer_address(data: str) -> str:
    """The demo farmer's address; its key is made at the first call."""
    shown = subprocess.run(  # noqa: S603 - our own program
        ours("farm", "--data", data, "--show-address"), check=True, capture_output=True, text=True
    )
    return shown.stdout.strip()


def operator_key() -> str:
    """A new key for the operator's page; the one of the last demo is worth nothing any more."""
    return anew(("operators", "remove"), ("operators", "add"), OPERATOR)


def anew(remove: tuple[str, ...], add: tuple[str, ...], name: str) -> str:
    """The first word that the command *add* prints, after *remove* has removed what there was."""
    run = partial(subprocess.run, capture_output=True, text=True)
    run(ours(*remove, name), check=False)
    words: list[str] = run(ours(*add, name), check=True).stdout.split()
    return words[0]


def measures_token() -> str:
    """A new token of the organisation that owns the example definitions; earlier ones end."""
    return anew(("measures", "token", "delete-org"), ("measures", "token", "create"), EXAMPLE_ORG)


def analyst_key() -> str:
    """A new key for an analyst who also reviews."""
    words = ours("demos", "key", ANALYST, "--scope", "analyst", "--scope", "reviewer")
    shown = subprocess.run(words, check=True, capture_output=True, text=True)  # noqa: S603 - ours
    return next(word for word in shown.stdout.split() if word.startswith(KEY_PREFIX))


def chats_of_the_example() -> None:
    """Import the example of an archive, let everybody read it, and drop more of it.

    What is imported again changes nothing.
    """
    command("chats", "import", *map(str, sorted(CHATS.glob(EXPORTS))))
    command("chats", "publish", CHAT_GUILD)
    folder = Path(os.environ["DOWNSTREAM_CHATS_DROP_FOLDER"])
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(CHATS / TO_DROP, folder / TO_DROP)


def start(*words: str) -> subprocess.Popen[bytes]:
    """Start a process in a session of its own: Ctrl-C reaches us, and we stop it in order."""
    return subprocess.Popen(words, start_new_session=True)  # noqa: S603 - our own programs


@contextmanager
def processes() -> Iterator[dict[str, subprocess.Popen[bytes]]]:
    """Processes by name; at the end those that still run are stopped, the last one first."""
    started: dict[str, subprocess.Popen[bytes]] = {}
    try:
        yield started
    finally:
        for process in reversed(started.values()):
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


class Stop:
    """Whether a signal asked us to stop.

    Not a threading.Event: a handler that sets it while the main thread is inside its wait()
    could wait for itself.
    """

    requested = False

    def on_signals(self) -> "Stop":
        """Take SIGINT, SIGTERM and SIGHUP as requests."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._request)
        return self

    def _request(self, _number: int, _frame: object) -> None:
        self.requested = True


def require_running(started: dict[str, subprocess.Popen[bytes]]) -> None:
    """Raise ProcessEnded if one of the processes has ended."""
    for name, process in started.items():
        if process.poll() is not None:
            raise ProcessEnded(f"The {name} ended by itself with status {process.returncode}.")


def keep_running(started: dict[str, subprocess.Popen[bytes]], stop: Stop) -> None:
    """Wait for *stop*. Raises ProcessEnded if the node ends; without a farmer it goes on."""
    while not stop.requested:
        for name in [name for name in started if started[name].poll() is not None]:
            if name == NODE:
                require_running(started)
            status = started.pop(name).returncode
            click.echo(f"The {name} has ended (status {status}); the node goes on without it.")
        pause(LOOK_SECONDS)


def wait_for_node(url: str, started: dict[str, subprocess.Popen[bytes]], stop: Stop) -> None:
    """Wait until the node at *url* answers. Raises ProcessEnded if it does not."""
    give_up = monotonic() + START_SECONDS
    while not stop.requested:
        require_running(started)
        try:
            requests.get(url, timeout=1).raise_for_status()
        except requests.RequestException:
            if monotonic() > give_up:
                raise ProcessEnded(f"The node at {url} does not answer.") from None
            pause(LOOK_SECONDS)
        else:
            return
