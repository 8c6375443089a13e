"""The v1 protocol over HTTP: each route, each field, each error, and what nobody should send."""

import gzip
import hashlib
import json
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest
from conftest import NodeMaker
from simulator import CHUNK, START, V1, FarmerSimulator, SimulatedNode
from sqlalchemy import event

from downstream_node import settings
from downstream_node.addresses import signatures
from downstream_node.addresses.freshness import fresh_message
from downstream_node.clock import SECOND, WallTime, calendar
from downstream_node.contracts import challenges

DOCUMENTED = "/api/downstream"
UNKNOWN = "0" * 32
ABSENT = "f" * 64
CHUNK_FIELDS = {"file_hash", "seed", "size", "challenge", "tag", "due"}
CHALLENGE_FIELDS = {"challenge", "due", "answered"}
FARMER_FIELDS = {
    *("id", "address", "ip_hash", "location", "online"),
    *("uptime", "heartbeats", "contracts", "size", "last_due"),
}
HEARTBEAT = {"check_fraction": 0.01, "key": ""}

NO_SIGNATURE = (
    "New token requests must include posted signature proving ownership of farming address"
)
NO_PROOF = 'Posted data must be JSON encoded object including "signature" and "message"'
TOO_LONG = "Please restrict your message to less than 1024 bytes."
WRONG_LENGTH = "Your signature is the wrong length.  It should be 88bytes."
INVALID_SIGNATURE = "Signature invalid."
NOT_LISTED = "Invalid address given: address must be in whitelist."
NO_ADDRESS = "Invalid address given: not a Bitcoin address."
IP_FULL = "IP Disallowed, only 5 tokens are permitted per IP address"
NO_TOKEN = "Nonexistent token."  # noqa: S105 - an error message
NO_HASHES = 'Posted data must be a JSON object with a list "hashes"'
NO_PROOFS = 'Posted data must be a JSON object with a list "proofs"'
NO_SINGLE_PROOF = 'Posted data must be a JSON object with a "proof"'
INVALID_SIZE = "Invalid size: it must be a whole number."


def error(message: str) -> dict[str, str]:
    """The body of an error."""
    return {"status": "error", "message": message}


def post(node: SimulatedNode, path: str, body: bytes | str, **options: Any) -> tuple[int, Any]:
    """Post *body* as JSON, whatever it is."""
    data = body.encode() if isinstance(body, str) else body
    return node.request("POST", path, data=data, content_type="application/json", **options)


@pytest.fixture
def farmer(node: SimulatedNode) -> FarmerSimulator:
    """A farmer with two contracts, and a third chunk in the pool."""
    return FarmerSimulator(node.fill_pool(3)).join().take(2)


@pytest.fixture
def lite_farmer(lite: SimulatedNode) -> FarmerSimulator:
    """A farmer with one contract at a node on SQLite."""
    return FarmerSimulator(lite.fill_pool(1)).join().take(1)


def signed(name: str = "farmer", message: str = "hello") -> dict[str, Any]:
    """What the farmer of this *name* posts to /new."""
    key = FarmerSimulator(None, name).key  # type: ignore[arg-type]
    return {"message": message, "signature": signatures.sign(key, message)}


def address(name: str = "farmer") -> str:
    """The address of the farmer of this *name*."""
    return FarmerSimulator(None, name).address  # type: ignore[arg-type]


# All routes


ROUTES = [
    pytest.param("GET", "/heartbeat/{token}", {"token", "type", "heartbeat"}, id="heartbeat"),
    pytest.param("POST", "/new/{address}", {"token", "type", "heartbeat"}, id="new"),
    pytest.param("GET", "/chunk/{token}", {"chunks"}, id="chunk"),
    pytest.param("GET", "/chunk/{token}/1024", {"chunks"}, id="chunk of a size"),
    pytest.param("GET", "/challenge/{token}", {"challenges"}, id="all challenges"),
    pytest.param("GET", "/challenge/{token}/{hash}", CHALLENGE_FIELDS, id="one challenge"),
    pytest.param("POST", "/challenge/{token}", {"challenges"}, id="some challenges"),
    pytest.param("POST", "/answer/{token}", {"report"}, id="answers"),
    pytest.param("GET", "/status/list", {"farmers"}, id="status of all"),
    pytest.param("GET", "/status/show/{farmer_id}", FARMER_FIELDS, id="status of one"),
    pytest.param("GET", "", {"msg", "node", "version", "status", "api", "docs"}, id="mount point"),
]


@pytest.mark.parametrize("mount", [V1, DOCUMENTED])
@pytest.mark.parametrize(("method", "path", "fields"), ROUTES)
def test_every_route_answers_at_both_mounts(
    farmer: FarmerSimulator, mount: str, method: str, path: str, fields: set[str]
) -> None:
    """The client's mount and the document's give the same JSON, with exactly these fields."""
    places = {"token": farmer.token, "hash": min(farmer.held), "farmer_id": farmer.farmer_id}
    url = mount + path.format(address=farmer.address, **places)
    body = None if method == "GET" else {"hashes": [], "proofs": [], **signed()}
    response = farmer.node.app.test_client().open(url, method=method, json=body)
    assert (response.status_code, response.mimetype) == (200, "application/json")
    assert response.get_json().keys() == fields


@pytest.mark.parametrize("mount", [V1, DOCUMENTED])
def test_one_answer_is_taken_at_both_mounts(farmer: FarmerSimulator, mount: str) -> None:
    """POST /answer/TOKEN/HASH says {"status": "ok"}, as in the document."""
    proof = farmer.proofs()[0]
    url = f"{mount}/answer/{farmer.token}/{proof['file_hash']}"
    response = farmer.node.app.test_client().post(url, json={"proof": proof["proof"]})
    assert (response.status_code, response.get_json()) == (200, {"status": "ok"})


@pytest.mark.parametrize("path", ["/", V1, f"{V1}/", DOCUMENTED, f"{DOCUMENTED}/"])
def test_the_bare_url_answers(lite: SimulatedNode, path: str) -> None:
    """The client opens the node's URL first, and gives up unless it answers below 400."""
    response = lite.app.test_client().get(path)
    assert (response.status_code, response.get_json()["msg"]) == (200, "ok")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        pytest.param("GET", "/nothing", 404, id="unknown path"),
        pytest.param("GET", "/heartbeat", 404, id="no token"),
        pytest.param("GET", "/tag/x/y", 404, id="tags are not served"),
        pytest.param("GET", "/private_heartbeat/x", 404, id="nor the master secret"),
        pytest.param("GET", "/answer/x", 405, id="answers are posted"),
        pytest.param("GET", "/answer/x/y", 405, id="one answer too"),
        pytest.param("POST", "/heartbeat/x", 405, id="heartbeats are not posted"),
        pytest.param("POST", "/chunk/x", 405, id="chunks are not posted"),
        pytest.param("POST", "/status/list", 405, id="status is read"),
        pytest.param("DELETE", "/new/x", 405, id="no deleting"),
    ],
)
def test_framework_errors_have_the_error_form(
    lite: SimulatedNode, method: str, path: str, status: int
) -> None:
    """Unknown paths and wrong methods get JSON, not HTML."""
    code, body = lite.request(method, path)
    assert (code, body["status"]) == (status, "error")
    assert body.keys() == {"status", "message"}
    assert "<" not in body["message"]


@pytest.mark.parametrize("token", [UNKNOWN, "x", "0" * 31, "%00", "%C3%A4", "%FF", "0" * 5000])
@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        pytest.param("GET", "/heartbeat/{}", 404, id="heartbeat"),
        pytest.param("GET", "/chunk/{}", 400, id="chunk"),
        pytest.param("GET", "/challenge/{}", 400, id="all challenges"),
        pytest.param("GET", f"/challenge/{{}}/{ABSENT}", 400, id="one challenge"),
        pytest.param("POST", "/challenge/{}", 400, id="some challenges"),
        pytest.param("POST", f"/answer/{{}}/{ABSENT}", 400, id="one answer"),
        pytest.param("POST", "/answer/{}", 400, id="answers"),
    ],
)
def test_unknown_tokens(
    lite: SimulatedNode, method: str, path: str, status: int, token: str
) -> None:
    """The client asks for a new token on this text; the status is 404 for /heartbeat only."""
    assert lite.request(method, path.format(token)) == (status, error(NO_TOKEN))


# New tokens


@pytest.mark.parametrize(
    ("body", "content_type", "message"),
    [
        pytest.param("", "application/json", NO_PROOF, id="no body"),
        pytest.param("nonsense", "application/json", NO_PROOF, id="not JSON"),
        pytest.param('["a"]', "application/json", NO_PROOF, id="a list"),
        pytest.param("null", "application/json", NO_PROOF, id="null"),
        pytest.param(json.dumps(signed()), "text/plain", NO_PROOF, id="another content type"),
        pytest.param(json.dumps(signed()), None, NO_PROOF, id="no content type"),
    ],
)
def test_a_token_needs_a_json_object(
    lite: SimulatedNode, body: str, content_type: str | None, message: str
) -> None:
    """What is no JSON object, and does not say that it is JSON, is refused."""
    path = f"/new/{address()}"
    answer = lite.request("POST", path, data=body, content_type=content_type)
    assert answer == (400, error(message))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param({"message": None}, NO_PROOF, id="message null"),
        pytest.param({"message": 5}, NO_PROOF, id="message a number"),
        pytest.param({"signature": None}, NO_PROOF, id="signature null"),
        pytest.param({"signature": ["x"]}, NO_PROOF, id="signature a list"),
        pytest.param(signed(message="m" * 1025), TOO_LONG, id="1025 bytes"),
        pytest.param(signed(message="é" * 513), TOO_LONG, id="1026 bytes, 513 characters"),
        pytest.param({"message": "m" * 1025, "signature": "x"}, TOO_LONG, id="length comes first"),
        pytest.param({"signature": "x" * 87}, WRONG_LENGTH, id="87 characters"),
        pytest.param({"signature": "x" * 89}, WRONG_LENGTH, id="89 characters"),
        pytest.param({"signature": ""}, WRONG_LENGTH, id="no signature"),
        pytest.param({"message": "hello!"}, INVALID_SIGNATURE, id="of another message"),
        pytest.param(signed("other"), INVALID_SIGNATURE, id="of another key"),
    ],
)
def test_a_token_needs_a_signature(
    lite: SimulatedNode, change: dict[str, Any], message: str
) -> None:
    """Each failure has the original's words; the first in the original's order is told."""
    body = {**signed(), **change}
    assert lite.request("POST", f"/new/{address()}", json=body) == (400, error(message))


@pytest.mark.parametrize("missing", ["message", "signature"])
def test_a_token_needs_both_fields(lite: SimulatedNode, missing: str) -> None:
    """A missing field is told like a body that is no JSON."""
    body = {name: value for name, value in signed().items() if name != missing}
    assert lite.request("POST", f"/new/{address()}", json=body) == (400, error(NO_PROOF))


@pytest.mark.parametrize(
    "signature",
    [
        pytest.param("!" * 88, id="not base64"),
        pytest.param("é" * 88, id="not ASCII"),
        pytest.param("A" * 86 + "==", id="zeros"),
        pytest.param("/" * 86 + "==", id="ones, not canonical"),
        pytest.param("A" * 88, id="66 bytes"),
        pytest.param(" " * 88, id="spaces"),
        pytest.param("\0" * 88, id="zero characters"),
    ],
)
def test_malformed_signatures_are_invalid(lite: SimulatedNode, signature: str) -> None:
    """88 characters of anything are an invalid signature, where the original broke."""
    body = {"message": "hello", "signature": signature}
    answer = lite.request("POST", f"/new/{address()}", json=body)
    assert answer == (400, error(INVALID_SIGNATURE))


def test_random_signatures_are_invalid(lite: SimulatedNode) -> None:
    """18 of 40 random signatures were a 500 in the original."""
    for number in range(40):
        noise = hashlib.sha512(bytes([number])).digest() + bytes([number])
        header = bytes([27 + number % 16]) + noise[:64]
        body = {"message": "hello", "signature": b64encode(header).decode()}
        answer = lite.request("POST", f"/new/{address()}", json=body)
        assert answer == (400, error(INVALID_SIGNATURE))


@pytest.mark.parametrize(
    "malformed",
    ["not_an_address", address()[:-1], address()[:-1] + "~", address().upper(), "%00", "1" * 2000],
)
def test_malformed_addresses_have_no_valid_signature(lite: SimulatedNode, malformed: str) -> None:
    """No signature belongs to a malformed address; the original answered 500."""
    answer = lite.request("POST", f"/new/{malformed}", json=signed())
    assert answer == (400, error(INVALID_SIGNATURE))


def test_a_token_without_a_signature_is_refused(lite: SimulatedNode) -> None:
    """GET is for nodes that require no signature."""
    lite.whitelist(address())
    assert lite.request("GET", f"/new/{address()}") == (400, error(NO_SIGNATURE))
    assert lite.request("GET", "/new/not_an_address") == (400, error(NO_SIGNATURE))


def test_who_is_not_whitelisted_is_refused(node: SimulatedNode) -> None:
    """A good signature is not enough."""
    node.whitelist(address("other"))
    answer = node.request("POST", f"/new/{address()}", json=signed())
    assert answer == (400, error(NOT_LISTED))


def test_case_matters_in_addresses(node: SimulatedNode) -> None:
    """Every address has one spelling, in every database."""
    node.whitelist(address())
    swapped = address().swapcase()
    assert node.request("POST", f"/new/{swapped}", json=signed())[0] == 400


@pytest.mark.parametrize(
    ("balance", "status"),
    [
        pytest.param(9999, 400, id="one too few"),
        pytest.param(10000, 200, id="just enough"),
        pytest.param(10001, 200, id="one more"),
    ],
)
def test_the_balance_decides(
    node: SimulatedNode, tmp_path: Path, balance: int, status: int
) -> None:
    """An address on the whitelist needs MIN_SJCX_BALANCE."""
    file = tmp_path / "whitelist.csv"
    file.write_text(f"address,balance\n{address()},{balance}\n")
    node.whitelist(str(file))
    code, body = node.request("POST", f"/new/{address()}", json=signed())
    assert code == status
    assert status == 200 or body == error(NOT_LISTED)


def test_an_ip_address_has_room_for_five(node: SimulatedNode) -> None:
    """The sixth token from one IP is refused; the same signature gave the first five."""
    tokens = {FarmerSimulator(node).join().token for _ in range(5)}
    assert len(tokens) == 5
    assert FarmerSimulator(node).try_to_join() == (400, error(IP_FULL))
    assert FarmerSimulator(node, ip="2001:db8::1").try_to_join()[0] == 200


def test_the_ip_comes_before_the_whitelist(make_node: NodeMaker) -> None:
    """At a full IP nobody learns who is on the whitelist; the signature is looked at before."""
    node = make_node(MAX_TOKENS_PER_IP=1)
    FarmerSimulator(node).join()
    full = error("IP Disallowed, only 1 tokens are permitted per IP address")
    stranger = f"/new/{address('stranger')}"
    assert node.request("POST", stranger, json=signed("stranger")) == (400, full)
    assert node.request("POST", stranger, json=signed()) == (400, error(INVALID_SIGNATURE))


def test_a_new_token(node: SimulatedNode) -> None:
    """A token of 32 hex digits, with the type that the client insists on and its heartbeat."""
    farmer = FarmerSimulator(node)
    code, body = farmer.try_to_join()
    assert (code, body["type"], body["heartbeat"]) == (200, "Merkle", HEARTBEAT)
    assert len(bytes.fromhex(body["token"])) == 16
    assert node.request("GET", f"/heartbeat/{body['token']}") == (200, body)


@pytest.mark.parametrize("message", ["", "m" * 1024, "é" * 512, "\0", "\U0001f600" * 256])
def test_messages_up_to_the_limit_may_be_signed(lite: SimulatedNode, message: str) -> None:
    """Any text of at most MAX_SIG_MESSAGE_SIZE bytes."""
    lite.whitelist(address())
    assert lite.request("POST", f"/new/{address()}", json=signed(message=message))[0] == 200


def test_a_node_may_do_without_signatures(make_node: NodeMaker) -> None:
    """Then a GET is enough, but who posts a signature has it checked."""
    node = make_node(REQUIRE_SIGNATURE=False)
    node.whitelist(address())
    assert node.request("GET", f"/new/{address()}")[0] == 200
    assert node.request("GET", "/new/not_an_address") == (400, error(NO_ADDRESS))
    assert node.request("GET", f"/new/{address('other')}") == (400, error(NOT_LISTED))
    bad = node.request("POST", f"/new/{address()}", json=signed("other"))
    assert bad == (400, error(INVALID_SIGNATURE))


def test_a_node_may_do_without_a_whitelist(make_node: NodeMaker) -> None:
    """With MIN_SJCX_BALANCE 0 any address may farm."""
    node = make_node(MIN_SJCX_BALANCE=0)
    assert node.request("POST", f"/new/{address()}", json=signed())[0] == 200


def aged(node: str, seconds: int) -> str:
    """A message to *node* that is so many seconds old."""
    return fresh_message(node, calendar(WallTime(START - seconds * SECOND)))


@pytest.mark.parametrize(
    ("message", "status"),
    [
        pytest.param(aged("downstream", 0), 200, id="just made"),
        pytest.param(aged("downstream", 300), 200, id="at the limit"),
        pytest.param(aged("downstream", 301), 400, id="one second stale"),
        pytest.param(aged("downstream", -60), 200, id="a clock that is ahead"),
        pytest.param(aged("downstream", -61), 400, id="from the future"),
        pytest.param(aged("upstream", 0), 400, id="for another node"),
        pytest.param(aged("downstream", 0).split()[1], 400, id="without a name"),
        pytest.param("downstream", 400, id="without a time"),
    ],
)
def test_a_signature_may_have_to_be_fresh(make_node: NodeMaker, message: str, status: int) -> None:
    """With SIGNATURE_MAX_AGE the message names this node and a recent time."""
    node = make_node(SIGNATURE_MAX_AGE=300)
    node.whitelist(address())
    code, body = node.request("POST", f"/new/{address()}", json=signed(message=message))
    assert code == status
    assert status == 200 or body["message"].startswith("Signature not fresh: ")


# Chunks


def test_a_chunk_has_these_fields(node: SimulatedNode) -> None:
    """All that a farmer needs; the file hash is one string of 64 hex digits."""
    farmer = FarmerSimulator(node.fill_pool(1)).join()
    (chunk,) = farmer.ask_for(CHUNK)
    assert chunk.keys() == CHUNK_FIELDS
    assert (chunk["size"], chunk["due"]) == (CHUNK, 60.0)
    assert (len(bytes.fromhex(chunk["file_hash"])), len(bytes.fromhex(chunk["seed"]))) == (32, 16)
    assert chunk["challenge"].keys() == {"seed", "index"}
    assert chunk["tag"].keys() == {"tree", "chunksz", "filesz"}


def test_a_due_time_has_no_limit_in_type(node: SimulatedNode) -> None:
    """`due` is a float, of which the client takes the whole seconds."""
    farmer = FarmerSimulator(node.fill_pool(1)).join()
    assert isinstance(farmer.ask_for(CHUNK)[0]["due"], float)


@pytest.mark.parametrize(
    ("size", "count"),
    [
        pytest.param("0", 0, id="nothing"),
        pytest.param("1023", 0, id="less than a chunk"),
        pytest.param("1024", 1, id="one"),
        pytest.param("2047", 1, id="not quite two"),
        pytest.param("2048", 2, id="two"),
        pytest.param("0002048", 2, id="leading zeros"),
        pytest.param("4096", 3, id="more than the pool"),
        pytest.param("9" * 18, 3, id="as much as fits 64 bits"),
    ],
)
def test_a_farmer_gets_what_fits(node: SimulatedNode, size: str, count: int) -> None:
    """As many chunks as fit the size, no more than there are."""
    farmer = FarmerSimulator(node.fill_pool(3)).join()
    code, body = node.request("GET", f"/chunk/{farmer.token}/{size}")
    assert (code, [chunk["size"] for chunk in body["chunks"]]) == (200, [CHUNK] * count)


NO_SIZES = (
    *("-1", "many", "1.5", "1e3", "+1", "%201", "0x10", "1_000", "%00"),
    *("%D9%A3", "%C2%B2", "9" * 19, "9" * 30),
)


@pytest.mark.parametrize("size", NO_SIZES)
def test_sizes_that_make_no_sense(lite_farmer: FarmerSimulator, size: str) -> None:
    """A size is a whole number; anything else is a 400, and no chunk leaves the pool."""
    answer = lite_farmer.node.request("GET", f"/chunk/{lite_farmer.token}/{size}")
    assert answer == (400, error(INVALID_SIZE))


def test_the_default_size(node: SimulatedNode) -> None:
    """Who names no size gets 32,768 bytes, as the document says."""
    farmer = FarmerSimulator(node.fill_pool(2, 32768).fill_pool(1, 65536)).join()
    code, body = node.request("GET", f"/chunk/{farmer.token}")
    assert (code, [chunk["size"] for chunk in body["chunks"]]) == (200, [32768])


def test_one_request_gives_so_many_chunks(make_node: NodeMaker) -> None:
    """At most MAX_CHUNKS_PER_REQUEST."""
    node = make_node(MAX_CHUNKS_PER_REQUEST=2)
    farmer = FarmerSimulator(node.fill_pool(3)).join()
    assert [len(farmer.ask_for(10 * CHUNK)) for _ in range(3)] == [2, 1, 0]


@pytest.mark.parametrize("wanted", [*range(0, 8000, 997), 511, 512, 1535, 1536, 5632, 5633])
def test_never_more_bytes_than_asked(lite: SimulatedNode, wanted: int) -> None:
    """More bytes than it asked for end the client."""
    for size in (512, 512, 1024, 4096):
        lite.fill_pool(1, size)
    chunks = FarmerSimulator(lite).join().ask_for(wanted)
    assert sum(chunk["size"] for chunk in chunks) <= wanted
    assert bool(chunks) == (wanted >= 512)


# Challenges


def test_all_challenges(farmer: FarmerSimulator) -> None:
    """One entry for each contract, with exactly the document's fields."""
    entries = farmer.challenges()
    assert entries.keys() == farmer.held.keys()
    for name, entry in entries.items():
        challenge = farmer.held[name]["challenge"]
        expected = {"file_hash": name, "challenge": challenge, "due": 60.0, "answered": False}
        assert entry == expected


def test_one_challenge(farmer: FarmerSimulator, node: SimulatedNode) -> None:
    """The same without the file hash."""
    name, chunk = min(farmer.held.items())
    node.advance(12.5)
    expected = {"challenge": chunk["challenge"], "due": 47.5, "answered": False}
    assert node.request("GET", f"/challenge/{farmer.token}/{name}") == (200, expected)


def test_some_challenges(farmer: FarmerSimulator, node: SimulatedNode) -> None:
    """Those that the body names, in its order, unknown ones among them."""
    first, second = sorted(farmer.held)
    body = {"hashes": [second, ABSENT, first]}
    code, answer = node.request("POST", f"/challenge/{farmer.token}", json=body)
    entries = answer["challenges"]
    assert (code, [entry["file_hash"] for entry in entries]) == (200, [second, ABSENT, first])
    assert entries[0] == farmer.challenges()[second]
    assert entries[1] == {"file_hash": ABSENT, "error": "contract not found"}


def test_an_answered_challenge_stays_until_it_is_due(
    farmer: FarmerSimulator, node: SimulatedNode
) -> None:
    """The same challenge, answered true; the next one comes at the due time."""
    name, chunk = min(farmer.held.items())
    farmer.answer_all()
    node.advance(59)
    same = {"challenge": chunk["challenge"], "due": 1.0, "answered": True}
    assert node.request("GET", f"/challenge/{farmer.token}/{name}") == (200, same)
    node.advance(1)
    code, fresh = node.request("GET", f"/challenge/{farmer.token}/{name}")
    assert (code, fresh["due"], fresh["answered"]) == (200, 60.0, False)
    assert fresh["challenge"]["index"] == 1


def test_one_challenge_of_an_expired_contract(farmer: FarmerSimulator, node: SimulatedNode) -> None:
    """The error form, with the document's text."""
    node.advance(60)
    answer = node.request("GET", f"/challenge/{farmer.token}/{min(farmer.held)}")
    assert answer == (400, error("contract expired"))


def test_one_challenge_of_an_exhausted_contract(make_node: NodeMaker) -> None:
    """Exactly {"status": "no more challenges"}."""
    node = make_node(DEFAULT_INTERVAL=60, HEARTBEAT_CHALLENGES=1)
    farmer = FarmerSimulator(node.fill_pool(1)).join().take(1)
    farmer.answer_all()
    node.advance(60)
    answer = node.request("GET", f"/challenge/{farmer.token}/{min(farmer.held)}")
    assert answer == (200, {"status": "no more challenges"})


@pytest.mark.parametrize("name", [ABSENT, "1", "x", "%00", "%20", "%C3%A4", "٣" * 64, "0" * 3000])
def test_one_challenge_of_an_unknown_contract(lite_farmer: FarmerSimulator, name: str) -> None:
    """Whatever stands in the path, it is a contract that is not found."""
    answer = lite_farmer.node.request("GET", f"/challenge/{lite_farmer.token}/{name}")
    assert answer == (404, error("contract not found"))


def test_contracts_belong_to_one_farmer(farmer: FarmerSimulator, node: SimulatedNode) -> None:
    """Another farmer's contract is not found, on every route."""
    other, name = FarmerSimulator(node, "other").join(), min(farmer.held)
    _, listed = node.request("POST", f"/challenge/{other.token}", json={"hashes": [name]})
    assert listed == {"challenges": [{"file_hash": name, "error": "contract not found"}]}
    not_found = (404, error("contract not found"))
    assert node.request("GET", f"/challenge/{other.token}/{name}") == not_found
    proofs = farmer.proofs()
    assert {entry["error"] for entry in other.send(proofs)} == {"contract not found"}
    single = {"proof": proofs[0]["proof"]}
    assert node.request("POST", f"/answer/{other.token}/{name}", json=single) == not_found
    assert other.challenges() == {}


def test_a_long_list_of_challenges_is_streamed(
    node: SimulatedNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pages join to one valid list, in order, whether or not the last page is full."""
    monkeypatch.setattr(challenges, "PAGE", 3)
    farmer = FarmerSimulator(node.fill_pool(9)).join()
    for _ in range(9):
        farmer.ask_for(CHUNK)
        code, body = node.request("GET", f"/challenge/{farmer.token}")
        names = [entry["file_hash"] for entry in body["challenges"]]
        assert (code, names) == (200, list(farmer.held))


def test_challenges_come_in_pages(farmer: FarmerSimulator, node: SimulatedNode) -> None:
    """With a limit, each page has the cursor of the next one, and the last one none."""
    farmer.take(1)
    path, cursor = f"/challenge/{farmer.token}?limit=2", "0"
    code, first = node.request("GET", f"{path}&cursor={cursor}")
    assert (code, len(first["challenges"])) == (200, 2)
    code, last = node.request("GET", f"{path}&cursor={first['cursor']}")
    assert (code, len(last["challenges"]), last["cursor"]) == (200, 1, None)
    names = [entry["file_hash"] for entry in first["challenges"] + last["challenges"]]
    assert names == list(farmer.challenges())


@pytest.mark.parametrize("limit", ["", "0", "-1", "x", "%00", "%D9%A3", "10001", "9" * 30])
def test_page_limits_that_make_no_sense(lite_farmer: FarmerSimulator, limit: str) -> None:
    """A page has 1 to MAX_BATCH challenges."""
    path = f"/challenge/{lite_farmer.token}?limit={limit}"
    code, body = lite_farmer.node.request("GET", path)
    assert (code, body["status"]) == (400, "error")


@pytest.mark.parametrize("cursor", ["", "-1", "x", "%00", "%C2%B2", "9" * 19])
def test_cursors_that_make_no_sense(lite_farmer: FarmerSimulator, cursor: str) -> None:
    """A cursor is what the page before gave."""
    path = f"/challenge/{lite_farmer.token}?limit=5&cursor={cursor}"
    code, body = lite_farmer.node.request("GET", path)
    assert (code, body["status"]) == (400, "error")


def test_more_than_a_thousand_challenges(make_node: NodeMaker) -> None:
    """Contracts beyond the real page size come, too."""
    node = make_node(HEARTBEAT_CHALLENGES=1, MAX_CHUNKS_PER_REQUEST=2000)
    farmer = FarmerSimulator(node.fill_pool(1001, 128)).join().take(1001, 128)
    assert len(farmer.challenges()) == 1001


# Answers


def test_answers_are_reported_in_order(farmer: FarmerSimulator) -> None:
    """One entry each: "ok", or the document's error."""
    proofs = farmer.proofs()
    proofs[1]["proof"] = {**proofs[1]["proof"], "leaf": proofs[0]["proof"]["leaf"]}
    first, second = (proof["file_hash"] for proof in proofs)
    assert farmer.send(proofs) == [
        {"file_hash": first, "status": "ok"},
        {"file_hash": second, "error": "proof invalid"},
    ]


@pytest.mark.parametrize(
    ("proof", "message"),
    [
        pytest.param(None, "Proof corrupted", id="null"),
        pytest.param("x", "Proof corrupted", id="a string"),
        pytest.param({}, "Proof corrupted", id="no leaf"),
        pytest.param(
            {"branch": {"rows": []}, "leaf": {"blob": "x", "index": 0}},
            "Proof corrupted",
            id="not base64",
        ),
        pytest.param(
            {"branch": {"rows": []}, "leaf": {"blob": 5, "index": 0}},
            "Proof corrupted",
            id="blob a number",
        ),
        pytest.param(
            {"branch": {"rows": [1, 2]}, "leaf": {"blob": "AAAA", "index": 0}},
            "Proof corrupted",
            id="rows of numbers",
        ),
    ],
)
def test_corrupted_proofs(lite_farmer: FarmerSimulator, proof: object, message: str) -> None:
    """What has no proof's form is told apart from a wrong proof, on both routes."""
    node, name = lite_farmer.node, min(lite_farmer.held)
    report = lite_farmer.send([{"file_hash": name, "proof": proof}])
    assert report == [{"file_hash": name, "error": message}]
    single = node.request("POST", f"/answer/{lite_farmer.token}/{name}", json={"proof": proof})
    assert single == (400, error(message))


def test_one_answer_twice(farmer: FarmerSimulator, node: SimulatedNode) -> None:
    """The second is refused in the error form."""
    proof = farmer.proofs()[0]
    path, body = f"/answer/{farmer.token}/{proof['file_hash']}", {"proof": proof["proof"]}
    assert node.request("POST", path, json=body) == (200, {"status": "ok"})
    again = node.request("POST", path, json=body)
    assert again == (400, error("Challenge already answered."))


def test_one_answer_too_late(farmer: FarmerSimulator, node: SimulatedNode) -> None:
    """The document's text, in the error form."""
    proof = farmer.proofs()[0]
    node.advance(60)
    path, body = f"/answer/{farmer.token}/{proof['file_hash']}", {"proof": proof["proof"]}
    assert node.request("POST", path, json=body) == (400, error("contract expired"))


def test_an_answer_after_the_last_challenge(make_node: NodeMaker) -> None:
    """A contract without further challenges says so."""
    node = make_node(DEFAULT_INTERVAL=60, HEARTBEAT_CHALLENGES=1)
    farmer = FarmerSimulator(node.fill_pool(1)).join().take(1)
    proofs = farmer.proofs()
    farmer.send(proofs)
    node.advance(60)
    assert farmer.send(proofs)[0]["error"] == "no more challenges"


def test_an_invalid_answer_may_be_repaired(farmer: FarmerSimulator) -> None:
    """Until it is due, a challenge may be tried again."""
    first, second = farmer.proofs()
    wrong = {"file_hash": first["file_hash"], "proof": second["proof"]}
    assert farmer.send([wrong])[0]["error"] == "proof invalid"
    assert farmer.send([first])[0]["status"] == "ok"


# Batches


NO_BATCH = [
    pytest.param("", id="empty"),
    pytest.param("nonsense", id="not JSON"),
    pytest.param("{}", id="no list"),
    pytest.param("[]", id="a bare list"),
    pytest.param("null", id="null"),
    pytest.param('{"hashes": {}, "proofs": {}, "other": 1}', id="objects"),
    pytest.param('{"hashes": null, "proofs": null}', id="nulls"),
    pytest.param('{"hashes": "x", "proofs": "x"}', id="texts"),
    pytest.param('{"hashes": [], "proofs": []', id="cut off"),
    pytest.param('{"hashes": [], "proofs": []}}', id="something behind"),
    pytest.param('{"hashes": [,], "proofs": [,]}', id="comma"),
    pytest.param(b'{"hashes": ["\xff"], "proofs": [\xff]}', id="not UTF-8"),
    pytest.param('{"hashes": [], "proofs": []}'.encode("utf-16"), id="UTF-16"),
    pytest.param('{"hashes": [NaN], "proofs": [NaN]}', id="not a number"),
    pytest.param('{"hashes": [Infinity], "proofs": [-Infinity]}', id="infinite"),
]


@pytest.mark.parametrize("body", NO_BATCH)
def test_a_body_without_a_list_is_refused(lite_farmer: FarmerSimulator, body: bytes | str) -> None:
    """A malformed request is a 400 that says what is wanted."""
    node, token = lite_farmer.node, lite_farmer.token
    assert post(node, f"/challenge/{token}", body) == (400, error(NO_HASHES))
    assert post(node, f"/answer/{token}", body) == (400, error(NO_PROOFS))
    single = post(node, f"/answer/{token}/{ABSENT}", body)
    assert single == (400, error(NO_SINGLE_PROOF))


def test_empty_batches(lite_farmer: FarmerSimulator) -> None:
    """An empty list is answered by an empty list."""
    node, token = lite_farmer.node, lite_farmer.token
    answer = node.request("POST", f"/challenge/{token}", json={"hashes": []})
    assert answer == (200, {"challenges": []})
    assert lite_farmer.send([]) == []


UNKNOWN_NAMES: list[Any] = [
    *(None, True, False, 0, 1, -1, 1.5, 2**63, 2**64, 10**30, "", "x", "\0", "\U0001f600"),
    *(ABSENT, "g" * 64, " " * 64, "٣" * 64, "x" * 1000, [], {}, [1, "a"], {"a": [None, {}]}),
]


@pytest.mark.parametrize("name", UNKNOWN_NAMES, ids=lambda name: ascii(name)[:20])
def test_unknown_names_come_back_as_they_are(lite_farmer: FarmerSimulator, name: object) -> None:
    """The client looks a report up by the file hash that it sent, whatever its type."""
    node, token = lite_farmer.node, lite_farmer.token
    expected = [{"file_hash": name, "error": "contract not found"}]
    code, body = node.request("POST", f"/challenge/{token}", json={"hashes": [name]})
    assert (code, body) == (200, {"challenges": expected})
    assert type(body["challenges"][0]["file_hash"]) is type(name)
    assert lite_farmer.send([{"file_hash": name, "proof": {}}]) == expected


def test_names_that_are_too_long_come_back_as_null(lite_farmer: FarmerSimulator) -> None:
    """Nothing that any client uses as a name is longer than 1 KiB; our answer stays small."""
    path = f"/challenge/{lite_farmer.token}"
    code, body = lite_farmer.node.request("POST", path, json={"hashes": ["x" * 10_000]})
    missing = [{"file_hash": None, "error": "contract not found"}]
    assert (code, body) == (200, {"challenges": missing})
    assert lite_farmer.send([{"file_hash": "x" * 10_000, "proof": {}}]) == missing


def test_names_of_different_types_are_different(lite_farmer: FarmerSimulator) -> None:
    """1, "1", 1.0 and true are four unknown contracts, with a report each."""
    names = [1, "1", 1.0, True]
    path = f"/challenge/{lite_farmer.token}"
    _, body = lite_farmer.node.request("POST", path, json={"hashes": names})
    assert json.dumps([entry["file_hash"] for entry in body["challenges"]]) == json.dumps(names)


def test_doubled_names_have_one_report(farmer: FarmerSimulator, node: SimulatedNode) -> None:
    """Each file hash is reported once, where it stands first."""
    proofs = farmer.proofs()
    names = [proof["file_hash"] for proof in proofs]
    body = {"hashes": [*names, *reversed(names), 5, 5]}
    _, answer = node.request("POST", f"/challenge/{farmer.token}", json=body)
    assert [entry["file_hash"] for entry in answer["challenges"]] == [*names, 5]
    report = farmer.send([*proofs, *reversed(proofs)])
    assert report == [{"file_hash": name, "status": "ok"} for name in names]
    assert node.status(farmer)["heartbeats"] == 2


def test_the_first_of_two_proofs_counts(farmer: FarmerSimulator) -> None:
    """A second proof for the same contract in one batch is not looked at."""
    good, other = farmer.proofs()
    wrong = {"file_hash": good["file_hash"], "proof": other["proof"]}
    assert [entry["error"] for entry in farmer.send([wrong, good])] == ["proof invalid"]


@pytest.mark.parametrize(
    ("item", "report"),
    [
        pytest.param("5", {"file_hash": None, "error": "contract not found"}, id="a number"),
        pytest.param("null", {"file_hash": None, "error": "contract not found"}, id="null"),
        pytest.param("[]", {"file_hash": None, "error": "contract not found"}, id="a list"),
        pytest.param("{}", {"file_hash": None, "error": "contract not found"}, id="empty"),
        pytest.param(
            '{"proof": 1}', {"file_hash": None, "error": "contract not found"}, id="no file_hash"
        ),
        pytest.param(
            '{"file_hash": 7}', {"file_hash": 7, "error": "contract not found"}, id="no proof"
        ),
    ],
)
def test_malformed_items_do_not_stop_the_rest(
    lite_farmer: FarmerSimulator, item: str, report: dict[str, Any]
) -> None:
    """An error in that item's report; the good proof behind it is accepted."""
    (good,) = lite_farmer.proofs()
    body = f'{{"proofs": [{item}, {json.dumps(good)}]}}'
    code, answer = post(lite_farmer.node, f"/answer/{lite_farmer.token}", body)
    assert code == 200
    assert answer["report"] == [report, {"file_hash": good["file_hash"], "status": "ok"}]


def test_a_known_contract_without_a_proof(lite_farmer: FarmerSimulator) -> None:
    """An item without a proof is a corrupted proof of that contract."""
    name = min(lite_farmer.held)
    assert lite_farmer.send([{"file_hash": name}]) == [
        {"file_hash": name, "error": "Proof corrupted"}
    ]


@pytest.mark.parametrize(
    ("count", "status"), [(2, 200), (3, 400)], ids=["at the limit", "one too many"]
)
def test_batches_have_a_limit(make_node: NodeMaker, count: int, status: int) -> None:
    """More than MAX_BATCH items are refused as a whole."""
    node = make_node(MAX_BATCH=2)
    token = FarmerSimulator(node).join().token
    assert node.request("POST", f"/challenge/{token}", json={"hashes": [0] * count})[0] == status
    code, body = node.request("POST", f"/answer/{token}", json={"proofs": [0] * count})
    assert code == status
    assert status == 200 or body == error("Too many items: at most 2 are taken at once.")


def test_the_largest_batch_that_can_be_set(make_node: NodeMaker) -> None:
    """The greatest MAX_BATCH is within what every database takes in one statement."""
    most = settings.FIELDS["MAX_BATCH"].metadata["maximum"]
    node = make_node(MAX_BATCH=most)
    token = FarmerSimulator(node).join().token
    hashes = [f"{number:064x}" for number in range(most)]
    code, body = node.request("POST", f"/challenge/{token}", json={"hashes": hashes})
    assert (code, len(body["challenges"])) == (200, most)


# Bodies


def test_plain_json_announced_as_gzip(farmer: FarmerSimulator, node: SimulatedNode) -> None:
    """The published client sends this with every answer."""
    body = json.dumps({"proofs": farmer.proofs()})
    headers = {"Content-Encoding": "gzip"}
    code, answer = post(node, f"/answer/{farmer.token}", body, headers=headers)
    assert (code, [entry["status"] for entry in answer["report"]]) == (200, ["ok", "ok"])


@pytest.mark.parametrize("headers", [{}, {"Content-Encoding": "gzip"}], ids=["silent", "said"])
def test_a_body_that_is_gzip(farmer: FarmerSimulator, headers: dict[str, str]) -> None:
    """What the body is decides, not what the header says."""
    body = gzip.compress(json.dumps({"proofs": farmer.proofs()}).encode())
    code, answer = post(farmer.node, f"/answer/{farmer.token}", body, headers=headers)
    assert (code, [entry["status"] for entry in answer["report"]]) == (200, ["ok", "ok"])


EMPTY_BATCH = b'{"hashes": [], "proofs": []}'
PACKED = gzip.compress(EMPTY_BATCH, mtime=0)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        pytest.param(PACKED[:-1], "The gzip body is cut off.", id="one byte cut off"),
        pytest.param(PACKED[:12], "The gzip body is cut off.", id="little of it"),
        pytest.param(PACKED[:2], "The gzip body is cut off.", id="two bytes"),
        pytest.param(PACKED[:-8] + bytes(8), "The body is not valid gzip.", id="wrong checksum"),
        pytest.param(b"\x1f\x8b" + b"x" * 40, "The body is not valid gzip.", id="noise"),
    ],
)
def test_broken_gzip(lite_farmer: FarmerSimulator, body: bytes, message: str) -> None:
    """A gzip body that cannot be unpacked whole is refused."""
    answer = post(lite_farmer.node, f"/answer/{lite_farmer.token}", body)
    assert answer == (400, error(message))


@pytest.mark.parametrize(
    "path", ["/new/x", "/challenge/{}", "/answer/{}", f"/answer/{{}}/{ABSENT}"]
)
def test_large_bodies_are_refused(make_node: NodeMaker, path: str) -> None:
    """Above MAX_BODY_SIZE: a 413 in the error form, packed or not."""
    node = make_node(MAX_BODY_SIZE=2000)
    target = path.format(FarmerSimulator(node).join().token)
    plain = post(node, target, EMPTY_BATCH + b" " * 2000)
    assert plain == (413, error("The body is larger than 2000 bytes."))
    bomb = gzip.compress(EMPTY_BATCH + b" " * 1_000_000)
    unpacked = post(node, target, bomb)
    assert unpacked == (413, error("The body is larger than 2000 bytes when unpacked."))


@pytest.mark.parametrize(
    ("size", "status"),
    [
        pytest.param(1999, 200, id="below"),
        pytest.param(2000, 200, id="at the limit"),
        pytest.param(2001, 413, id="above"),
    ],
)
def test_the_limit_of_a_body(make_node: NodeMaker, size: int, status: int) -> None:
    """MAX_BODY_SIZE itself may be used, packed or not."""
    node = make_node(MAX_BODY_SIZE=2000)
    path = f"/challenge/{FarmerSimulator(node).join().token}"
    body = EMPTY_BATCH.ljust(size)
    assert post(node, path, body)[0] == status
    assert post(node, path, gzip.compress(body))[0] == status


def test_a_bomb_is_refused(lite_farmer: FarmerSimulator) -> None:
    """Unpacking stops at the default limit, however small the body is."""
    bomb = gzip.compress(bytes(100 << 20), 1)
    assert len(bomb) < 1 << 20
    assert post(lite_farmer.node, f"/answer/{lite_farmer.token}", bomb)[0] == 413


@pytest.mark.parametrize(
    "path", ["/new/x", "/challenge/{}", "/answer/{}", f"/answer/{{}}/{ABSENT}"]
)
@pytest.mark.parametrize(
    "value",
    [
        pytest.param('"\\ud800"', id="lone surrogate"),
        pytest.param('"\\udc00\\ud800"', id="surrogates in the wrong order"),
        pytest.param('"\\u0000"', id="zero character"),
        pytest.param("NaN", id="not a number"),
        pytest.param("1e999", id="beyond floats"),
        pytest.param("9" * 4300, id="as many digits as Python reads"),
        pytest.param("9" * 4301, id="one more"),
        pytest.param("-" + "9" * 100_000, id="100,000 digits"),
        pytest.param("0." + "9" * 100_000, id="100,000 decimals"),
        pytest.param("[" * 100_000, id="deep and cut off"),
        pytest.param("[" * 100_000 + "]" * 100_000, id="deep"),
        pytest.param('{"a":' * 50_000 + "1" + "}" * 50_000, id="deep objects"),
        pytest.param('"' + "\\u00e9" * 10_000 + '"', id="escapes"),
    ],
)
def test_strange_values_are_no_bugs(lite_farmer: FarmerSimulator, path: str, value: str) -> None:
    """Whatever a body holds, wherever it stands, the answer is not a 500."""
    client, target = lite_farmer.node.app.test_client(), V1 + path.format(lite_farmer.token)
    name = min(lite_farmer.held)
    proofs = f'[{value}, {{"file_hash": {value}}}, {{"file_hash": "{name}", "proof": {value}}}]'
    everything = f'"hashes": [{value}], "proofs": {proofs}, "proof": {value}'
    for body in (value, f"{{{everything}}}", f'{{"message": {value}, "signature": {value}}}'):
        response = client.post(target, data=body, content_type="application/json")
        assert response.status_code in (200, 400, 404)


@pytest.mark.parametrize(
    ("opening", "closing"), [("[", "]"), ('{"a":', "}")], ids=["lists", "objects"]
)
def test_no_depth_is_a_bug(lite_farmer: FarmerSimulator, opening: str, closing: str) -> None:
    """Where reading just succeeds, comparing and writing do, too."""
    node, token = lite_farmer.node, lite_farmer.token
    codes = set()
    for depth in range(800, 1010):
        name = opening * depth + "1" + closing * depth
        codes.add(post(node, f"/challenge/{token}", f'{{"hashes": [{name}]}}')[0])
        codes.add(post(node, f"/answer/{token}", f'{{"proofs": [{{"file_hash": {name}}}]}}')[0])
    assert codes <= {200, 400}


NO_TEXTS = (
    b'"\xff"',
    b'"\xed\xa0\x80"',
    b'["\xc3"]',
    b'{"\xf5":1}',
    b'"\\ud800"',
    b'"\x01"',
    b"1e999",
)


@pytest.mark.parametrize("name", NO_TEXTS, ids=ascii)
@pytest.mark.parametrize(
    ("path", "body"),
    [("challenge", b'{"hashes": [%b]}'), ("answer", b'{"proofs": [{"file_hash": %b}]}')],
    ids=["challenge", "answer"],
)
def test_what_is_no_text_does_not_come_back(
    lite_farmer: FarmerSimulator, path: str, body: bytes, name: bytes
) -> None:
    """Bytes that are no JSON would make our own answer unreadable, and the good hash in it."""
    client = lite_farmer.node.app.test_client()
    response = client.post(f"{V1}/{path}/{lite_farmer.token}", data=body % name)
    assert response.status_code in (200, 400)
    json.loads(response.get_data().decode())


def test_strange_values_stand_beside_good_ones(lite_farmer: FarmerSimulator) -> None:
    """A number that no float holds is malformed; the good hash behind it is answered."""
    body = f'{{"hashes": [1e999, "{min(lite_farmer.held)}"]}}'
    code, answer = post(lite_farmer.node, f"/challenge/{lite_farmer.token}", body)
    assert code == 200
    assert "challenge" in answer["challenges"][-1]


def test_asking_for_challenges_writes_nothing(farmer: FarmerSimulator, node: SimulatedNode) -> None:
    """All three forms are reads: nothing is committed."""
    commits: list[object] = []
    event.listen(node.parts.database.writer, "commit", commits.append)
    name = min(farmer.held)
    farmer.challenges()
    node.request("GET", f"/challenge/{farmer.token}/{name}")
    node.request("POST", f"/challenge/{farmer.token}", json={"hashes": [name]})
    assert not commits
