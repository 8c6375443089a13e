"""What questions of /api/chats/v1 say: their types are their checks and their documentation."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from downstream_node.chats import cursors, language

MOST_HITS = 100
MOST_NEIGHBOURS = 10
MOST_AROUND = 100
MOST_VALUES = 100

Search = Annotated[
    Annotated[str, Meta(max_length=language.LONGEST)],
    Meta(description="what to search for, in the language of the search box; all, if empty"),
]
Around = Annotated[int, Meta(ge=0, le=MOST_AROUND)]


class SearchParameters(msgspec.Struct, forbid_unknown_fields=True):
    """One page of a search."""

    q: Search = ""
    order: Annotated[
        Literal["newest", "oldest", "relevance"],
        Meta(description="of time, or of relevance among the newest 1,000 hits"),
    ] = "newest"
    cursor: Annotated[
        Annotated[str, Meta(max_length=cursors.LONGEST)] | None,
        Meta(description="`next` or `previous` of another page of the same search"),
    ] = None
    limit: Annotated[
        Annotated[int, Meta(ge=1, le=MOST_HITS)], Meta(description="hits in one answer")
    ] = 25
    total: Annotated[bool, Meta(description="whether to count all hits")] = True
    context: Annotated[
        Annotated[int, Meta(ge=0, le=MOST_NEIGHBOURS)],
        Meta(description="messages before and after each hit"),
    ] = 0
    snippet: Annotated[
        Annotated[int, Meta(ge=20, le=2000)] | None,
        Meta(description="also a part of each hit of about so many characters"),
    ] = None


class FacetParameters(msgspec.Struct, forbid_unknown_fields=True):
    """What hits can be narrowed by."""

    q: Search = ""
    limit: Annotated[
        Annotated[int, Meta(ge=1, le=MOST_VALUES)], Meta(description="channels, and authors")
    ] = 10


class TimelineParameters(msgspec.Struct, forbid_unknown_fields=True):
    """Hits by month."""

    q: Search = ""


class ContextParameters(msgspec.Struct, forbid_unknown_fields=True):
    """How much of what was said around a message."""

    before: Annotated[Around, Meta(description="messages before it")] = 10
    after: Annotated[Around, Meta(description="messages after it")] = 10


class AuthorParameters(msgspec.Struct, forbid_unknown_fields=True):
    """Which authors."""

    q: Annotated[
        Annotated[str, Meta(max_length=100)], Meta(description="how their names begin")
    ] = ""
    limit: Annotated[Annotated[int, Meta(ge=1, le=MOST_VALUES)], Meta(description="at most")] = 10


class UploadParameters(msgspec.Struct, forbid_unknown_fields=True):
    """What goes with an uploaded export."""

    name: Annotated[
        Annotated[str, Meta(max_length=200)], Meta(description="of the file, for display")
    ] = "upload.json"
    mark_missing: Annotated[
        bool,
        Meta(description="mark messages that the export leaves out of its time as deleted"),
    ] = False


class ImportParameters(msgspec.Struct, forbid_unknown_fields=True):
    """How many imports."""

    limit: Annotated[
        Annotated[int, Meta(ge=1, le=1000)], Meta(description="the latest so many")
    ] = 25
