"""Bodies of requests about recordings that are there."""

from typing import Annotated

import msgspec
from msgspec import Meta

from downstream_node.demos.states import Reason, Verdict

MOST_AT_ONCE = 1000

SessionId = str | int
"""In a body either will do."""


class Report(msgspec.Struct, frozen=True):
    """Who is reported, in which session, for what."""

    session_id: SessionId
    target_steam_id: int | str
    reason: Reason


class Review(msgspec.Struct, frozen=True):
    """What a reviewer makes of a player in a session."""

    session_id: SessionId
    target_steam_id: int | str
    verdict: Verdict


class Ingest(msgspec.Struct, frozen=True):
    """Sessions whose analysis lies in the node's folder, and analyses by session."""

    session_ids: Annotated[list[SessionId], Meta(max_length=MOST_AT_ONCE)] = []
    analyses: Annotated[dict[str, msgspec.Raw], Meta(max_length=MOST_AT_ONCE)] = {}
