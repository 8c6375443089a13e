"""The last line of defence: no secret in a log, whatever somebody logs by mistake.

Nothing of ours logs a secret. But a library may, at some level, in some release; so every record
of the process goes through here before any handler sees it, its traceback, too.
"""

import io
import logging
import re
import threading
import traceback
from base64 import b64encode, urlsafe_b64encode
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from downstream_node.packages.secrets import Secret

REDACTED = "[redacted]"
PATTERNS = [
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        # The UPN of a link, also where the link itself is quoted.
        (r"(?i)(upn(?:=|%3D))[^\s\"'<>&]+", rf"\1{REDACTED}"),
        # Keys for recordings and for Steam, in addresses, headers and JSON, and what Steam says
        # of who signs in.
        (r"(?i)(api[_-]?key[\"']?\s?(?:[=:]|%3D)\s?[\"']?)[^\s\"'<>&]+", rf"\1{REDACTED}"),
        (r"(?i)([?&]key=)[^\s\"'<>&]+", rf"\1{REDACTED}"),
        (r"(?i)(openid\.\w{1,32}(?:=|%3D))[^\s\"'<>&]+", rf"\1{REDACTED}"),
        (r"(?i)(authorization\W{1,4}(?:[\w-]+ +)?)[^\s\"'<>]+", rf"\1{REDACTED}"),
        # Here and below a run of letters is looked at from its start, once: from each of its
        # letters it would take a time that grows with the square of its length.
        (r"(?<![\w.+-])[\w.+-]++(?:@|%40)[\w-]++(?:\.[\w-]++)+", REDACTED),
        # A UPN by itself, or a piece of one: no name or path of ours is that long.
        (r"(?<![A-Za-z0-9._-])[A-Za-z0-9._-]{200,}+", REDACTED),
        # Base64 of 32 bytes or more: it has capitals and small letters, which a hash in hex or
        # a long name does not have both.
        (
            r"(?<![A-Za-z0-9_+-])(?=[a-z0-9_+-]*[A-Z])(?=[A-Z0-9_+-]*[a-z])[A-Za-z0-9_+-]{43,}+",
            REDACTED,
        ),
    )
]

MOST = 16 << 10
"""Characters of a record's text, of its traceback and of its stack; the rest is left out."""

_known: Counter[str] = Counter()
_lock = threading.Lock()


def scrub(text: str) -> str:
    """*text* without anything that looks like a secret or an e-mail address, or is a known one."""
    with _lock:
        exact = sorted(_known, key=len, reverse=True)
    for secret in exact:
        text = text.replace(secret, REDACTED)
    for pattern, replacement in PATTERNS:
        text = pattern.sub(replacement, text)
    return text


def short(text: str) -> str:
    """The first MOST characters of *text*, up to a space: half a secret looks like none."""
    if len(text) <= MOST:
        return text
    *start, _cut = text[:MOST].rsplit(maxsplit=1)
    return f"{''.join(start)} [cut]"


@contextmanager
def known(*texts: str | Secret) -> Iterator[None]:
    """While this lasts, *texts* and their base64 are taken out of logs wherever they stand."""
    forms = [form for text in texts for form in forms_of(text)]
    with _lock:
        _known.update(forms)
    try:
        yield
    finally:
        with _lock:
            _known.subtract(forms)
            for form in forms:
                if _known[form] <= 0:
                    del _known[form]


def forms_of(text: str | Secret) -> Iterator[str]:
    """How a secret may be written: as it is and in base64. An empty text has no form."""
    plain = text.text if isinstance(text, Secret) else text
    if plain:
        yield plain
        yield b64encode(plain.encode()).rstrip(b"=").decode()
        yield urlsafe_b64encode(plain.encode()).rstrip(b"=").decode()


def install() -> Callable[[], None]:
    """Have all records of this process scrubbed; returns what undoes it.

    In the making of records, not in a filter: a filter guards only the handlers that are there.
    Asked twice, it does it once.
    """
    before = logging.getLogRecordFactory()
    if isinstance(before, _Scrubbing):
        return lambda: None
    logging.setLogRecordFactory(_Scrubbing(before))
    return lambda: logging.setLogRecordFactory(before)


class _Scrubbing:
    """Makes records whose text is final and clean: nothing is left to be filled in."""

    def __init__(self, make: Callable[..., logging.LogRecord]) -> None:
        self._make = make

    def __call__(self, *args: Any, **named: Any) -> logging.LogRecord:  # noqa: ANN401 - any record
        record = self._make(*args, **named)
        try:
            record.msg = scrub(short(record.getMessage()))
        except Exception:  # noqa: BLE001 - a record that cannot be written must not stop its writer
            record.msg = f"A message of {record.name} could not be written."
        record.args = ()
        if record.exc_info and record.exc_info[1] is not None:
            # Handlers that look at exc_info would show the error anew, so only its text stays.
            record.exc_text = scrub(short(text_of(record.exc_info[1])))
            record.exc_info = None
        if record.stack_info:
            record.stack_info = scrub(short(record.stack_info))
        return record


def text_of(error: BaseException) -> str:
    """The traceback of *error*, as logs show it."""
    out = io.StringIO()
    traceback.print_exception(error, file=out)
    return out.getvalue().rstrip("\n")
