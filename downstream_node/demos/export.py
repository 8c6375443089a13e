"""Tables of recordings and reports for analysts, read and sent piece by piece."""

from collections.abc import Iterator
from enum import StrEnum
from functools import partial
from itertools import chain

from sqlalchemy import Connection, select, tuple_

from downstream_node.clock import WallTime, iso
from downstream_node.database import AnyRow
from downstream_node.demos.models import DemoReport, DemoSession
from downstream_node.demos.states import State
from downstream_node.node import Node
from downstream_node.spreadsheets import csv_pieces, plain

ROWS = 1000
"""Rows that are in memory at a time."""

Cells = list[object]


class Table(StrEnum):
    """What can be exported."""

    SESSIONS = "demo_sessions"
    REPORTS = "reports"


SESSION_CELLS = (
    *("session_id", "steam_id", "demo_name", "active", "start_time", "end_time", "fake_ip", "map"),
    *("ingested", "demo_size", "late_bytes", "markov_score", "zero_run", "sha256", "header_map"),
    *("header_server", "header_player", "header_ticks", "header_seconds", "pruned"),
    "prune_reason",
)
"""The document's columns first, as far as they mean something here."""
REPORT_CELLS = ("session_id", "target_steam_id", "created_at", "reason")

COLUMNS = (
    *(DemoSession.id, DemoSession.session_id, DemoSession.user, DemoSession.name),
    *(DemoSession.state, DemoSession.started, DemoSession.ended, DemoSession.fake_ip),
    *(DemoSession.map, DemoSession.is_ingested, DemoSession.size, DemoSession.late_bytes),
    *(DemoSession.score, DemoSession.zero_run, DemoSession.sha256, DemoSession.header_map),
    *(DemoSession.header_server, DemoSession.header_player, DemoSession.header_ticks),
    *(DemoSession.header_seconds, DemoSession.pruned, DemoSession.prune_reason),
)


def csv_of(node: Node, table: Table, since: int = 0) -> Iterator[str]:
    """*table* as CSV with a header: sessions started, or reports made, at *since* or later.

    Ids keep all their digits. A text that a spreadsheet would run as a formula has a quote
    before it.
    """
    if table is Table.SESSIONS:
        return csv_pieces(chain([[list(SESSION_CELLS)]], session_pages(node, since)))
    return csv_pieces(chain([[list(REPORT_CELLS)]], report_pages(node, since)))


def session_pages(node: Node, since: int) -> Iterator[list[Cells]]:
    """Sessions in the order in which they began to be kept."""
    after = 0
    while rows := node.database.read(partial(sessions_behind, after=after, since=since)):
        yield [session_cells(row) for row in rows]
        after = rows[-1].id


def sessions_behind(connection: Connection, *, after: int, since: int) -> list[AnyRow]:
    """The next sessions behind the row *after*."""
    query = select(*COLUMNS).where(DemoSession.id > after, DemoSession.started >= since)
    return list(connection.execute(query.order_by(DemoSession.id).limit(ROWS)).all())


def session_cells(row: AnyRow) -> Cells:
    """One session."""
    return [
        row.session_id,
        row.user,
        plain(row.name),
        row.state == State.ACTIVE,
        iso(WallTime(row.started)),
        when(row.ended),
        plain(row.fake_ip),
        plain(row.map),
        row.is_ingested,
        row.size,
        hexed(row.late_bytes),
        row.score,
        row.zero_run,
        hexed(row.sha256),
        plain(row.header_map),
        plain(row.header_server),
        plain(row.header_player),
        row.header_ticks,
        row.header_seconds,
        when(row.pruned),
        plain(row.prune_reason),
    ]


def report_pages(node: Node, since: int) -> Iterator[list[Cells]]:
    """Reports by session."""
    after = (0, 0)
    while rows := node.database.read(partial(reports_behind, after=after, since=since)):
        yield [[row.session_id, row.target, when(row.created), row.reason] for row in rows]
        after = (rows[-1].session, rows[-1].target)


def reports_behind(connection: Connection, *, after: tuple[int, int], since: int) -> list[AnyRow]:
    """The next reports behind this key."""
    key = tuple_(DemoReport.session, DemoReport.target)
    columns = (DemoReport.session, DemoReport.target, DemoReport.created, DemoReport.reason)
    query = select(*columns, DemoSession.session_id)
    query = query.join(DemoSession, DemoSession.id == DemoReport.session)
    query = query.where(key > after, DemoReport.created >= since)
    ordered = query.order_by(DemoReport.session, DemoReport.target).limit(ROWS)
    return list(connection.execute(ordered).all())


def when(wall: int | None) -> str | None:
    """A date, nothing if there is none."""
    return None if wall is None else iso(WallTime(wall))


def hexed(data: bytes | None) -> str | None:
    """Bytes in hex, nothing if there are none."""
    return None if data is None else data.hex()
