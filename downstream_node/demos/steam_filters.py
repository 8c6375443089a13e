"""What a list of game servers is narrowed to, in the form that the Web API takes. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, NoReturn

SENT_AS = {"mapname": "map"}
"""Where the protocol has another name."""
NOT_YET = {"nor", "nand"}


@dataclass(frozen=True, kw_only=True)
class Filters:
    """Twenty filters of Valve's protocol; None leaves a filter out.

    They are sent in the order in which they stand here.
    """

    dedicated: bool | None = None
    secure: bool | None = None
    gamedir: str | None = None
    mapname: str | None = None
    linux: bool | None = None
    password: bool | None = None
    empty: bool | None = None
    """True: servers that are *not* empty."""
    full: bool | None = None
    """True: servers that are *not* full."""
    proxy: bool | None = None
    appid: int | None = None
    napp: int | None = None
    """Servers of every game but this."""
    noplayers: bool | None = None
    """True: servers that are empty."""
    white: bool | None = None
    gametype: str | Sequence[str] | None = None
    """Tags that a server has to have, all of them."""
    gamedata: str | Sequence[str] | None = None
    """Hidden tags, all of them."""
    gamedataor: str | Sequence[str] | None = None
    """Hidden tags, any of them."""
    name_match: str | None = None
    """A name, in which * stands for anything."""
    version_match: str | None = None
    collapse_addr_hash: bool | None = None
    """True: one server for each address."""
    gameaddr: str | None = None
    """An address, with or without a port."""

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> "Filters":
        """The filters that *values* names.

        Raises ValueError for a name that there is not, NotImplementedError for nor and nand.
        """
        if NOT_YET & values.keys():
            cls.nor()
        unknown = values.keys() - {field.name for field in fields(cls)}
        if unknown:
            raise ValueError(f"There is no filter {', '.join(sorted(unknown))}.")
        return cls(**values)

    @staticmethod
    def nor(*_filters: "Filters") -> NoReturn:
        """None of several filters: raises NotImplementedError."""
        raise NotImplementedError("The filters nor and nand cannot be sent yet.")

    @staticmethod
    def nand(*filters: "Filters") -> NoReturn:
        """Not all of several filters: raises NotImplementedError."""
        Filters.nor(*filters)

    def __str__(self) -> str:
        r"""As it is sent, like \dedicated\1,\map\cp_well; without filters it is empty.

        Raises ValueError if a value contains what separates filters.
        """
        values = ((field.name, getattr(self, field.name)) for field in fields(self))
        return ",".join(pair(name, value) for name, value in values if value is not None)


def pair(name: str, value: object) -> str:
    """One filter. Raises ValueError."""
    text = written(value)
    if "\\" in text:
        raise ValueError(f"The filter {name} must not contain a backslash.")
    return f"\\{SENT_AS.get(name, name)}\\{text}"


def written(value: object) -> str:
    """A value: 0 or 1, a number, a text, or texts with commas between."""
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, list | tuple):
        return ",".join(map(str, value))
    return str(value)
