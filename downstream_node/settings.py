"""Every setting of the node: name, default, unit and meaning, in this one place.

A value comes from, in rising order of precedence: the default below; the operator's
`downstream_node/config.py` (made from `config.py.template`), or the file that
DOWNSTREAM_CONFIG names; the environment, with the prefix `DOWNSTREAM_`.
"""

import dataclasses
import os
import runpy
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from downstream_node.errors import InvalidSettings

ENVIRONMENT_PREFIX = "DOWNSTREAM_"
CONFIG_VARIABLE = "DOWNSTREAM_CONFIG"
DEFAULT_CONFIG_FILE = Path(__file__).parent / "config.py"
BOOLEANS = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}


def setting(  # noqa: PLR0913 - the columns of one table, all by keyword
    default: Any,  # noqa: ANN401 - the field's own annotation gives the type
    meaning: str,
    *,
    unit: str = "",
    minimum: float | None = None,
    maximum: float | None = None,
    choices: tuple[str, ...] = (),
) -> Any:  # noqa: ANN401 - as dataclasses.field
    """One setting: its default, meaning, unit and allowed values."""
    return field(
        default=default,
        metadata={
            "meaning": meaning,
            "unit": unit,
            "minimum": minimum,
            "maximum": maximum,
            "choices": choices,
        },
    )


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The settings of one running node. Construct through `load`, which checks them."""

    # Where things are
    SQLALCHEMY_DATABASE_URI: str = setting(
        "sqlite:///data/downstream.db",
        "the database; relative SQLite paths start at the working directory",
    )
    MASTER_KEY_PATH: str = setting(
        "data/master.key",
        "the node's one secret, made at first start; contract secrets come from it, so keep it",
    )
    FILES_PATH: str = setting(
        "data/files",
        "the folder of the files in custody, on one file system; back it up with the database",
    )
    MMDB_PATH: str = setting(
        "data/GeoLite2-City.mmdb",
        "GeoIP city database; without the file, locations are null",
    )
    PORT: int = setting(5000, "port of the development server", minimum=1, maximum=65535)
    NODE_NAME: str = setting(
        "downstream", "the name that a fresh signature has to contain; one word"
    )

    # Who may farm
    REQUIRE_SIGNATURE: bool = setting(
        True, "a new token needs a message signed with the key of the address"
    )
    MAX_SIG_MESSAGE_SIZE: int = setting(
        1024, "longest signed message", unit="bytes", minimum=1, maximum=65536
    )
    SIGNATURE_MAX_AGE: int = setting(
        0,
        "a signed message must contain NODE_NAME and a UTC time not older than this; 0: any "
        "message will do (the published client cannot sign anew)",
        unit="seconds",
        minimum=0,
    )
    MIN_SJCX_BALANCE: int = setting(
        10000,
        "an address needs this balance in the whitelist; 0: no whitelist, any address may farm",
        unit="SJCX",
        minimum=0,
    )
    MAX_TOKENS_PER_IP: int = setting(5, "farmers per IP address", minimum=1)
    TRUSTED_PROXIES: int = setting(
        0, "proxies in front of the node whose X-Forwarded-For is believed", minimum=0
    )

    # Contracts and proofs
    DEFAULT_INTERVAL: int = setting(
        300, "time to answer a challenge", unit="seconds", minimum=1, maximum=86400
    )
    DEFAULT_CHUNK_SIZE: int = setting(
        32768, "size of a contract when the farmer names none", unit="bytes", minimum=1
    )
    MAX_CHUNKS_PER_REQUEST: int = setting(
        100, "contracts handed out by one request", minimum=1, maximum=10000
    )
    MAX_SIZE_PER_ADDRESS: int = setting(
        1 << 30, "bytes in open contracts of one address", unit="bytes", minimum=0
    )
    HEARTBEAT_SCHEME: str = setting(
        "Merkle", "proof scheme of new contracts", choices=("Merkle", "Swizzle")
    )
    HEARTBEAT_CHECK_FRACTION: float = setting(
        0.01, "part of a chunk that one proof reads", minimum=0.000001, maximum=1
    )
    HEARTBEAT_CHALLENGES: int = setting(
        256, "challenges of a Merkle contract", minimum=1, maximum=65536
    )

    # Limits and housekeeping
    MAX_BODY_SIZE: int = setting(
        16 << 20, "largest request body, unpacked", unit="bytes", minimum=1024
    )
    MAX_BATCH: int = setting(
        10000, "most hashes or proofs in one request", minimum=1, maximum=20000
    )
    CLOSED_CONTRACT_RETENTION: int = setting(
        3600,
        "how long a closed contract is still reported as expired before it is forgotten",
        unit="seconds",
        minimum=0,
    )
    STATUS_MAX_AGE: int = setting(
        5,
        "how long a status page may be shown again before it is made anew; 0 makes each one anew",
        unit="seconds",
        minimum=0,
        maximum=3600,
    )
    HISTORY_RETENTION: int = setting(
        100 * 86400,
        "how long stretches of uptime, heartbeats by day and failures of farmers are kept; status "
        "pages show 90 days",
        unit="seconds",
        minimum=86400,
    )

    # Chats
    CHATS_ARCHIVE: str = setting(
        "sqlite:///data/chats.db",
        "where messages are kept and searched: sqlite:///FILE, postgresql+psycopg://... or the "
        "http(s):// address of Elasticsearch or OpenSearch",
    )
    CHATS_REDUNDANCY: int = setting(
        3, "copies with farmers that are wanted of each export", minimum=0, maximum=100
    )
    CHATS_DROP_FOLDER: str = setting(
        "data/chats-drop", "folder whose *.json exports are imported as they appear"
    )
    CHATS_WATCH_EVERY: int = setting(
        60, "how often that folder is looked at; 0: never", unit="seconds", minimum=0
    )
    CHATS_MAX_EXPORT_SIZE: int = setting(
        8 << 30, "largest export file that is taken", unit="bytes", minimum=1024
    )
    CHATS_EXPORT_COMMAND: str = setting(
        "",
        "program that the export routes start, with {channel}, {after}, {before} and the folder "
        "{output} put in; it gets the Discord token as DISCORD_TOKEN in its environment; none: "
        "they import what is in the drop folder",
    )
    CHATS_EXPORT_DAYS: int = setting(
        7, "days that the export routes ask for", unit="days", minimum=1, maximum=36500
    )
    CHATS_EXPORT_TIMEOUT: int = setting(
        900, "how long that program may run", unit="seconds", minimum=1
    )
    CHATS_OPEN_EXPORT: bool = setting(
        False, "the export routes need no key of the archive; for a node that only you reach"
    )
    CHATS_RATE_LIMIT: int = setting(
        600, "searches a minute of one key, or of one address without a key; 0: no limit", minimum=0
    )
    CHATS_MOST_RESULTS: int = setting(
        10000,
        "messages that /api/chats/search/all gives at most; more are left out with a word",
        minimum=1,
        maximum=100000,
    )
    CHATS_CACHE_SIZE: int = setting(
        32 << 20, "memory for answers of the archive, per process", unit="bytes", minimum=0
    )
    REDIS_URL: str = setting(
        "",
        "Redis that several processes share for caches and rate limits, as redis://host:6379/0; "
        "none: each process keeps its own in memory",
    )
    JOBS: bool = setting(True, "a serving process also runs the background jobs")

    # Packages
    PACKAGES: bool = setting(True, "people may have their data packages processed")
    PACKAGES_PATH: str = setting(
        "data/packages",
        "the folder of uploads and of working files, all encrypted; workers and servers share it",
    )
    PACKAGES_ALLOWED_HOSTS: str = setting(
        "",
        "hosts besides Discord's from which packages are fetched, exact, with commas between, as "
        "files.example.org or http://127.0.0.1:8123",
    )
    PACKAGES_MAX_SIZE: int = setting(
        4 << 30, "largest package, packed", unit="bytes", minimum=1024, maximum=1 << 37
    )
    PACKAGES_FETCH_TIMEOUT: int = setting(
        1800, "time to fetch a package of a link in", unit="seconds", minimum=1, maximum=86400
    )
    PACKAGES_UPLOAD_SPACE: int = setting(
        32 << 30, "space for packages that are being uploaded", unit="bytes", minimum=1024
    )
    PACKAGES_UPLOAD_TIME: int = setting(
        86400, "an upload to which nothing came for so long is given up", unit="seconds", minimum=60
    )
    PACKAGES_LEASE: int = setting(
        30,
        "another worker takes a package over when its worker has said nothing for so long",
        unit="seconds",
        minimum=1,
        maximum=3600,
    )
    PACKAGES_ATTEMPTS: int = setting(
        3, "how often a package is tried before it has failed", minimum=1, maximum=100
    )
    PACKAGES_TIMEOUT: int = setting(
        3600, "longest time for one attempt at a package", unit="seconds", minimum=1
    )
    PACKAGES_WAIT: int = setting(
        86400,
        "how long a package waits that no worker can open, for its owner to ask for it",
        unit="seconds",
        minimum=1,
    )
    PACKAGES_RETENTION: int = setting(
        90 * 86400, "how long results are kept", unit="seconds", minimum=60
    )
    PACKAGES_REDUNDANCY: int = setting(
        3, "copies of a result wanted with farmers", minimum=0, maximum=1000
    )
    PACKAGES_BLOB_TTL: int = setting(
        300, "how long an address of a sealed result is good", unit="seconds", minimum=1
    )
    PACKAGES_SUBMIT_LIMIT: int = setting(
        20, "packages that one IP address may submit in a minute; 0: any number", minimum=0
    )
    PACKAGES_RATE_LIMIT: int = setting(
        600,
        "other requests about packages of one IP address in a minute; 0: any number",
        minimum=0,
    )
    PACKAGES_STREAMS: int = setting(
        2, "streams of live progress at once in a process; each takes a thread", minimum=0
    )
    PACKAGES_CORS_ORIGINS: str = setting(
        "*",
        "web sites whose pages may speak to this node about packages, with commas between; "
        "*: all, none: none (the secret is in a header, so no site has it but the owner's)",
    )

    # Demos
    DEMOS: bool = setting(True, "players may stream recordings of their games")
    DEMOS_PATH: str = setting(
        "data/demos",
        "the folder of recordings that are being streamed; all processes of a node share it",
    )
    STEAM_API_KEY: str = setting(
        "",
        "the key of this node for Steam's Web API; none: limited accounts may sign in, too, and no "
        "session whose game server has to be looked up",
    )
    STEAM_API_URL: str = setting("https://api.steampowered.com", "Steam's Web API")
    STEAM_LOGIN_URL: str = setting(
        "https://steamcommunity.com/openid/login", "Steam's OpenID 2.0 endpoint"
    )
    STEAM_TIMEOUT: int = setting(
        10, "longest time for one request to Steam", unit="seconds", minimum=1, maximum=300
    )
    DEMOS_URL: str = setting(
        "",
        "the address of this node as browsers know it, to which Steam sends people back, as "
        "https://demos.example.org; none: people sign in on this machine only",
    )
    DEMOS_CHECK_SERVERS: bool = setting(
        True, "a session's game server has to be known to Steam (the original: not DEVELOPMENT)"
    )
    DEMOS_MAX_SIZE: int = setting(
        2 << 30, "largest recording", unit="bytes", minimum=4096, maximum=1 << 37
    )
    DEMOS_MAX_FRAME: int = setting(
        16 << 20, "largest frame of a stream", unit="bytes", minimum=1024, maximum=1 << 28
    )
    DEMOS_MAX_RATE: int = setting(
        0,
        "most that is read of one stream in a second; 0: as fast as it comes",
        unit="bytes",
        minimum=0,
    )
    DEMOS_MAX_TIME: int = setting(
        6 * 3600, "longest time for one session", unit="seconds", minimum=60
    )
    DEMOS_STALE: int = setting(
        900,
        "a session to which nothing came for so long is closed with what it has",
        unit="seconds",
        minimum=1,
    )
    DEMOS_TAKEOVER: int = setting(
        5,
        "a connection that brought nothing for so long makes way for the next one of its session",
        unit="seconds",
        minimum=1,
    )
    DEMOS_MOST_STREAMS: int = setting(
        2000, "streams at once in a process", minimum=1, maximum=100_000
    )
    DEMOS_REDUNDANCY: int = setting(
        3, "copies of a recording wanted with farmers", minimum=0, maximum=1000
    )
    DEMOS_RETENTION: int = setting(
        0,
        "recordings without reports or detections are let go after so long; 0: never",
        unit="seconds",
        minimum=0,
    )
    DEMOS_SPACE: int = setting(
        0,
        "most space for recordings; beyond it the oldest without reports or detections are let "
        "go; 0: any",
        unit="bytes",
        minimum=0,
    )
    DEMOS_MOST_PRUNED: float = setting(
        0.05, "most of all kept recordings that one pass lets go", minimum=0.0, maximum=1.0
    )
    DEMOS_REFERENCE: str = setting(
        "",
        "a file of 256 x 256 transition probabilities (numpy's .npy, float64) against which "
        "recordings are scored; none: they are not",
    )
    DEMOS_RATE_LIMIT: int = setting(
        600, "requests about recordings of one IP address in a minute; 0: any number", minimum=0
    )


FIELDS = {item.name: item for item in dataclasses.fields(Settings)}


def load(environment: Mapping[str, str] | None = None, config_file: Path | None = None) -> Settings:
    """The settings from defaults, file and environment.

    Raises InvalidSettings, naming the setting, for an unknown name or a wrong value.
    """
    environment = os.environ if environment is None else environment
    values = {**from_file(environment, config_file), **from_environment(environment)}
    for name in values:
        if name not in FIELDS:
            raise InvalidSettings(f"Unknown setting {name}. See config.py.template for all names.")
    return checked(values)


def from_file(environment: Mapping[str, str], config_file: Path | None) -> dict[str, Any]:
    """Upper-case names of the operator's file; a missing default file is no settings."""
    named = config_file or environment.get(CONFIG_VARIABLE)
    path = Path(named) if named else DEFAULT_CONFIG_FILE
    if not path.exists():
        if named:
            raise InvalidSettings(f"There is no configuration file {path}.")
        return {}
    try:
        names = runpy.run_path(str(path))
    except Exception as error:
        # Whatever the operator's Python does wrong, the answer is the same: name the file.
        raise InvalidSettings(f"Cannot read {path}: {error}") from error
    return {name: value for name, value in names.items() if name.isupper()}


def from_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """What stands behind the prefix in the environment, as text."""
    return {
        name.removeprefix(ENVIRONMENT_PREFIX): value
        for name, value in environment.items()
        if name.startswith(ENVIRONMENT_PREFIX) and name != CONFIG_VARIABLE
    }


def checked(values: Mapping[str, Any]) -> Settings:
    """Settings with each of *values* turned into its type and held against its limits."""
    settings = Settings(
        **{name: checked_value(FIELDS[name], value) for name, value in values.items()}
    )
    if settings.NODE_NAME.split() != [settings.NODE_NAME]:
        raise InvalidSettings(f"NODE_NAME is {settings.NODE_NAME!r}; it must be one word.")
    return settings


def checked_value(item: "dataclasses.Field[Any]", value: Any) -> Any:  # noqa: ANN401 - any setting
    """*value* as the type of its setting, or InvalidSettings."""
    result = converted(item, value)
    limits = item.metadata
    # Written so that it refuses NaN, too.
    too_low = limits["minimum"] is not None and not result >= limits["minimum"]
    too_high = limits["maximum"] is not None and result > limits["maximum"]
    if too_low or too_high:
        raise InvalidSettings(f"{item.name} is {value!r}; it must be {allowed(item)}.")
    if limits["choices"] and result not in limits["choices"]:
        raise InvalidSettings(f"{item.name} is {value!r}; it must be {allowed(item)}.")
    return result


def converted(item: "dataclasses.Field[Any]", value: Any) -> Any:  # noqa: ANN401 - any setting
    """*value* as a bool, int, float or str, as the setting's annotation says."""
    try:
        if item.type is bool:
            return BOOLEANS[str(value).lower()]
        if item.type is int and isinstance(value, (bool, float)):
            raise TypeError
        if item.type is str and not isinstance(value, str):
            raise TypeError
        return item.type(value)  # type: ignore[operator]
    except (KeyError, TypeError, ValueError):
        raise InvalidSettings(f"{item.name} is {value!r}; it must be {allowed(item)}.") from None


def allowed(item: "dataclasses.Field[Any]") -> str:
    """The values that a setting takes, in words."""
    limits = item.metadata
    if limits["choices"]:
        return "one of " + ", ".join(limits["choices"])
    words = {bool: "true or false", int: "a whole number", float: "a number", str: "a text"}[
        item.type  # type: ignore[index]
    ]
    if limits["minimum"] is not None:
        words += f" from {limits['minimum']}"
    if limits["maximum"] is not None:
        words += f" up to {limits['maximum']}"
    return f"{words} ({limits['unit']})" if limits["unit"] else words


def template() -> str:
    """The text of `config.py.template`: every setting, commented out, with its meaning."""
    lines = [
        "# Settings of the node. Copy this file to config.py and change what you need.",
        "# The environment wins over this file: DOWNSTREAM_DEFAULT_INTERVAL=20.",
        "# Written by `downstream settings --template`; the defaults are shown.",
    ]
    for item in FIELDS.values():
        lines += ["", *wrapped(f"{item.metadata['meaning']}; {allowed(item)}")]
        lines.append(f"# {item.name} = {item.default!r}")
    return "\n".join(lines) + "\n"


def wrapped(text: str) -> list[str]:
    """*text* as comment lines of at most 95 characters."""
    lines = ["#"]
    for word in text.split():
        if len(lines[-1]) + len(word) > 95:  # noqa: PLR2004 - as the docstring says
            lines.append("#")
        lines[-1] += " " + word
    return lines
