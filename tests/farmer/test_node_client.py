"""The client of a node: answers become values, refusals become errors with reasons."""

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest
from farmer.served import HASH, ScriptedNode, ServedNode

from downstream_node.clock import calendar
from downstream_node.errors import FarmerStopped, UnknownToken
from downstream_node.farmer import node_client
from downstream_node.farmer.identity import load_identity
from downstream_node.farmer.messages import Proof
from downstream_node.farmer.node_client import NodeClient, NodeUnavailable

TOKEN = bytes(range(16)).hex()

CALLS: dict[str, Callable[[NodeClient], object]] = {
    "about": lambda client: client.about(),
    "join": lambda client: client.join("1Address", "message", "signature"),
    "heartbeat": lambda client: client.heartbeat(TOKEN),
    "chunks": lambda client: client.chunks(TOKEN, 1024),
    "challenges": lambda client: client.challenges(TOKEN, [HASH]),
    "answer": lambda client: client.answer(TOKEN, [Proof(HASH, {})]),
}


@pytest.fixture(params=CALLS)
def call(request: pytest.FixtureRequest) -> Callable[[NodeClient], object]:
    """Each of the things that a node can be asked."""
    return CALLS[request.param]


def refusal(message: str) -> str:
    """An error in the form of the v1 API."""
    return f'{{"status": "error", "message": "{message}"}}'


def test_a_real_node_is_understood(served: ServedNode, tmp_path: Path) -> None:
    """A farmer can join a real node, take chunks and ask for their challenges."""
    own = load_identity(tmp_path / "key")
    client = NodeClient(served.url + "/")
    with served.up():
        signed = own.sign(client.about().node, calendar(served.node.clock()))
        token = client.join(own.address, signed.message, signed.signature).token
        offers = client.chunks(token, 2048)
        challenges = client.challenges(token, [offer.file_hash for offer in offers])
    client.close()
    assert [(item.end, item.answered, item.due) for item in challenges] == [(None, False, 60)] * 2


def test_requests_are_those_of_v1(scripted: ScriptedNode, client: NodeClient) -> None:
    """Lists go as JSON bodies to the paths that the document names."""
    scripted.says('{"challenges": [], "report": []}')
    client.challenges(TOKEN, [HASH])
    client.answer(TOKEN, [Proof(HASH, {"leaf": 1})])
    assert scripted.asked == [
        (f"POST /api/downstream/v1/challenge/{TOKEN}", b'{"hashes":["%b"]}' % HASH.encode()),
        (
            f"POST /api/downstream/v1/answer/{TOKEN}",
            b'{"proofs":[{"file_hash":"%b","proof":{"leaf":1}}]}' % HASH.encode(),
        ),
    ]


def test_unknown_token_has_its_own_error(
    scripted: ScriptedNode, client: NodeClient, call: Callable[[NodeClient], object]
) -> None:
    """The text decides, as for the published client; the status differs between routes."""
    for status in (400, 404):
        scripted.says(refusal("Nonexistent token."), status)
        with pytest.raises(UnknownToken):
            call(client)


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        pytest.param(400, refusal("IP Disallowed"), "IP Disallowed", id="refusal"),
        pytest.param(404, "<html>", "HTTP status 404", id="no node there"),
        pytest.param(302, "", "HTTP status 302", id="sent elsewhere"),
    ],
)
def test_refusals_end_the_farmer(
    scripted: ScriptedNode, client: NodeClient, status: int, body: str, words: str
) -> None:
    """What the node will refuse again is told in its own words; redirects are not followed."""
    scripted.says(body, status, {"Location": "/elsewhere"})
    with pytest.raises(FarmerStopped, match=words):
        client.chunks(TOKEN, 1024)
    assert len(scripted.asked) == 1


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        pytest.param(408, "", "HTTP status 408", id="too slow"),
        pytest.param(429, "", "HTTP status 429", id="too often"),
        pytest.param(500, refusal("Oh"), "Oh", id="bug of the node"),
        pytest.param(503, refusal("busy"), "busy", id="busy"),
        pytest.param(502, "<html>", "HTTP status 502", id="only a proxy"),
        pytest.param(200, "<html>", "not the form", id="something else answers"),
        pytest.param(200, '{"chunks": 1}', "not the form", id="another form"),
    ],
)
def test_what_may_pass_is_told_from_refusals(
    scripted: ScriptedNode, client: NodeClient, status: int, body: str, words: str
) -> None:
    """Errors of the node, and answers that make no sense, may be over later."""
    scripted.says(body, status)
    with pytest.raises(NodeUnavailable, match=words):
        client.chunks(TOKEN, 1024)


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"Content-Length": "100"}, id="cut"),
        pytest.param({"Content-Length": "1, 2"}, id="two lengths"),
        pytest.param({"Content-Encoding": "gzip"}, id="no gzip"),
    ],
)
def test_damaged_answer_is_unavailable(
    scripted: ScriptedNode, client: NodeClient, headers: dict[str, str]
) -> None:
    """An answer that cannot be read as HTTP is no answer."""
    scripted.says('{"chunks": []}', headers=headers)
    with pytest.raises(NodeUnavailable):
        client.chunks(TOKEN, 1024)


def test_silent_node_is_unavailable(
    scripted: ScriptedNode, client: NodeClient, call: Callable[[NodeClient], object]
) -> None:
    """A node that does not answer in time is given up, with whatever it was asked."""
    scripted.hold.clear()
    with pytest.raises(NodeUnavailable, match="in time"):
        call(client)
    scripted.hold.set()


def test_absent_node_is_unavailable(served: ServedNode) -> None:
    """Where nobody listens there is no connection, and the text does not tell our token."""
    client = NodeClient(served.url)
    with pytest.raises(NodeUnavailable, match="no connection") as caught:
        client.chunks(TOKEN, 1024)
    assert TOKEN not in str(caught.value)
    assert caught.value.__suppress_context__


def test_endless_answer_is_cut(
    scripted: ScriptedNode, client: NodeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An answer is read up to a limit, counted after unpacking."""
    monkeypatch.setattr(node_client, "MOST_BYTES", 1 << 20)
    scripted.says(gzip.compress(bytes(2 << 20)), headers={"Content-Encoding": "gzip"})
    with pytest.raises(NodeUnavailable, match="without end"):
        client.about()


@pytest.mark.parametrize(
    "url", ["", "127.0.0.1:5000", "ftp://node", "http://", "http://[", "http://:5000"]
)
def test_what_is_no_address_of_a_node_is_refused(url: str) -> None:
    """A mistyped address is named at once."""
    with pytest.raises(FarmerStopped, match="is no address of a node"):
        NodeClient(url)


@pytest.mark.parametrize("url", ["http://a b", "http://.", "http://host:99999", "http://ex*mple"])
def test_impossible_hosts_are_errors_of_ours(url: str) -> None:
    """What only shows when it is used is an error with a sentence, too."""
    with pytest.raises((FarmerStopped, NodeUnavailable)):
        NodeClient(url).about()
