"""The migration of the tables of keys makes what their models say."""

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from simulator import SimulatedNode

from downstream_node.chats.models import ArchiveKey, ArchivePublished
from downstream_node.database import Base

TABLES = {ArchiveKey.__tablename__, ArchivePublished.__tablename__}


def is_ours(_thing: object, name: str | None, kind: str, *_more: object) -> bool:
    """Whether the comparison is to look at this table (and all that belongs to it)."""
    return kind != "table" or name in TABLES


def test_models_and_migration_agree(node: SimulatedNode) -> None:
    """There is nothing left to migrate, on any database."""
    with node.parts.database.reading() as connection:
        options = {"compare_type": True, "include_object": is_ours}
        context = MigrationContext.configure(connection, opts=options)
        assert list(compare_metadata(context, Base.metadata)) == []
