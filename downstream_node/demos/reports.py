"""Reports: a user of the platform takes a player of a session for a bot or a cheater."""

from http import HTTPStatus
from typing import Any

from sqlalchemy import Connection, select, update

from downstream_node.clock import WallTime
from downstream_node.database import AnyRow, insert_missing
from downstream_node.demos import ids, steam_access
from downstream_node.demos.models import DemoReport, DemoSession
from downstream_node.demos.states import Reason
from downstream_node.errors import DemoRefused, SteamFailed
from downstream_node.node import Node
from downstream_node.web import is_whole_number

FIRST_PLAYER = 0x0110000100000000
"""The 64-bit Steam id of account 0: universe public, type individual, instance desktop."""
ACCOUNTS = 1 << 32
MOST_DIGITS = 20

UNKNOWN_TARGET = "Unknown target_steam_id!"


def add(  # noqa: PLR0913, PLR0917 - what a report says
    node: Node,
    reporter: int,
    session_id: str | int,
    target: str | int,
    reason: Reason,
    now: WallTime,
) -> None:
    """Report *target*; of who is reported in this session already, the reason changes.

    Raises DemoRefused: 403 for somebody whom Steam does not know, 402 for an unknown session, 503
    if Steam does not answer.
    """
    player = player_in(target)
    if player is None or not exists(node, player):
        raise DemoRefused(HTTPStatus.FORBIDDEN, UNKNOWN_TARGET)

    def work(connection: Connection) -> None:
        session = locked(connection, session_id)
        put(connection, session, player, reason=reason, reporter=reporter, now=now)

    node.database.write(work)


def player_in(value: str | int) -> int | None:
    """The Steam id of a player that *value* is; None: it has not the form of one."""
    text = str(value)
    if not is_whole_number(text, MOST_DIGITS):
        return None
    number = int(text)
    return number if FIRST_PLAYER < number < FIRST_PLAYER + ACCOUNTS else None


def exists(node: Node, player: int) -> bool:
    """Whether Steam knows *player*; without a key for Steam, that is not asked.

    Raises DemoRefused (503) if Steam does not answer.
    """
    if not node.settings.STEAM_API_KEY:
        return True
    try:
        return steam_access.account(node, player).exists
    except SteamFailed as error:
        message = f"The player cannot be looked up. {error}"
        raise DemoRefused(HTTPStatus.SERVICE_UNAVAILABLE, message) from None


def locked(connection: Connection, session_id: str | int) -> int:
    """The row of a session, locked, so that it is not pruned at this moment.

    Raises DemoRefused (402, as the document has it).
    """
    known = ids.given(session_id)
    query = select(DemoSession.id).where(DemoSession.session_id == known).with_for_update()
    found = connection.execute(query).scalar_one_or_none() if known else None
    if found is None:
        shown = known or "that is no number of 128 bits"
        raise DemoRefused(HTTPStatus.PAYMENT_REQUIRED, f"Unknown session ID {shown}.")
    return found


def put(connection: Connection, session: int, target: int, **said: Any) -> None:  # noqa: ANN401
    """Insert a report, or replace its reason and who says so; it keeps its date."""
    key = {"session": session, "target": target}
    now = said.pop("now")
    insert_missing(connection, DemoReport, **key, **said, created=now)
    connection.execute(update(DemoReport).filter_by(**key).values(**said))


def of(node: Node, session: int) -> list[AnyRow]:
    """The reports on one session (the row's id): target, reason, created; by date."""
    query = select(DemoReport.target, DemoReport.reason, DemoReport.created)
    query = query.where(DemoReport.session == session)
    ordered = query.order_by(DemoReport.created, DemoReport.target)
    return list(node.database.read(lambda connection: connection.execute(ordered).all()))
