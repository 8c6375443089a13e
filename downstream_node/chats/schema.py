"""The schema of the archive: made and changed by migrations of its own, checked before use."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from downstream_node.errors import ArchiveUnavailable

MIGRATIONS = str(Path(__file__).parent / "migrations")
VERSION_TABLE = "chats_version"
"""Not Alembic's usual name: the archive may share a database with the node."""


def is_current(connection: Connection) -> bool:
    """Whether the newest migration has run."""
    context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
    return context.get_current_revision() == ScriptDirectory(MIGRATIONS).get_current_head()


def upgrade(connection: Connection) -> None:
    """Bring the schema up to date, within the transaction that *connection* is in.

    Raises ArchiveUnavailable if a later version of the program has been here.
    """
    context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
    current = context.get_current_revision()
    scripts = ScriptDirectory(MIGRATIONS)
    known = {script.revision for script in scripts.walk_revisions()}
    if current is not None and current not in known:
        raise ArchiveUnavailable(
            f"The archive has schema {current}, this version of the program knows none after "
            f"{scripts.get_current_head()}."
        )
    if current == scripts.get_current_head():
        return
    config = Config()
    config.set_main_option("script_location", MIGRATIONS)
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
