"""Bitcoin signed messages, against recorded vectors and against themselves."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from coincurve import PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from downstream_node.addresses import base58, signatures

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "siggy.json").read_text("utf-8"))

ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
KEY = (1).to_bytes(32, "big")
MESSAGE = "test message"
SIGNATURE = signatures.sign(KEY, MESSAGE)

# Of the private key 1; they are in every list of known addresses.
P2PKH_UNCOMPRESSED = "1EHNa6Q4Jz2uvNExL497mE43ikXhwF6kZm"
P2PKH = "1BgGZ9tcN4rm9KBzDn7KprQz87SZ26SAMH"
P2SH_P2WPKH = "3JvL6Ymt8MVWiCNHC7oWU6nLeHNJKLZGLN"
P2WPKH = "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"

FIRST_HEADERS = {27: P2PKH_UNCOMPRESSED, 31: P2PKH, 35: P2SH_P2WPKH, 39: P2WPKH}

any_text = st.text(alphabet=st.characters(exclude_categories=()))
keys = st.integers(1, ORDER - 1).map(lambda number: number.to_bytes(32, "big"))


def message_of(vector: dict[str, Any]) -> str:
    """Return the message of *vector*, written out when it is stored as a repetition."""
    character, count = vector.get("message_repeat") or ("", 0)
    message: str | None = vector["message"]
    return character * count if message is None else message


def under_header(first: int) -> str:
    """Return SIGNATURE with its header moved to the form that begins at *first*."""
    raw = base64.b64decode(SIGNATURE)
    return base64.b64encode(bytes([raw[0] - 31 + first]) + raw[1:]).decode()


@pytest.mark.parametrize("vector", VECTORS["vectors"], ids=lambda vector: vector["name"])
def test_answers_as_the_standard_does(vector: dict[str, Any]) -> None:
    """Every recorded case gets the answer of the standard, also where the original erred."""
    valid = signatures.verify(vector["address"], message_of(vector), vector["signature"])
    assert valid is vector["standard"]


def test_vectors_are_there() -> None:
    """The file holds all the cases, accepted and refused ones."""
    answers = [vector["standard"] for vector in VECTORS["vectors"]]
    assert (len(answers), set(answers)) == (80, {True, False})


@pytest.mark.parametrize("address", FIRST_HEADERS.values())
@pytest.mark.parametrize("first", FIRST_HEADERS)
def test_header_chooses_the_form_of_the_address(first: int, address: str) -> None:
    """A header is valid for its own form of address only, and 39 to 42 for none of ours."""
    expected = address == FIRST_HEADERS[first] and first != 39
    assert signatures.verify(address, MESSAGE, under_header(first)) is expected


@pytest.mark.parametrize("header", [0, 26, 43, 255])
def test_other_headers_are_refused(header: int) -> None:
    """A header outside 27 to 42 names no key."""
    raw = bytes([header]) + base64.b64decode(SIGNATURE)[1:]
    assert not signatures.verify(P2PKH, MESSAGE, base64.b64encode(raw).decode())


@pytest.mark.parametrize("length", [0, 1, 252, 253, 254, 255, 65_535, 65_536])
def test_every_length_form_is_signed_and_verified(length: int) -> None:
    """The prefix changes form at 253 and 65536 bytes; the vectors pin what it looks like."""
    message = "m" * length
    assert signatures.verify(P2PKH, message, signatures.sign(KEY, message))


@pytest.mark.parametrize(
    "signature",
    [
        pytest.param("", id="empty"),
        pytest.param(SIGNATURE[:-1], id="padding missing"),
        pytest.param(SIGNATURE + "=", id="padding doubled"),
        pytest.param(SIGNATURE + "\n", id="newline after"),
        pytest.param(" " + SIGNATURE[:-1], id="space for padding"),
        pytest.param("=" * 88, id="padding only"),
        pytest.param("\u0661" * 88, id="digits of another script"),
        pytest.param("\ud800" * 88, id="lone surrogates"),
        pytest.param(base64.b64encode(bytes(64)).decode(), id="64 bytes"),
        pytest.param(base64.b64encode(bytes(66)).decode(), id="66 bytes"),
        pytest.param(base64.b64encode(bytes([31]) + bytes(64)).decode(), id="r and s zero"),
    ],
)
def test_malformed_signature_is_refused(signature: str) -> None:
    """Only 88 characters of standard base64 of 65 bytes are looked at."""
    assert not signatures.verify(P2PKH, MESSAGE, signature)


def test_unused_bits_must_be_zero() -> None:
    """A last character that differs only in bits nobody reads makes another text: refused."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    last = alphabet[alphabet.index(SIGNATURE[-2]) + 1]
    altered = SIGNATURE[:-2] + last + "="
    assert base64.b64decode(altered) == base64.b64decode(SIGNATURE)
    assert not signatures.verify(P2PKH, MESSAGE, altered)


def test_message_without_utf8_form_has_no_signature() -> None:
    """A lone surrogate cannot be encoded, so nobody can have signed it."""
    assert not signatures.verify(P2PKH, "\ud800", SIGNATURE)


@pytest.mark.parametrize(
    "address",
    [
        pytest.param("", id="empty"),
        pytest.param(P2PKH + " ", id="space after"),
        pytest.param(P2PKH[:-1], id="cut"),
        pytest.param("3" + "z" * 1_000_000, id="a megabyte"),
    ],
)
def test_malformed_address_is_refused(address: str) -> None:
    """An address that no key has is no error, only never right."""
    assert not signatures.verify(address, MESSAGE, SIGNATURE)


@given(any_text, any_text, any_text)
def test_verify_never_raises(address: str, message: str, signature: str) -> None:
    """Any three texts get an answer, and it is no."""
    assert signatures.verify(address, message, signature) is False


@given(any_text, st.binary(min_size=65, max_size=65), st.integers(27, 42))
def test_verify_never_raises_over_wellformed_base64(message: str, raw: bytes, header: int) -> None:
    """Arbitrary r and s under a permitted header get an answer as well."""
    signature = base64.b64encode(bytes([header]) + raw[1:]).decode()
    assert signatures.verify(P2PKH, message, signature) is False


@given(keys, st.text())
def test_what_is_signed_is_verified(private_key: bytes, message: str) -> None:
    """Whoever signs is recognized by the address of the key."""
    address = signatures.address_of(private_key)
    assert signatures.verify(address, message, signatures.sign(private_key, message))


@settings(max_examples=50)
@given(keys, st.text(), st.text())
def test_signature_holds_for_its_message_only(key: bytes, message: str, other: str) -> None:
    """A signature of one message proves nothing about another."""
    valid = signatures.verify(signatures.address_of(key), other, signatures.sign(key, message))
    assert valid is (message == other)


def test_known_key_has_its_known_address() -> None:
    """The farmer's address is the compressed P2PKH form."""
    assert signatures.address_of(KEY) == P2PKH


def test_signature_is_deterministic_and_under_a_compressed_header() -> None:
    """The same message is signed the same way twice, header 31 to 34."""
    assert signatures.sign(KEY, MESSAGE) == SIGNATURE
    assert base64.b64decode(SIGNATURE)[0] in range(31, 35)


@given(keys)
@settings(max_examples=20)
def test_address_of_a_key_is_an_address(private_key: bytes) -> None:
    """What the farmer shows passes the node's check of addresses."""
    assert base58.is_bitcoin_address(signatures.address_of(private_key))


@pytest.mark.parametrize(
    "private_key",
    [
        pytest.param(b"", id="empty"),
        pytest.param(bytes(32), id="zero"),
        pytest.param(ORDER.to_bytes(32, "big"), id="the order itself"),
        pytest.param(KEY[1:], id="31 bytes"),
        pytest.param(b"\0" + KEY, id="33 bytes"),
    ],
)
def test_unusable_private_key_is_refused(private_key: bytes) -> None:
    """A key that is not 32 bytes in range signs nothing and has no address."""
    with pytest.raises(ValueError, match=r"private key|Secret scalar"):
        signatures.sign(private_key, MESSAGE)
    with pytest.raises(ValueError, match=r"private key|Secret scalar"):
        signatures.address_of(private_key)


def test_greatest_private_key_signs() -> None:
    """One below the order of the curve is still a key."""
    key = PrivateKey.from_int(ORDER - 1).secret
    assert signatures.verify(signatures.address_of(key), MESSAGE, signatures.sign(key, MESSAGE))
