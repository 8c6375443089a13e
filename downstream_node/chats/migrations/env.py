"""Alembic's entry point: runs the migrations of the archive on the connection it is given."""

from alembic import context

from downstream_node.chats.schema import VERSION_TABLE

context.configure(
    connection=context.config.attributes["connection"],
    version_table=VERSION_TABLE,
    # SQLite makes and changes tables within transactions, if it is only let.
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
