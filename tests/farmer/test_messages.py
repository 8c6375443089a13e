"""Messages: what a node may say, and what is no word of a node."""

import pytest
from farmer.served import HASH

from downstream_node.farmer.messages import (
    About,
    Challenge,
    Joined,
    Offers,
    Report,
    Value,
    decode,
    printable,
)

OFFER = '"seed": "5eed", "size": 10, "tag": {}, "challenge": {}, "due": 60.0, "x": 1'
JOINED = '"type": "Merkle", "heartbeat": {}'


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        pytest.param(Offers, f'{{"chunks": [{{"file_hash": "{HASH}", {OFFER}}}]}}', id="offer"),
        pytest.param(Joined, f'{{"token": "00Ff", {JOINED}}}', id="token"),
        pytest.param(About, '{"msg": "ok"}', id="the original has no name"),
    ],
)
def test_well_formed_answers_are_read(kind: type[Value], text: str) -> None:
    """Fields that we do not use may be there or not."""
    assert isinstance(decode(text.encode(), kind), kind)


@pytest.mark.parametrize(
    "file_hash",
    [
        pytest.param('""', id="empty"),
        pytest.param("17", id="a number, as the original gives"),
        pytest.param(f'"{HASH[1:]}"', id="too short"),
        pytest.param(f'"{HASH}0"', id="too long"),
        pytest.param(f'"{HASH}\\n"', id="line feed at the end"),
        pytest.param(f'"{HASH[1:]}A"', id="upper case"),
        pytest.param(f'"../{HASH[3:]}"', id="path upwards"),
        pytest.param(f'"/tmp/{HASH[5:]}"', id="path from the root"),
        pytest.param(f'"{HASH[1:]}\\u0660"', id="digit of another script"),
        pytest.param(f'"{HASH[1:]}\\u0000"', id="zero byte"),
    ],
)
def test_file_hash_is_64_hex_digits(file_hash: str) -> None:
    """A file hash becomes a file name, so nothing else is let through."""
    assert decode(f'{{"chunks": [{{"file_hash": {file_hash}, {OFFER}}}]}}'.encode(), Offers) is None


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        pytest.param(Offers, b"", id="nothing"),
        pytest.param(Offers, b"<html>", id="not JSON"),
        pytest.param(Offers, b"\xff", id="not UTF-8"),
        pytest.param(Offers, b"[]", id="a list"),
        pytest.param(Offers, b'{"chunks": null}', id="no list"),
        pytest.param(Offers, b'{"chunks": [{}]}', id="empty offer"),
        pytest.param(Offers, b'{"chunks":' + b"[" * 100_000, id="deeper than the stack"),
        pytest.param(Joined, f'{{"token": "../..", {JOINED}}}'.encode(), id="token with a path"),
        pytest.param(About, b'{"node": "two words"}', id="name of two words"),
        pytest.param(About, b'{"node": ""}', id="empty name"),
    ],
)
def test_other_forms_are_none(kind: type[object], text: bytes) -> None:
    """Whatever a node sends, it is a value of the expected form or nothing."""
    assert decode(text, kind) is None


@pytest.mark.parametrize(
    ("challenge", "end"),
    [
        pytest.param(Challenge(HASH, challenge={}), None, id="a challenge"),
        pytest.param(Challenge(HASH, error="contract expired"), "contract expired", id="error"),
        pytest.param(Challenge(HASH, {}, status="no more"), "no more", id="status"),
        pytest.param(Challenge(HASH), "the node gave no challenge", id="nothing"),
    ],
)
def test_end_of_a_contract(challenge: Challenge, end: str | None) -> None:
    """A contract ends when the node says so, or has no challenge for it."""
    assert challenge.end == end


@pytest.mark.parametrize(
    ("report", "refusal"),
    [
        pytest.param(Report(HASH, status="ok"), None, id="ok"),
        pytest.param(Report(HASH, error="proof invalid"), "proof invalid", id="error"),
        pytest.param(Report(HASH, "ok", "proof invalid"), "proof invalid", id="both"),
        pytest.param(Report(HASH), "the node gave no reason", id="nothing"),
    ],
)
def test_refusal_of_a_proof(report: Report, refusal: str | None) -> None:
    """A proof is accepted if the report says "ok" and nothing else."""
    assert report.refusal == refusal


def test_printable_text_steers_no_terminal() -> None:
    """Escape sequences, line ends and floods do not reach the terminal."""
    assert printable("no\x1b[2J\r\nroom\u202e") == "no?[2J room?"
    assert len(printable("x" * 1000)) == 200
