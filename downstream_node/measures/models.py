"""Measures as they are stored. Times are wall time in UTC, in milliseconds since 1970."""

from sqlalchemy import (
    BigInteger,
    Dialect,
    Double,
    ForeignKey,
    Index,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from downstream_node.database import MYSQL_SCHEMES, Base, RowId, fixed_bytes, large_bytes
from downstream_node.measures.cells import GROUP, NAME

ORG = 50
LONGEST_REASON = 200
UTF8 = {"mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin"}
"""Names that differ differ in every database."""
WAITING = text("cell IS NULL")
COUNTED = text("cell IS NOT NULL")


def has_partial_indexes(*_given: object, dialect: Dialect, **_more: object) -> bool:
    """Whether the database has indexes of a part of the rows."""
    return dialect.name not in MYSQL_SCHEMES


def has_whole_indexes_only(*_given: object, dialect: Dialect, **_more: object) -> bool:
    """Whether it has none of these."""
    return dialect.name in MYSQL_SCHEMES


class MeasureToken(Base):
    """Who may write and read: a token of an organisation or app. Only its hash is kept."""

    __tablename__ = "measure_tokens"
    __table_args__ = (UTF8,)

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    org: Mapped[str] = mapped_column(String(NAME), index=True)
    token_hash: Mapped[bytes] = mapped_column(fixed_bytes(32), unique=True)
    created: Mapped[int] = mapped_column(BigInteger)


class MeasureDefinition(Base):
    """What is measured, how it is grouped, who may see it, and when."""

    __tablename__ = "measure_definitions"
    __table_args__ = (UTF8,)

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    name: Mapped[str] = mapped_column(String(NAME), unique=True)
    org: Mapped[str] = mapped_column(String(ORG), doc="owner: always reads and writes")
    created_by: Mapped[str | None] = mapped_column(String(NAME), doc="producing app: writes")
    group1_key: Mapped[str | None] = mapped_column(String(NAME))
    group2_key: Mapped[str | None] = mapped_column(String(NAME))
    group3_key: Mapped[str | None] = mapped_column(String(NAME))
    description: Mapped[str | None] = mapped_column(Text)
    aggregation_period: Mapped[str | None] = mapped_column(String(5), doc="day, week or month")
    execution_frequency: Mapped[str | None] = mapped_column(String(5), doc="day, week or month")
    aggregation_threshold: Mapped[int] = mapped_column(default=5)
    access_app: Mapped[bool] = mapped_column(default=False)
    access_public: Mapped[bool] = mapped_column(default=False)
    with_quartiles: Mapped[bool] = mapped_column(default=False)
    max_days_to_update_quartile: Mapped[int] = mapped_column(default=100)
    # Stricter than the document, each by choice of the definition:
    count_contributors: Mapped[bool] = mapped_column(
        default=False, doc="the threshold counts distinct contributors, not contributions"
    )
    release_at_period_end: Mapped[bool] = mapped_column(
        default=False, doc="results appear when their period is over, and change by thresholds"
    )
    suppress_complements: Mapped[bool] = mapped_column(
        default=False, doc="no single hidden group stands beside its visible total"
    )
    noise_epsilon: Mapped[float | None] = mapped_column(Double, doc="Laplace noise per release")
    noise_budget: Mapped[float | None] = mapped_column(Double, doc="epsilon a contributor period")
    value_min: Mapped[float | None] = mapped_column(Double, doc="bounds of a value, for noise")
    value_max: Mapped[float | None] = mapped_column(Double)
    most_per_contributor: Mapped[int] = mapped_column(
        default=1, doc="contributions of one contributor to a period that noise hides"
    )
    last_run: Mapped[int | None] = mapped_column(BigInteger, doc="when its last aggregation ran")
    rules: Mapped[bytes | None] = mapped_column(
        fixed_bytes(16), doc="fingerprint of the rules under which all cells were looked at"
    )
    quartiles_kept: Mapped[bool] = mapped_column(
        default=False, doc="all cells that can have quartiles have them"
    )


class RawMeasure(Base):
    """One measure as it came. It waits in no window of time: `cell` says whether it is counted."""

    __tablename__ = "raw_measures"
    __table_args__ = (
        # Counting gives each row a cell, and the row new entries in all indexes: few, small ones.
        Index(
            "ix_raw_measures_waiting",
            "definition",
            "id",
            postgresql_where=WAITING,
            sqlite_where=WAITING,
        ).ddl_if(callable_=has_partial_indexes),
        Index(
            "ix_raw_measures_cell", "cell", postgresql_where=COUNTED, sqlite_where=COUNTED
        ).ddl_if(callable_=has_partial_indexes),
        Index(None, "definition", "cell", "id").ddl_if(callable_=has_whole_indexes_only),
        # Rows stand in the order in which they came, so a few lines say where a time is.
        Index(None, "arrived", postgresql_using="brin"),
        UTF8,
    )

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    definition: Mapped[int] = mapped_column(RowId, ForeignKey("measure_definitions.id"))
    value: Mapped[float] = mapped_column(Double)
    start: Mapped[int] = mapped_column(BigInteger)
    arrived: Mapped[int] = mapped_column(BigInteger)
    created_by: Mapped[str | None] = mapped_column(String(NAME))
    aggregation_period: Mapped[str | None] = mapped_column(String(NAME))
    group1: Mapped[str | None] = mapped_column(String(GROUP), doc="JSON text of a scalar")
    group2: Mapped[str | None] = mapped_column(String(GROUP))
    group3: Mapped[str | None] = mapped_column(String(GROUP))
    cell_key: Mapped[bytes] = mapped_column(fixed_bytes(32), doc="hash of what names the cell")
    contributor: Mapped[bytes | None] = mapped_column(
        fixed_bytes(16), doc="keyed hash, another one in each period"
    )
    cell: Mapped[int | None] = mapped_column(
        RowId, ForeignKey("measure_cells.id"), doc="the cell that counts it; None: not yet"
    )


class QuarantinedMeasure(Base):
    """A measure that could not be aggregated, with the reason; the rest went on without it."""

    __tablename__ = "quarantined_measures"
    __table_args__ = (UTF8,)

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    definition: Mapped[int] = mapped_column(RowId, ForeignKey("measure_definitions.id"), index=True)
    measure: Mapped[str] = mapped_column(Text, doc="as JSON")
    reason: Mapped[str] = mapped_column(String(LONGEST_REASON))
    rejected: Mapped[int] = mapped_column(BigInteger)


class MeasureReceipt(Base):
    """An idempotency key that was used: what is sent again with it is not counted again."""

    __tablename__ = "measure_receipts"
    __table_args__ = (UniqueConstraint("org", "key_hash"), UTF8)

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    org: Mapped[str] = mapped_column(String(NAME))
    key_hash: Mapped[bytes] = mapped_column(fixed_bytes(32))
    content_hash: Mapped[bytes] = mapped_column(fixed_bytes(32), doc="of the measure it came with")
    arrived: Mapped[int] = mapped_column(BigInteger, index=True)


class Cell(Base):
    """One aggregate: all measures of a definition with one start, app and groups.

    `mean` and `deviations` (sum of squared deviations from the mean) are Welford's moments, which
    merge without loss; `total` is the sum.
    """

    __tablename__ = "measure_cells"
    __table_args__ = (
        UniqueConstraint("definition", "cell_key"),
        Index(None, "definition", "start"),
        Index(None, "definition", "pending", "start"),
        UTF8,
    )

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    definition: Mapped[int] = mapped_column(RowId, ForeignKey("measure_definitions.id"))
    cell_key: Mapped[bytes] = mapped_column(fixed_bytes(32))
    start: Mapped[int] = mapped_column(BigInteger)
    created_by: Mapped[str | None] = mapped_column(String(NAME))
    group1: Mapped[str | None] = mapped_column(String(GROUP))
    group2: Mapped[str | None] = mapped_column(String(GROUP))
    group3: Mapped[str | None] = mapped_column(String(GROUP))
    count: Mapped[int] = mapped_column(BigInteger, default=0)
    count_not_zero: Mapped[int] = mapped_column(BigInteger, default=0)
    total: Mapped[float] = mapped_column(Double, default=0.0)
    mean: Mapped[float] = mapped_column(Double, default=0.0)
    deviations: Mapped[float] = mapped_column(Double, default=0.0)
    least: Mapped[float] = mapped_column(Double, default=0.0)
    greatest: Mapped[float] = mapped_column(Double, default=0.0)
    contributors: Mapped[int] = mapped_column(default=0, doc="distinct; who gave none counts none")
    first_quartile: Mapped[float | None] = mapped_column(Double, doc="as of last_updated")
    median: Mapped[float | None] = mapped_column(Double)
    third_quartile: Mapped[float | None] = mapped_column(Double)
    sketch: Mapped[bytes | None] = mapped_column(
        large_bytes(), doc="quantiles of what was purged; None: all raw values are there"
    )
    last_updated: Mapped[int] = mapped_column(BigInteger)
    last_purged: Mapped[int | None] = mapped_column(BigInteger)
    pending: Mapped[bool] = mapped_column(
        default=True, doc="has changed since it was last decided what is released of it"
    )


class CellContributor(Base):
    """Somebody who contributed to a cell; the hash is another one in each period."""

    __tablename__ = "measure_contributors"

    cell: Mapped[int] = mapped_column(
        RowId, ForeignKey("measure_cells.id", ondelete="CASCADE"), primary_key=True
    )
    contributor: Mapped[bytes] = mapped_column(fixed_bytes(16), primary_key=True)


class Release(Base):
    """What is given out of a cell of a strict definition, as it was when it was released."""

    __tablename__ = "measure_releases"

    cell: Mapped[int] = mapped_column(
        RowId, ForeignKey("measure_cells.id", ondelete="CASCADE"), primary_key=True
    )
    released: Mapped[int] = mapped_column(BigInteger)
    count: Mapped[int] = mapped_column(BigInteger, doc="contributions it was made from")
    contributors: Mapped[int] = mapped_column(default=0)
    hidden: Mapped[bool] = mapped_column(
        default=False, doc="not given out for now; what was given out once still counts"
    )
    result: Mapped[str] = mapped_column(Text, doc="the aggregate as JSON, noise included")
    rules: Mapped[bytes | None] = mapped_column(
        fixed_bytes(16), doc="fingerprint of the rules it was last held against; None: of none"
    )
    epsilon: Mapped[float | None] = mapped_column(
        Double, doc="what its noise leaves of one contribution; None: it has no noise"
    )


class BudgetEntry(Base):
    """Privacy budget that a release has spent: never given back."""

    __tablename__ = "measure_budget"
    __table_args__ = (Index(None, "definition", "start"),)

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    definition: Mapped[int] = mapped_column(RowId, ForeignKey("measure_definitions.id"))
    start: Mapped[int] = mapped_column(BigInteger, doc="period whose contributors it concerns")
    epsilon: Mapped[float] = mapped_column(Double)
    most: Mapped[int] = mapped_column(
        default=1, doc="contributions of one contributor that it was spent on"
    )
    spent: Mapped[int] = mapped_column(BigInteger)
