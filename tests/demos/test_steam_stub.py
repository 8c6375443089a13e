"""The stand-in for Steam: like Steam where it matters, and on this machine only."""

from collections.abc import Iterator

import pytest
import requests
from click.testing import CliRunner
from demos.steamside import steam_of

from downstream_node.demos.steam_stub import Stub, main
from downstream_node.demos.steam_stub_world import FULL, World, fits, read_filter

ASKED = {"openid.mode": "checkid_setup", "openid.return_to": "http://127.0.0.1:1/back?x=1"}


@pytest.fixture
def steam() -> Iterator[Stub]:
    """A stand-in."""
    with steam_of() as stub:
        yield stub


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "8.8.8.8", "localhost", "::"])  # noqa: S104
def test_it_listens_on_loopback_and_nowhere_else(host: str) -> None:
    """Everybody can sign in as anybody there."""
    outcome = CliRunner().invoke(main, ["--host", host, "--port", "0"])
    assert outcome.exit_code == 2
    with pytest.raises(ValueError, match=r"loopback|Expected"):
        Stub(host=host)


def confirmed(steam: Stub, form: dict[str, str]) -> bool:
    """Whether it confirms a sign-in."""
    form = form | {"openid.mode": "check_authentication"}
    return "\nis_valid:true\n" in requests.post(steam.login_url, data=form, timeout=5).text


def test_a_sign_in_is_confirmed_once(steam: Stub) -> None:
    """As Steam does."""
    said = steam.world.assertion(steam.login_url, "http://127.0.0.1:1/back", FULL)
    assert confirmed(steam, said)
    assert not confirmed(steam, said)


@pytest.mark.parametrize("name", ["claimed_id", "return_to", "response_nonce", "signed", "sig"])
def test_a_changed_sign_in_is_not_confirmed(steam: Stub, name: str) -> None:
    """Nor is it used up."""
    said = steam.world.assertion(steam.login_url, "http://127.0.0.1:1/back", FULL)
    assert not confirmed(steam, said | {f"openid.{name}": "é" + said[f"openid.{name}"]})
    assert confirmed(steam, said)


@pytest.mark.parametrize(
    "address", ["javascript:alert(1)", "", "/x", "http://", "http://a/\r\nx:y"]
)
def test_browsers_are_sent_to_web_addresses_only(steam: Stub, address: str) -> None:
    """And no header of the answer is anybody's to write."""
    login = requests.get(steam.login_url, params=ASKED | {"openid.return_to": address}, timeout=5)
    fields = {"return_to": address, "steam_id": str(FULL)}
    agree = requests.get(
        f"{steam.url}/openid/agree", params=fields, timeout=5, allow_redirects=False
    )
    assert (login.status_code, agree.status_code) == (400, 400)


def test_what_is_not_there_is_not_found(steam: Stub) -> None:
    """And bad questions are bad requests."""
    key = {"key": steam.world.key}
    for path, status in (("/x", 404), ("/ISteamUser/GetPlayerSummaries/v2/", 400)):
        assert requests.get(steam.url + path, params=key, timeout=5).status_code == status
    assert requests.post(f"{steam.url}/x", timeout=5).status_code == 404


@pytest.mark.parametrize(
    ("text", "maps"),
    [
        ("", ["pl_pier", "cp_badlands", "koth_harvest_final"]),
        (r"\empty\0,\linux\1,\gametype\valve", ["pl_pier", "cp_badlands"]),
        (r"\empty\1\secure\1", ["pl_pier", "cp_badlands"]),
        (r"\noplayers\1", ["koth_harvest_final"]),
        (r"\gametype\valve,payload,\appid\440", ["pl_pier"]),
        (r"\map\cp_badlands", ["cp_badlands"]),
        (r"\gameaddr\203.0.113.7", ["koth_harvest_final"]),
        (r"\gameaddr\203.0.113.7:1", []),
        (r"\napp\440", []),
        (r"\version_match\9*", []),
        (
            r"\full\1,\dedicated\1,\gamedir\tf,\proxy\1",
            ["pl_pier", "cp_badlands", "koth_harvest_final"],
        ),
    ],
)
def test_filters_leave_what_they_should(text: str, maps: list[str]) -> None:
    """With commas between, as the original sends them, and without, as the protocol has it."""
    wanted = read_filter(text)
    assert [server.map for server in World().servers if fits(server, wanted)] == maps
