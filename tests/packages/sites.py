"""Real web servers on loopback, and a small internet in which they have names and addresses."""

import datetime as dt
import ipaddress
import socket
import ssl
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

Answer = Callable[["Asked"], None]
"""Writes an answer to a request."""
KIND = "application/octet-stream"


class Asked(BaseHTTPRequestHandler):
    """One request to a site."""

    protocol_version = "HTTP/1.1"
    site: "Site"
    ended: threading.Event

    def do_GET(self) -> None:
        """Answer as the site does."""
        self.site.requests.append((self.command, self.path, str(self.headers)))
        self.close_connection = True
        # The other side may go away in the middle; that is what some tests are about.
        with suppress(OSError):
            self.site.answer(self)

    def do_HEAD(self) -> None:
        """Likewise."""
        self.do_GET()

    def say(self, status: int = 200, body: bytes = b"", **headers: str) -> None:
        """A whole answer. In names of headers, _ stands for -; an empty one is left out."""
        self.send_response(status)
        said = {"Content_Type": KIND, "Content_Length": str(len(body))} | headers
        for name, value in said.items():
            if value:
                self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def send(self, data: bytes) -> None:
        """Bytes as they are."""
        self.wfile.write(data)
        self.wfile.flush()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as its base
        """Say nothing."""


class Site:
    """A server that answers each request as *answer* does, and remembers it."""

    def __init__(self, answer: Answer, tls: ssl.SSLContext | None = None) -> None:
        self.answer = answer
        self.requests: list[tuple[str, str, str]] = []
        self.ending = threading.Event()
        handler = type("AskedHere", (Asked,), {"site": self, "ended": self.ending})
        self.server = Server(("127.0.0.1", 0), handler)
        if tls is not None:
            self.server.socket = tls.wrap_socket(
                self.server.socket, server_side=True, do_handshake_on_connect=False
            )
        self.port: int = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        self.thread.start()

    @property
    def methods(self) -> list[str]:
        """Of the requests that came."""
        return [method for method, _path, _headers in self.requests]

    def close(self) -> None:
        """End it, and the answers that are still being written."""
        self.ending.set()
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


class Server(ThreadingHTTPServer):
    """Waits for its answers to end, and keeps quiet about clients that went away."""

    daemon_threads = False
    block_on_close = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Such as a handshake that the client broke off."""


@contextmanager
def site(answer: Answer, tls: ssl.SSLContext | None = None) -> Iterator[Site]:
    """A site as long as this lasts."""
    one = Site(answer, tls)
    try:
        yield one
    finally:
        one.close()


class Authority:
    """Who signs the certificates of sites."""

    def __init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "tests")])
        usage = x509.BasicConstraints(ca=True, path_length=None)
        self.certificate = (
            self.started(self.name, self.key.public_key())
            .add_extension(usage, critical=True)
            .sign(self.key, hashes.SHA256())
        )

    def started(
        self, subject: x509.Name, public: ec.EllipticCurvePublicKey
    ) -> x509.CertificateBuilder:
        """A certificate for *subject* that is good now."""
        now = dt.datetime.now(dt.UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.name)
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(days=1))
            .not_valid_after(now + dt.timedelta(days=1))
        )

    def trusted(self) -> ssl.SSLContext:
        """What a client has that trusts this authority alone."""
        pem = self.certificate.public_bytes(serialization.Encoding.PEM).decode()
        return ssl.create_default_context(cadata=pem)

    def server(self, *hosts: str) -> ssl.SSLContext:
        """What the server of *hosts* has."""
        key = ec.generate_private_key(ec.SECP256R1())
        names = x509.SubjectAlternativeName([named(host) for host in hosts])
        certificate = (
            self.started(x509.Name([]), key.public_key())
            .add_extension(names, critical=True)
            .sign(self.key, hashes.SHA256())
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "pem")
            path.write_bytes(
                key.private_bytes(
                    serialization.Encoding.PEM,
                    serialization.PrivateFormat.PKCS8,
                    serialization.NoEncryption(),
                )
                + certificate.public_bytes(serialization.Encoding.PEM)
            )
            context.load_cert_chain(path)
        return context


def named(host: str) -> x509.GeneralName:
    """*host* as certificates name it."""
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


class Internet:
    """Names with their addresses, and the sites that are there: all on loopback in fact.

    `connect` stands for the cable: what is connected to by its public address and port is the
    site that has been put there, and everything else is told as unreachable.
    """

    def __init__(self) -> None:
        self.names: dict[str, list[Sequence[str]]] = {}
        """The answers for a host, one after the other; the last one stays."""
        self.places: dict[tuple[str, int], int] = {}
        self.asked: list[str] = []
        """Hosts that were looked up."""
        self.connected: list[tuple[str, int]] = []
        self._connect = socket.create_connection

    def put(self, host: str, address: str, one: Site, port: int = 443) -> None:
        """*host* is *one*, at *address*."""
        self.names[host] = [[address]]
        self.places[address, port] = one.port

    def resolve(self, host: str, port: int) -> Sequence[str]:
        """The addresses of *host*; of an address, itself."""
        assert port
        self.asked.append(host)
        with suppress(ValueError):
            return [str(ipaddress.ip_address(host))]
        answers = self.names.get(host)
        if not answers:
            raise socket.gaierror(socket.EAI_NONAME, "unknown")
        return answers.pop(0) if len(answers) > 1 else answers[0]

    def connect(self, place: tuple[str, int], timeout: float) -> socket.socket:
        """A connection to what is at *place*."""
        self.connected.append(place)
        if place not in self.places:
            raise ConnectionRefusedError
        return self._connect(("127.0.0.1", self.places[place]), timeout)
