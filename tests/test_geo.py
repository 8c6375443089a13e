"""Locations: from a small City file, and from every kind of missing and broken one."""

import gc
import logging
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mmdb_writer import MMDBWriter
from netaddr import IPSet

from downstream_node import geo
from downstream_node.geo import NOWHERE, RECHECK_SECONDS, Location, Locator

LONDON_IP = "81.2.69.142"
CHICAGO_IP = "2607:f8b0:4000::5"
NORWAY_IP = "84.208.20.1"
UNKNOWN_IP = "8.8.8.8"

LONDON = Location("London", "United Kingdom", "England", "SW1A", 51.5142, -0.0931)
CHICAGO = Location("Chicago", "United States", "Illinois", "60602", 41.8819, -87.6278)


class Ticker:
    """A monotonic clock that moves when told to."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        """Return the time in seconds."""
        return self.seconds

    def pass_recheck(self) -> None:
        """Move on until the file may be looked at again."""
        self.seconds += RECHECK_SECONDS


def record(place: Location, *smaller: str) -> dict[str, Any]:
    """Return *place* as GeoLite2-City stores it, with the names of *smaller* subdivisions."""
    return {
        "city": {"names": {"en": place.city, "de": "Anderswo"}},
        "country": {"names": {"en": place.country, "de": "Anderland"}},
        "subdivisions": [{"names": {"en": name}} for name in (place.state, *smaller)],
        "postal": {"code": place.zip},
        "location": {"latitude": place.lat, "longitude": place.lon},
    }


def write(path: Path, networks: dict[str, dict[str, Any]], kind: str = "GeoLite2-City") -> None:
    """Write a database of *networks* to *path* the way an updater does: beside it, then rename."""
    writer = MMDBWriter(6, kind, ["en", "de"], ipv4_compatible=True)
    for network, content in networks.items():
        writer.insert_network(IPSet([network]), content)
    fresh = path.with_suffix(".new")
    writer.to_db_file(str(fresh))
    fresh.replace(path)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A City file that knows London, Chicago and Norway."""
    file = tmp_path / "city.mmdb"
    networks = {
        "81.2.69.0/24": record(LONDON, "Greater London"),
        "2607:f8b0:4000::/48": record(CHICAGO),
        "84.208.0.0/16": {"country": {"names": {"en": "Norway"}}},
    }
    write(file, networks)
    return file


@pytest.fixture
def ticker() -> Ticker:
    """A clock at zero."""
    return Ticker()


@pytest.fixture
def locator(path: Path, ticker: Ticker) -> Locator:
    """A locator over the City file."""
    return Locator(path, ticker)


@pytest.mark.parametrize(
    ("ip", "expected"),
    [
        pytest.param(LONDON_IP, LONDON, id="IPv4, first of two subdivisions"),
        pytest.param(CHICAGO_IP, CHICAGO, id="IPv6"),
        pytest.param(f"::ffff:{LONDON_IP}", LONDON, id="IPv4 inside IPv6"),
        pytest.param(NORWAY_IP, Location(country="Norway"), id="country only"),
        pytest.param(UNKNOWN_IP, NOWHERE, id="not in the file"),
        pytest.param("2a00::1", NOWHERE, id="IPv6 not in the file"),
    ],
)
def test_address_has_its_location(locator: Locator, ip: str, expected: Location) -> None:
    """English names and the largest subdivision are taken; what is not known is null."""
    assert locator.locate(ip) == expected


@pytest.mark.parametrize(
    "ip",
    [
        "127.0.0.1",
        "10.0.0.1",
        "192.168.1.1",
        "100.64.0.1",
        "169.254.1.1",
        "0.0.0.0",  # noqa: S104 an address to look up, not to listen on
        "::1",
        "::",
        "fe80::1%eth0",
        "fd00::1",
        "::ffff:127.0.0.1",
        "",
        "localhost",
        " 81.2.69.142",
        "81.2.69.142:80",
        "81.2.69",
        "[::1]",
        "\ud800",
    ],
)
def test_private_address_and_garbage_are_nowhere(tmp_path: Path, ip: str) -> None:
    """Such addresses have no location even if a file claims one for everything."""
    write(tmp_path / "all.mmdb", {"::/1": record(LONDON), "8000::/1": record(LONDON)})
    assert Locator(tmp_path / "all.mmdb").locate(ip) == NOWHERE


@given(st.text())
def test_locate_never_raises(ip: str) -> None:
    """Any text has a location, if an empty one."""
    assert Locator(None).locate(ip) == NOWHERE


def test_without_a_path_everything_is_nowhere() -> None:
    """No file configured is the normal case of a small node."""
    assert Locator(None).locate(LONDON_IP) == NOWHERE


def test_constructing_opens_nothing(path: Path, ticker: Ticker) -> None:
    """A file that appears between construction and first use is used."""
    moved = path.rename(path.with_name("elsewhere"))
    locator = Locator(path, ticker)
    moved.rename(path)
    assert locator.locate(LONDON_IP) == LONDON


def test_missing_file_is_logged_once(
    tmp_path: Path, ticker: Ticker, caplog: pytest.LogCaptureFixture
) -> None:
    """The operator hears about it one time, not at every lookup."""
    locator = Locator(tmp_path / "none.mmdb", ticker)
    for _ in range(3):
        assert locator.locate(LONDON_IP) == NOWHERE
        ticker.pass_recheck()
    assert [record.levelno for record in caplog.records] == [logging.WARNING]


def test_missing_file_is_found_when_it_comes(tmp_path: Path, ticker: Ticker) -> None:
    """An operator may put the file in place while the node runs."""
    locator = Locator(tmp_path / "late.mmdb", ticker)
    assert locator.locate(LONDON_IP) == NOWHERE
    write(tmp_path / "late.mmdb", {"81.2.69.0/24": record(LONDON)})
    ticker.pass_recheck()
    assert locator.locate(LONDON_IP) == LONDON


@pytest.mark.parametrize(
    ("wait", "expected"),
    [
        pytest.param(RECHECK_SECONDS - 0.001, LONDON, id="just before"),
        pytest.param(RECHECK_SECONDS, CHICAGO, id="on time"),
    ],
)
def test_replaced_file_is_reopened(
    locator: Locator, path: Path, ticker: Ticker, wait: float, expected: Location
) -> None:
    """A new file counts as soon as the time for another look has come, not before."""
    assert locator.locate(LONDON_IP) == LONDON
    write(path, {"81.2.69.0/24": record(CHICAGO)})
    ticker.seconds += wait
    assert locator.locate(LONDON_IP) == expected


def test_removed_file_is_let_go(locator: Locator, path: Path, ticker: Ticker) -> None:
    """Once the file is gone, so are the locations."""
    assert locator.locate(LONDON_IP) == LONDON
    path.unlink()
    ticker.pass_recheck()
    assert locator.locate(LONDON_IP) == NOWHERE


def test_unchanged_file_is_not_opened_again(
    locator: Locator, ticker: Ticker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As long as the file is the same, looking at it opens nothing."""
    assert locator.locate(LONDON_IP) == LONDON
    monkeypatch.setattr(geo, "Reader", None)  # opening would fail, and give up the file
    ticker.pass_recheck()
    assert locator.locate(LONDON_IP) == LONDON


def test_dropped_locator_closes_its_file(path: Path) -> None:
    """A locator that is let go leaves no file open, which would be a warning, hence an error."""
    assert Locator(path).locate(LONDON_IP) == LONDON
    gc.collect()


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"\0" * 5000, id="zeros"),
        pytest.param(b"\xab\xcd\xefMaxMind.com", id="marker only"),
        pytest.param(b"<html>404</html>", id="an error page"),
    ],
)
def test_broken_new_file_is_logged_once(
    locator: Locator, path: Path, ticker: Ticker, caplog: pytest.LogCaptureFixture, content: bytes
) -> None:
    """A bad download yields null locations and one warning."""
    locator.locate(LONDON_IP)
    path.write_bytes(content)
    for _ in range(3):
        ticker.pass_recheck()
        assert locator.locate(LONDON_IP) == NOWHERE
    assert len(caplog.records) == 1


@pytest.mark.parametrize("part", range(0, 100, 5))
def test_truncated_file_gives_no_locations(path: Path, part: int) -> None:
    """A file cut anywhere is treated as broken: its description stands at its end."""
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * part // 100])
    assert Locator(path).locate(LONDON_IP) == NOWHERE


def test_file_with_damaged_records_is_logged_once(
    locator: Locator, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A file that opens but cannot be read is dropped at the first damaged record."""
    path.write_bytes(path.read_bytes().replace(b"London", b"\xff\xff\xff\xff\xff\xff"))
    assert [locator.locate(LONDON_IP) for _ in range(3)] == [NOWHERE] * 3
    assert len(caplog.records) == 1


@pytest.mark.parametrize(
    "content",
    [
        pytest.param({"city": "London"}, id="text for a map"),
        pytest.param({"city": {"names": ["London"]}}, id="list for names"),
        pytest.param({"subdivisions": {"names": {}}}, id="map for a list"),
        pytest.param({"location": 5}, id="number for a map"),
        pytest.param({"country_code": "GB"}, id="flat record of another vendor"),
        pytest.param({"city": {"names": {"en": b"London"}}}, id="bytes for text"),
        pytest.param({"location": {"latitude": "north", "longitude": 181.0}}, id="no degrees"),
        pytest.param({"location": {"latitude": float("nan")}}, id="not a number"),
    ],
)
def test_record_of_another_shape_is_nowhere(tmp_path: Path, content: dict[str, Any]) -> None:
    """A file that calls itself City but is built otherwise yields nulls."""
    write(tmp_path / "odd.mmdb", {"81.2.69.0/24": content})
    assert Locator(tmp_path / "odd.mmdb").locate(LONDON_IP) == NOWHERE


def test_file_of_another_kind_is_nowhere(tmp_path: Path) -> None:
    """An ASN database has no cities."""
    write(tmp_path / "asn.mmdb", {"81.2.69.0/24": {}}, kind="GeoLite2-ASN")
    assert Locator(tmp_path / "asn.mmdb").locate(LONDON_IP) == NOWHERE


def test_file_for_ipv4_alone_survives_an_ipv6_address(tmp_path: Path) -> None:
    """A question that the file cannot answer does not count against the file."""
    writer = MMDBWriter(4, "GeoLite2-City")
    writer.insert_network(IPSet(["81.2.69.0/24"]), record(LONDON))
    writer.to_db_file(str(tmp_path / "ipv4.mmdb"))
    locator = Locator(tmp_path / "ipv4.mmdb")
    assert [locator.locate(CHICAGO_IP), locator.locate(LONDON_IP)] == [NOWHERE, LONDON]


def test_directory_is_nowhere(tmp_path: Path) -> None:
    """A path that is no file is no error either."""
    assert Locator(tmp_path).locate(LONDON_IP) == NOWHERE


def test_path_that_no_file_can_have_is_nowhere() -> None:
    """Neither is a path with a zero byte."""
    assert Locator(Path("a\0b")).locate(LONDON_IP) == NOWHERE


def test_threads_share_one_locator(locator: Locator, path: Path, ticker: Ticker) -> None:
    """While the file is replaced again and again, every lookup gets a whole answer."""

    def replace_and_locate(_: int) -> Location:
        ticker.pass_recheck()
        return locator.locate(LONDON_IP)

    with ThreadPoolExecutor(8) as pool:
        answers = pool.map(replace_and_locate, range(400))
        for place in [CHICAGO, LONDON] * 20:
            write(path, {"81.2.69.0/24": record(place)})
        assert set(answers) <= {LONDON, CHICAGO}
