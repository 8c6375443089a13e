"""One node, spoken to in v1 over HTTP."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import TypeVar
from urllib.parse import urlsplit

import msgspec
import requests

from downstream_node import __version__
from downstream_node.errors import DownstreamError, FarmerStopped, UnknownToken
from downstream_node.farmer.messages import (
    About,
    Challenge,
    Challenges,
    Joined,
    Offer,
    Offers,
    Proof,
    Refusal,
    Report,
    Reports,
    decode,
    printable,
)

V1 = "/api/downstream/v1"
CONNECT_SECONDS = 5.0
SILENCE_SECONDS = 30.0
"""How long the node may send nothing before we give up."""
MOST_BYTES = 64 << 20
"""Longest answer that is read; 100 contracts with tags of 25 KB are 2.5 MB."""
PIECE = 64 * 1024
JSON_BODY = {"Content-Type": "application/json"}
USER_AGENT = f"downstream-node-farmer/{__version__}"
"""By it the node counts how many run which version."""
PASSING = {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS}
"""The refusals below 500 that are over after a while."""
UNKNOWN_TOKEN = str(UnknownToken())

Value = TypeVar("Value")


class NodeUnavailable(DownstreamError):
    """The node cannot be used now; later it may."""


class NodeClient:
    """The node at *url*, the address without the path of the API.

    Every method raises NodeUnavailable if trying again later may help (no connection, no answer
    in time, an error of the node, an answer that is not v1), UnknownToken if the node does not
    know the token, and FarmerStopped, with the node's words, for every other refusal.
    """

    def __init__(self, url: str, *, silence: float = SILENCE_SECONDS) -> None:
        """Open no connection yet. Raises FarmerStopped if *url* is no http or https address."""
        self.url = checked_url(url)
        self._timeout = (min(CONNECT_SECONDS, silence), silence)
        self._session = requests.Session()
        self._session.headers["User-Agent"] = USER_AGENT

    def close(self) -> None:
        """Close all connections."""
        self._session.close()

    def about(self) -> About:
        """Return what the node says of itself."""
        return self._ask(About, "GET", "")

    def join(self, address: str, message: str, signature: str) -> Joined:
        """Return a new token for *address*, of which *signature* is the owner's."""
        proof = {"message": message, "signature": signature}
        return self._ask(Joined, "POST", f"/new/{address}", proof)

    def heartbeat(self, token: str) -> Joined:
        """Return what the proofs of *token* are to be made with."""
        return self._ask(Joined, "GET", f"/heartbeat/{token}")

    def chunks(self, token: str, size: int) -> tuple[Offer, ...]:
        """Return new contracts, of at most *size* bytes in all if the node is honest."""
        return self._ask(Offers, "GET", f"/chunk/{token}/{size}").chunks

    def challenges(self, token: str, hashes: Sequence[str]) -> tuple[Challenge, ...]:
        """Return the challenges of the contracts *hashes*."""
        body = {"hashes": hashes}
        return self._ask(Challenges, "POST", f"/challenge/{token}", body).challenges

    def answer(self, token: str, proofs: Sequence[Proof]) -> tuple[Report, ...]:
        """Return what the node makes of *proofs*."""
        body = {"proofs": proofs}
        return self._ask(Reports, "POST", f"/answer/{token}", body).report

    def _ask(self, kind: type[Value], method: str, path: str, body: object = None) -> Value:
        """Return the answer to one request as a *kind*."""
        status, content = self._exchange(method, path, body)
        if status != HTTPStatus.OK:
            raise self._refusal(status, content)
        value = decode(content, kind)
        if value is None:
            raise NodeUnavailable(f"What {self.url} answers is not the form of a node's answer.")
        return value

    def _exchange(self, method: str, path: str, body: object) -> tuple[int, bytes]:
        """Return status and content of the answer to one request."""
        # The texts of these errors are left out, and so are their causes: they contain the
        # path, and with it the token.
        try:
            with self._session.request(
                method,
                self.url + V1 + path,
                data=None if body is None else msgspec.json.encode(body),
                headers=None if body is None else JSON_BODY,
                timeout=self._timeout,
                stream=True,
                allow_redirects=False,  # a POST would arrive as a GET
            ) as response:
                return response.status_code, self._read(response)
        except requests.Timeout:
            raise NodeUnavailable(f"The node at {self.url} does not answer in time.") from None
        except (requests.RequestException, ValueError):
            # A plain ValueError comes from headers that contradict each other, and from hosts
            # that `checked_url` cannot tell.
            raise NodeUnavailable(f"There is no connection to the node at {self.url}.") from None

    def _read(self, response: requests.Response) -> bytes:
        """Return the content of *response*, unpacked, if it is not too long."""
        content = bytearray()
        for piece in response.iter_content(PIECE):
            content += piece
            if len(content) > MOST_BYTES:
                raise NodeUnavailable(f"The node at {self.url} answers without end.")
        return bytes(content)

    def _refusal(self, status: int, content: bytes) -> DownstreamError:
        """Return the error that the answer *content* with this *status* stands for."""
        refusal = decode(content, Refusal) or Refusal()
        if refusal.message == UNKNOWN_TOKEN:
            return UnknownToken()
        said = printable(refusal.message) or f"HTTP status {status}"
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in PASSING:
            return NodeUnavailable(f"The node at {self.url} is in trouble: {said}")
        return FarmerStopped(f"The node at {self.url} refuses: {said}")


def checked_url(url: str) -> str:
    """Return *url* without a slash at its end. Raises FarmerStopped if it is no web address."""
    try:
        valid = urlsplit(url).scheme in {"http", "https"}
        requests.Request("GET", url).prepare()
    except ValueError:  # requests and urllib3 agree on this base for what is no URL
        valid = False
    if not valid:
        raise FarmerStopped(f"{url!r} is no address of a node; one is http://127.0.0.1:5000.")
    return url.rstrip("/")
