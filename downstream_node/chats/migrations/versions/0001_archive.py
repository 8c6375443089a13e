"""The archive: guilds, channels, authors, messages with what they said before, imports.

Revision ID: 0001
Revises:
"""

import sqlalchemy as sa
from alembic import op

from downstream_node.database import RowId
from downstream_node.entropy import random_bytes

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables, and what each database searches with."""
    archive = op.create_table(
        "chat_archive",
        sa.Column("id", RowId, nullable=False, autoincrement=False),
        sa.Column("identity", sa.String(32), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.bulk_insert(archive, [{"id": 1, "identity": random_bytes(16).hex(), "version": 0}])
    op.create_table(
        "chat_guilds",
        sa.Column("id", RowId, nullable=False, autoincrement=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("icon_url", sa.Text()),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "chat_channels",
        sa.Column("id", RowId, nullable=False, autoincrement=False),
        sa.Column("guild", sa.BigInteger(), sa.ForeignKey("chat_guilds.id"), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("category", sa.Text()),
        sa.Column("topic", sa.Text()),
        # Of the export that the names come from: an older one does not change them.
        sa.Column("exported", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "chat_authors",
        sa.Column("id", RowId, nullable=False, autoincrement=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("nickname", sa.Text()),
        sa.Column("discriminator", sa.Text()),
        sa.Column("bot", sa.Boolean(), nullable=False),
        sa.Column("color", sa.Text()),
        sa.Column("avatar_url", sa.Text()),
        sa.Column("folded_name", sa.Text(), nullable=False),
        sa.Column("folded_nickname", sa.Text()),
        sa.Column("exported", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_chat_authors_folded_name", "chat_authors", ["folded_name"])
    op.create_index("ix_chat_authors_folded_nickname", "chat_authors", ["folded_nickname"])
    op.create_table(
        "chat_imports",
        sa.Column("number", RowId, nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("channel", sa.BigInteger(), nullable=False),
        sa.Column("exported", sa.BigInteger()),
        sa.Column("committed", sa.BigInteger(), nullable=False),
        *(
            sa.Column(name, sa.BigInteger(), nullable=False)
            for name in ("new", "changed", "unchanged", "older", "broken", "deleted", "restored")
        ),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_table(
        "chat_revisions",
        sa.Column("number", RowId, nullable=False),
        sa.Column("place", sa.BigInteger(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("edited", sa.BigInteger()),
        sa.Column("replaced", sa.BigInteger()),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_index("ix_chat_revisions_place", "chat_revisions", ["place"])
    op.create_table(
        "chat_tallies",
        sa.Column("channel", sa.BigInteger(), nullable=False),
        sa.Column("author", sa.BigInteger(), nullable=False),
        sa.Column("month", sa.Integer(), nullable=False),
        sa.Column("messages", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("channel", "author", "month"),
        sqlite_with_rowid=False,
    )
    if op.get_bind().dialect.name == "sqlite":
        sqlite()
    else:
        postgresql()


def sqlite() -> None:
    """Messages by place, and one full-text index of all that is searched."""
    op.create_table(
        "chat_messages",
        sa.Column("place", RowId, nullable=False, autoincrement=False),
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("channel", sa.BigInteger(), nullable=False),
        sa.Column("author", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("edited", sa.BigInteger()),
        # Of the export that this text comes from; and of the one that no longer had it.
        sa.Column("exported", sa.BigInteger(), nullable=False),
        sa.Column("deleted", sa.BigInteger()),
        sa.Column("reply_to", sa.BigInteger()),
        sa.Column("fingerprint", sa.BigInteger(), nullable=False),
        sa.Column("revisions", sa.Integer(), nullable=False),
        # Space between them, without `is:deleted`: what the index forgets has to be told to it.
        sa.Column("marks", sa.Text(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("extras", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("place"),
    )
    # Rows are wide: counting and grouping read this instead.
    op.create_index("ix_chat_messages_keys", "chat_messages", ["place", "channel", "author"])
    # Nearly all messages have their id as their place.
    op.execute("CREATE INDEX ix_chat_messages_id ON chat_messages (id) WHERE id <> place")
    # Sizes of rows, which FTS5 would keep for ranking, take a tenth of the time of an import.
    kept = "content='', columnsize=0"
    trigrams = "tokenize='trigram case_sensitive 1'"
    op.execute(f"CREATE VIRTUAL TABLE chat_words USING fts5(text, {kept}, tokenize='ascii')")
    op.execute(f"CREATE VIRTUAL TABLE chat_trigrams USING fts5(text, {kept}, {trigrams})")
    op.execute(
        f"CREATE VIRTUAL TABLE chat_shorts USING fts5(text, {kept}, detail=none, {trigrams})"
    )
    # How many texts have a piece, counted without a row for each: nearly all have an "e".
    op.execute("CREATE VIRTUAL TABLE chat_pieces_of_text USING fts5vocab('chat_shorts', 'row')")
    # What an import gathers in memory before it is sorted onto disk: the more, the faster.
    for index, mebibytes in (("words", 16), ("trigrams", 64), ("shorts", 24)):
        op.execute(
            f"INSERT INTO chat_{index} (chat_{index}, rank) "  # noqa: S608 - our names
            f"VALUES ('hashsize', {mebibytes << 20})"
        )
        # How many parts of an index are merged together. At the default of 4, merging takes a
        # fifth of the time of an import; with more than 8, little less, but searches look at more.
        op.execute(f"INSERT INTO chat_{index} (chat_{index}, rank) VALUES ('automerge', 8)")  # noqa: S608


def postgresql() -> None:
    """Messages by month, and how many of each channel have a term that is searched for.

    Partitions and their indexes are made by the imports that need them.
    """
    op.execute(
        """
        CREATE TABLE chat_messages (
            place bigint NOT NULL,
            id bigint NOT NULL,
            channel bigint NOT NULL,
            author bigint NOT NULL,
            edited bigint,
            exported bigint NOT NULL,
            deleted bigint,
            reply_to bigint,
            fingerprint bigint NOT NULL,
            -- Which table of its month has the row.
            piece integer NOT NULL,
            kind text NOT NULL,
            marks text NOT NULL,
            content text NOT NULL,
            extras text NOT NULL,
            folded text NOT NULL,
            -- Each between spaces: for phrases.
            stems text NOT NULL,
            -- Stems and marks.
            terms tsvector NOT NULL,
            PRIMARY KEY (place, piece)
        ) PARTITION BY RANGE (place)
        """
    )
    op.execute("CREATE TABLE chat_pieces (number serial PRIMARY KEY, month integer NOT NULL)")
    op.execute(
        """
        CREATE TABLE chat_terms (
            term text COLLATE "C" NOT NULL,
            channel bigint NOT NULL,
            count integer NOT NULL,
            PRIMARY KEY (term, channel)
        )
        """
    )


def downgrade() -> None:
    """Drop them all."""
    if op.get_bind().dialect.name == "sqlite":
        for name in ("pieces_of_text", "shorts", "trigrams", "words", "messages"):
            op.drop_table(f"chat_{name}")
    else:
        for name in ("terms", "pieces", "messages"):
            op.drop_table(f"chat_{name}")
    for name in ("tallies", "revisions", "imports", "authors", "channels", "guilds", "archive"):
        op.drop_table(f"chat_{name}")
