"""The answers of a large package, against what its maker and the original say.

Needs the program that makes such packages: PACKAGE_MAKER=/path/to/it pytest --slow
"""

import json
import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from packages.literal import channel_by_channel, literal_voice
from packages.made import Result, read

from downstream_node.packages.reading.activity import Activity
from downstream_node.packages.reading.archive import Archive
from downstream_node.packages.reading.events import Events
from downstream_node.packages.reading.layout import find
from downstream_node.packages.reading.limits import MIB, Limits
from downstream_node.packages.reading.problems import Problems
from downstream_node.packages.reading.splitting import lines
from downstream_node.packages.reading.watch import Watch

MAKER = os.environ.get("PACKAGE_MAKER", "")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.skipif(not MAKER, reason="PACKAGE_MAKER names no program that makes packages"),
]


def generated(folder: Path, *arguments: str) -> tuple[Path, dict[str, Any]]:
    """A package made with these *arguments*, and what its maker knows of it."""
    package, truth = folder / "package.zip", folder / "truth.json"
    command = [sys.executable, MAKER, str(package), "--truth", str(truth), *arguments]
    subprocess.run(command, check=True, timeout=300)
    return package, json.loads(truth.read_text())


@pytest.fixture(scope="module")
def big_package(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """100,000 messages and 500,000 events."""
    return generated(tmp_path_factory.mktemp("big"))


@pytest.fixture(scope="module")
def big(big_package: tuple[Path, dict[str, Any]]) -> tuple[Result, dict[str, Any]]:
    """The same, read."""
    package, truth = big_package
    return opened(package), truth


def opened(package: Path) -> Result:
    """The result of a package in a file."""
    with package.open("rb") as file:
        return read(file)


def test_messages(big: tuple[Result, dict[str, Any]]) -> None:
    """By kind, by guild and by hour; the original's 91,551 are those of DMs and named channels."""
    result, truth = big
    kinds = truth["messages"]["by_kind"]
    total = "SELECT SUM(total_message_count) FROM"
    assert result.report.messages == truth["messages"]["total"] == sum(kinds.values())
    assert result.all(f"{total} dm_channels_data") == [(kinds["dm"],)]
    assert result.all(f"{total} guild_channels_data") == [(kinds["guild"] + kinds["nullname"],)]
    assert result.all(f"{total} group_channels_data") == [(kinds["group"],)]
    assert result.all(f"{total} other_channels_data") == [(kinds["unknown"],)]
    assert kinds["dm"] + kinds["guild"] == 91_551
    guilds = dict(result.all("SELECT guild_id, total_message_count FROM guilds"))
    assert guilds == truth["messages"]["by_guild"]
    hours = result.activity("message_sent", "hour, occurence_count")
    by_hour = [sum(count for at, count in hours if at == hour) for hour in range(24)]
    assert by_hour == truth["messages"]["by_hour"]


def test_attachments_and_payments(big: tuple[Result, dict[str, Any]]) -> None:
    """As the maker and the original have them."""
    result, truth = big
    attached = result.all("SELECT SUM(message_count) FROM attachments")
    assert attached == [(truth["messages"]["with_attachment"],)]
    query = "SELECT payment_currency, COUNT(*), SUM(payment_amount) FROM payments GROUP BY 1"
    assert result.all(query) == [("eur", 4, 7700), ("usd", 8, 18065)]


def test_sessions(big: tuple[Result, dict[str, Any]]) -> None:
    """To the minute what the original has."""
    query = "SELECT SUM(duration_mins), COUNT(*) FROM sessions"
    assert big[0].all(query) == [(524_138, 9_147)]


def test_average_of_a_day(big: tuple[Result, dict[str, Any]]) -> None:
    """The original's 226, once the messages that it loses are taken off."""
    result, truth = big
    kinds = truth["messages"]["by_kind"]
    lost = kinds["group"] + kinds["unknown"] + kinds["nullname"]
    ((total, days),) = result.all("SELECT SUM(occurence_count), COUNT(DISTINCT day) FROM activity")
    assert (total - lost) // days == 226


def test_events(big: tuple[Result, dict[str, Any]]) -> None:
    """Every kind that is counted is counted in full."""
    result, truth = big
    counted = dict(result.all("SELECT event_name, SUM(occurence_count) FROM activity GROUP BY 1"))
    made = truth["events"]["by_type"]
    assert counted["application_command_used"] == truth["events"]["commands_with_guild_and_app"]
    assert counted["app_crashed"] == made["app_crashed"] + made["app_native_crash"]
    apart = {"message_sent", "application_command_used", "app_crashed", "app_opened"}
    assert {name: counted[name] for name in counted.keys() - apart} == {
        name: made[name] for name in counted.keys() - apart
    }
    assert result.report.missing == ()


def test_b7_voice(big: tuple[Result, dict[str, Any]]) -> None:
    """In time order there are fewer stays than the original's 7,224: none overlaps another."""
    query = "SELECT SUM(duration_mins), COUNT(*) FROM voice_sessions"
    assert big[0].all(query) == [(713_617, 4_679)]
    times = big[0].all("SELECT started_date, ended_date FROM voice_sessions")
    ordered = sorted((float(start), float(end)) for start, end in times)
    assert all(end < start for (_, end), (start, _) in pairwise(ordered))


def test_b7_the_original_s_voice(big_package: tuple[Path, dict[str, Any]]) -> None:
    """Channel by channel, the literal rules give the original's answer for the same joins."""
    events = Events(Activity(), Problems())
    with big_package[0].open("rb") as file:
        archive = Archive(file, Limits(), Watch(lambda *_: None, lambda: False))
        for name in find(archive.names).analytics:
            for batch in lines(archive.pieces(name), MIB):
                events.read(batch)
    stays = literal_voice(channel_by_channel(events.joins), events.leaves)
    assert (sum(stay.minutes for stay in stays), len(stays)) == (1_105_426, 7_224)


@pytest.mark.parametrize(
    "arguments",
    [
        ["--layout", "legacy", "--message-format", "csv"],
        ["--layout", "french", "--shards", "3"],
        ["--omit", "servers,payments", "--layout", "french"],
        ["--omit", "messages", "--empty-analytics"],
    ],
    ids=" ".join,
)
def test_layouts(tmp_path: Path, arguments: list[str]) -> None:
    """All layouts that the maker knows are read in full."""
    package, truth = generated(tmp_path, "--messages", "1500", "--events", "6000", *arguments)
    result = opened(package)
    assert result.report.messages == truth["messages"]["total"]
    reactions = result.all(
        "SELECT SUM(occurence_count) FROM activity WHERE event_name = 'add_reaction'"
    )
    expected = (
        None if "--empty-analytics" in arguments else truth["events"]["by_type"]["add_reaction"]
    )
    assert reactions == [(expected,)]
    assert result.report.is_partial is ("--omit" in arguments)
