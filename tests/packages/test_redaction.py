"""S3: whatever somebody logs by mistake, no secret is in the log."""

import base64
import io
import logging
import threading
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from downstream_node.packages.links import PREFIX
from downstream_node.packages.redaction import MOST, REDACTED, install, known, scrub
from downstream_node.packages.secrets import Secret

UPN = "u001.AbC-_9" * 50
MADE = base64.urlsafe_b64encode(bytes(range(100, 132))).rstrip(b"=").decode()
HASH = Secret(UPN).key.hex()


@pytest.fixture
def log() -> Iterator[tuple[logging.Logger, io.StringIO]]:
    """A logger with a handler of its own, and what it has written."""
    out = io.StringIO()
    logger = logging.getLogger("test.redaction")
    handler = logging.StreamHandler(out)
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    undo = install()
    yield logger, out
    undo()
    logger.removeHandler(handler)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(PREFIX + UPN, id="link"),
        pytest.param(f'"GET /ls/click?upn={UPN} HTTP/1.1" 302 0', id="request line"),
        pytest.param(f"'https%3A%2F%2Fx%2Fclick%3Fupn%3D{UPN}'", id="quoted link"),
        pytest.param(UPN, id="UPN"),
        pytest.param(f"{{'Authorization': 'Bearer {UPN}'}}", id="headers"),
        pytest.param(f"Authorization: x {MADE}", id="header"),
        pytest.param(f"secret={MADE};", id="made secret"),
        pytest.param(f"{PREFIX}{UPN[:60]}...", id="the start of a link"),
        pytest.param(base64.b64encode(UPN.encode()).decode(), id="base64 of a UPN"),
    ],
)
def test_s3_secrets_are_taken_out(text: str) -> None:
    """No piece of eight characters of one is left."""
    left = scrub(f"before {text} after")
    assert REDACTED in left
    assert left.startswith("before ")
    for secret in (UPN, MADE, base64.b64encode(UPN.encode()).decode()):
        assert not any(secret[at : at + 8] in left for at in range(len(secret) - 7))


KEY = f"MB-{MADE}"
SHORT = "A1b2C3d4E5f6"


@pytest.mark.parametrize(
    "text",
    [
        *(
            f"key {KEY}",
            f"GET /session_id?api_key={KEY}&map=x",
            f"/demos?session_id=1&api_key={SHORT}",
        ),
        *(f"api_key%3D{SHORT}", f'{{"api_key": "{SHORT}"}}', f"{{'X-Api-Key': '{SHORT}'}}"),
        *(
            f"X-Api-Key: {SHORT}",
            f"STEAM_API_KEY={SHORT}",
            f"/GetServerList/v1/?key={SHORT}&limit=1",
        ),
        f"/provision_handler?openid.sig={SHORT}%3D&openid.claimed_id={SHORT}",
        f"Referer: http://127.0.0.1/?return=%3Fopenid.response_nonce%3D{SHORT}",
    ],
)
def test_keys_for_recordings_and_sign_ins_are_taken_out(text: str) -> None:
    """In requests to the node, and in the node's to Steam."""
    left = scrub(text)
    assert REDACTED in left
    assert not any(secret[at : at + 6] in left for secret in (MADE, SHORT) for at in range(7))


def test_what_stands_beside_a_key_stays() -> None:
    """Settings are named in errors, and the rest of an address is what logs are for."""
    assert scrub("its operator has to set STEAM_API_KEY.") == (
        "its operator has to set STEAM_API_KEY."
    )
    assert scrub(f"/session_id?api_key={SHORT}&map=x") == f"/session_id?api_key={REDACTED}&map=x"


@pytest.mark.parametrize("address", ["me@example.org", "a.b+c@mail.example.co.uk", "x%40y.de"])
def test_addresses_of_people_are_taken_out(address: str) -> None:
    """A package is full of them."""
    assert scrub(f"user {address}!") == f"user {REDACTED}!"


@pytest.mark.parametrize(
    "text",
    [
        *("", "Package 0123 is done.", HASH, f"file {HASH} of 12 bytes", "a @ b", "upn"),
        "downstream_node.packages.reading.analysis.Analysis: 3 lines are broken",
        'File "downstream_node/packages/fetching.py", line 12, in test_any_text_is_a_link',
        "/process/0f1e2d3c4b5a69788796a5b4c3d2e1f0/status",
    ],
)
def test_other_texts_stay(text: str) -> None:
    """Hashes, names and ids are what logs are for."""
    assert scrub(text) == text


@settings(max_examples=100, deadline=None)
@given(st.binary(min_size=32, max_size=64))
def test_s3_any_made_secret_is_taken_out(drawn: bytes) -> None:
    """Unless it has small letters or capitals alone, which 32 random bytes never have."""
    secret = base64.urlsafe_b64encode(drawn).rstrip(b"=").decode()
    if secret.lower() != secret != secret.upper():
        assert scrub(f"<{secret}>") == f"<{REDACTED}>"


def test_known_secrets_are_taken_out_whatever_they_are() -> None:
    """As they are and in base64, as long as they are known."""
    secret = Secret("short")
    coded = base64.b64encode(b"short").rstrip(b"=").decode()
    with known(secret, ""), known(secret):
        assert scrub(f"a short {coded} text") == f"a {REDACTED} {REDACTED} text"
    assert scrub("a short text") == "a short text"


@pytest.mark.timeout(30)
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("a" * 200_000, REDACTED, id="letters"),
        pytest.param("a+" * 100_000, "a+" * 100_000, id="small letters and signs"),
        pytest.param("A+" * 100_000, "A+" * 100_000, id="capitals and signs"),
        pytest.param("é" * 200_000, "é" * 200_000, id="other letters"),
        pytest.param("é.+" * 66_000 + "@", "é.+" * 66_000 + "@", id="nearly an address"),
        pytest.param("x@" + "é" * 200_000, "x@" + "é" * 200_000, id="nearly a domain"),
        pytest.param(("a" * 199 + " ") * 1000, ("a" * 199 + " ") * 1000, id="nearly long"),
    ],
)
def test_long_texts_take_no_long_time(text: str, expected: str) -> None:
    """Each is looked at once: from each of its letters on it would take minutes."""
    assert scrub(text) == expected


@pytest.mark.parametrize("before", [MOST - 20, MOST - 43, MOST, MOST + 1])
def test_s3_long_records_are_cut_and_no_secret_with_them(
    log: tuple[logging.Logger, io.StringIO], before: int
) -> None:
    """Of a secret at the cut not even the first half is left."""
    logger, out = log
    logger.info("%s %s and more", "é " * (before // 2), MADE)
    assert len(out.getvalue()) <= MOST + len(" [cut]\n")
    assert out.getvalue().endswith(" [cut]\n")
    assert not any(MADE[at : at + 8] in out.getvalue() for at in range(len(MADE) - 7))


def test_a_long_record_without_a_space_is_left_out(
    log: tuple[logging.Logger, io.StringIO],
) -> None:
    """Any place to cut it might be in a secret."""
    logger, out = log
    logger.info("é" * (MOST + 1))
    assert out.getvalue() == " [cut]\n"


def test_s3_records_are_scrubbed_for_every_handler(
    log: tuple[logging.Logger, io.StringIO], caplog: pytest.LogCaptureFixture
) -> None:
    """Text, arguments and traceback, and for handlers that were there before."""
    logger, out = log
    try:
        raise ValueError(PREFIX + UPN) from KeyError(UPN)
    except ValueError:
        logger.exception("Fetching %s failed for %r.", PREFIX + UPN, {"k": UPN}, stack_info=True)
    for text in (out.getvalue(), caplog.text, str(caplog.records[0].__dict__)):
        assert UPN[:20] not in text
    assert "Traceback" in out.getvalue()
    assert "ValueError: https://click.discord.com/ls/click?upn=[redacted]" in out.getvalue()


def test_s3_other_threads_and_new_loggers_are_scrubbed(
    log: tuple[logging.Logger, io.StringIO],
) -> None:
    """It is the making of records that is guarded."""
    logger, out = log
    thread = threading.Thread(target=lambda: logger.getChild("new").debug("%s", UPN))
    thread.start()
    thread.join()
    assert out.getvalue() == f"{REDACTED}\n"


def test_a_record_that_cannot_be_written_says_so(log: tuple[logging.Logger, io.StringIO]) -> None:
    """Its arguments are not shown, and who logs does not fail."""
    logger, out = log
    logger.info("%d", UPN)
    assert out.getvalue() == "A message of test.redaction could not be written.\n"


def test_installed_twice_it_works_once(log: tuple[logging.Logger, io.StringIO]) -> None:
    """And the second undoing undoes nothing."""
    logger, out = log
    install()()
    logger.info("%s", UPN)
    assert out.getvalue() == f"{REDACTED}\n"
