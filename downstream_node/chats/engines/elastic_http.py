"""HTTP to Elasticsearch or OpenSearch: JSON in, JSON out, errors as ours.

Through `requests`, not through a vendor's client: each of those refuses the other's server.
"""

from collections import deque
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import msgspec
import requests

from downstream_node.errors import ArchiveUnavailable, Busy

JSON = {"Content-Type": "application/json"}
LINES = {"Content-Type": "application/x-ndjson"}
SECONDS = 30
"""After which an answer is not waited for any longer."""
SEARCH_SECONDS = "10s"
TOO_BUSY = "The archive is too busy to answer this now. Please try again, or search for less."
PREFIX = "downstream-chats"
OVERLOADED = {429, 502, 503, 504}
CONFLICT = 409
NOT_FOUND = 404
GOOD = 300

encode = msgspec.json.encode
decode = msgspec.json.decode


class Client:
    """A server and the indexes of one archive on it: the path of the address is their prefix."""

    def __init__(self, uri: str) -> None:
        parts = urlsplit(uri)
        self._root = urlunsplit((parts.scheme, parts.netloc, "", "", ""))
        self._prefix = parts.path.strip("/") or PREFIX
        self._idle: deque[requests.Session] = deque()

    def index(self, name: str) -> str:
        """The full name of one of the archive's indexes."""
        return f"{self._prefix}-{name}"

    def close(self) -> None:
        """Close all connections."""
        while self._idle:
            self._idle.pop().close()

    def ask(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        allowed: Iterable[int] = (),
    ) -> Any:  # noqa: ANN401 - JSON
        """The answer to one request; those with a status in *allowed* too.

        Raises Busy if the server is overloaded, ArchiveUnavailable for everything else.
        """
        data = None if body is None else encode(body)
        return self._answer(method, path, data, JSON, set(allowed))

    def bulk(self, lines: list[Mapping[str, Any]]) -> list[tuple[str, int]]:
        """Action and status of each pair of action and document in *lines*."""
        data = b"".join(encode(line) + b"\n" for line in lines)
        answer = self._answer("POST", "_bulk", data, LINES, set())
        return [next((name, done["status"]) for name, done in i.items()) for i in answer["items"]]

    def search(self, name: str, body: Mapping[str, Any]) -> Any:  # noqa: ANN401 - JSON
        """The answer to a search. Raises Busy if it was cut short."""
        answer = self.ask(
            "POST", f"{self.index(name)}/_search", {"timeout": SEARCH_SECONDS, **body}
        )
        if answer["timed_out"] or answer["_shards"]["failed"]:
            raise Busy(TOO_BUSY)
        return answer

    def documents(self, name: str, ids: Iterable[int | str]) -> dict[str, Any]:
        """The documents with these ids, those that are there, whole, by id; always the latest."""
        wanted = [str(one) for one in ids]
        if not wanted:
            return {}
        answer = self.ask("POST", f"{self.index(name)}/_mget", {"ids": wanted})
        return {found["_id"]: found for found in answer["docs"] if found.get("found")}

    def _answer(
        self, method: str, path: str, data: bytes | None, headers: dict[str, str], allowed: set[int]
    ) -> Any:  # noqa: ANN401 - JSON
        try:
            session = self._idle.pop()
        except IndexError:
            session = requests.Session()
        try:
            response = session.request(
                method, f"{self._root}/{path}", data=data, headers=headers, timeout=SECONDS
            )
        except requests.Timeout as error:
            session.close()
            raise Busy(TOO_BUSY) from error
        except requests.RequestException as error:
            session.close()
            raise ArchiveUnavailable("The search server of the archive does not answer.") from error
        self._idle.append(session)
        if response.status_code in OVERLOADED:
            raise Busy(TOO_BUSY)
        if response.status_code >= GOOD and response.status_code not in allowed:
            raise ArchiveUnavailable(
                f"The search server of the archive answered {method} with {response.status_code}."
            )
        return decode(response.content) if response.content else {}
