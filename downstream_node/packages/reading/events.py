"""The analytics of a package: lines of JSON, one event each, counted by kind. Pure.

Every line is decoded in full, so that a broken one is known to be broken whatever it is about;
what is taken of it are the fields that some kind uses.
"""

from collections.abc import Callable, Iterable

import msgspec

from downstream_node.packages.reading.activity import Activity, day_of, hour_of
from downstream_node.packages.reading.documents import UNREADABLE_JSON, Id
from downstream_node.packages.reading.problems import Problem, Problems
from downstream_node.packages.reading.sessions import Mark
from downstream_node.packages.reading.stamps import minute_of
from downstream_node.packages.reading.voice import Join

LINE = "line of the analytics"
EVENT = "event"
NULL = "null"
"""What a client writes as its own time when it has none."""
NO_APPLICATION = "-1"

PLAIN = {
    name: name
    for name in (
        *("email_opened", "login_successful", "app_crashed", "user_avatar_updated"),
        *("oauth2_authorize_accepted", "remote_auth_login", "notification_clicked"),
        *("captcha_served", "voice_message_recorded", "message_reported", "message_edited"),
        "premium_upsell_viewed",
    )
} | {"app_native_crash": "app_crashed"}
"""Events of which only the number on a day is kept, by the name under which it is."""


class Event(msgspec.Struct, gc=False):
    """The fields that some kind of event uses."""

    event_type: str | None = None
    timestamp: str | None = None
    client_track_timestamp: str | None = None
    channel_id: Id | None = None
    guild_id: Id | None = None
    os: str | None = None
    application_id: Id | None = None
    emoji_name: str | None = None
    emoji_id: Id | None = None


class Kind(msgspec.Struct, gc=False):
    """The one field by which an event is known."""

    event_type: str | None = None


class Incomplete(Exception):
    """The event lacks a field without which it cannot be counted."""


decode = msgspec.json.Decoder(Event).decode
decode_kind = msgspec.json.Decoder(Kind).decode


class Events:
    """The events read so far: counts for `activity`, and what voice and sessions are made of."""

    def __init__(self, activity: Activity, problems: Problems) -> None:
        self.lines = 0
        """How many lines are events, of whichever kind."""
        self.joins: list[Join] = []
        self.leaves: list[tuple[int, str]] = []
        self.sessions: list[Mark] = []
        self._activity = activity
        self._problems = problems
        self._takers: dict[str | None, Callable[[Event], None]] = {
            "join_voice_channel": self._join,
            "leave_voice_channel": self._leave,
            "session_start": self._session_start,
            "session_end": self._session_end,
            "guild_joined": self._guild,
            "application_command_used": self._command,
            "add_reaction": self._reaction,
            "app_opened": self._opened,
            **dict.fromkeys(PLAIN, self._plain),
        }

    def __len__(self) -> int:
        """How many things are held."""
        return len(self._activity) + len(self.joins) + len(self.leaves) + len(self.sessions)

    def give_up(self) -> None:
        """Forget what voice and sessions are made of."""
        self.joins, self.leaves, self.sessions = [], [], []

    def read(self, batch: Iterable[bytes]) -> None:
        """Count the events of these lines."""
        takers = self._takers.get
        read = 0
        for line in filter(None, batch):
            try:
                event = decode(line)
            except UNREADABLE_JSON:
                read += self._unread(line)
                continue
            if event.event_type is not None:
                read += 1
                taker = takers(event.event_type)
                if taker is not None:
                    self._take(taker, event)
        self.lines += read

    def _unread(self, line: bytes) -> bool:
        """Count a *line* that is no event of ours; whether it is one that nobody uses."""
        if not line.strip():
            return False
        try:
            kind = decode_kind(line).event_type
        except UNREADABLE_JSON:
            kind = None
        if kind is None or kind in self._takers:
            self._problems.add(LINE, Problem.BROKEN)
            return False
        return True

    def _take(self, taker: Callable[[Event], None], event: Event) -> None:
        """Have *event* counted; what lacks a field or has no sound time is a problem."""
        try:
            taker(event)
        except Incomplete:
            self._problems.add(EVENT, Problem.INCOMPLETE)
        except ValueError:
            self._problems.add(EVENT, Problem.BROKEN)

    def _text(self, value: str | int | None) -> str:
        """*value* as text, each held once. Raises Incomplete without one."""
        return self._activity.once(needed(value))

    def _join(self, event: Event) -> None:
        if event.channel_id is not None:
            guild = None if event.guild_id is None else self._text(event.guild_id)
            self.joins.append(Join(voice_minute(event), self._text(event.channel_id), guild))

    def _leave(self, event: Event) -> None:
        if event.channel_id is not None:
            self.leaves.append((voice_minute(event), self._text(event.channel_id)))

    def _session_start(self, event: Event) -> None:
        if event.os is not None:
            self.sessions.append((minute(event), self._text(event.os)))

    def _session_end(self, event: Event) -> None:
        if event.os is not None:
            self.sessions.append((minute(event), None))

    def _guild(self, event: Event) -> None:
        guild = self._text(event.guild_id)
        self._activity.add("guild_joined", hour_of(minute(event)), guild=guild)

    def _command(self, event: Event) -> None:
        application = self._text(event.application_id)
        if application != NO_APPLICATION and event.guild_id is not None:
            day = day_of(minute(event))
            guild = self._text(event.guild_id)
            self._activity.add("application_command_used", day, user=application, guild=guild)

    def _reaction(self, event: Event) -> None:
        channel = self._text(event.channel_id)
        emoji = self._text(event.emoji_name)
        custom = "0" if event.emoji_id is None else "1"
        day = day_of(minute(event))
        self._activity.add("add_reaction", day, channel=channel, extra_1=emoji, extra_2=custom)

    def _opened(self, event: Event) -> None:
        if event.os is not None:
            self._activity.add("app_opened", day_of(minute(event)), extra_1=self._text(event.os))

    def _plain(self, event: Event) -> None:
        name = PLAIN[event.event_type or ""]
        self._activity.add(name, day_of(minute(event)))


def needed(value: str | int | None) -> str:
    """*value* as text. Raises Incomplete without one."""
    if value is None:
        raise Incomplete
    return str(value)


def minute(event: Event) -> int:
    """When the server saw *event*. Raises Incomplete, ValueError."""
    return minute_of(needed(event.timestamp))


def voice_minute(event: Event) -> int:
    """When *event* was, by the client if it says so. Raises Incomplete, ValueError."""
    own = event.client_track_timestamp
    return minute(event) if own is None or own == NULL else minute_of(own)
