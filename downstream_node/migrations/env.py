"""Alembic's entry point: runs the migrations on the engine of the current application."""

from alembic import context
from flask import current_app

from downstream_node.database import Base

engine = current_app.extensions["migrate"].db.engine

with engine.connect() as connection:
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        # SQLite cannot alter a column; batch mode copies the table instead.
        render_as_batch=engine.dialect.name == "sqlite",
        compare_type=True,
    )
    with context.begin_transaction():
        context.run_migrations()
    connection.commit()
