"""How far a reading is, told to whoever waits for it; and whether it is still wanted. Pure."""

from collections.abc import Callable
from enum import StrEnum

from downstream_node.errors import PackageCancelled


class Step(StrEnum):
    """What is being done with a package, in this order."""

    CHECKING = "checking"
    ACCOUNT = "account"
    MESSAGES = "messages"
    ANALYTICS = "analytics"
    SESSIONS = "sessions"
    WRITING = "writing"


Progress = Callable[[Step, float], None]
"""Takes a step and how much of it is done, from 0.0 to 1.0. Called some thousand times."""
Cancelled = Callable[[], bool]
"""Whether the package is no longer wanted. Called some thousand times: it must be cheap."""


class Watch:
    """Tells of progress; stops a reading that nobody wants any more."""

    def __init__(self, progress: Progress, cancelled: Cancelled) -> None:
        self._progress = progress
        self._cancelled = cancelled
        self.step = Step.CHECKING
        self._expected = 0
        self._done = 0

    def begin(self, step: Step, expected: int = 0) -> None:
        """Begin *step*, of which *expected* units are to be done, as far as one knows."""
        self.step, self._expected, self._done = step, expected, 0
        self.moved(0)

    def moved(self, units: int) -> None:
        """*units* more are done. Raises PackageCancelled."""
        if self._cancelled():
            raise PackageCancelled
        self._done += units
        # What is expected comes from the package's own headers, which may say anything.
        self._progress(self.step, min(1.0, self._done / self._expected) if self._expected else 0.0)
