"""The library for Steam's Web API, over HTTP against a stand-in, and with answers made up."""

import gzip
import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from demos.steamside import STEAM_KEY, Scripted, steam_of
from farmer.served import ScriptedNode, serving
from packages.sites import Asked, site

from downstream_node.demos.steam import Filters, Query, Server, WebApi, account, details
from downstream_node.demos.steam_stub import Stub
from downstream_node.demos.steam_stub_world import FULL, LIMITED
from downstream_node.errors import SteamFailed

DOCUMENT = {"appid": 440, "empty": False, "linux": True, "gametype": "valve"}
PRINTED = (
    "addr='169.254.189.228:41928' gameport=41928 steamid='90178913460028417' "
    "name='Valve Matchmaking Server (Washington srcds1002-eat1 #94)' appid=440 gamedir='tf' "
    "version='8604597' product='tf' region=255 players=24 max_players=32 bots=0 map='pl_pier' "
    "secure=True dedicated=True os='l' gametype='hidden,increased_maxplayers,payload,valve' "
    "URL='https://api.steampowered.com/IGameServersService/QueryByFakeIP/v1/' "
    "QUERY_TYPES={1: 'ping_data', 2: 'players_data', 3: 'rules_data'}"
)
EXAMPLE = """
from downstream_node.demos.steam import Query

filters = {"appid": 440, "empty": False, "linux": True, "gametype": "valve"}
limit = 1
servers = Query("KEY", filters, limit).query()
for server in servers:
    print(server)
    server_info = server.query("KEY")
    print(server_info)
import sys
assert not {"flask", "sqlalchemy"} & sys.modules.keys()
"""


@pytest.fixture
def steam() -> Iterator[Stub]:
    """A stand-in for Steam."""
    with steam_of() as stub:
        yield stub


@pytest.fixture
def steam_web(steam: Stub) -> WebApi:
    """Its Web API."""
    return WebApi(steam.url, seconds=5)


def listed(*servers: dict[str, Any]) -> str:
    """An answer of GetServerList."""
    return json.dumps({"response": {"servers": servers}})


def test_the_documents_example_works_as_printed(steam: Stub) -> None:
    """In a program of its own, without anything of the node's."""
    example = EXAMPLE.replace("KEY", STEAM_KEY)
    environment = {"DOWNSTREAM_STEAM_API_URL": steam.url}
    out = subprocess.run(
        [sys.executable, "-W", "error", "-c", example],
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    first, rest = out.split("\n", 1)
    assert first == PRINTED
    told = json.loads(rest)
    assert rest.startswith('{\n    "ping_data": {\n        "server_ip": {\n            "v4": ')
    assert told["ping_data"]["server_ip"] == {"v4": 2852044260}
    assert told["players_data"]["players"][2] == {"name": "joe", "score": 1, "time_played": 1800}
    assert "rules_data" not in told


def test_weakness_10_the_limit_is_sent_and_the_filters_are_encoded(steam_web: WebApi) -> None:
    """And a server gives no more than was asked for."""
    everything = Query(STEAM_KEY, {"appid": 440}, web=steam_web).query()
    assert [server.map for server in everything] == ["pl_pier", "cp_badlands", "koth_harvest_final"]
    assert len(Query(STEAM_KEY, {"appid": 440}, 2, web=steam_web).query()) == 2
    (found,) = Query(STEAM_KEY, Filters(name_match="A community's*"), web=steam_web).query()
    assert found.ip == "203.0.113.7"


def test_weakness_10_what_is_sent_is_what_was_asked_for() -> None:
    """Whoever hears it, gets limit, filter and key."""
    steam = Scripted(listed({"addr": "192.0.2.1:1"}, {"addr": "192.0.2.1:2"}))
    (server,) = Query("KEY", {"name_match": "a&key=b #%"}, 1, web=steam.web).query()
    assert server.addr == "192.0.2.1:1"
    fields = {"key": "KEY", "filter": "\\name_match\\a&key=b #%", "limit": "1"}
    url = "http://steam.test/IGameServersService/GetServerList/v1/"
    assert steam.asked == [("GET", url, fields)]


@pytest.mark.parametrize("answer", ['{"response":{}}', '{"response":{"servers":[]}}'])
def test_weakness_10_no_servers_are_told_as_such(answer: str) -> None:
    """With the document's error and words."""
    with pytest.raises(ValueError, match=r"^Query returned no servers!$"):
        Query("KEY", {}, web=Scripted(answer).web).query()


def test_weakness_10_parts_that_steam_leaves_out_are_left_out(steam_web: WebApi) -> None:
    """Rules mostly; of a server that is not behind the relay, all."""
    servers = Query(STEAM_KEY, web=steam_web).query()
    assert list(servers[0].query(STEAM_KEY)) == ["ping_data", "players_data"]
    assert servers[-1].query(STEAM_KEY) == {}


def test_details_are_asked_for_as_documented() -> None:
    """The address as a number, the port, the game, and what is asked for."""
    steam = Scripted('{"response":{}}')
    details("KEY", "169.254.189.228", 41928, web=steam.web)
    sent = {"key": "KEY", "fake_ip": "2852044260", "fake_port": "41928", "app_id": "440"}
    assert [fields for *_, fields in steam.asked] == [
        sent | {"query_type": kind} for kind in ("1", "2", "3")
    ]


@pytest.mark.parametrize("limit", [0, -1])
def test_a_limit_below_one_is_refused(limit: int) -> None:
    """Steam would take 0 for all."""
    with pytest.raises(ValueError, match="limit"):
        Query("KEY", {}, limit)


def test_records_know_what_follows_from_them() -> None:
    """Tags, the address, the address as a number."""
    server = Server(addr="169.254.189.228:41928", gametype="cp,valve")
    assert (server.tags, server.ip, server.port) == (["cp", "valve"], "169.254.189.228", 41928)
    assert server.ip_integer == 2852044260
    bare = Server(addr="1.2.3.4", gameport=7)
    assert (bare.tags, bare.ip, bare.port, bare.ip_integer) == ([], "1.2.3.4", 7, 0x01020304)


def test_accounts_are_there_limited_or_not(steam_web: WebApi) -> None:
    """Asked for each time: limits go away."""
    full, limited = (account(STEAM_KEY, one, steam_web) for one in (FULL, LIMITED))
    assert (full.exists, full.is_limited) == (True, False)
    assert (limited.exists, limited.is_limited) == (True, True)
    assert account(STEAM_KEY, FULL + 1000, steam_web).exists is False


def test_somebody_elses_account_says_nothing() -> None:
    """Only what is said of who was asked about counts."""
    body = {"response": {"players": [{"steamid": "8", "profilestate": 1}]}}
    assert account("KEY", 7, Scripted(json.dumps(body)).web).exists is False


@pytest.mark.parametrize(
    ("body", "status"),
    [
        *(("", status) for status in (301, 400, 401, 403, 404, 429, 500, 503)),
        *((body, 200) for body in ("", "<html>", "[]", "{}", '{"response": 7}', b"\xff")),
        *((f'{{"response": {{"servers": {wrong}}}}}', 200) for wrong in ('"x"', "[7]", "[{}]")),
        (listed({"addr": "192.0.2.1", "players": "many"}), 200),
    ],
)
def test_answers_that_are_none_fail_in_words(body: str | bytes, status: int) -> None:
    """As one kind of error, which does not show the key."""
    web = Scripted(body, status).web
    with pytest.raises(SteamFailed, match="Steam") as told:
        Query("SECRET-KEY", {}, web=web).query()
    assert "SECRET" not in str(told.value)
    assert told.value.__cause__ is None


def test_a_steam_that_is_away_fails_in_words() -> None:
    """Nothing of the address, which has the key in it, is in the error."""
    with ScriptedNode() as gone:
        address = gone.url
    with pytest.raises(SteamFailed, match="does not answer") as told:
        Query("SECRET-KEY", {}, web=WebApi(address)).query()
    assert told.value.__cause__ is None
    assert told.value.__suppress_context__


def test_a_steam_that_is_silent_is_not_waited_for() -> None:
    """Each request has its time."""
    node = ScriptedNode()
    node.hold.clear()
    with serving(node):
        with pytest.raises(SteamFailed, match="does not answer"):
            Query("KEY", {}, web=WebApi(node.url, seconds=0.2)).query()
        node.hold.set()


@pytest.mark.timeout(20)
def test_a_steam_that_drips_is_not_waited_for() -> None:
    """A byte now and then does not hold a request open."""

    def drip(asked: Asked) -> None:
        asked.send_response(200)
        asked.send_header("Content-Length", "1000")
        asked.end_headers()
        while not asked.ended.wait(0.1):
            asked.send(b" ")

    with site(drip) as slow, pytest.raises(SteamFailed, match="does not answer"):
        Query("KEY", {}, web=WebApi(f"http://127.0.0.1:{slow.port}", seconds=1)).query()


@pytest.mark.parametrize("cut", [10, 30])
def test_an_answer_that_is_cut_off_is_none(cut: int) -> None:
    """Nobody takes half a list for a list."""
    body = listed({"addr": "192.0.2.1:1"}).encode()

    def answer(asked: Asked) -> None:
        asked.say(200, body[:cut], Content_Length=str(len(body)))

    with site(answer) as broken, pytest.raises(SteamFailed):
        Query("KEY", {}, web=WebApi(f"http://127.0.0.1:{broken.port}", seconds=5)).query()


def test_an_answer_may_be_compressed() -> None:
    """As Steam's are."""
    body = gzip.compress(listed({"addr": "192.0.2.1:1"}).encode())

    def answer(asked: Asked) -> None:
        asked.say(200, body, Content_Encoding="gzip")

    with site(answer) as packed:
        (server,) = Query("KEY", {}, web=WebApi(f"http://127.0.0.1:{packed.port}")).query()
    assert server.addr == "192.0.2.1:1"


def test_a_steam_that_sends_elsewhere_is_not_followed() -> None:
    """The key would go with it."""
    node, other = ScriptedNode(), ScriptedNode()
    with serving(node), serving(other):
        node.says("", 302, {"Location": other.url})
        with pytest.raises(SteamFailed, match="302"):
            Query("KEY", {}, web=WebApi(node.url, seconds=5)).query()
    assert other.asked == []
