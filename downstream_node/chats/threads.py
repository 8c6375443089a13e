"""Work that one thread does ahead of another: what it makes waits in a short queue."""

import queue
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

Item = TypeVar("Item")


class _End:
    """The end of the items: all were made, or *error* was raised."""

    def __init__(self, error: BaseException | None) -> None:
        self.error = error


class _Ahead(Generic[Item]):
    """One thread that goes through *items* and one that takes them."""

    def __init__(self, items: Iterable[Item], most: int) -> None:
        self._items = items
        self._queue: queue.Queue[Item | _End] = queue.Queue(most)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._work, name="reading ahead", daemon=True)

    def __iter__(self) -> Iterator[Item]:
        while True:
            item = self._queue.get()
            if not isinstance(item, _End):
                yield item
            elif item.error is not None:
                raise item.error
            else:
                return

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread, wherever it is, and wait for it."""
        self._stopped.set()
        while self._thread.is_alive():
            # It may wait for a place in the queue.
            self._drain()
            self._thread.join(timeout=0.01)

    def _drain(self) -> None:
        while True:
            try:
                self._queue.get_nowait()
            except queue.Empty:
                return

    def _work(self) -> None:
        try:
            for item in self._items:
                self._queue.put(item)
                if self._stopped.is_set():
                    return
            end = _End(None)
        except BaseException as error:  # noqa: BLE001 - it is raised in the other thread
            end = _End(error)
        self._queue.put(end)


@contextmanager
def ahead(items: Iterable[Item], most: int) -> Iterator[Iterator[Item]]:
    """*items*, made by another thread that is at most so many ahead; it ends with the block.

    What it raises is raised here, where the item would be.
    """
    working = _Ahead(items, most)
    working.start()
    try:
        yield iter(working)
    finally:
        working.stop()
