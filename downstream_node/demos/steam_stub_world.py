"""What the stand-in for Steam knows: servers, accounts, sign-ins that it has signed."""

import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from ipaddress import IPv4Address
from threading import Lock
from typing import Any

import msgspec

from downstream_node import entropy
from downstream_node.clock import WallClock, iso, system_clock
from downstream_node.demos import openid, steam
from downstream_node.demos.steam import Server

SIGNED = (
    *("signed", "op_endpoint", "claimed_id", "identity", "return_to", "response_nonce"),
    "assoc_handle",
)
"""In Steam's order."""
HANDLE = "1234567890"
FULL, LIMITED = 76561197960265729, 76561197960265730


def example_servers() -> list[Server]:
    """The server of the document, and more: behind the relay, and open to everybody."""
    relayed = Server(
        addr="169.254.189.228:41928",
        gameport=41928,
        steamid="90178913460028417",
        name="Valve Matchmaking Server (Washington srcds1002-eat1 #94)",
        gamedir="tf",
        version="8604597",
        product="tf",
        region=255,
        players=24,
        max_players=32,
        map="pl_pier",
        secure=True,
        dedicated=True,
        os="l",
        gametype="hidden,increased_maxplayers,payload,valve",
    )
    change = msgspec.structs.replace
    return [
        relayed,
        change(
            relayed,
            addr="169.254.10.20:27040",
            gameport=27040,
            steamid="90178913460028418",
            name="Valve Matchmaking Server (Frankfurt srcds2001-fra1 #12)",
            map="cp_badlands",
            players=12,
            gametype="cp,hidden,valve",
        ),
        change(
            relayed,
            addr="203.0.113.7:27015",
            gameport=27015,
            steamid="85568392920039425",
            name="A community's server",
            region=3,
            map="koth_harvest_final",
            players=0,
            gametype="alltalk,koth",
        ),
    ]


def example_players() -> list[dict[str, Any]]:
    """Who plays on the document's server."""
    names = ("Javaris Jamar Javarison-Lamar", "DamitriusDamarcusBartholamyJame", "joe")
    scores = zip(
        (*names, "soysauce20001", "Buhda"),
        (0, 1, 1, 2, 4),
        (3079, 2733, 1800, 1302, 1153),
        strict=True,
    )
    return [{"name": who, "score": score, "time_played": time} for who, score, time in scores]


@dataclass
class World:
    """What this Steam knows. Tests change it."""

    clock: WallClock = system_clock
    accounts: dict[int, bool] = field(default_factory=lambda: {FULL: False, LIMITED: True})
    """By steam id, whether the account is limited."""
    servers: list[Server] = field(default_factory=example_servers)
    key: str = ""
    """The only good key for the Web API; empty: any is good."""
    asked: list[str] = field(default_factory=list)
    """The paths of all requests."""
    secret: bytes = field(default_factory=lambda: entropy.random_bytes(32), repr=False)
    unconfirmed: set[str] = field(default_factory=set)
    """Signatures of sign-ins that nobody asked about yet: each is confirmed once."""
    lock: Lock = field(default_factory=Lock, repr=False)

    # Signing in

    def assertion(self, endpoint: str, return_to: str, steam_id: int) -> dict[str, str]:
        """What a browser brings back: somebody signed in as *steam_id*."""
        claimed = f"{endpoint.removesuffix('login')}id/{steam_id}"
        said = {
            "ns": openid.NAMESPACE,
            "mode": "id_res",
            "op_endpoint": endpoint,
            "claimed_id": claimed,
            "identity": claimed,
            "return_to": return_to,
            "response_nonce": iso(self.clock()) + entropy.random_bytes(9).hex(),
            "assoc_handle": HANDLE,
            "signed": ",".join(SIGNED),
        }
        said["sig"] = self.signature(said)
        with self.lock:
            self.unconfirmed.add(said["sig"])
        return {openid.PREFIX + name: value for name, value in said.items()}

    def signature(self, said: Mapping[str, str]) -> str:
        """What goes with the signed fields among *said*."""
        names = said.get("signed", "").split(",")
        text = "".join(f"{name}:{said.get(name, '')}\n" for name in names)
        return hmac.digest(self.secret, text.encode(), "sha256").hex()

    def confirms(self, form: Mapping[str, str]) -> bool:
        """Whether this is a sign-in of here, unchanged, and asked about for the first time."""
        said = {name.removeprefix(openid.PREFIX): value for name, value in form.items()}
        good = hmac.compare_digest(said.get("sig", "").encode(), self.signature(said).encode())
        with self.lock:
            if not good or said.get("sig") not in self.unconfirmed:
                return False
            self.unconfirmed.remove(said["sig"])
            return said.get("mode") == "check_authentication"

    # The Web API

    def server_list(self, fields: Mapping[str, str]) -> dict[str, Any]:
        """GetServerList."""
        wanted = read_filter(fields.get("filter", ""))
        found = [server for server in self.servers if fits(server, wanted)]
        limit = int(fields.get("limit", steam.LIMIT))
        listed = [msgspec.to_builtins(server) for server in found[:limit]]
        return {"servers": listed} if listed else {}

    def server_details(self, fields: Mapping[str, str]) -> dict[str, Any]:
        """QueryByFakeIP. As with most servers of Valve there are no rules to be had."""
        place = f"{IPv4Address(int(fields['fake_ip']))}:{int(fields['fake_port'])}"
        server = next((one for one in self.servers if one.addr == place), None)
        if server is None or not server.ip.startswith("169.254."):
            return {}
        match steam.QUERY_TYPES.get(int(fields["query_type"])):
            case "ping_data":
                return {"ping_data": ping(server)}
            case "players_data":
                return {"players_data": {"players": example_players()}}
            case _:
                return {}

    def summaries(self, fields: Mapping[str, str]) -> dict[str, Any]:
        """GetPlayerSummaries."""
        asked = [int(one) for one in fields["steamids"].split(",")]
        return {"players": [self.summary(one) for one in asked if one in self.accounts]}

    def summary(self, steam_id: int) -> dict[str, Any]:
        """One player; a limited account has no profilestate."""
        shown = {"steamid": str(steam_id), "personaname": f"Player {steam_id % 1000}"}
        return shown if self.accounts[steam_id] else shown | {"profilestate": 1}


def ping(server: Server) -> dict[str, Any]:
    """What a server behind the relay says of itself."""
    return {
        "server_ip": {"v4": server.ip_integer},
        "query_port": server.port,
        "game_port": server.gameport,
        "server_name": server.name,
        "steamid": server.steamid,
        "app_id": server.appid,
        "gamedir": server.gamedir,
        "map": server.map,
        "game_description": "Team Fortress",
        "gametype": server.gametype,
        "num_players": max(0, server.players - 1),
        "max_players": server.max_players,
        "num_bots": server.bots,
        "password": False,
        "secure": server.secure,
        "dedicated": server.dedicated,
        "version": server.version,
        "sdr_popid": 7173992,
    }


def read_filter(text: str) -> dict[str, str]:
    """The filters in their form of the protocol, with commas between or without."""
    words = text.split("\\")[1:]
    return dict(zip(words[::2], (word.rstrip(",") for word in words[1::2]), strict=False))


def on(value: str, holds: bool) -> bool:
    """A filter that only 1 makes one."""
    return value != "1" or holds


FITS: dict[str, Callable[[Server, str], bool]] = {
    "appid": lambda server, value: str(server.appid) == value,
    "napp": lambda server, value: str(server.appid) != value,
    "gamedir": lambda server, value: server.gamedir == value,
    "map": lambda server, value: server.map == value,
    "dedicated": lambda server, value: on(value, server.dedicated),
    "secure": lambda server, value: on(value, server.secure),
    "linux": lambda server, value: on(value, server.os == "l"),
    "empty": lambda server, value: on(value, server.players > 0),
    "noplayers": lambda server, value: on(value, server.players == 0),
    "full": lambda server, value: on(value, server.players < server.max_players),
    "gametype": lambda server, value: set(value.split(",")) <= set(server.tags),
    "name_match": lambda server, value: fnmatchcase(server.name, value),
    "version_match": lambda server, value: fnmatchcase(server.version, value),
    "gameaddr": lambda server, value: value in (server.ip, server.addr),
}
"""Whether a filter leaves a server; the other filters leave all."""


def fits(server: Server, wanted: Mapping[str, str]) -> bool:
    """Whether all filters leave a server."""
    return all(FITS[name](server, value) for name, value in wanted.items() if name in FITS)
