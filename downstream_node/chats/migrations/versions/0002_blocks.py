"""PostgreSQL: bitmaps of which messages have a frequent term.

Pieces that are there already have none, and are searched as before.

Revision ID: 0002
Revises: 0001
"""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    if op.get_bind().dialect.name == "sqlite":
        return
    op.execute(
        """
        CREATE TABLE chat_blocks (
            number serial PRIMARY KEY,
            piece integer NOT NULL,
            size integer NOT NULL,
            -- The lowest and the highest place.
            first bigint NOT NULL,
            last bigint NOT NULL,
            channels bigint[] NOT NULL,
            -- Whether messages are in order of their places.
            ordered boolean NOT NULL,
            -- Of each message, 8 bytes.
            places bytea NOT NULL,
            -- A bit for each message that is no longer in the piece.
            gone bytea NOT NULL
        )
        """
    )
    op.execute("ALTER TABLE chat_blocks ALTER places SET STORAGE EXTERNAL")
    op.execute("CREATE INDEX ix_chat_blocks_piece ON chat_blocks (piece)")
    op.execute(
        """
        CREATE TABLE chat_bits (
            block integer NOT NULL,
            term text COLLATE "C" NOT NULL,
            bits bytea NOT NULL,
            PRIMARY KEY (block, term)
        )
        """
    )
    op.execute("ALTER TABLE chat_bits ALTER bits SET STORAGE EXTERNAL")


def downgrade() -> None:
    """Drop them."""
    if op.get_bind().dialect.name == "sqlite":
        return
    for name in ("bits", "blocks"):
        op.drop_table(f"chat_{name}")
