"""Definitions: what is measured, how it is grouped, who may see it; known by their names.

They are put in by the operator (`redefining.py`).
"""

import re
from collections.abc import Iterable, Sequence
from importlib.util import find_spec
from typing import Annotated, Literal, TypeAlias, TypeGuard

import msgspec
from msgspec import Meta
from sqlalchemy import Connection, bindparam, select

from downstream_node.database import AnyRow, batched
from downstream_node.errors import InvalidDefinition
from downstream_node.measures.cells import NAME, is_name, is_text
from downstream_node.measures.models import ORG, MeasureDefinition
from downstream_node.measures.rules import RULES, fingerprint

Name = Annotated[str, Meta(min_length=1, max_length=NAME)]
Period: TypeAlias = Literal["day", "week", "month"]
Whole = Annotated[int, Meta(ge=1, le=1_000_000_000)]
Days = Annotated[int, Meta(ge=0, le=100_000)]
Positive = Annotated[float, Meta(gt=0, le=1_000_000)]
Bound = Annotated[float, Meta(ge=-1e15, le=1e15)]

LONGEST_DESCRIPTION = 10_000
ALL = select(*MeasureDefinition.__table__.columns)
# Made once: to make a statement takes longer than to have it answered.
NAMED = ALL.where(MeasureDefinition.name.in_(bindparam("names", expanding=True)))
RULES_OF = select(*(getattr(MeasureDefinition, name) for name in RULES)).where(
    MeasureDefinition.id == bindparam("definition")
)
GROUP_KEYS = ("group1_key", "group2_key", "group3_key")


class Definition(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"
):
    """A definition as files hold it and the API shows it; `MeasureDefinition` has the meanings."""

    name: Name
    org: Annotated[str, Meta(min_length=1, max_length=ORG)]
    created_by: Name | None = None
    group1_key: Name | None = None
    group2_key: Name | None = None
    group3_key: Name | None = None
    description: Annotated[str, Meta(max_length=LONGEST_DESCRIPTION)] | None = None
    aggregation_period: Period | None = None
    execution_frequency: Period | None = None
    aggregation_threshold: Whole = 5
    access_app: bool = False
    access_public: bool = False
    with_quartiles: bool = False
    max_days_to_update_quartile: Days = 100
    count_contributors: bool = False
    release_at_period_end: bool = False
    suppress_complements: bool = False
    noise_epsilon: Positive | None = None
    noise_budget: Positive | None = None
    value_min: Bound | None = None
    value_max: Bound | None = None
    most_per_contributor: Whole = 1


NAMES = ("name", "org", "created_by", *GROUP_KEYS)
NOISE = ("noise_epsilon", "noise_budget", "value_min", "value_max")


def by_name(connection: Connection, name: str) -> AnyRow | None:
    """The definition *name*, with all columns of `MeasureDefinition`."""
    return by_names(connection, [name]).get(name)


def can_be_name(name: object) -> TypeGuard[str]:
    """Whether *name* may be the name of a definition: PostgreSQL refuses texts with a zero."""
    return is_name(name, NAME)


def by_names(connection: Connection, names: Iterable[str]) -> dict[str, AnyRow]:
    """Those of the *names* that are defined, with their definitions."""
    wanted = sorted(name for name in set(names) if can_be_name(name))
    found: dict[str, AnyRow] = {}
    for some in batched(wanted):
        rows = connection.execute(NAMED, {"names": some})
        found.update({row.name: row for row in rows})
    return found


def has_these_rules(connection: Connection, definition: AnyRow, *, hold: bool = False) -> bool:
    """Whether the rules that *definition* was read with are still its rules.

    *hold*: nobody can change them before this transaction ends; several may hold them at once.
    """
    query = RULES_OF.with_for_update(read=True) if hold else RULES_OF
    now = connection.execute(query, {"definition": definition.id}).one()
    return fingerprint(now) == fingerprint(definition)


def held(connection: Connection, definition: int) -> AnyRow:
    """The *definition* as it is, which nobody can change before this transaction ends."""
    query = ALL.where(MeasureDefinition.id == definition)
    return connection.execute(query.with_for_update(read=True)).one()


def all_of(connection: Connection) -> list[AnyRow]:
    """All definitions, by name."""
    return list(connection.execute(ALL.order_by(MeasureDefinition.name)))


def may_write(definition: AnyRow, org: str) -> bool:
    """Whether *org* may send measures: the owner may, and the app that produces them."""
    return org == definition.org or is_producer(definition, org)


def may_read(definition: AnyRow, org: str) -> bool:
    """Whether *org* may have results: the owner, the app if it is let, all if it is public."""
    if org == definition.org or definition.access_public:
        return True
    return bool(definition.access_app) and is_producer(definition, org)


def is_visible(definition: AnyRow, org: str) -> bool:
    """Whether *org* may know of it: who may write or read."""
    return may_write(definition, org) or may_read(definition, org)


def is_producer(definition: AnyRow, org: str) -> bool:
    """Whether *org* is the app that produces the measures."""
    return definition.created_by is not None and org == definition.created_by


def described(row: AnyRow) -> Definition:
    """A stored definition as the API shows it."""
    return Definition(**{field: getattr(row, field) for field in Definition.__struct_fields__})


def parsed(definition: object) -> Definition:
    """One definition of a file, checked.

    Fields are spelled as the document does (`group1_key`) or as its files do (`group1Key`). Their
    `id` stands for nothing here.
    """
    if not isinstance(definition, dict):
        raise InvalidDefinition("A definition is an object with a name and more.")
    fields = [(camel_case(str(field)), value) for field, value in definition.items()]
    values = {field: value for field, value in fields if field != "id"}
    what = f"The definition {str(values.get('name'))[:NAME]!r}"
    if len({field for field, _ in fields}) < len(fields):
        raise InvalidDefinition(f"{what} has a field twice.")
    try:
        result = msgspec.convert(values, Definition)
    except msgspec.ValidationError as error:
        raise InvalidDefinition(f"{what} is malformed: {error}.") from None
    require_names(result, what)
    require_noise(result, what)
    return result


def camel_case(field: str) -> str:
    """`group1_key` as `group1Key`."""
    return re.sub(r"_([a-z])", lambda found: found[1].upper(), field)


def require_names(definition: Definition, what: str) -> None:
    """Raise InvalidDefinition where a text cannot be stored, or a name is none."""
    for field in NAMES:
        name = getattr(definition, field)
        if name is not None and not is_name(name, NAME):
            raise InvalidDefinition(
                f"{what} is malformed: {field} must be printable, with no space around it."
            )
    if "/" in definition.name:
        raise InvalidDefinition(f"{what} is malformed: its name is part of a path, so without /.")
    if definition.description and not is_text(definition.description, LONGEST_DESCRIPTION):
        raise InvalidDefinition(f"{what} is malformed: description has a character that is none.")


def require_noise(definition: Definition, what: str) -> None:
    """Raise InvalidDefinition unless all that noise needs is there, or no noise is wanted."""
    least, greatest = definition.value_min, definition.value_max
    if least is not None and greatest is not None and not least < greatest:
        raise InvalidDefinition(f"{what} is malformed: value_min must be below value_max.")
    if definition.noise_epsilon is None:
        return
    missing = [field for field in NOISE if getattr(definition, field) is None]
    if missing:
        raise InvalidDefinition(f"{what} adds noise, so it also needs {', '.join(missing)}.")
    if definition.noise_budget is not None and definition.noise_budget < definition.noise_epsilon:
        raise InvalidDefinition(f"{what} has a noise_budget below its noise_epsilon.")
    if find_spec("opendp") is None:
        raise InvalidDefinition(
            f"{what} adds noise, for which the library opendp is needed: pip install opendp"
        )


def require_distinct(definitions: Sequence[Definition]) -> None:
    """Raise InvalidDefinition if two have the same name."""
    seen: set[str] = set()
    for definition in definitions:
        if definition.name in seen:
            raise InvalidDefinition(f"The definition {definition.name!r} is there twice.")
        seen.add(definition.name)
