"""All streams of one process: one thread reads the sockets, a few others make bytes durable.

A thread of the server accepts a connection and hands its socket over (`routes`); it is free
again while the stream goes on for hours. So the number of streams does not depend on the number
of the server's threads. The WebSocket protocol itself is the library's, without its input and
output: bytes in, frames out.

Bytes are written as they come and acknowledged, as the text {"offset": n}, when they are durable.
"""

import contextlib
import logging
import queue
import resource
import selectors
import socket
import threading
from collections.abc import Callable

from downstream_node.clock import monotonic
from downstream_node.demos import queries
from downstream_node.demos.spool import Spool, Wish, spool_of
from downstream_node.demos.streams import Ending, Limits, Stream
from downstream_node.errors import Busy, DownstreamError
from downstream_node.node import Node

log = logging.getLogger(__name__)

LOOK_SECONDS = 0.05
"""How often it looks at the bell and at what is due."""
NOTE_SECONDS = 5.0
SYNC_SECONDS = 1.0
SYNC_BYTES = 8 << 20
MOST_UNSYNCED = 32 << 20
"""A stream is not read further while so many of its bytes are not durable."""
SYNCERS = 4
STOP_SECONDS = 20.0
QUIET_SECONDS = 0.1
CLOSING_SECONDS = 2.0
"""What is on its way when a session is closed is taken in until it is quiet, or for so long."""
GOODBYE_SECONDS = 2.0
"""How long a client may take to hear why its stream has ended."""
OTHER_FILES = 256
"""Open files of a process besides its streams."""


class Streamer:
    """The streams of this process. Threads start with the first one."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._spool: Spool = spool_of(node)
        self._limits = Limits.of(node.settings)
        self._selector = selectors.DefaultSelector()
        self._streams: dict[str, Stream] = {}
        self._ended: list[Stream] = []
        self._leaving: dict[Stream, float] = {}
        self._is_noting = False
        self._calls: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._syncs: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._notes: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._alarm, self._wake = socket.socketpair()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._stopping = False
        self._rung = 0
        self._due = (0.0, 0.0)

    # From any thread

    @property
    def is_full(self) -> bool:
        """Whether there are as many streams as there may be."""
        return len(self._streams) >= self._node.settings.DEMOS_MOST_STREAMS

    def add(self, stream: Stream) -> None:
        """Go on with this stream; it is ours from now on."""
        with self._lock:
            if self._stopping:
                stream.socket.close()
                raise Busy("The node stops: try again.")
            if self._thread is None:
                self._start()
        self._call(lambda: self._begin(stream))

    def close(self) -> None:
        """Take what has arrived, make it durable, and end all streams: clients come back."""
        with self._lock:
            thread, self._stopping = self._thread, True
        if thread is not None:
            self._ring_alarm()
            thread.join(STOP_SECONDS)
        for _ in range(SYNCERS):
            self._syncs.put(None)
        self._notes.put(None)

    def _call(self, function: Callable[[], None]) -> None:
        self._calls.put(function)
        self._ring_alarm()

    def _ring_alarm(self) -> None:
        with contextlib.suppress(BlockingIOError):
            self._wake.send(b"!")

    def _start(self) -> None:
        raise_file_limit(2 * self._node.settings.DEMOS_MOST_STREAMS + OTHER_FILES)
        self._spool.prepare()
        for end in (self._alarm, self._wake):
            end.setblocking(False)
        self._selector.register(self._alarm, selectors.EVENT_READ)
        self._thread = threading.Thread(target=self._run, name="streams", daemon=True)
        self._thread.start()
        for number in range(SYNCERS):
            name = f"syncer {number}"
            threading.Thread(target=work_off, args=(self._syncs,), name=name, daemon=True).start()
        # Its own: a database that hangs must not keep bytes from becoming durable.
        threading.Thread(target=work_off, args=(self._notes,), name="notes", daemon=True).start()

    # In the thread that reads

    def _run(self) -> None:
        while not (self._stopping and not self._streams and not self._leaving):
            try:
                self._turn()
            except Exception:
                log.exception("The streams go on after an error.")
        self._note()

    def _turn(self) -> None:
        for key, events in self._selector.select(LOOK_SECONDS):
            if key.data is None:
                with contextlib.suppress(BlockingIOError):
                    self._alarm.recv(4096)
                continue
            self._serve(key.data, events)
        while not self._calls.empty():
            self._calls.get()()
        now = monotonic()
        if self._stopping:
            for stream in self._streams.values():
                stream.take_in_until(now + CLOSING_SECONDS, Ending.RESTART)
        look, note = self._due
        if now >= look:
            self._look(now)
            look = now + LOOK_SECONDS
        if now >= note:
            self._note()
            note = now + NOTE_SECONDS
        self._due = (look, note)

    def _begin(self, stream: Stream) -> None:
        self._streams[stream.session_id] = stream
        stream.tell_offset()
        self._watch(stream)

    def _serve(self, stream: Stream, events: int) -> None:
        """Read what a stream has brought, and send what it is to be told."""
        if stream.is_closed:
            if not stream.discard():
                self._forget(stream)
            return
        try:
            if events & selectors.EVENT_READ:
                stream.receive(monotonic())
                if stream.unsynced >= SYNC_BYTES:
                    self._make_durable(stream)
            if stream.ending is not None and not stream.is_finishing:
                self._finish(stream)
        except DownstreamError as error:
            # The disk is full, say. What is in the file stays, and the client is told.
            stream.end(Ending.STORAGE, str(error))
            self._finish(stream)
        self._watch(stream)

    def _watch(self, stream: Stream) -> None:
        """Wait for what this stream may do next."""
        events = 0
        if stream.wants_bytes and stream.unsynced < MOST_UNSYNCED:
            events |= selectors.EVENT_READ
        if stream.has_to_send:
            events |= selectors.EVENT_WRITE if not stream.send() else 0
        if events == stream.watched:
            return
        if not stream.watched:
            self._selector.register(stream.socket, events, stream)
        elif not events:
            self._selector.unregister(stream.socket)
        else:
            self._selector.modify(stream.socket, events, stream)
        stream.watched = events

    def _make_durable(self, stream: Stream) -> None:
        """Have what was written so far synced, unless that is going on."""
        if stream.is_syncing or stream.is_finishing:
            return
        stream.is_syncing = True
        stream.unsynced_since = monotonic()
        written = stream.written

        def work() -> None:
            problem = None
            try:
                stream.recording.sync()
            except DownstreamError as error:
                problem = str(error)
            self._call(lambda: self._durable(stream, written, problem))

        self._syncs.put(work)

    def _durable(self, stream: Stream, offset: int, problem: str | None) -> None:
        stream.is_syncing = False
        if stream.is_closed:
            return
        if problem is not None:
            self._give_up(stream, problem)
        else:
            stream.synced = offset
            stream.tell_offset()
        if stream.ending is not None:
            self._finish(stream)
        elif stream.unsynced >= SYNC_BYTES:
            self._make_durable(stream)
        self._watch(stream)

    def _give_up(self, stream: Stream, problem: str) -> None:
        """The disk did not keep what was written: only what is known to be durable stays.

        The system reports such an error once, and would call the same bytes durable afterwards.
        """
        stream.end(Ending.STORAGE, problem)
        try:
            stream.recording.cut(stream.synced)
        except DownstreamError as error:
            log.error("A recording may have bytes that are not durable: %s", error)  # noqa: TRY400
        stream.written = stream.synced

    def _end(self, stream: Stream, ending: Ending) -> None:
        """End a stream to which nothing comes."""
        if stream.ending is None:
            stream.end(ending)
            self._finish(stream)
            self._watch(stream)

    def _finish(self, stream: Stream) -> None:
        """The last sync; the file is free before the client hears that the stream has ended."""
        if stream.is_finishing or stream.is_syncing:
            return
        stream.is_finishing = True

        def work() -> None:
            try:
                if stream.unsynced:
                    stream.recording.sync()
            except DownstreamError as error:
                self._give_up(stream, str(error))
            finally:
                stream.recording.close()
                self._call(lambda: self._finished(stream))

        self._syncs.put(work)

    def _finished(self, stream: Stream) -> None:
        stream.say_goodbye()
        self._ended.append(stream)
        self._leaving[stream] = monotonic() + GOODBYE_SECONDS
        if not stream.watched:
            self._selector.register(stream.socket, selectors.EVENT_READ, stream)
        else:
            self._selector.modify(stream.socket, selectors.EVENT_READ, stream)
        stream.watched = selectors.EVENT_READ
        # The same session may have been taken up by another connection to this process.
        if self._streams.get(stream.session_id) is stream:
            del self._streams[stream.session_id]

    def _forget(self, stream: Stream) -> None:
        """End the connection of a stream that has ended."""
        del self._leaving[stream]
        self._selector.unregister(stream.socket)
        stream.socket.close()

    def _look(self, now: float) -> None:
        """The bell, and what is due."""
        rung = self._spool.last_rung()
        wishes = self._spool.wishes() if rung != self._rung else {}
        # A wish that cannot be followed yet is heard again at the next look.
        self._rung = 0 if any(Wish.YIELD in wish for wish in wishes.values()) else rung
        for stream in [one for one, until in self._leaving.items() if now >= until]:
            self._forget(stream)
        for stream in list(self._streams.values()):
            self._look_at(stream, wishes.get(stream.session_id, set()), now)
            if stream.is_waiting and stream.may_go_on(now):
                self._watch(stream)

    def _look_at(self, stream: Stream, wish: set[str], now: float) -> None:
        """End what is to end, and have what is there for long made durable."""
        silent = now - stream.heard
        if Wish.END in wish:
            stream.take_in_until(now + CLOSING_SECONDS, Ending.CLOSED)
        if stream.closing_until is not None:
            if silent >= QUIET_SECONDS or now >= stream.closing_until:
                self._end(stream, stream.closing)
        elif Wish.YIELD in wish and silent >= self._limits.takeover:
            self._end(stream, Ending.REPLACED)
        elif silent >= self._limits.idle:
            self._end(stream, Ending.IDLE)
        elif now >= stream.until:
            self._end(stream, Ending.TIME)
        elif stream.unsynced and now - stream.unsynced_since >= SYNC_SECONDS:
            self._make_durable(stream)

    def _note(self) -> None:
        """Have the rows say how far the streams are."""
        going_on = [stream.noted(NOTE_SECONDS) for stream in self._streams.values()]
        # Of a session that was taken up again the newer note counts.
        noted = [stream.noted() for stream in self._ended if stream.session_id not in self._streams]
        noted += going_on
        self._ended.clear()
        if not noted or self._is_noting:
            return
        self._is_noting = True

        def work() -> None:
            try:
                self._node.database.write(lambda connection: queries.note(connection, noted))
            finally:
                self._is_noting = False

        self._notes.put(work)


def work_off(works: "queue.SimpleQueue[Callable[[], None] | None]") -> None:
    """Do what comes, until None comes."""
    while (work := works.get()) is not None:
        try:
            work()
        except Exception:
            log.exception("Something of a stream could not be made durable or noted.")


def raise_file_limit(wanted: int) -> None:
    """Let this process have more files open, as far as the system allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
