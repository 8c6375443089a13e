"""Months as PostgreSQL's partitions. Pure."""

from downstream_node.chats.places import LARGEST, Place, month_start

MONTHS = 12


def bounds_of(month: int) -> tuple[Place, Place]:
    """The first place of *month* and the first one after it."""
    beyond = month_start(month + 1)
    # The last place of all is in the last month: its bound is beyond it.
    return month_start(month), Place(LARGEST + 1) if beyond == LARGEST else beyond


def name_of(month: int) -> str:
    """*month* as in the names of tables, like 2024_04."""
    return f"{month // MONTHS}_{month % MONTHS + 1:02d}"


def piece_name(month: int, piece: int) -> str:
    """The name of the table of this *piece* of *month*."""
    return f"chat_messages_{name_of(month)}_{piece}"
