"""What is sent to Elasticsearch and OpenSearch: mappings, searches, documents. Pure.

Both products understand all of it: Elasticsearch from 8.0, OpenSearch from 2.15 (the first one with
fields of the type `wildcard`).
"""

from typing import Any, TypeAlias

from downstream_node.chats.query import (
    And,
    Between,
    Condition,
    Contains,
    Everything,
    Marked,
    Not,
    Or,
    Words,
)
from downstream_node.chats.records import Message

Json: TypeAlias = dict[str, Any]

SPECIAL = str.maketrans("\\*?", "\x7f\ufffe\uffff")
"""Stand for what a wildcard search would read as its own signs, in the index as in the search:
several versions of OpenSearch get escaped signs wrong (its issues 15555 and 19719). No folded text
has these characters, see `text.UNSTORABLE`."""

LONG = {"type": "long"}
KEYWORD = {"type": "keyword"}
KEPT = {"type": "keyword", "index": False, "doc_values": False}
"""Given back, never searched."""

MAPPINGS: dict[str, Json] = {
    "messages": {
        **dict.fromkeys(("place", "id", "channel", "author", "edited", "exported"), LONG),
        **dict.fromkeys(("deleted", "reply_to", "fingerprint"), LONG),
        **dict.fromkeys(("kind", "content", "extras"), KEPT),
        "marks": KEYWORD,
        # Words as they come, with their positions: for phrases.
        "stems": {"type": "text", "analyzer": "whitespace", "norms": False},
        "folded": {"type": "wildcard"},
    },
    "revisions": {
        **dict.fromkeys(("place", "channel", "edited", "replaced"), LONG),
        "content": KEPT,
    },
    "guilds": {"id": LONG, "name": KEPT, "icon_url": KEPT},
    "channels": {
        **dict.fromkeys(("id", "guild", "exported"), LONG),
        **dict.fromkeys(("name", "kind", "category", "topic"), KEPT),
    },
    "authors": {
        **dict.fromkeys(("id", "exported"), LONG),
        **dict.fromkeys(("folded_name", "folded_nickname"), KEYWORD),
        **dict.fromkeys(("name", "nickname", "discriminator", "color", "avatar_url"), KEPT),
        "bot": {"type": "boolean", "index": False},
    },
    "imports": {
        **dict.fromkeys(("number", "channel", "exported", "committed"), LONG),
        **dict.fromkeys(("sha256", "name"), KEPT),
        "counts": {"type": "object", "enabled": False},
    },
    "archive": {"value": {"type": "object", "enabled": False}},
}


def index(name: str) -> Json:
    """The body that makes the index *name*."""
    return {"mappings": {"dynamic": "strict", "properties": MAPPINGS[name]}}


def matching(condition: Condition) -> Json:
    """A simple *condition* as a search; nothing is scored."""
    match condition:
        case Words(stems=(stem,)):
            query: Json = {"term": {"stems": {"value": stem}}}
        case Words(stems=stems):
            query = {"match_phrase": {"stems": {"query": " ".join(stems), "slop": 0}}}
        case Contains(text=text):
            query = {"wildcard": {"folded": {"value": f"*{text.translate(SPECIAL)}*"}}}
        case Marked(marks=marks):
            query = {"terms": {"marks": sorted(marks)}} if marks else {"match_none": {}}
        case Between(first=first, beyond=beyond):
            bounds = {"gte": first, "lt": beyond}
            given = {name: place for name, place in bounds.items() if place is not None}
            query = {"range": {"place": given}}
        case And(parts=parts):
            query = filtered(*map(matching, parts))
        case Or(parts=parts):
            query = {"bool": {"should": [*map(matching, parts)], "minimum_should_match": 1}}
        case Not(part=part):
            query = {"bool": {"must_not": [matching(part)]}}
        case Everything():
            query = {"match_all": {}}
    return query


def filtered(*queries: Json) -> Json:
    """All of *queries*, without scores."""
    return {"bool": {"filter": list(queries)}}


def document(message: Message, exported: int, deleted: int | None, mark: str) -> Json:
    """What is stored of *message*; *mark* is added if it is deleted."""
    return {
        "place": message.place,
        "id": message.id,
        "channel": message.channel,
        "author": message.author,
        "edited": message.edited,
        "exported": exported,
        "deleted": deleted,
        "reply_to": message.reply_to,
        "fingerprint": message.fingerprint,
        "kind": message.kind,
        "content": message.content,
        "extras": message.extras.decode(),
        "marks": message.marks if deleted is None else [*message.marks, mark],
        "stems": " ".join(message.stems),
        "folded": message.folded.translate(SPECIAL),
    }
