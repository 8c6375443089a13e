"""What the analysts' list shows, as its address says it."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlencode

from downstream_node.demos import parameters
from downstream_node.demos.listing import Filters
from downstream_node.demos.models import LONGEST_NAME
from downstream_node.demos.states import Reason


class Reported(StrEnum):
    """Whether somebody is reported."""

    YES = "yes"
    NO = "no"


NAMES = ("map", "server", "from", "to", "reported", "reason")
"""The fields of the form."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What was chosen: each field as it was written."""

    fields: Mapping[str, str]
    after: str | None = None

    def __getitem__(self, name: str) -> str:
        """A field, "" if it is empty."""
        return self.fields.get(name, "")

    @property
    def is_filtered(self) -> bool:
        """Whether some recordings are left out."""
        return bool(self.fields)

    def query(self, after: str | None = None) -> str:
        """The query of the same choice, behind the cursor *after*."""
        return urlencode({**self.fields, **({"after": after} if after else {})})


def read_choice(given: Mapping[str, str]) -> Choice:
    """What the query of a request says; what is unknown is ignored."""
    fields = {name: given[name].strip() for name in NAMES if given.get(name, "").strip()}
    return Choice(fields, given.get("after"))


def filters(choice: Choice) -> Filters:
    """The recordings of a choice, also those that stream. Raises DemoRefused (400)."""
    fields = choice.fields
    first, last = (parameters.dates(name, fields) for name in ("from", "to"))
    reported = parameters.word("reported", fields, Reported)
    return Filters(
        state=None,
        map=parameters.text("map", fields, LONGEST_NAME),
        server=parameters.text("server", fields, LONGEST_NAME),
        first=first.first if first else None,
        # The day that is named belongs to the choice.
        beyond=last.beyond if last else None,
        reported=None if reported is None else reported == Reported.YES,
        reason=parameters.word("reason", fields, Reason),
    )
