"""Where an IP address is, as far as a GeoLite2-City file knows.

Nothing depends on the answer but what is shown and how copies are spread, so everything that can
go wrong (no file, a broken file, an address that is nowhere) gives a location without content.
Source: the MaxMind DB format 2.0 and the GeoLite2-City schema.
"""

import ipaddress
import logging
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Final, NamedTuple

from geoip2.database import MODE_FILE, Reader
from geoip2.errors import AddressNotFoundError
from geoip2.models import City
from maxminddb import InvalidDatabaseError

from downstream_node import clock

RECHECK_SECONDS: Final = 5.0
"""Least time between two looks at whether the file was replaced."""

_log = logging.getLogger(__name__)

# What geoip2 and maxminddb raise, besides their own error, over a file with damaged insides:
# text that is not UTF-8, a map in the place of a string, a field of another type, missing, or one
# that the model does not know; TypeError also stands for a file of another kind (ASN, Country).
_BROKEN_FILE: Final = (
    InvalidDatabaseError,
    OSError,
    ValueError,
    TypeError,
    AttributeError,
    LookupError,
)

_IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True, slots=True)
class Location:
    """A place; names in English, degrees north and east, None for what is not known."""

    city: str | None = None
    country: str | None = None
    state: str | None = None
    zip: str | None = None
    lat: float | None = None
    lon: float | None = None


NOWHERE: Final = Location()


class _FileVersion(NamedTuple):
    """What tells one file at a path from its successor."""

    inode: int
    modified_ns: int
    bytes: int


class Locator:
    """Looks addresses up in the file at *path*, and follows the file when it is replaced.

    Without a path every location is empty. Constructing opens nothing; the file is opened at
    the first lookup. *monotonic* gives seconds that never run backwards. Threads may share one.
    """

    def __init__(self, path: Path | None, monotonic: Callable[[], float] = clock.monotonic) -> None:
        self._path = path
        self._monotonic = monotonic
        self._lock = Lock()
        self._reader: Reader | None = None
        self._close_reader: Callable[[], object] | None = None
        self._version: _FileVersion | None = None
        self._checked_at: float | None = None

    def locate(self, ip: str) -> Location:
        """Return the location of *ip* (IPv4 or IPv6), empty when it has none; raises nothing."""
        address = _public_address(ip)
        if self._path is None or address is None:
            return NOWHERE
        # Lookups wait for each other, so that none loses its reader while it reads.
        with self._lock:
            self._follow(self._path)
            return self._look_up(address)

    def is_ready(self) -> bool:
        """Return whether there is a file that locations can come from."""
        if self._path is None:
            return False
        with self._lock:
            self._follow(self._path)
            return self._reader is not None

    def _follow(self, path: Path) -> None:
        """Open the file at *path* if it is another one than last time, but look rarely."""
        now = self._monotonic()
        if self._checked_at is not None and now - self._checked_at < RECHECK_SECONDS:
            return
        # Taken before opening: a file replaced in between is seen as new at the next look.
        version = _version_of(path)
        if self._checked_at is None or version != self._version:
            self._version = version
            self._reopen(path)
        self._checked_at = now

    def _reopen(self, path: Path) -> None:
        self._close()
        try:
            # Not mapped into memory: a file overwritten in place would kill the process (SIGBUS).
            self._reader = Reader(path, mode=MODE_FILE)
        except _BROKEN_FILE as error:
            self._give_up(error)
        else:
            # Closes the file too when the locator is dropped: nobody need think of that.
            self._close_reader = weakref.finalize(self, self._reader.close)

    def _look_up(self, address: _IPAddress) -> Location:
        if self._reader is None:
            return NOWHERE
        try:
            # The reader takes such a question for an error, though the file is sound.
            if address.version > self._reader.metadata().ip_version:
                return NOWHERE
            return _location(self._reader.city(address))
        except AddressNotFoundError:
            return NOWHERE
        except _BROKEN_FILE as error:
            self._give_up(error)
            return NOWHERE

    def _give_up(self, error: Exception) -> None:
        """Do without the file until it is replaced; so each broken file is logged once."""
        _log.warning("No locations: %s cannot be used: %s", self._path, error)
        self._close()

    def _close(self) -> None:
        if self._close_reader is not None:
            self._close_reader()
        self._reader = None


def _version_of(path: Path) -> _FileVersion | None:
    """Return what identifies the file at *path*, or None when there is none to be seen."""
    try:
        status = path.stat()
    except (OSError, ValueError):  # ValueError: the path holds a zero byte
        return None
    return _FileVersion(status.st_ino, status.st_mtime_ns, status.st_size)


def _public_address(ip: str) -> _IPAddress | None:
    """Return *ip* as an address of the public Internet, or None when it is not one."""
    try:
        address = ipaddress.ip_address(ip)
    except ValueError:
        return None
    # A socket that listens on both families shows IPv4 clients as ::ffff:a.b.c.d.
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return address if address.is_global else None


def _location(city: City) -> Location:
    """Return what *city* says, without values that no page or map could show."""
    # Subdivisions run from the largest to the smallest: England, then the county.
    state = city.subdivisions[0].name if city.subdivisions else None
    return Location(
        city=_text(city.city.name),
        country=_text(city.country.name),
        state=_text(state),
        zip=_text(city.postal.code),
        lat=_degrees(city.location.latitude, 90),
        lon=_degrees(city.location.longitude, 180),
    )


# geoip2 declares the types of these values but hands on whatever the file holds.


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _degrees(value: object, limit: int) -> float | None:
    """Return *value* if it is a number from -*limit* to *limit*; not-a-number is none."""
    return value if isinstance(value, int | float) and -limit <= value <= limit else None
