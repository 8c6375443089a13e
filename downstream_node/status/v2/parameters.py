"""Query parameters of the v2 status API: their types are their checks and their documentation."""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from msgspec import Meta

from downstream_node.errors import InvalidRequest
from downstream_node.status.listing import SORTS, FarmerListing
from downstream_node.status.reports import FarmerSummary
from downstream_node.status.service import Step

MOST_POINTS = {"hour": 24 * 31, "day": 400}
FIELDS = FarmerSummary.__struct_fields__
MOST_ECHOED = 50
NO_FARMER = "No farmer has this id. An id is 20 hex digits, in small letters."

Text = Annotated[str, Meta(max_length=100, pattern=r"^[^\x00]*$")]
Limit = Annotated[int, Meta(ge=1, le=1000)]
Page = Annotated[int, Meta(ge=0, le=1_000_000)]
Sort = Annotated[str, Meta(pattern=f"^({'|'.join(SORTS)})$")]


class ListParameters(msgspec.Struct, forbid_unknown_fields=True):
    """Which farmers, in which order, from where on."""

    online: Annotated[bool | None, Meta(description="only farmers that are (not) online")] = None
    country: Annotated[Text | None, Meta(description="only farmers in this country")] = None
    address: Annotated[Text | None, Meta(description="only farmers of this address")] = None
    min_uptime: Annotated[
        Annotated[float, Meta(ge=0, le=100)] | None,
        Meta(description="only farmers with at least this uptime since their first answer, in %"),
    ] = None
    sort: Annotated[Sort, Meta(description=f"one of {', '.join(SORTS)}")] = "id"
    order: Annotated[Literal["asc", "desc"], Meta(description="direction of the sort")] = "asc"
    limit: Annotated[Limit, Meta(description="farmers in one answer")] = 25
    page: Annotated[
        Page, Meta(description="which page, counted from 0; a cursor is better for walking")
    ] = 0
    cursor: Annotated[
        Annotated[str, Meta(max_length=500)] | None,
        Meta(description="`next` of the page before, with the same sort and order"),
    ] = None
    fields: Annotated[
        Annotated[str, Meta(max_length=200)] | None,
        Meta(description=f"only these of {','.join(FIELDS)}, separated by commas, in this order"),
    ] = None

    def listing(self) -> FarmerListing:
        """The same as the service takes it. Raises InvalidRequest for page and cursor at once."""
        if self.page and self.cursor is not None:
            raise InvalidRequest("Give either a page or a cursor.")
        return FarmerListing(
            online=self.online,
            country=self.country,
            address=self.address,
            min_uptime=self.min_uptime,
            sort=self.sort,
            descending=self.order == "desc",
            limit=self.limit,
            page=self.page,
            cursor=self.cursor,
        )

    def chosen(self) -> list[str]:
        """The fields to give, in the order that was asked for. Raises InvalidRequest."""
        if self.fields is None:
            return list(FIELDS)
        wanted = list(dict.fromkeys(self.fields.split(",")))
        if not set(wanted) <= set(FIELDS):
            raise InvalidRequest(f"Invalid fields: they are {', '.join(FIELDS)}.")
        return wanted


class PageParameters(msgspec.Struct, forbid_unknown_fields=True):
    """Which part of a list, newest first."""

    limit: Annotated[Limit, Meta(description="items in one answer")] = 25
    page: Annotated[Page, Meta(description="which page, counted from 0")] = 0


class HistoryParameters(msgspec.Struct, forbid_unknown_fields=True):
    """How much of the past, in which steps."""

    step: Annotated[Step, Meta(description="width of a point, in UTC")] = "hour"
    points: Annotated[
        Annotated[int, Meta(ge=1, le=max(MOST_POINTS.values()))] | None,
        Meta(description=f"how many, at most {MOST_POINTS}; 48 hours or 90 days if not given"),
    ] = None

    def count(self) -> int:
        """Points to give. Raises InvalidRequest if there would be too many."""
        count = self.points or {"hour": 48, "day": 90}[self.step]
        if count > MOST_POINTS[self.step]:
            raise InvalidRequest(f"Invalid points: at most {MOST_POINTS[self.step]}.")
        return count


class NoParameters(msgspec.Struct, forbid_unknown_fields=True):
    """None at all."""


Parameters = TypeVar("Parameters", bound=msgspec.Struct)


def read(kind: type[Parameters], given: Mapping[str, Iterable[str]]) -> Parameters:
    """Parameters of one *kind* from a query string, by name all values.

    Raises InvalidRequest for what is unknown, given twice, or of another form.
    """
    values = {name: list(texts) for name, texts in given.items()}
    for name, texts in values.items():
        if name not in kind.__struct_fields__:
            known = ", ".join(kind.__struct_fields__) or "none"
            raise InvalidRequest(f"Unknown parameter: {name[:MOST_ECHOED]}. Known are: {known}.")
        if len(texts) > 1:
            raise InvalidRequest(f"Invalid {name}: it is given twice.")
    try:
        single = {name: texts[0] for name, texts in values.items()}
        return msgspec.convert(single, kind, strict=False)
    except msgspec.ValidationError as error:
        name = str(error).rpartition("$.")[2].rstrip("`")
        raise InvalidRequest(f"Invalid {name}: {allowed(kind, name)}.") from None


def allowed(kind: type[msgspec.Struct], name: str) -> str:
    """What the parameter *name* may be, in words."""
    form = schema_of(kind)["properties"][name]
    choices: list[dict[str, Any]] = form.get("anyOf", [form])
    return next(words_for(choice) for choice in choices if choice.get("type") != "null")


def words_for(form: Mapping[str, Any]) -> str:
    """The JSON Schema *form* of one value, in words."""
    if "enum" in form:
        return f"it must be one of {', '.join(form['enum'])}"
    if form.get("pattern", "").startswith("^("):
        return f"it must be one of {form['pattern'][2:-2].replace('|', ', ')}"
    if form["type"] == "boolean":
        return "it must be true or false"
    if form["type"] == "string":
        return f"it must be a text of at most {form['maxLength']} characters"
    number = "whole number" if form["type"] == "integer" else "number"
    return f"it must be a {number} from {form['minimum']} to {form['maximum']}"


def schema_of(kind: type[msgspec.Struct]) -> dict[str, Any]:
    """The JSON Schema of *kind* alone."""
    schema: dict[str, Any] = msgspec.json.schema_components([kind])[1][kind.__name__]
    return schema
