"""Whitelist: the addresses that may join, and the balance that each is known to hold.

The operator hands it over as CSV. It is read whole or not at all: one bad row refuses the file
and says which line is wrong, because half a whitelist would lock people out without a word.
"""

import csv
import io
import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from downstream_node.addresses.base58 import is_bitcoin_address
from downstream_node.errors import InvalidWhitelist

MAX_BALANCE: Final = 2**63 - 1
"""Greatest balance: what a signed 64-bit column of a database holds."""

_ADDRESS_NAMES: Final = frozenset({"address"})
_BALANCE_NAMES: Final = frozenset({"balance", "crowdsale_balance"})
_MIN_COLUMNS: Final = 2

_BYTE_ORDER_MARK: Final = "\ufeff"
_DECIMAL: Final = re.compile(r"([0-9]+)(?:\.[0-9]+)?")


class _Columns(NamedTuple):
    """Where in a row the two values stand, counted from 0."""

    address: int
    balance: int


class _Row(NamedTuple):
    """The cells of a row without white space around them, and the line it begins on, from 1."""

    line: int
    cells: list[str]


def parse(text: str) -> dict[str, int]:
    """Return the balance of every address in the CSV *text*, in the order of the file.

    The first row names the columns, in any letter case: `address`, and `balance` or
    `crowdsale_balance`. Unless both are named, the first two columns are taken. Blank lines,
    further columns, a byte order mark and any line ends are fine; a header without rows is an
    empty whitelist.

    A balance is a decimal number without sign, exponent or separators. A fraction is cut off:
    nobody counts for more than they hold.

    Raises InvalidWhitelist, naming the line: no header row, a row too short, a text that is no
    address, a balance that is no such number or above MAX_BALANCE, an address that is there
    twice with different balances, or broken quoting.
    """
    rows = _read_rows(text)
    columns = _find_columns(next(rows, _Row(1, [])))
    balances: dict[str, int] = {}
    for row in rows:
        address, balance = _read_entry(row, columns)
        if balances.setdefault(address, balance) != balance:
            raise _invalid(row, f"{address} is there twice, with {balances[address]} and {balance}")
    return balances


def _read_rows(text: str) -> Iterator[_Row]:
    """Yield the rows that are not blank."""
    # Strict, because a lenient reader takes all that follows a lost quote for one cell.
    reader = csv.reader(io.StringIO(text.removeprefix(_BYTE_ORDER_MARK), newline=""), strict=True)
    while True:
        line = reader.line_num + 1
        try:
            cells = [cell.strip() for cell in next(reader)]
        except StopIteration:
            return
        except csv.Error as error:
            raise InvalidWhitelist(f"line {line}: {error}") from error
        if any(cells):
            yield _Row(line, cells)


def _find_columns(header: _Row) -> _Columns:
    if len(header.cells) < _MIN_COLUMNS:
        raise _invalid(header, "the header row must name two columns, address and balance")
    if any(map(is_bitcoin_address, header.cells)):
        raise _invalid(header, "the header row is missing: this one holds an address")
    address = _positions(header, _ADDRESS_NAMES)
    balance = _positions(header, _BALANCE_NAMES)
    if not address or not balance:
        return _Columns(0, 1)
    if len(address) > 1 or len(balance) > 1:
        raise _invalid(header, "two columns have the same meaning")
    return _Columns(address[0], balance[0])


def _positions(header: _Row, names: frozenset[str]) -> list[int]:
    return [index for index, name in enumerate(header.cells) if name.lower() in names]


def _read_entry(row: _Row, columns: _Columns) -> tuple[str, int]:
    """Return the address and the balance of *row*; raises InvalidWhitelist."""
    if len(row.cells) <= max(columns):
        raise _invalid(row, f"{max(columns) + 1} columns are needed, not {len(row.cells)}")
    address = row.cells[columns.address]
    if not is_bitcoin_address(address):
        raise _invalid(row, f"{_shown(address)} is not a Bitcoin address")
    return address, _read_balance(row, row.cells[columns.balance])


def _read_balance(row: _Row, text: str) -> int:
    """Return the whole part of *text*; raises InvalidWhitelist."""
    number = _DECIMAL.fullmatch(text)
    if number is None:
        raise _invalid(row, f"{_shown(text)} is not a balance, a decimal number of at least 0")
    whole = number[1].lstrip("0") or "0"
    # int() refuses thousands of digits with an error of its own, so count them first.
    if len(whole) > len(str(MAX_BALANCE)) or int(whole) > MAX_BALANCE:
        raise _invalid(row, f"the balance {_shown(text)} is above {MAX_BALANCE}")
    return int(whole)


def _invalid(row: _Row, what: str) -> InvalidWhitelist:
    return InvalidWhitelist(f"line {row.line}: {what}")


def _shown(cell: str) -> str:
    """Return *cell* quoted for a message, and cut where it would fill the screen."""
    return f"{cell!r:.60}"
