"""Words that columns and answers have in common."""

from enum import StrEnum


class State(StrEnum):
    """Where a session stands."""

    ACTIVE = "active"
    CLOSED = "closed"


class End(StrEnum):
    """Who or what ended a session."""

    USER = "user"
    STALE = "stale"
    OPERATOR = "operator"


class Reason(StrEnum):
    """What a player is reported for."""

    BOT = "bot"
    CHEATER = "cheater"


class Verdict(StrEnum):
    """What a reviewer says of a player."""

    NONE = "none"
    BENIGN = "benign"
    INCONCLUSIVE = "inconclusive"
    CONFIRMED = "confirmed"
    ERROR = "error"


class Scope(StrEnum):
    """What a key is good for."""

    UPLOAD = "upload"
    ANALYST = "analyst"
    REVIEWER = "reviewer"
    BLOCKED = "blocked"
    """Good for nothing, and no new key is given: the operator has shut this user out."""
