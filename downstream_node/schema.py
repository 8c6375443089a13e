"""The database schema: made and changed by migrations only, checked before serving."""

from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask
from flask_migrate import upgrade
from sqlalchemy import Connection, String, select
from sqlalchemy.orm import Mapped, mapped_column

from downstream_node.database import MIGRATIONS, Base, insert_missing
from downstream_node.errors import SchemaOutdated, WrongMasterKey
from downstream_node.node import Node


class NodeIdentity(Base):
    """Whose database this is: one row, number 1."""

    __tablename__ = "node"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    key_fingerprint: Mapped[str] = mapped_column(String(32))


def migrate(app: Flask, node: Node) -> None:
    """Bring the schema up to date; a new database is bound to the node's master key."""
    with app.app_context():
        upgrade(MIGRATIONS)
    node.database.write(
        lambda connection: insert_missing(
            connection, NodeIdentity, id=1, key_fingerprint=node.keys.fingerprint
        )
    )
    require(node)


def require(node: Node) -> None:
    """Raise SchemaOutdated or WrongMasterKey unless the database is ours and up to date."""
    with node.database.reading() as connection:
        require_version(connection)
        query = select(NodeIdentity.key_fingerprint)
        fingerprint = connection.execute(query).scalar_one_or_none()
    if fingerprint != node.keys.fingerprint:
        raise WrongMasterKey(
            f"{node.settings.MASTER_KEY_PATH} is not the master key that this database was made "
            "with. Restore that file, or start with an empty database."
        )


def require_version(connection: Connection) -> None:
    """Raise SchemaOutdated unless the newest migration has run."""
    current = MigrationContext.configure(connection).get_current_revision()
    newest = ScriptDirectory(MIGRATIONS).get_current_head()
    if current != newest:
        raise SchemaOutdated(
            f"The database has schema {current or 'none'}, this version needs {newest}: "
            "run `python runapp.py --initdb`."
        )
