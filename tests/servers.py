"""Private database servers for the tests: start them, run a command, stop them again.

    python tests/servers.py -- python -m pytest --slow

starts a MariaDB, a PostgreSQL and a Redis, each on a free loopback port with its files in a
temporary folder, and tells the command where they are: TEST_MARIADB_URI, TEST_POSTGRESQL_URI,
TEST_REDIS_URL. A variable that is set already stays as it is, and its server is not started.
The exit code is the command's. Whatever happens to the command, the servers are stopped.
"""

import abc
import argparse
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType
from typing import ClassVar

import psycopg
import pymysql

DATABASE = "downstream_test"
HOST = "127.0.0.1"
START_SECONDS = 60
STOP_SECONDS = 15
ENDING_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
SERVER_PATH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/local/sbin", "/usr/sbin"])


class ServerUnavailable(Exception):
    """A server is not installed or would not start; says which and why."""


class Server(abc.ABC):
    """One server program with its own folder and port."""

    variable: ClassVar[str]  # tells the tests where the server is
    stop_signal: ClassVar[signal.Signals] = signal.SIGTERM
    durable: ClassVar[bool] = False  # else the data may be lost with the machine, for speed
    account: str | None = None  # whom the program runs as, where that is not ourselves

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder / "log"
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None

    @property
    @abc.abstractmethod
    def uri(self) -> str:
        """Where the tests find the server, with an empty database of theirs."""

    @abc.abstractmethod
    def command(self) -> list[str]:
        """The server's command line; it stays in the foreground."""

    @abc.abstractmethod
    def ready(self) -> bool:
        """Whether the server answers; it has the tests' database then."""

    def prepare(self) -> None:
        """Lay out what the server needs before it starts: at least its folder."""
        self.folder.mkdir()
        if self.account is not None:
            shutil.chown(self.folder, self.account)

    def start(self) -> None:
        """Start the server and wait until it is ready.

        Raises ServerUnavailable if it is not installed, ends, or stays silent.
        """
        self.prepare()
        self.process = self.launch(self.command())
        deadline = time.monotonic() + START_SECONDS
        while not self.ready():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise ServerUnavailable(f"{self.command()[0]} did not start:\n{self.log_end()}")
            time.sleep(0.05)

    def stop(self) -> None:
        """Stop the server if it runs."""
        if self.process is not None:
            end(self.process, self.stop_signal)

    def launch(self, command: Sequence[str]) -> subprocess.Popen[bytes]:
        """Start *command* in the server's folder, writing to its log.

        It gets a session of its own, so that Ctrl-C ends the tests before their servers.
        """
        with self.log.open("ab") as log:
            return subprocess.Popen(
                command,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                user=self.account,
                group=None if self.account is None else pwd.getpwnam(self.account).pw_gid,
                extra_groups=None if self.account is None else [],
            )

    def finish(self, command: Sequence[str]) -> None:
        """Run *command* as `launch` does, to its end.

        Raises ServerUnavailable if it fails or takes too long.
        """
        process = self.launch(command)
        try:
            process.wait(START_SECONDS)
        except subprocess.TimeoutExpired:
            pass
        finally:
            if process.returncode is None:
                os.killpg(process.pid, signal.SIGKILL)  # it starts programs of its own
                process.wait()
        if process.returncode != 0:
            raise ServerUnavailable(f"{command[0]} failed:\n{self.log_end()}")

    def log_end(self) -> str:
        """What the server said last, up to 20 lines."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-20:])


class MariaDB(Server):
    """MariaDB, whose user root needs no password here."""

    variable = "TEST_MARIADB_URI"
    hasty: ClassVar[tuple[str, ...]] = (
        "--innodb-flush-log-at-trx-commit=0",
        "--innodb-flush-method=nosync",
        "--innodb-doublewrite=0",
    )

    @property
    def uri(self) -> str:
        """For SQLAlchemy over PyMySQL."""
        return f"mysql+pymysql://root@{HOST}:{self.port}/{DATABASE}?charset=utf8mb4"

    def prepare(self) -> None:
        """Make the system tables, with a root who needs no password."""
        super().prepare()
        self.finish(
            [
                program("mariadb-install-db", "mariadb-server"),
                "--no-defaults",
                "--auth-root-authentication-method=normal",
                "--skip-test-db",
                f"--datadir={self.folder / 'data'}",
                f"--user={own_name()}",
            ]
        )

    def command(self) -> list[str]:
        """`mariadbd`, told all by its options."""
        return [
            program("mariadbd", "mariadb-server"),
            "--no-defaults",
            f"--datadir={self.folder / 'data'}",
            f"--socket={self.folder / 'socket'}",
            f"--pid-file={self.folder / 'pid'}",
            f"--port={self.port}",
            f"--bind-address={HOST}",
            f"--user={own_name()}",
            "--skip-name-resolve",
            "--character-set-server=utf8mb4",
            *([] if self.durable else self.hasty),
        ]

    def ready(self) -> bool:
        """Whether it let us make the database."""
        try:
            with (
                pymysql.connect(host=HOST, port=self.port, user="root") as connection,
                connection.cursor() as cursor,
            ):
                cursor.execute(f"CREATE DATABASE {DATABASE}")
        except pymysql.err.OperationalError:
            return False
        return True


class PostgreSQL(Server):
    """PostgreSQL, which refuses to run as root: then it runs as the account of its package."""

    variable = "TEST_POSTGRESQL_URI"
    hasty: ClassVar[tuple[str, ...]] = ("fsync", "synchronous_commit", "full_page_writes")
    stop_signal = signal.SIGINT  # at SIGTERM it would wait for its clients to leave

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.account = "postgres" if os.geteuid() == 0 else None

    @property
    def uri(self) -> str:
        """For SQLAlchemy over psycopg 3."""
        return f"postgresql+psycopg://postgres@{HOST}:{self.port}/{DATABASE}"

    def prepare(self) -> None:
        """Make the cluster, which trusts whoever connects."""
        super().prepare()
        self.finish(
            [
                postgresql_program("initdb"),
                f"--pgdata={self.folder / 'data'}",
                "--username=postgres",
                "--auth=trust",
                "--encoding=UTF8",
                "--no-locale",
                "--no-sync",
            ]
        )

    def command(self) -> list[str]:
        """`postgres` of the newest version here."""
        settings = {
            "listen_addresses": HOST,
            "port": str(self.port),
            "unix_socket_directories": "",
            **({} if self.durable else dict.fromkeys(self.hasty, "off")),
        }
        options = [f"--{name}={value}" for name, value in settings.items()]
        return [postgresql_program("postgres"), "-D", str(self.folder / "data"), *options]

    def ready(self) -> bool:
        """Whether it let us make the database, which it does outside of transactions only."""
        own = f"host={HOST} port={self.port} user=postgres dbname=postgres"
        try:
            with psycopg.connect(own, autocommit=True) as connection:
                connection.execute(f"CREATE DATABASE {DATABASE}")
        except psycopg.OperationalError:
            return False
        return True


class Redis(Server):
    """Redis, which writes nothing to disk."""

    variable = "TEST_REDIS_URL"

    @property
    def uri(self) -> str:
        """The first of the server's numbered databases."""
        return f"redis://{HOST}:{self.port}/0"

    def command(self) -> list[str]:
        """`redis-server` without persistence."""
        server = program("redis-server", "redis-server")
        return [server, "--port", str(self.port), "--bind", HOST, "--save", ""]

    def ready(self) -> bool:
        """Whether it answers a ping."""
        try:
            with socket.create_connection((HOST, self.port), timeout=1) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(16) == b"+PONG\r\n"
        except OSError:
            return False


KINDS: tuple[type[Server], ...] = (MariaDB, PostgreSQL, Redis)


def free_port() -> int:
    """A loopback port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def own_name() -> str:
    """The account that we run as."""
    return pwd.getpwuid(os.geteuid()).pw_name


def program(name: str, package: str) -> str:
    """The path of the server program *name*; raises ServerUnavailable naming the *package*."""
    path = shutil.which(name, path=SERVER_PATH)
    if path is None:
        raise ServerUnavailable(f"There is no {name} here; Debian's package is {package}.")
    return path


def postgresql_program(name: str) -> str:
    """*name* of the newest PostgreSQL; Debian keeps its programs out of the path."""
    homes = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin")]
    newest = max(homes, key=lambda home: float(home.name), default=None)
    return str(newest / "bin" / name) if newest else program(name, "postgresql")


def end(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    """Ask *process* to end by the signal *number*, wait, and kill it if it does not."""
    process.send_signal(number)
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@contextmanager
def running(kinds: Iterable[type[Server]]) -> Iterator[dict[str, str]]:
    """Have one server of each of *kinds* running; gives the variables that say where."""
    variables = {}
    with (
        tempfile.TemporaryDirectory(prefix="downstream-", ignore_cleanup_errors=True) as folder,
        ExitStack() as servers,
    ):
        Path(folder).chmod(0o711)  # PostgreSQL's account must get through to its own folder
        try:
            for kind in kinds:
                server = kind(Path(folder) / kind.__name__.lower())
                servers.callback(server.stop)
                server.start()
                variables[server.variable] = server.uri
            yield variables
        finally:
            ignore_signals()


def run(command: Sequence[str], environment: Mapping[str, str]) -> int:
    """The exit code of *command*, counted as a shell does; ends it if we are told to end."""
    process = subprocess.Popen(command, env=environment)
    # Ctrl-C reaches the command as well; it ends in its own time, and then we do.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        code = process.wait()
    finally:
        end(process, signal.SIGINT)  # so that pytest tears down what its tests have started
    return code if code >= 0 else 128 - code


def leave(number: int, _frame: FrameType | None) -> None:
    """Handle a signal by leaving in order, with the exit code that a shell would show."""
    ignore_signals()
    sys.exit(128 + number)


def ignore_signals() -> None:
    """Let nothing short of a kill interrupt what follows."""
    for number in ENDING_SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def main() -> int:
    """Run the command of the command line with the servers that it lacks."""
    parser = argparse.ArgumentParser(description="Run COMMAND with private database servers.")
    parser.add_argument(
        "--durable", action="store_true", help="wait for the disk as in production, to measure"
    )
    parser.add_argument("command", nargs="+", metavar="COMMAND")
    options = parser.parse_args()
    command = options.command
    Server.durable = options.durable
    if shutil.which(command[0]) is None:
        parser.error(f"there is no program {command[0]}")
    for number in ENDING_SIGNALS:
        signal.signal(number, leave)
    try:
        with running(kind for kind in KINDS if not os.environ.get(kind.variable)) as variables:
            return run(command, {**os.environ, **variables})
    except ServerUnavailable as error:
        sys.stderr.write(f"{error}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main())
