"""Base58Check: one text for each byte string, and only that text."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from downstream_node.addresses import base58
from downstream_node.errors import MalformedAddress

GENESIS = "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"
GENESIS_PAYLOAD = bytes.fromhex("0062e907b15cbf27d5425399ebf6f0fb50ebb88f18")


def test_known_address_decodes_to_its_hash() -> None:
    """The address of the first block has the payload that block explorers show."""
    assert base58.decode(GENESIS) == GENESIS_PAYLOAD


def test_known_hash_encodes_to_its_address() -> None:
    """The same payload gives the same address back."""
    assert base58.encode(GENESIS_PAYLOAD) == GENESIS


@given(st.binary(max_size=base58.MAX_PAYLOAD_BYTES))
def test_what_is_encoded_is_decoded(payload: bytes) -> None:
    """Every payload of the permitted length comes back, leading zeros included."""
    assert base58.decode(base58.encode(payload)) == payload


@given(st.text(alphabet=base58.ALPHABET + "0OIl \n€", max_size=70) | st.text())
def test_a_text_is_refused_or_canonical(text: str) -> None:
    """No two texts stand for the same payload: whatever decodes encodes to the same text."""
    try:
        payload = base58.decode(text)
    except MalformedAddress:
        return
    assert base58.encode(payload) == text


@pytest.mark.parametrize("zeros", [0, 1, 2, 20, base58.MAX_PAYLOAD_BYTES])
def test_each_leading_zero_byte_is_a_one(zeros: int) -> None:
    """A zero byte at the front is written as the digit 1, though it adds nothing to the number."""
    text = base58.encode(bytes(zeros) + b"\xff" * (base58.MAX_PAYLOAD_BYTES - zeros))
    assert len(text) - len(text.lstrip("1")) == zeros


def test_longest_payload_fits_the_longest_text() -> None:
    """Whatever may be encoded is short enough to be decoded."""
    longest = base58.encode(b"\xff" * base58.MAX_PAYLOAD_BYTES)
    assert len(longest) <= base58.MAX_CHARACTERS


def test_overlong_payload_is_refused() -> None:
    """One byte more than the longest payload has no text."""
    with pytest.raises(ValueError, match="at most 42 bytes"):
        base58.encode(bytes(base58.MAX_PAYLOAD_BYTES + 1))


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("1", id="one zero byte, no room for a checksum"),
        pytest.param("1111", id="four zero bytes"),
        pytest.param(GENESIS[:-1] + "b", id="wrong checksum"),
        pytest.param("1" + GENESIS, id="one leading zero too many"),
        pytest.param(GENESIS[1:], id="leading zero missing"),
        pytest.param(GENESIS.swapcase(), id="letter case swapped"),
        pytest.param(" " + GENESIS, id="space before"),
        pytest.param(GENESIS + "\n", id="newline after"),
        pytest.param(GENESIS[:5] + "\u200b" + GENESIS[5:], id="invisible character inside"),
        pytest.param(GENESIS.replace("1", "\u0661"), id="digit of another script"),
        pytest.param("0OIl" + GENESIS[4:], id="letters that look alike"),
        pytest.param("1" * (base58.MAX_CHARACTERS + 1), id="one character too long"),
    ],
)
def test_malformed_text_is_refused(text: str) -> None:
    """Nothing is corrected or skipped."""
    with pytest.raises(MalformedAddress):
        base58.decode(text)


def test_megabyte_of_text_costs_nothing() -> None:
    """The length is looked at before any arithmetic, which would take minutes."""
    start = time.perf_counter()
    assert not base58.is_bitcoin_address("z" * 1_000_000)
    assert time.perf_counter() - start < 0.1


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        pytest.param(b"\x00" + bytes(20), True, id="P2PKH"),
        pytest.param(b"\x05" + bytes(20), True, id="P2SH"),
        pytest.param(b"\x6f" + bytes(20), False, id="testnet P2PKH"),
        pytest.param(b"\xc4" + bytes(20), False, id="testnet P2SH"),
        pytest.param(b"\x80" + bytes(32), False, id="private key"),
        pytest.param(b"\x00" + bytes(19), False, id="hash one byte short"),
        pytest.param(b"\x00" + bytes(21), False, id="hash one byte long"),
        pytest.param(b"", False, id="no payload"),
    ],
)
def test_only_the_two_mainnet_versions_are_addresses(payload: bytes, expected: bool) -> None:
    """An address is a version byte of 0 or 5 and 20 bytes of hash."""
    assert base58.is_bitcoin_address(base58.encode(payload)) is expected


def test_bech32_is_no_address_here() -> None:
    """The node takes Base58Check addresses only."""
    assert not base58.is_bitcoin_address("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4")
