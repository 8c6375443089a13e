"""What is believed of a sign-in before Steam is asked, field by field."""

from urllib.parse import parse_qsl, urlsplit

import pytest

from downstream_node.clock import SECOND, WallTime, iso
from downstream_node.demos import openid
from downstream_node.errors import DemoRefused

ENDPOINT = "https://steamcommunity.com/openid/login"
RETURN_TO = "https://demos.example.org/provision_handler"
NOW = WallTime(1_800_000_000_000)
VICTIM = 76561197960265729
CLAIMED = f"https://steamcommunity.com/openid/id/{VICTIM}"
SIGNED = "signed,op_endpoint,claimed_id,identity,return_to,response_nonce,assoc_handle"
GOOD = {
    "openid.ns": openid.NAMESPACE,
    "openid.mode": "id_res",
    "openid.op_endpoint": ENDPOINT,
    "openid.claimed_id": CLAIMED,
    "openid.identity": CLAIMED,
    "openid.return_to": RETURN_TO,
    "openid.response_nonce": f"{iso(NOW)}abc+/=",
    "openid.assoc_handle": "1234567890",
    "openid.signed": SIGNED,
    "openid.sig": "c2lnbmF0dXJl",
}


def read(fields: dict[str, str], now: int = NOW) -> openid.Assertion:
    """The sign-in in *fields*."""
    return openid.read_assertion(fields.items(), ENDPOINT, RETURN_TO, WallTime(now))


def test_people_are_sent_to_steam_as_documented() -> None:
    """Section 9.1 of the standard; realm and return address are the handler's."""
    url = openid.login_url(ENDPOINT, RETURN_TO)
    assert url.startswith(f"{ENDPOINT}?")
    assert dict(parse_qsl(urlsplit(url).query)) == {
        "openid.ns": "http://specs.openid.net/auth/2.0",
        "openid.mode": "checkid_setup",
        "openid.claimed_id": "http://specs.openid.net/auth/2.0/identifier_select",
        "openid.identity": "http://specs.openid.net/auth/2.0/identifier_select",
        "openid.return_to": RETURN_TO,
        "openid.realm": RETURN_TO,
    }


def test_a_good_sign_in_is_read() -> None:
    """Other arguments of the request are nobody's business."""
    read_one = read({**GOOD, "other": "x", "openidx": "y"})
    assert read_one == (VICTIM, f"{iso(NOW)}abc+/=", GOOD)


CHANGES = [
    ("mode", "setup_needed"),
    ("mode", "ID_RES"),
    ("ns", "http://openid.net/signon/1.0"),
    ("op_endpoint", "https://steamcommunity.example/openid/login"),
    ("op_endpoint", ENDPOINT + "/"),
    ("return_to", "https://evil.example/provision_handler"),
    ("return_to", RETURN_TO + "?x=1"),
    ("return_to", RETURN_TO.replace("https", "http")),
    ("response_nonce", "abc"),
    ("response_nonce", iso(NOW)[:-1]),
    ("response_nonce", iso(NOW) + "x" * 240),
    ("response_nonce", iso(NOW) + "é"),
    ("response_nonce", "2027-99-99T08:00:00Z"),
    ("sig", ""),
    ("assoc_handle", ""),
    ("signed", ""),
    ("signed", SIGNED + ",more"),
    ("signed", SIGNED + ","),
    *(("signed", SIGNED.replace(f",{name}", "")) for name in sorted(openid.MUST_BE_SIGNED)),
]


@pytest.mark.parametrize(("name", "value"), CHANGES)
def test_weakness_1_a_sign_in_with_a_wrong_field_is_refused(name: str, value: str) -> None:
    """Each alone, all else being good."""
    with pytest.raises(DemoRefused) as told:
        read({**GOOD, f"openid.{name}": value})
    assert told.value.status == 401


@pytest.mark.parametrize("name", GOOD)
def test_weakness_1_a_sign_in_without_a_field_is_refused(name: str) -> None:
    """None is optional."""
    with pytest.raises(DemoRefused):
        read({key: value for key, value in GOOD.items() if key != name})


@pytest.mark.parametrize(
    "claimed",
    [
        f"https://evil.example/openid/id/{VICTIM}",
        f"https://steamcommunity.com.evil.example/openid/id/{VICTIM}",
        f"https://steamcommunity.com@evil.example/openid/id/{VICTIM}",
        f"https://steamcommunityxcom/openid/id/{VICTIM}",
        f"http://steamcommunity.com/openid/id/{VICTIM}",
        f"https://steamcommunity.com/id/{VICTIM}",
        f"https://steamcommunity.com/openid/id/{VICTIM}0",
        f"https://steamcommunity.com/openid/id/{VICTIM}\n",
        f"https://steamcommunity.com/openid/id/{VICTIM}/",
        f"https://steamcommunity.com/openid/id/x?{VICTIM}",
        "https://steamcommunity.com/openid/id/1234567890123456",
        "https://steamcommunity.com/openid/id/١٢٣٤٥٦٧٨٩٠١٢٣٤٥٦٧",
    ],
)
def test_weakness_1_a_forged_identifier_is_refused(claimed: str) -> None:
    """It has to be exactly what Steam's own endpoint may speak for."""
    with pytest.raises(DemoRefused):
        read({**GOOD, "openid.claimed_id": claimed, "openid.identity": claimed})


def test_weakness_1_two_identifiers_are_refused() -> None:
    """Identity and claimed identifier are one, and each field is there once."""
    other = CLAIMED[:-1] + "8"
    with pytest.raises(DemoRefused):
        read({**GOOD, "openid.identity": other})
    twice = [*GOOD.items(), ("openid.claimed_id", other)]
    with pytest.raises(DemoRefused):
        openid.read_assertion(twice, ENDPOINT, RETURN_TO, NOW)


def test_a_field_without_end_is_refused() -> None:
    """Before it is passed on to Steam."""
    with pytest.raises(DemoRefused):
        read({**GOOD, "openid.sig": "x" * 3000})


def test_somebody_who_cancels_is_told_so() -> None:
    """It is no failure."""
    with pytest.raises(DemoRefused, match="cancelled"):
        read({"openid.ns": openid.NAMESPACE, "openid.mode": "cancel"})


@pytest.mark.parametrize(
    ("seconds", "good"), [(-301, False), (-300, True), (0, True), (300, True), (301, False)]
)
def test_a_sign_in_is_good_for_five_minutes(seconds: int, good: bool) -> None:
    """And that much ahead, where clocks differ."""
    now = NOW + seconds * SECOND
    if good:
        assert read(GOOD, now).steam_id == VICTIM
    else:
        with pytest.raises(DemoRefused):
            read(GOOD, now)


def test_steam_is_asked_about_all_it_is_supposed_to_have_said() -> None:
    """Only the mode is another one."""
    asked = openid.to_confirm(GOOD)
    assert asked == {**GOOD, "openid.mode": "check_authentication"}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"ns:http://specs.openid.net/auth/2.0\nis_valid:true\n", True),
        (b"is_valid:true", True),
        (b"ns:x\nis_valid:false\n", False),
        (b"is_valid:false\nis_valid:true\n", False),
        (b"is_valid:true\nis_valid:true\n", False),
        (b"is_valid: true\n", False),
        (b"is_valid:true \n", False),
        (b"is_valid:TRUE\n", False),
        (b"is_valid:trueish\n", False),
        (b"invalidate_handle:is_valid:true\n", False),
        (b" is_valid:true\n", False),
        (b"<html>is_valid:true</html>", False),
        (b"", False),
        (b"\xff\xfe", False),
    ],
)
def test_weakness_1_only_exactly_true_is_true(body: bytes, expected: bool) -> None:
    """is_valid:false is a text that is not empty, too."""
    assert openid.is_confirmed(body) is expected
