"""Tables as CSV: piece by piece, and nothing in them that a spreadsheet takes for a formula."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence


def csv_pieces(pages: Iterable[Iterable[Sequence[object]]]) -> Iterator[str]:
    """*pages* of rows of cells as the text of a CSV file, a page at a time."""
    for rows in pages:
        text = io.StringIO()
        csv.writer(text).writerows(rows)
        yield text.getvalue()


def plain(value: object) -> object:
    """*value* as a spreadsheet takes it for what it is: no text of it begins a formula."""
    if isinstance(value, str) and value[:1] in {"=", "+", "-", "@", "\t", "\r"}:
        return f"'{value}"
    return value
