"""Recordings as they are listed: by whom, where, when, reported for what; page by page.

Times are wall time in milliseconds, sizes bytes.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, func, or_, select
from sqlalchemy.sql.selectable import ScalarSelect

from downstream_node.database import MOST_PARAMETERS
from downstream_node.demos.models import DemoReport, DemoSession, DemoUser
from downstream_node.demos.states import Reason, State
from downstream_node.errors import DemoRefused
from downstream_node.node import Node
from downstream_node.web import is_whole_number

MOST = 50
"""Recordings on a page of the document's routes, and where nobody says how many."""
MOST_LIVE = 1000

INVALID_CURSOR = "Invalid after: it must be what the page before gave."
DIGITS = 19


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """Which recordings; what is None does not matter."""

    state: State | None = State.CLOSED
    user: int | None = None
    map: str | None = None
    """The map, as the client said or as the recording's header says."""
    server: str | None = None
    """Part of the server's address, or of its name in the recording's header."""
    first: int | None = None
    """Started then or later."""
    beyond: int | None = None
    """Started before."""
    reported: bool | None = None
    reason: Reason | None = None
    """Somebody was reported for this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Demo:
    """One recording as its row has it, without its late bytes; and how many were reported."""

    id: int
    session_id: str
    user: int
    state: str
    name: str
    map: str
    fake_ip: str
    started: int
    ended: int | None
    ended_by: str | None
    size: int
    last_byte: int | None
    bytes_per_second: int
    is_filed: bool
    sha256: bytes | None
    header_map: str | None
    header_server: str | None
    header_player: str | None
    header_ticks: int | None
    header_frames: int | None
    header_seconds: float | None
    header_problem: str | None
    is_ingested: bool
    pruned: int | None
    prune_reason: str | None
    score: float | None
    zero_run: int | None
    reports: int
    """Players who are reported."""


COLUMNS = tuple(
    getattr(DemoSession, name) for name in Demo.__dataclass_fields__ if name != "reports"
)


@dataclass(frozen=True, slots=True)
class Page:
    """Some recordings, in order."""

    rows: list[Demo]
    next: str | None
    """What to list after; None: there are no more."""


def page(  # noqa: PLR0913 - as many things are said of a page
    node: Node,
    filters: Filters,
    after: str | None = None,
    limit: int = MOST,
    *,
    offset: int = 0,
    newest: bool = False,
) -> Page:
    """Up to *limit* recordings behind the cursor *after*, by start and id (the *newest* first).

    *offset* skips so many more: for pages with numbers, whose cost grows with them.
    Raises DemoRefused (400) for a cursor that is none.
    """
    keys = (DemoSession.started, DemoSession.id)
    order = [column.desc() for column in keys] if newest else keys
    # First the rows, then what is in them: what is skipped is not read.
    wanted = select(DemoSession.id).where(*conditions_of(filters), *behind(after, newest))
    chosen = wanted.order_by(*order).limit(limit + 1).offset(offset).subquery()
    query = select(*COLUMNS, reports_of().label("reports"))
    query = query.join(chosen, chosen.c.id == DemoSession.id).order_by(*order)
    found = node.database.read(lambda connection: connection.execute(query).mappings().all())
    rows = [Demo(**row) for row in found[:limit]]
    more = len(found) > limit and rows
    return Page(rows, f"{rows[-1].started}-{rows[-1].id}" if more else None)


def conditions_of(filters: Filters) -> list[ColumnElement[bool]]:
    """What a row has to be for *filters*."""
    wanted: list[ColumnElement[bool]] = []
    for column, value in (
        (DemoSession.state, filters.state),
        (DemoSession.user, filters.user),
    ):
        if value is not None:
            wanted.append(column == value)
    if filters.map is not None:
        wanted.append(or_(DemoSession.map == filters.map, DemoSession.header_map == filters.map))
    if filters.server is not None:
        part = filters.server.lower()
        places = (DemoSession.fake_ip, DemoSession.header_server)
        wanted.append(or_(*(func.lower(at).contains(part, autoescape=True) for at in places)))
    if filters.first is not None:
        wanted.append(DemoSession.started >= filters.first)
    if filters.beyond is not None:
        wanted.append(DemoSession.started < filters.beyond)
    if filters.reported is not None:
        there = reports_on().exists()
        wanted.append(there if filters.reported else ~there)
    if filters.reason is not None:
        wanted.append(reports_on().where(DemoReport.reason == filters.reason).exists())
    return wanted


def reports_on() -> Any:  # noqa: ANN401 - a SELECT without columns of its own
    """The reports on the session of the outer query."""
    return select(DemoReport.target).where(DemoReport.session == DemoSession.id)


def reports_of() -> ScalarSelect[int]:
    """How many reports there are on the session of the outer query."""
    query = select(func.count()).select_from(DemoReport)
    return query.where(DemoReport.session == DemoSession.id).scalar_subquery()


def behind(cursor: str | None, newest: bool) -> list[ColumnElement[bool]]:
    """What is behind *cursor* in the order. Raises DemoRefused (400)."""
    if not cursor:
        return []
    texts = cursor.split("-")
    if len(texts) != len(("started", "id")) or not all(map(is_number, texts)):
        raise DemoRefused(HTTPStatus.BAD_REQUEST, INVALID_CURSOR)
    started, number = map(int, texts)
    at, identity = DemoSession.started, DemoSession.id
    # The plain bound on the first column, which says less, lets an index find the place.
    if newest:
        return [at <= started, or_(at < started, and_(at == started, identity < number))]
    return [at >= started, or_(at > started, and_(at == started, identity > number))]


def is_number(text: str) -> bool:
    """Whether *text* is a number that fits a column."""
    return is_whole_number(text, DIGITS) and int(text) < 1 << 63


def one(node: Node, session_id: str) -> Demo | None:
    """The recording with this id, whatever its state."""
    query = select(*COLUMNS, reports_of().label("reports"))
    query = query.where(DemoSession.session_id == session_id)
    row = node.database.read(lambda connection: connection.execute(query).mappings().first())
    return None if row is None else Demo(**row)


def mine(  # noqa: PLR0913 - as `page`
    node: Node,
    user: int,
    after: str | None = None,
    limit: int = MOST,
    *,
    state: State | None = State.CLOSED,
    newest: bool = False,
) -> Page:
    """The recordings of one user, as `page`."""
    return page(node, Filters(user=user, state=state), after, limit, newest=newest)


def live(node: Node, user: int | None = None) -> list[Demo]:
    """The sessions that go on now (of one user), the longest first; MOST_LIVE at most.

    Their sizes and bytes per second are as they were noted a few seconds ago.
    """
    return page(node, Filters(state=State.ACTIVE, user=user), None, MOST_LIVE).rows


# Who uploaded what, for those who are not to be told


def anonymous_id(uploader: int, requester: int) -> str:
    """The document's name for an uploader: another one for everybody who asks.

    What it is worth: it keeps two analysts from comparing their lists, and a list from naming
    people at a glance. It hides nobody from an analyst who tries: Steam ids are public, and the
    hash of each can be computed.
    """
    return hashlib.sha256(f"{uploader}{requester}".encode()).hexdigest()


def uploader_of(node: Node, anonymous: str, requester: int) -> int | None:
    """Whose anonymous id this is to *requester*; it takes a hash for each user."""
    after = 0
    while users := node.database.read(partial(users_after, after=after)):
        for user in users:
            if anonymous_id(user, requester) == anonymous:
                return user
        after = users[-1]
    return None


def users_after(connection: Connection, *, after: int) -> Sequence[int]:
    """The next users behind *after*."""
    query = select(DemoUser.steam_id).where(DemoUser.steam_id > after).order_by(DemoUser.steam_id)
    return connection.execute(query.limit(MOST_PARAMETERS)).scalars().all()
