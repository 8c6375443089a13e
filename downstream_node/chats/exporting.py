"""What the export routes do: have an export made, or look for one, and import it.

The token of whoever asks goes into the environment of one process and nowhere else: not into its
arguments, which everybody on the machine can list, not into a log, a file or an error.
"""

import logging
import os
import re
import shlex
import signal
import subprocess
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from downstream_node.chats import dropping
from downstream_node.chats.importing import Allowed, ImportReport, import_export
from downstream_node.clock import SECOND, WallTime, iso, monotonic, pause
from downstream_node.errors import ExportFailed, InvalidRequest, NoMessagesFound
from downstream_node.node import Node
from downstream_node.settings import ENVIRONMENT_PREFIX

log = logging.getLogger(__name__)

DAY = 86_400 * SECOND
TOKEN = "DISCORD_TOKEN"  # noqa: S105 - the variable that the exporter reads
TOKENS = re.compile(r"[!-~]{1,1000}")
LOOK_SECONDS = 0.05
LONGEST_LOGGED = 2000
"""Bytes from the end of what the program wrote that the operator finds in the log."""


@dataclass(frozen=True, slots=True)
class ChannelExport:
    """What one request for an export did: the files that were imported, at least one."""

    reports: tuple[ImportReport, ...]

    @property
    def inserted(self) -> int:
        """Messages that are new in the archive."""
        return sum(report.counts.new for report in self.reports)


def export_channel(
    node: Node, channel_id: int, token: str, now: WallTime, *, allowed: Allowed | None = None
) -> ChannelExport:
    """Import what a channel said in the last CHATS_EXPORT_DAYS days.

    With CHATS_EXPORT_COMMAND its program makes the export, with *token* in its environment only;
    without, the exports of the channel in the drop folder are imported.

    Raises:
        NoMessagesFound: there are none ("No chat messages found for the past 7 days").
        ExportFailed: the program did not do its part; tells nothing that it wrote.
        Further as `importing.import_export`.
    """
    if node.settings.CHATS_EXPORT_COMMAND:
        reports = made(node, channel_id, token, now, allowed)
    else:
        reports = dropping.import_channel(node, channel_id, allowed)
    if not any(messages_in(report) for report in reports):
        raise NoMessagesFound(node.settings.CHATS_EXPORT_DAYS)
    return ChannelExport(tuple(reports))


def messages_in(report: ImportReport) -> int:
    """How many messages the file had."""
    counts = report.counts
    return counts.new + counts.changed + counts.unchanged + counts.older + counts.broken


def made(
    node: Node, channel_id: int, token: str, now: WallTime, allowed: Allowed | None
) -> list[ImportReport]:
    """Have the exporter write its files, and import them."""
    if not TOKENS.fullmatch(token):
        raise InvalidRequest("The Discord token is malformed.")
    drop = Path(node.settings.CHATS_DROP_FOLDER).absolute()
    drop.mkdir(parents=True, exist_ok=True)
    # The folder can be entered by the node's own user only, and goes at the end. If the node is
    # killed it stays, and the job that looks at the drop folder deletes it later.
    with tempfile.TemporaryDirectory(prefix=dropping.EXPORTING, dir=drop) as folder:
        output = Path(folder) / "output"
        output.mkdir()
        after = WallTime(now - node.settings.CHATS_EXPORT_DAYS * DAY)
        command = arguments(
            node.settings.CHATS_EXPORT_COMMAND,
            {
                "channel": str(channel_id),
                "after": iso(after),
                "before": iso(now),
                "output": f"{output}{os.sep}",
            },
        )
        run(command, token, Path(folder) / "log", node.settings.CHATS_EXPORT_TIMEOUT)
        paths = sorted(output.rglob("*.json"))
        files = [path for path in paths if path.is_file() and not path.is_symlink()]
        return [import_export(node, path, path.name, allowed=allowed) for path in files]


def arguments(command: str, values: dict[str, str]) -> list[str]:
    """*command* cut into its arguments as a shell does it, with each {name} replaced by a value.

    Values are put in after it is cut, so they cannot add arguments. Raises ExportFailed.
    """
    try:
        parts = shlex.split(command)
    except ValueError:
        raise ExportFailed("CHATS_EXPORT_COMMAND has quotes that do not match.") from None
    names = re.compile("|".join(rf"\{{{name}\}}" for name in values))
    return [names.sub(lambda found: values[found[0][1:-1]], part) for part in parts]


def run(command: list[str], token: str, written: Path, timeout: int) -> None:
    """Run a program to its end, at most *timeout* seconds. Raises ExportFailed.

    What it writes goes to the file *written* and, if it failed, from there into the node's log.
    """
    own = (ENVIRONMENT_PREFIX, TOKEN)
    environment = {name: value for name, value in os.environ.items() if not name.startswith(own)}
    with written.open("wb") as output:
        try:
            process = subprocess.Popen(  # noqa: S603 - the operator's program, without a shell
                command,
                env=environment | {TOKEN: token},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except (OSError, ValueError):
            log.error("The program of CHATS_EXPORT_COMMAND cannot be started.")  # noqa: TRY400
            raise ExportFailed("The program that makes exports cannot be started.") from None
    try:
        in_time = ended(process.pid, timeout)
    finally:
        # All that it started goes with it. Its own number is taken as long as nobody waited.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    if not in_time:
        failed(
            f"The program that makes exports took longer than {timeout} seconds.", token, written
        )
    if process.returncode:
        failed("The program that makes exports has failed.", token, written)


def ended(pid: int, timeout: int) -> bool:
    """Whether the process ended within *timeout* seconds; it is still to be waited for."""
    until = monotonic() + timeout
    while os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is None:
        if monotonic() >= until:
            return False
        pause(LOOK_SECONDS)
    return True


def failed(text: str, token: str, written: Path) -> None:
    """Log what a program wrote, unless the token is in it, and raise ExportFailed."""
    said = written.read_bytes()
    if token.encode() in said:
        log.error("%s It wrote the token of who asked, so nothing of it is shown.", text)
    else:
        log.error("%s It wrote: %r", text, said[-LONGEST_LOGGED:].decode(errors="replace"))
    raise ExportFailed(text)
