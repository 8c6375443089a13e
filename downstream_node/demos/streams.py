"""One stream: frames of a WebSocket become bytes of a recording."""

import contextlib
import socket
from dataclasses import dataclass
from enum import Enum

from websockets.frames import CloseCode, Frame, Opcode
from websockets.server import ServerProtocol

from downstream_node.clock import WallClock
from downstream_node.demos.queries import Noted
from downstream_node.demos.spool import Recording
from downstream_node.settings import Settings

RECEIVE = 256 << 10
DATA = (Opcode.BINARY, Opcode.CONT)
MOST_TO_SEND = 64 << 10
"""Acknowledgements that a client does not read are dropped beyond this; the next says more."""
FIRST_TOLD = 1 << 20
MOST_TOLD = 12
"""Acknowledgements, unless the client asked for all: after 1 MiB, then whenever the bytes have
doubled. Clients of the document never read; the Python library that it uses keeps 16 messages
for them, then stops reading and could not even say goodbye."""
LONGEST_REASON = 120
"""Bytes of a close frame's reason, with something to spare."""


class Ending(Enum):
    """Why a stream ends: what the client is told."""

    LEFT = (CloseCode.NORMAL_CLOSURE, "")
    CLOSED = (CloseCode.NORMAL_CLOSURE, "The session is closed.")
    REPLACED = (CloseCode.POLICY_VIOLATION, "Another connection goes on with the session.")
    IDLE = (CloseCode.POLICY_VIOLATION, "Nothing came for too long.")
    TIME = (CloseCode.POLICY_VIOLATION, "The session has lasted too long.")
    SIZE = (CloseCode.MESSAGE_TOO_BIG, "The recording is larger than is allowed.")
    TEXT = (CloseCode.UNSUPPORTED_DATA, "Only bytes are accepted.")
    STORAGE = (CloseCode.INTERNAL_ERROR, "The node cannot store it.")
    RESTART = (CloseCode.SERVICE_RESTART, "The node restarts: come back.")


@dataclass(frozen=True)
class Limits:
    """What a stream may do; seconds and bytes."""

    size: int
    rate: int
    idle: float
    takeover: float

    @classmethod
    def of(cls, values: Settings) -> "Limits":
        """Those of the settings."""
        return cls(
            values.DEMOS_MAX_SIZE, values.DEMOS_MAX_RATE, values.DEMOS_STALE, values.DEMOS_TAKEOVER
        )


class Stream:
    """One connection that brings one session's bytes. Used by the streamer's thread alone."""

    def __init__(  # noqa: PLR0913, PLR0917 - what the accepting thread knows of it
        self,
        connection: socket.socket,
        protocol: ServerProtocol,
        recording: Recording,
        session_id: str,
        limits: Limits,
        until: float,
        now: float,
        wall_clock: WallClock,
        *,
        tells_all: bool = False,
    ) -> None:
        self.socket = connection
        self.recording = recording
        self.session_id = session_id
        self.until = until
        """When the session's time is over, on the monotonic clock."""
        self.written = recording.size
        self.synced = self.written
        self.heard = now
        """When anything came, also a part of a frame."""
        self.closing_until: float | None = None
        """The session is being closed: what is on its way is taken in, until then at most."""
        self.closing = Ending.CLOSED
        self.unsynced_since = now
        self.ending: Ending | None = None
        self.is_syncing = False
        self.is_finishing = False
        self.is_closed = False
        self.watched = 0
        self._protocol = protocol
        self._limits = limits
        self._wall_clock = wall_clock
        self._last_wall = wall_clock()
        self._noted = self.written
        self._out = bytearray()
        self._tells_all = tells_all
        self._told = 0
        self._tell_at = self.written
        self._allowance = float(limits.rate)
        self._allowance_at = now

    def take_socket(self) -> None:
        """Take the connection from the server, which finds it gone when it would close it."""
        self.socket = socket.socket(fileno=self.socket.detach())
        self.socket.setblocking(False)

    # What is known of it

    @property
    def unsynced(self) -> int:
        """Bytes that are written and perhaps not durable."""
        return self.written - self.synced

    @property
    def is_waiting(self) -> bool:
        """Whether it is not read, since it brought too much."""
        return self.ending is None and bool(self._limits.rate) and self._allowance <= 0

    @property
    def wants_bytes(self) -> bool:
        """Whether it is to be read on."""
        return self.ending is None and not self.is_waiting and len(self._out) < MOST_TO_SEND

    @property
    def has_to_send(self) -> bool:
        """Whether there is something for the client; at the end, when the file is free."""
        return bool(self._out) and not self.is_finishing

    def noted(self, seconds: float = 0.0) -> Noted:
        """What its row is to say; the last note was so many *seconds* ago."""
        rate = round((self.written - self._noted) / seconds) if seconds else 0
        self._noted = self.written
        return Noted(self.session_id, self.written, self._last_wall, rate)

    # Bytes in

    def receive(self, now: float) -> bool:
        """Read once, and write what came. False if nothing was there.

        Raises StorageFull, StorageFailed.
        """
        try:
            data = self.socket.recv(RECEIVE)
        except BlockingIOError:
            return False
        except OSError:
            data = b""
        if data:
            self.heard = now
            self._protocol.receive_data(data)
        else:
            self._protocol.receive_eof()
        self._take_frames(now)
        if not data and self.ending is None:
            self.end(Ending.LEFT)
        return bool(data)

    def discard(self) -> bool:
        """Read what still comes after the end, for nothing; False when the client is gone.

        A connection that is closed while something is unread is reset, and the last words with it.
        """
        try:
            return bool(self.socket.recv(RECEIVE))
        except BlockingIOError:
            return True
        except OSError:
            return False

    def _take_frames(self, now: float) -> None:
        pieces, ending = [], None
        for event in self._protocol.events_received():
            if not isinstance(event, Frame):
                continue
            if event.opcode in DATA:
                pieces.append(event.data)
            elif event.opcode in (Opcode.TEXT, Opcode.CLOSE):
                ending = Ending.TEXT if event.opcode is Opcode.TEXT else Ending.LEFT
                break
        if pieces:
            self._append(b"".join(pieces), now)
        if ending is not None:
            self.end(ending)
        self._collect()
        if self._protocol.close_expected() and self.ending is None:
            # The library found that the client breaks the protocol, and says so itself.
            self.end(Ending.LEFT)

    def _append(self, data: bytes, now: float) -> None:
        room = self._limits.size - self.written
        if len(data) > room:
            self.end(Ending.SIZE)
            data = data[:room]
        if not data:
            return
        if not self.unsynced:
            self.unsynced_since = now
        try:
            self.recording.append(data)
        finally:
            self.written = self.recording.size
        self._last_wall = self._wall_clock()
        if self._limits.rate:
            self._refill(now)
            self._allowance -= len(data)

    def may_go_on(self, now: float) -> bool:
        """Whether a stream that waits may be read again."""
        self._refill(now)
        return self._allowance > 0

    def _refill(self, now: float) -> None:
        gained = (now - self._allowance_at) * self._limits.rate
        self._allowance = min(float(self._limits.rate), self._allowance + gained)
        self._allowance_at = now

    def take_in_until(self, until: float, ending: Ending) -> None:
        """Have what is on its way come in, then end; the first reason counts."""
        if self.closing_until is None:
            self.closing_until, self.closing = until, ending

    # Words out

    def tell_offset(self) -> None:
        """Tell the client how many bytes are durable: at first, then every so often."""
        if self.ending is not None or len(self._out) >= MOST_TO_SEND:
            return
        if not self._tells_all:
            if self.synced < self._tell_at or self._told >= MOST_TOLD:
                return
            gap = FIRST_TOLD << self._told
            self._tell_at = self.synced + gap
        self._told += 1
        self._protocol.send_text(b'{"offset": %d}' % self.synced)
        self._collect()

    def end(self, ending: Ending, reason: str | None = None) -> None:
        """Note why it ends, the first reason; and tell the client, if it can be told."""
        if self.ending is not None:
            return
        self.ending = ending
        code, text = ending.value
        if ending is not Ending.LEFT and not self._protocol.close_expected():
            said = (reason or text).encode()[:LONGEST_REASON].decode(errors="ignore")
            with contextlib.suppress(Exception):
                self._protocol.send_close(code, said)
        self._collect()

    def _collect(self) -> None:
        for data in self._protocol.data_to_send():
            self._out += data

    def send(self) -> bool:
        """Send what can be sent without waiting. True if that was all."""
        while self._out:
            try:
                sent = self.socket.send(self._out)
            except BlockingIOError:
                return False
            except OSError:
                self._out.clear()
                return True
            del self._out[:sent]
        return True

    def say_goodbye(self) -> None:
        """Say the last words."""
        self.is_finishing = False
        self.is_closed = True
        self.send()
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_WR)
