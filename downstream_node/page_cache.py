"""A WSGI middleware that keeps public answers in the memory of one worker.

An answer is kept for as long as it says itself (`Cache-Control: public, max-age=N`), so that
thousands of readers a second cost no SQL. An answer must not depend on who asks, nor on the host
name or scheme of the request: neither is part of the key.

A kept page is found in one step, or in two where its answers say `Vary: Accept`: under the page
alone there is then a `ByAccept`, and under page and Accept header the answer.
"""

import hashlib
import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Iterator
from itertools import chain
from types import TracebackType
from typing import NamedTuple, TypeAlias
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from downstream_node import clock

MOST_BYTES = 16 << 20
"""Bytes of all kept answers together, what Python needs to hold them included."""

MOST_BODY_BYTES = 1 << 20
"""Bytes of one body; larger ones are passed on as they come."""

OVERHEAD = 1500
"""Bytes that one entry needs beside its texts, by and large."""

LONGEST_WAIT = 10.0
"""Seconds that a request waits for another one to renew the page that both want."""

MOST_DIGITS = 9
FORBIDDING = {"private", "no-store", "no-cache"}
OPAQUE_TAG = re.compile(r'(?:W/)?("[^"]*")')
CONDITIONS = ("HTTP_IF_NONE_MATCH", "HTTP_IF_MODIFIED_SINCE")
ALSO_IN_304 = {"etag", "cache-control", "vary", "expires", "content-location", "last-modified"}

Headers: TypeAlias = list[tuple[str, str]]
ExcInfo: TypeAlias = (
    tuple[type[BaseException], BaseException, TracebackType] | tuple[None, None, None] | None
)
Key: TypeAlias = tuple[str, str, str, str | None]
"""Mount point, path, query, and the Accept header or None."""


class Kept(NamedTuple):
    """What the headers of an answer say about keeping it."""

    seconds: int
    by_accept: bool


class ByAccept:
    """Stands for a page that has one answer for each Accept header."""

    size = OVERHEAD


class Entry:
    """One kept answer; *made* is when it was asked for, in seconds."""

    def __init__(self, headers: Headers, body: bytes, made: float, seconds: int) -> None:
        fields = fields_of(headers)
        etag = fields.get("etag") or f'"{hashlib.sha256(body).hexdigest()[:32]}"'
        self.headers = [pair for pair in headers if pair[0].lower() not in ("etag", "age")]
        self.headers.append(("ETag", etag))
        if "content-length" not in fields:
            self.headers.append(("Content-Length", str(len(body))))
        self.short_headers = [pair for pair in self.headers if is_in_304(pair[0])]
        self.etag = etag
        self.body = [body]
        self.made = made
        self.seconds = seconds
        self.size = len(body) + OVERHEAD + sum(len(name) + len(text) for name, text in headers)
        self.renewal: threading.Event | None = None
        """Set when the one request that renews this entry is done."""

    def is_fresh(self, now: float) -> bool:
        """Whether it may be sent at *now*. A clock that was set back makes it old."""
        return 0 <= now - self.made < self.seconds

    def send(
        self, environ: WSGIEnvironment, start_response: StartResponse, age: float | None = None
    ) -> list[bytes]:
        """Answer with it: 304 if the client has it already. *age* is None the first time."""
        aged = [] if age is None else [("Age", str(int(age)))]
        condition = environ.get("HTTP_IF_NONE_MATCH")
        if condition is not None and matches(condition, self.etag):
            start_response("304 Not Modified", self.short_headers + aged)
            return []
        start_response("200 OK", self.headers + aged)
        return self.body if environ["REQUEST_METHOD"] == "GET" else []


class Capture:
    """A start_response that holds back what can be kept and lets all else through."""

    def __init__(self, start_response: StartResponse) -> None:
        self.forward: StartResponse = start_response
        self.kept: Kept | None = None
        self.status = ""
        self.headers: Headers = []
        self.written: list[bytes] = []
        self.returned = False
        """Whether the application has returned: what it says only later is let through."""

    def __call__(
        self, status: str, headers: Headers, exc_info: ExcInfo = None, /
    ) -> Callable[[bytes], object]:
        """See PEP 3333."""
        self.kept = None if self.returned else keeping(status, headers)
        if self.kept is None:
            return self.forward(status, headers, exc_info)
        self.status, self.headers = status, list(headers)
        return self.written.append


class Rest:
    """A body of which the beginning has been read; closes the whole."""

    def __init__(self, beginning: list[bytes], rest: Iterator[bytes], whole: object) -> None:
        self.pieces = chain(beginning, rest)
        self.whole = whole

    def __iter__(self) -> Iterator[bytes]:
        """All pieces, in order."""
        return self.pieces

    def close(self) -> None:
        """Close what the application returned."""
        close(self.whole)


class PageCache:
    """Keeps public answers of *app* for paths *below* some folders and for some *exactly*.

    *below* are beginnings of paths. At most *most_bytes* are kept; what was not asked for longest
    goes first. *now* gives seconds. Requests for other paths are passed on at once.

    Request headers that ask for a new answer (`Cache-Control: no-cache`) are not heeded: readers
    could make the node work with them. The application never sees the conditions of a request for
    a page, so that its answer can be kept for everybody.
    """

    def __init__(
        self,
        app: WSGIApplication,
        *,
        below: tuple[str, ...] = (),
        exactly: Collection[str] = (),
        most_bytes: int = MOST_BYTES,
        now: Callable[[], float] = clock.monotonic,
    ) -> None:
        self.app = app
        self.below = below
        self.exactly = frozenset(exactly)
        self.most_bytes = most_bytes
        self.now = now
        self.bytes = 0
        self.entries: OrderedDict[Key, Entry | ByAccept] = OrderedDict()
        self.lock = threading.Lock()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer from memory, or from the application."""
        path = environ["PATH_INFO"]
        if path not in self.exactly and not path.startswith(self.below):
            return self.app(environ, start_response)
        if not is_for_everybody(environ):
            return self.app(environ, start_response)
        now = self.now()
        key, entry, renewal = self.look(environ, now)
        if renewal is not None:
            renewal.wait(LONGEST_WAIT)
            now = self.now()
            key, entry, _ = self.look(environ, now, may_wait=False)
        if entry is not None and entry.is_fresh(now):
            return entry.send(environ, start_response, now - entry.made)
        return self.renew(environ, start_response, key, entry)

    def look(
        self, environ: WSGIEnvironment, now: float, *, may_wait: bool = True
    ) -> tuple[Key, Entry | None, threading.Event | None]:
        """Where the page is, what is kept of it, and the renewal to wait for.

        If an entry has run out and nobody renews it, the caller has to: the entry comes with a
        renewal of its own. A caller that *may_wait* no more gets no such entry, and
        neither does one who asks for a page of which nothing was kept: it may not be public, and
        then waiting would only make requests queue up.
        """
        mount, query = environ.get("SCRIPT_NAME", ""), environ.get("QUERY_STRING", "")
        page = (mount, environ["PATH_INFO"], query)
        key: Key = (*page, None)
        with self.lock:
            found = self.entries.get(key)
            if isinstance(found, ByAccept):
                self.entries.move_to_end(key)
                key = (*page, environ.get("HTTP_ACCEPT", ""))
                found = self.entries.get(key)
            if not isinstance(found, Entry):
                return key, None, None
            self.entries.move_to_end(key)
            if found.is_fresh(now):
                return key, found, None
            if not may_wait:
                return key, None, None
            if found.renewal is not None:
                return key, None, found.renewal
            found.renewal = threading.Event()
            return key, found, None

    def renew(
        self,
        environ: WSGIEnvironment,
        start_response: StartResponse,
        key: Key,
        old: Entry | None,
    ) -> Iterable[bytes]:
        """Ask the application; keep the answer if it may be kept. Wakes who waits for *old*."""
        try:
            return self.fetch(environ, start_response, key)
        finally:
            if old is not None and old.renewal is not None:
                self.drop(key, old)
                old.renewal.set()

    def fetch(
        self, environ: WSGIEnvironment, start_response: StartResponse, key: Key
    ) -> Iterable[bytes]:
        """Ask the application; keep the answer if it may be kept.

        HEAD is asked as GET, so that it is told the same headers, the ETag among them.
        """
        asked = self.now()
        capture = Capture(start_response)
        plain = {name: value for name, value in environ.items() if name not in CONDITIONS}
        plain["REQUEST_METHOD"] = "GET"
        answer = self.app(plain, capture)
        capture.returned = True
        if capture.kept is None:
            return answer if environ["REQUEST_METHOD"] == "GET" else bodiless(answer)
        pieces, rest = capture.written, iter(answer)
        if not read_all(pieces, rest, answer):
            start_response(capture.status, capture.headers)
            whole = Rest(pieces, rest, answer)
            return whole if environ["REQUEST_METHOD"] == "GET" else bodiless(whole)
        entry = Entry(capture.headers, b"".join(pieces), asked, capture.kept.seconds)
        self.keep((*key[:3], None), entry, environ, by_accept=capture.kept.by_accept)
        return entry.send(environ, start_response)

    def keep(self, key: Key, entry: Entry, environ: WSGIEnvironment, *, by_accept: bool) -> None:
        """Put *entry* in its place; the least recently used go if there is no room."""
        with self.lock:
            if by_accept:
                self.put(key, ByAccept())
                key = (*key[:3], environ.get("HTTP_ACCEPT", ""))
            entry.size += sum(len(part or "") for part in key)
            self.put(key, entry)
            while self.bytes > self.most_bytes:
                _, oldest = self.entries.popitem(last=False)
                self.bytes -= oldest.size

    def put(self, key: Key, value: Entry | ByAccept) -> None:
        """Replace what is at *key*. The caller holds the lock."""
        former = self.entries.pop(key, None)
        self.entries[key] = value
        self.bytes += value.size - (0 if former is None else former.size)

    def drop(self, key: Key, old: Entry) -> None:
        """Forget *old*, unless something newer has taken its place."""
        with self.lock:
            if self.entries.get(key) is old:
                del self.entries[key]
                self.bytes -= old.size

    def clear(self) -> None:
        """Forget everything."""
        with self.lock:
            self.entries.clear()
            self.bytes = 0


def is_for_everybody(environ: WSGIEnvironment) -> bool:
    """Whether an answer to this request can be the same for all who ask."""
    return (
        environ["REQUEST_METHOD"] in ("GET", "HEAD")
        and "HTTP_AUTHORIZATION" not in environ
        and "HTTP_RANGE" not in environ
    )


def keeping(status: str, headers: Headers) -> Kept | None:
    """Whether, and how, an answer with these headers is kept."""
    fields = fields_of(headers)
    directives = words(fields.get("cache-control", ""))
    vary = words(fields.get("vary", ""))
    if not status.startswith("200 ") or "set-cookie" in fields:
        return None
    if "public" not in directives or directives & FORBIDDING or vary - {"accept"}:
        return None
    length = fields.get("content-length", "0")
    if not is_number(length) or int(length) > MOST_BODY_BYTES:
        return None
    ages = [word.removeprefix("max-age=") for word in directives if word.startswith("max-age=")]
    if len(ages) != 1 or not is_number(ages[0]) or int(ages[0]) == 0:
        return None
    return Kept(int(ages[0]), by_accept=bool(vary))


def fields_of(headers: Headers) -> dict[str, str]:
    """Headers by lower-case name; those of one name as one list."""
    fields: dict[str, str] = {}
    for name, text in headers:
        lower = name.lower()
        fields[lower] = f"{fields[lower]}, {text}" if lower in fields else text
    return fields


def words(text: str) -> set[str]:
    """The items of a list in a header, in lower case."""
    return {word.strip().lower() for word in text.split(",")} - {""}


def is_number(text: str) -> bool:
    """Whether *text* is a whole number of a sensible size."""
    return text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS


def matches(condition: str, etag: str) -> bool:
    """Whether the If-None-Match *condition* names *etag*; weak forms count, as RFC 9110 says."""
    if condition in (etag, "*"):
        return True
    return etag.removeprefix("W/") in OPAQUE_TAG.findall(condition)


def is_in_304(name: str) -> bool:
    """Whether the header *name* is sent with a 304, too."""
    lower = name.lower()
    return lower in ALSO_IN_304 or lower.startswith("access-control-")


def read_all(pieces: list[bytes], rest: Iterator[bytes], whole: object) -> bool:
    """Append *rest* to *pieces* and close *whole*; False, half way, if it is too large to keep."""
    size = sum(map(len, pieces))
    try:
        for piece in rest:
            pieces.append(piece)
            size += len(piece)
            if size > MOST_BODY_BYTES:
                return False
    except BaseException:
        close(whole)
        raise
    close(whole)
    return True


def bodiless(body: object) -> list[bytes]:
    """What is sent of *body* to who asked for the headers only."""
    close(body)
    return []


def close(body: object) -> None:
    """Close what an application returned, if it wants to be closed."""
    closing = getattr(body, "close", None)
    if closing is not None:
        closing()
