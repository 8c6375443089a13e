"""Steam's Web API as a library: game servers, what they say of themselves, accounts of players.

It needs no node:

    servers = Query(key, {"appid": 440, "mapname": "pl_pier"}, limit=10).query()
    print(servers[0], servers[0].query(key))
"""

import json
from collections.abc import Mapping
from ipaddress import IPv4Address
from typing import Any, NamedTuple, TypeVar

import msgspec

from downstream_node.demos.steam_filters import Filters
from downstream_node.demos.steam_transport import NOT_AS_DOCUMENTED, WEB_API, WebApi
from downstream_node.errors import NoServers, SteamFailed

__all__ = ["Account", "Details", "Filters", "Query", "Server", "WebApi", "account", "details"]

SERVER_LIST = "IGameServersService/GetServerList/v1"
SERVER_DETAILS = "IGameServersService/QueryByFakeIP/v1"
PLAYER_SUMMARIES = "ISteamUser/GetPlayerSummaries/v2"

TEAM_FORTRESS = 440
QUERY_TYPES = {1: "ping_data", 2: "players_data", 3: "rules_data"}
PING = 1
LIMIT = 100
"""Servers of a list, unless somebody says how many."""


class Details(dict[str, Any]):
    """What a server says of itself, by the names of QUERY_TYPES. Prints as JSON."""

    def __str__(self) -> str:
        return json.dumps(self, indent=4, ensure_ascii=False)


class Server(msgspec.Struct, frozen=True, kw_only=True):
    """One game server of a list. What Steam leaves out is empty or 0."""

    addr: str
    """Address and port."""
    gameport: int = 0
    steamid: str = ""
    name: str = ""
    appid: int = TEAM_FORTRESS
    gamedir: str = ""
    version: str = ""
    product: str = ""
    region: int = 0
    players: int = 0
    max_players: int = 0
    bots: int = 0
    map: str = ""
    secure: bool = False
    dedicated: bool = False
    os: str = ""
    gametype: str = ""

    def __str__(self) -> str:
        """All that is known of it, and how more is asked for."""
        known = {name: getattr(self, name) for name in Server.__struct_fields__}
        more = {"URL": f"{WEB_API}/{SERVER_DETAILS}/", "QUERY_TYPES": QUERY_TYPES}
        return " ".join(f"{name}={value!r}" for name, value in (known | more).items())

    @property
    def tags(self) -> list[str]:
        """The words of gametype."""
        return self.gametype.split(",") if self.gametype else []

    @property
    def ip(self) -> str:
        """The address without the port."""
        return self.addr.partition(":")[0]

    @property
    def ip_integer(self) -> int:
        """The address as a number of 32 bits, the first byte the highest. Raises ValueError."""
        return int(IPv4Address(self.ip))

    @property
    def port(self) -> int:
        """The port of the address, gameport if it has none. Raises ValueError."""
        port = self.addr.partition(":")[2]
        return int(port) if port else self.gameport

    def query(self, api_key: str, web: WebApi | None = None) -> Details:
        """Ask Steam's relay what this server says: ping, players, rules.

        What Steam leaves out is left out: the server's rules mostly, and everything of a server
        that is not behind the relay. Raises SteamFailed; ValueError if addr is no IPv4 address.
        """
        return details(api_key, self.ip, self.port, appid=self.appid, web=web)


class ListedServer(Server, frozen=True, kw_only=True):
    """A server that is asked for more where its list came from."""

    web: WebApi

    def query(self, api_key: str, web: WebApi | None = None) -> Details:
        """As any server's."""
        return super().query(api_key, web or self.web)


class ServerList(msgspec.Struct):
    """What GetServerList answers. Without servers it is empty."""

    servers: list[Server] = []


class Query:
    """A search for game servers: at most *limit* of those that *filters* leaves.

    *filters* is a `Filters`, or a mapping with its names. Raises what `Filters.of` raises, and
    ValueError for a limit below 1.
    """

    def __init__(
        self,
        api_key: str,
        filters: Filters | Mapping[str, Any] | None = None,
        limit: int = LIMIT,
        *,
        web: WebApi | None = None,
    ) -> None:
        if limit < 1:
            raise ValueError("The limit of a query is 1 or more.")
        self._key = api_key
        self.filters = filters if isinstance(filters, Filters) else Filters.of(filters or {})
        self.limit = limit
        self.web = web or WebApi()

    def query(self) -> list[Server]:
        """The servers.

        Raises NoServers (a ValueError) if there are none, SteamFailed if Steam does not answer.
        """
        fields = {"key": self._key, "filter": str(self.filters), "limit": str(self.limit)}
        listed = shaped(self.web.get(SERVER_LIST, fields), ServerList)
        if not listed.servers:
            raise NoServers
        # Steam takes the limit for a wish.
        return [
            ListedServer(**msgspec.structs.asdict(server), web=self.web)
            for server in listed.servers[: self.limit]
        ]


def details(  # noqa: PLR0913 - each of them is a field of the request
    api_key: str,
    ip: str,
    port: int,
    *,
    appid: int = TEAM_FORTRESS,
    kinds: Mapping[int, str] = QUERY_TYPES,
    web: WebApi | None = None,
) -> Details:
    """What the server with a relay's address says, one request for each of *kinds*.

    Raises SteamFailed; ValueError if *ip* is no IPv4 address.
    """
    web = web or WebApi()
    fields = {"key": api_key, "fake_ip": str(int(IPv4Address(ip))), "fake_port": str(port)}
    fields["app_id"] = str(appid)
    found = Details()
    for kind, name in kinds.items():
        answer = web.get(SERVER_DETAILS, fields | {"query_type": str(kind)})
        if name in answer:
            found[name] = answer[name]
    return found


class Account(NamedTuple):
    """What Steam shows everybody of a player's account."""

    exists: bool
    is_limited: bool
    """Never bought anything, or without a profile."""
    name: str


class Player(msgspec.Struct):
    """One player of GetPlayerSummaries."""

    steamid: str
    personaname: str = ""
    profilestate: int | None = None


class PlayerList(msgspec.Struct):
    """What GetPlayerSummaries answers."""

    players: list[Player] = []


def account(api_key: str, steam_id: int, web: WebApi | None = None) -> Account:
    """What Steam knows of *steam_id*. Raises SteamFailed."""
    fields = {"key": api_key, "steamids": str(steam_id)}
    listed = shaped((web or WebApi()).get(PLAYER_SUMMARIES, fields), PlayerList)
    found = next((one for one in listed.players if one.steamid == str(steam_id)), None)
    if found is None:
        return Account(exists=False, is_limited=True, name="")
    return Account(exists=True, is_limited=not found.profilestate, name=found.personaname)


Shape = TypeVar("Shape")


def shaped(answer: Mapping[str, Any], shape: type[Shape]) -> Shape:
    """*answer* as it is documented. Raises SteamFailed."""
    try:
        return msgspec.convert(answer, shape)
    except msgspec.ValidationError:
        raise SteamFailed(NOT_AS_DOCUMENTED) from None
