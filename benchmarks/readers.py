"""Readers of status pages: a process that asks again and again, at a pace, with If-None-Match.

It speaks HTTP over plain sockets, since a library would cost more than the server's answer.
"""

import socket
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from threading import Thread
from typing import Self

from downstream_node.clock import monotonic, pause

READERS = 4
BUFFER = 65536


@dataclass
class Reader:
    """One keep-alive connection that reads one path."""

    port: int
    path: str
    etag: bytes = b'"none"'
    answers: int = 0
    unchanged: int = 0

    def __post_init__(self) -> None:
        """Connect."""
        self._socket = socket.create_connection(("127.0.0.1", self.port))

    def read(self) -> None:
        """Ask once, for what is new since the last answer."""
        request = f"GET {self.path} HTTP/1.1\r\nHost: localhost\r\nIf-None-Match: ".encode()
        self._socket.sendall(request + self.etag + b"\r\n\r\n")
        head, _, body = self._receive(b"", b"\r\n\r\n").partition(b"\r\n\r\n")
        headers = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
        status = head[9:12]
        if status == b"200":
            missing = int(headers[b"content-length"]) - len(body)
            while missing > 0:
                missing -= len(self._socket.recv(BUFFER))
            self.etag = headers[b"etag"]
        elif status != b"304":
            raise RuntimeError(f"{self.path}: {head[:100]!r}")
        self.answers += 1
        self.unchanged += status == b"304"

    def _receive(self, received: bytes, until: bytes) -> bytes:
        while until not in received:
            piece = self._socket.recv(BUFFER)
            if not piece:
                raise RuntimeError("the server closed the connection")
            received += piece
        return received


def rate(port: int, path: str, seconds: float = 3.0) -> tuple[float, float]:
    """Answers per second that READERS get at best, and the share that was 304."""
    readers = [Reader(port, path) for _ in range(READERS)]
    end = monotonic() + seconds
    began = monotonic()
    in_threads([(reader, end, 0.0) for reader in readers])
    answers = sum(reader.answers for reader in readers)
    unchanged = sum(reader.unchanged for reader in readers)
    return answers / (monotonic() - began), unchanged / answers


def in_threads(runs: list[tuple[Reader, float, float]]) -> None:
    """Let readers read until an instant, each at a distance of some seconds."""
    threads = [Thread(target=read_until, args=run) for run in runs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def read_until(reader: Reader, end: float, every: float) -> None:
    """Read every so many seconds until *end*; as fast as possible if that is 0."""
    due = monotonic()
    while (now := monotonic()) < end:
        if due > now:
            pause(due - now)
        due += every
        reader.read()


class Crowd:
    """READERS in a process of their own, who together read *per_second* times a second."""

    def __init__(self, port: int, path: str, per_second: float) -> None:
        context = get_context("spawn")
        self._mine, theirs = context.Pipe()
        self._process = context.Process(target=crowd, args=(port, path, per_second, theirs))

    def __enter__(self) -> Self:
        """Start, and wait until they read."""
        self._process.start()
        self._mine.recv()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop."""
        self._mine.send(None)
        self.per_second: float = self._mine.recv()
        self._process.join()


def crowd(port: int, path: str, per_second: float, owner: Connection) -> None:
    """Read until *owner* says something; then say how many answers a second there were."""
    readers = [Reader(port, path) for _ in range(READERS)]
    began = monotonic()
    owner.send(None)
    while not owner.poll():
        end = monotonic() + 0.5
        in_threads([(reader, end, READERS / per_second) for reader in readers])
    owner.send(sum(reader.answers for reader in readers) / (monotonic() - began))
