"""Members are known by the shape of their names, in any language."""

import pytest
from packages.made import CHANNEL, FOLDERS, FRENCH, GERMAN, GUILD, MadePackage

from downstream_node.packages.reading.layout import ChannelFiles, find

LEGACY = ("account", "messages", "servers", "activity")


@pytest.mark.parametrize("folders", [FOLDERS, FRENCH, GERMAN, LEGACY])
@pytest.mark.parametrize("prefix", ["c", ""])
def test_all_parts_are_found(folders: tuple[str, str, str, str], prefix: str) -> None:
    """Modern, legacy and translated packages have the same parts."""
    account, messages, servers, activity = folders
    made = MadePackage(folders, prefix).channel(CHANNEL, ["2021-06-01 08:30:00"])
    made.event("email_opened", "2021-06-01T08:30:00.000Z").payments()
    found = find(made.all_files())
    own = f"{messages}/{prefix}{CHANNEL}"
    assert found.user == f"{account}/user.json"
    assert found.payments == f"{account}/user_data_exports/discord_billing/payments.json"
    assert found.message_index == f"{messages}/index.json"
    assert found.channels == (ChannelFiles(CHANNEL, f"{own}/channel.json", f"{own}/messages.json"),)
    assert found.server_index == f"{servers}/index.json"
    assert found.servers == {GUILD: f"{servers}/{GUILD}/guild.json"}
    assert len(found.analytics) == 1
    assert found.analytics[0].startswith(f"{activity}/analytics/")


def test_b6_the_index_of_messages_is_not_that_of_servers() -> None:
    """In a translated package without servers, no index is taken for theirs."""
    made = MadePackage(GERMAN).channel(CHANNEL, index_name="general").drop("Server/")
    found = find(made.all_files())
    assert found.message_index == "Nachrichten/index.json"
    assert found.server_index is None
    assert found.servers == {}


def test_servers_without_any_guild_file() -> None:
    """The first index that is not under the messages is that of the servers."""
    made = MadePackage(GERMAN).channel(CHANNEL, index_name="general").drop(f"Server/{GUILD}/")
    assert find(made.all_files()).server_index == "Server/index.json"


def test_no_messages_at_all() -> None:
    """Where there is no channel, only the folder called Messages is none of servers."""
    names = ["Account/user.json", "Messages/index.json"]
    assert find(names).server_index is None
    assert find(names).message_index == "Messages/index.json"


@pytest.mark.parametrize("digits", [15, 33])
def test_ids_have_16_to_32_digits(digits: int) -> None:
    """What looks like a channel, but for the length of its id, is none."""
    assert find([f"Messages/c{'1' * digits}/channel.json"]).channels == ()


def test_user_is_at_depth_1() -> None:
    """Neither at the top nor further down."""
    assert find(["user.json", "a/b/user.json"]).user is None
    assert find(["a/b/user.json", "a/user.json", "b/user.json"]).user == "a/user.json"


def test_b3_all_shards_of_the_analytics_count() -> None:
    """Shards are read in the order of their names; other folders of activity are not."""
    names = [f"Activity/analytics/events-{number}.json" for number in (2, 0, 1)]
    found = find([*names, "Activity/reporting/events-0.json", "Activity/analytics/notes.txt"])
    assert found.analytics == tuple(sorted(names))


def test_json_goes_before_csv() -> None:
    """A folder that has both says the same twice."""
    folder = f"Messages/c{CHANNEL}"
    files = ["channel.json", "messages.csv", "messages.json"]
    (found,) = find([f"{folder}/{file}" for file in files]).channels
    assert found.messages == f"{folder}/messages.json"
