"""The whitelist's parser: read whole, or refused with the line that is wrong."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from downstream_node.addresses.whitelist import MAX_BALANCE, parse
from downstream_node.errors import InvalidWhitelist

ALICE = "1BgGZ9tcN4rm9KBzDn7KprQz87SZ26SAMH"
BOB = "3JvL6Ymt8MVWiCNHC7oWU6nLeHNJKLZGLN"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(f"address,balance\n{ALICE},7\n{BOB},8\n", id="plain"),
        pytest.param(f"address,balance\n{ALICE},7\n{BOB},8", id="no newline at the end"),
        pytest.param(f"address,balance\r\n{ALICE},7\r\n{BOB},8\r\n", id="CRLF"),
        pytest.param(f"address,balance\r{ALICE},7\r{BOB},8\r", id="CR"),
        pytest.param(f"\ufeffaddress,balance\n{ALICE},7\n{BOB},8\n", id="byte order mark"),
        pytest.param(f'"address","balance"\n"{ALICE}","7"\n{BOB},8\n', id="quoted"),
        pytest.param(f" address , balance \n {ALICE} , 7 \n{BOB},8\n", id="spaces around"),
        pytest.param(f"\n\naddress,balance\n\n{ALICE},7\n  \n,,\n{BOB},8\n", id="blank lines"),
        pytest.param(f"balance,address\n7,{ALICE}\n8,{BOB}\n", id="other order"),
        pytest.param(f"id,Crowdsale_Balance,ADDRESS\n1,7,{ALICE}\n2,8,{BOB}\n", id="found by name"),
        pytest.param(f"who,what\n{ALICE},7\n{BOB},8\n", id="other names: first two"),
        pytest.param(f"who,what,note\n{ALICE},7,x\n{BOB},8\n", id="further column"),
        pytest.param(f"address,balance\n{ALICE},7\n{BOB},8\n{ALICE},7.0\n", id="same row twice"),
    ],
)
def test_same_content_in_any_shape(text: str) -> None:
    """Order of columns, line ends, quotes and blank lines do not change what is read."""
    assert parse(text) == {ALICE: 7, BOB: 8}


def test_header_alone_is_an_empty_whitelist() -> None:
    """Nobody on the list is a list."""
    assert parse("address,balance\n") == {}


@pytest.mark.parametrize(
    ("balance", "expected"),
    [
        pytest.param("0", 0, id="zero"),
        pytest.param("0.99999999", 0, id="less than one"),
        pytest.param("10000.00000000", 10_000, id="decimal without a fraction"),
        pytest.param("10000.99999999", 10_000, id="fraction cut off"),
        pytest.param("007", 7, id="leading zeros"),
        pytest.param("0" * 5000 + "7", 7, id="thousands of leading zeros"),
        pytest.param(f"{MAX_BALANCE}", MAX_BALANCE, id="the greatest"),
        pytest.param(f"{MAX_BALANCE}.9", MAX_BALANCE, id="the greatest and a fraction"),
    ],
)
def test_balance_is_rounded_down(balance: str, expected: int) -> None:
    """The whole part counts."""
    assert parse(f"address,balance\n{ALICE},{balance}\n") == {ALICE: expected}


@pytest.mark.parametrize(
    "balance",
    [
        pytest.param("", id="empty"),
        pytest.param("-1", id="negative"),
        pytest.param("-0", id="negative zero"),
        pytest.param("+1", id="sign"),
        pytest.param("NaN", id="NaN"),
        pytest.param("inf", id="infinite"),
        pytest.param("1e3", id="exponent"),
        pytest.param("0x10", id="hexadecimal"),
        pytest.param("1_000", id="underscore"),
        pytest.param('"1,000"', id="thousands separator"),
        pytest.param(".5", id="no whole part"),
        pytest.param("5.", id="no digit after the point"),
        pytest.param("\u0661", id="digit of another script"),
        pytest.param(f"{MAX_BALANCE + 1}", id="one above the greatest"),
        pytest.param("9" * 5000, id="thousands of digits"),
    ],
)
def test_bad_balance_is_refused_by_line(balance: str) -> None:
    """A balance is a plain decimal number that fits 64 bits, and the message is short."""
    with pytest.raises(InvalidWhitelist, match=r"^line 3: .*balance.{,110}$"):
        parse(f"address,balance\n{BOB},1\n{ALICE},{balance}\n")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("", "line 1: .*header", id="empty"),
        pytest.param("\n\n", "line 1: .*header", id="blank"),
        pytest.param("address\n", "line 1: .*two columns", id="one column"),
        pytest.param(f"{ALICE},7\n", "line 1: .*missing", id="no header"),
        pytest.param(f"7,{ALICE}\n", "line 1: .*missing", id="no header, other order"),
        pytest.param(f"\n{ALICE},7\n", "line 2: .*missing", id="no header after a blank line"),
        pytest.param("address,balance,balance\n", "line 1: two columns", id="two balances"),
        pytest.param(
            "address,balance,crowdsale_balance\n", "line 1: two columns", id="both balances"
        ),
        pytest.param(f"address,balance\n{ALICE}\n", "line 2: 2 columns", id="row too short"),
        pytest.param(
            f"id,balance,address\n1,2\n3,4,{ALICE}\n", "line 2: 3 columns", id="named cell absent"
        ),
        pytest.param("address,balance\nnobody,7\n", "line 2: 'nobody'", id="no address"),
        pytest.param(
            f"address,balance\n{ALICE[:-1]}J,7\n", "line 2: .*not a Bitcoin", id="wrong checksum"
        ),
        pytest.param(f"balance,who\n7,{ALICE}\n", "line 2: '7' is not", id="one name only"),
        pytest.param(
            f"address,balance\n{ALICE},7\n\n{ALICE},8\n",
            "line 4: .*twice",
            id="two balances of one",
        ),
        pytest.param(f'address,balance\n{ALICE},"7\n{BOB},8\n', "line 2: ", id="quote not closed"),
        pytest.param(
            f'address,balance,note\n{ALICE},7,"a\nb"\nnobody,8\n', "line 4: ", id="after two lines"
        ),
        pytest.param(f"address,balance\n{'z' * 200_000},7\n", "line 2: ", id="endless cell"),
    ],
)
def test_wrong_file_is_refused_by_line(text: str, message: str) -> None:
    """The error names the line on which the first wrong row begins, and what is wrong."""
    with pytest.raises(InvalidWhitelist, match=f"^{message}"):
        parse(text)


@given(st.text() | st.text(alphabet='address,bln\n\r" 0.-'))
def test_any_text_is_read_or_refused(text: str) -> None:
    """Nothing but InvalidWhitelist comes out, whatever goes in."""
    try:
        balances = parse(text)
    except InvalidWhitelist:
        return
    assert all(0 <= balance <= MAX_BALANCE for balance in balances.values())
