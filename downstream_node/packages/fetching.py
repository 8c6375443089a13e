"""Fetching the package of a link, from exactly where the rules allow it.

Every address on the way is checked: the link, each redirect, and what the host's name resolves
to. The connection goes to the address that was checked, so a name that resolves to something else
a moment later gains nothing. Nothing that a server says is believed: not its Content-Length, not
that it will go on sending.

The standard library's HTTP client is used rather than requests or urllib3, which log each
address that they ask for (an address is the secret), and follow proxies of the environment.

Errors carry a code and a fixed sentence: no address, no text of a server, no cause.
"""

import http.client
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from types import TracebackType
from typing import NamedTuple, Protocol, Self
from urllib.parse import urlsplit

from downstream_node.clock import monotonic
from downstream_node.errors import PackageCancelled
from downstream_node.packages.addresses import is_public
from downstream_node.packages.links import FetchRefusal, Link, Origin, redirected, refused

MOST_REDIRECTS = 5
MOST_ADDRESSES = 4
"""Addresses of one host that are tried one after the other."""
PIECE = 1 << 16
TYPES = {"application/octet-stream", "application/zip"}
REDIRECTS = {
    HTTPStatus.MOVED_PERMANENTLY,
    HTTPStatus.FOUND,
    HTTPStatus.SEE_OTHER,
    HTTPStatus.TEMPORARY_REDIRECT,
    HTTPStatus.PERMANENT_REDIRECT,
}
NOT_THIS_METHOD = {HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.NOT_IMPLEMENTED}
HEADERS = {
    "Accept": "application/zip, application/octet-stream",
    "Accept-Encoding": "identity",
    "User-Agent": "downstream-node",
    "Connection": "close",
}
"""All that a server is told besides the address itself: the same for each, so nothing leaks on."""
LONGEST_SIZE = 18
"""Digits of a Content-Length that is read at all."""

Resolve = Callable[[str, int], Sequence[str]]
"""The IP addresses of a host, for a port. Raises OSError if there are none."""


class Into(Protocol):
    """Where the package goes, piece by piece."""

    def write(self, data: bytes, /) -> object:
        """Go on with *data*."""


def resolve_by_system(host: str, port: int) -> list[str]:
    """What the system says are the addresses of *host*."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


@dataclass(frozen=True, kw_only=True)
class FetchRules:
    """What may be fetched from whom, and what it may cost."""

    allowed: frozenset[Origin] = frozenset()
    """Hosts besides Discord's that the operator trusts, wherever they are."""
    max_size: int
    """Bytes of a package."""
    seconds: float
    """For all of it."""
    idle_seconds: float = 30
    """For the next byte."""
    resolve: Resolve = resolve_by_system
    tls: ssl.SSLContext = field(default_factory=ssl.create_default_context)


@dataclass(frozen=True)
class Watch:
    """Whom a fetch tells how far it is, and whom it asks whether to go on."""

    progress: Callable[[int, int | None], object] = lambda _received, _announced: None
    """Bytes received, and bytes announced if any were."""
    cancelled: Callable[[], bool] = lambda: False


def fetch(link: Link, into: Into, rules: FetchRules, watch: Watch | None = None) -> int:
    """Write the package of *link* into *into*; its bytes.

    Raises PackageRefused with a code of FetchRefusal, PackageCancelled if *watch* says so, and
    what *into* raises. What was written before an error is worth nothing.

    A host's name is looked up by the system, which takes as long as the system lets it; all
    else ends when the seconds of *rules* have passed.
    """
    with Deadline(rules.seconds) as deadline:
        trip = Trip(rules, deadline, watch or Watch())
        # As the document: ask first. A host of the operator's may know GET alone.
        if Origin.of(link.url) not in rules.allowed:
            with answered("HEAD", link.url, trip) as response:
                if response.status not in NOT_THIS_METHOD:
                    require_package(response, rules)
        with answered("GET", link.url, trip) as response:
            return receive(response, into, trip)


class Deadline:
    """Ends the connection of a fetch when its time is over, however the server holds it open.

    A socket's own timeout starts anew with each byte, so a server that sends one now and then
    would hold a worker for ever.
    """

    def __init__(self, seconds: float) -> None:
        self._end = monotonic() + seconds
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._timer = threading.Timer(seconds, self._over)
        self._timer.daemon = True

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._timer.cancel()

    @property
    def left(self) -> float:
        """Seconds that are left, 0 if none are."""
        return max(0.0, self._end - monotonic())

    @property
    def over(self) -> bool:
        """Whether the time is over."""
        return self.left == 0

    def check(self) -> None:
        """Raise PackageRefused (TIMED_OUT) if the time is over."""
        if self.over:
            raise refused(FetchRefusal.TIMED_OUT)

    def watch(self, connected: socket.socket) -> None:
        """From now on it is this connection that ends with the time."""
        with self._lock:
            self._socket = connected
        if self.over:
            self._over()

    def _over(self) -> None:
        with self._lock:
            if self._socket is not None:
                shut(self._socket)


def shut(connected: socket.socket) -> None:
    """End a connection under the feet of whoever reads from it."""
    try:
        # The plain socket's, also for TLS: its own takes the cipher away from who is reading.
        socket.socket.shutdown(connected, socket.SHUT_RDWR)
    except OSError:
        # It has ended by itself.
        return


class Trip(NamedTuple):
    """One fetch: what holds for all its requests."""

    rules: FetchRules
    deadline: Deadline
    watch: Watch


class Connection(http.client.HTTPConnection):
    """To one *address* of the host of *origin*, which is who the certificate has to be of."""

    def __init__(self, origin: Origin, address: str, trip: Trip) -> None:
        super().__init__(origin.host.strip("[]"), origin.port)
        self._origin = origin
        self._address = address
        self._rules = trip.rules
        self._deadline = trip.deadline

    def connect(self) -> None:
        """Connect to the address and to nothing else: no name is looked up here."""
        self._deadline.check()
        # Never 0, which would mean not to wait at all.
        patience = max(0.001, min(self._rules.idle_seconds, self._deadline.left))
        connected = socket.create_connection((self._address, self._origin.port), patience)
        self._deadline.watch(connected)
        self.sock = connected
        if self._origin.scheme == "https":
            # An end without a goodbye could be somebody's cut, so it counts as an error.
            secured = self._rules.tls.wrap_socket(
                connected, server_hostname=self.host, suppress_ragged_eofs=False
            )
            self._deadline.watch(secured)
            self.sock = secured


@contextmanager
def answered(method: str, url: str, trip: Trip) -> Iterator[http.client.HTTPResponse]:
    """The answer to *url*, after at most MOST_REDIRECTS redirects, each of them checked."""
    for _ in range(MOST_REDIRECTS + 1):
        with asked(method, url, trip) as response:
            if response.status not in REDIRECTS:
                yield response
                return
            url = redirected(url, response.headers.get("Location", ""), trip.rules.allowed)
    raise refused(FetchRefusal.INVALID_LINK)


@contextmanager
def asked(method: str, url: str, trip: Trip) -> Iterator[http.client.HTTPResponse]:
    """The answer of the host of *url* itself. Its connection is closed afterwards."""
    with closing(connected_to(Origin.of(url), trip)) as connection:
        with network_errors(trip.deadline):
            connection.request(method, target_of(url), headers=HEADERS | host_of(url))
            response = connection.getresponse()
        with closing(response):
            # A connection that the deadline ended looks like the end of what was read.
            trip.deadline.check()
            yield response


def target_of(url: str) -> str:
    """What is asked of the host: path and query."""
    parts = urlsplit(url)
    path = parts.path or "/"
    return f"{path}?{parts.query}" if parts.query else path


def host_of(url: str) -> dict[str, str]:
    """The header that says whom a request is for."""
    return {"Host": Origin.of(url).authority}


def connected_to(origin: Origin, trip: Trip) -> Connection:
    """A connection to a checked address of *origin*. Raises PackageRefused."""
    with network_errors(trip.deadline):
        addresses = trip.rules.resolve(origin.host.strip("[]"), origin.port)
    # One private address among public ones is no accident either. The same code as for any other
    # wrong link: who sends links does not learn which names exist inside.
    if origin not in trip.rules.allowed and not all(map(is_public, addresses)):
        raise refused(FetchRefusal.INVALID_LINK)
    code = FetchRefusal.UNREACHABLE
    for address in addresses[:MOST_ADDRESSES]:
        connection = Connection(origin, address, trip)
        try:
            connection.connect()
        except (OSError, ValueError) as error:
            # The next address may be better; the time for all of them is counted.
            connection.close()
            if isinstance(error, TimeoutError):
                code = FetchRefusal.TIMED_OUT
        else:
            return connection
    trip.deadline.check()
    raise refused(code)


@contextmanager
def network_errors(deadline: Deadline) -> Iterator[None]:
    """The network's errors as ours, without their texts, which may show the address."""
    try:
        yield
    except TimeoutError:
        raise refused(FetchRefusal.TIMED_OUT) from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        if deadline.over:
            raise refused(FetchRefusal.TIMED_OUT) from None
        lost = isinstance(error, OSError | http.client.IncompleteRead)
        raise refused(FetchRefusal.UNREACHABLE if lost else FetchRefusal.INVALID_LINK) from None


def require_package(response: http.client.HTTPResponse, rules: FetchRules) -> int | None:
    """Check that an answer is a package; the bytes that it announces, None if it does not.

    Raises PackageRefused: EXPIRED_LINK for a status of 4xx, INVALID_LINK for another one that is
    not 200 or for a type that no package has, TOO_LARGE.
    """
    if HTTPStatus.BAD_REQUEST <= response.status < HTTPStatus.INTERNAL_SERVER_ERROR:
        raise refused(FetchRefusal.EXPIRED_LINK)
    kind = response.headers.get_content_type() if "Content-Type" in response.headers else ""
    encoding = response.headers.get("Content-Encoding", "identity").strip().lower()
    if response.status != HTTPStatus.OK or kind not in TYPES or encoding != "identity":
        raise refused(FetchRefusal.INVALID_LINK)
    announced = announced_size(response)
    if announced is not None and announced > rules.max_size:
        raise refused(FetchRefusal.TOO_LARGE)
    return announced


def announced_size(response: http.client.HTTPResponse) -> int | None:
    """The Content-Length of an answer. Raises PackageRefused (INVALID_LINK) for a wrong one."""
    said = set(response.headers.get_all("Content-Length", []))
    if not said:
        return None
    text = said.pop().strip()
    if said or not (text.isascii() and text.isdigit() and len(text) <= LONGEST_SIZE):
        raise refused(FetchRefusal.INVALID_LINK)
    return int(text)


def receive(response: http.client.HTTPResponse, into: Into, trip: Trip) -> int:
    """Pass the body on piece by piece; its bytes. Raises PackageRefused, PackageCancelled."""
    announced = require_package(response, trip.rules)
    received = 0
    while piece := next_piece(response, trip.deadline):
        received += len(piece)
        if received > trip.rules.max_size:
            raise refused(FetchRefusal.TOO_LARGE)
        into.write(piece)
        trip.watch.progress(received, announced)
        if trip.watch.cancelled():
            raise PackageCancelled
    if announced is not None and received != announced:
        raise refused(FetchRefusal.UNREACHABLE)
    return received


def next_piece(response: http.client.HTTPResponse, deadline: Deadline) -> bytes:
    """What has come of the body, up to PIECE bytes; nothing at its end."""
    with network_errors(deadline):
        piece = response.read1(PIECE)
    deadline.check()
    return piece
