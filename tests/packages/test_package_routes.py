"""The document's routes: fields, codes, who may do what. Here parsing is the point."""

import base64
import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from packages.journey import DISCORD_LINK, Owner, Shop, opened, owner_name, work, worker_of
from simulator import ManualClock, SimulatedNode
from werkzeug.test import TestResponse

from downstream_node.custody import service as custody
from downstream_node.custody import storage
from downstream_node.errors import DamagedFile
from downstream_node.limiting import NoLimit
from downstream_node.packages import live
from downstream_node.packages.feature import Packages
from downstream_node.packages.sealing import stream_header, unseal
from downstream_node.packages.secrets import Secret
from downstream_node.packages.worker import Worker

NOWHERE = {
    "user": 0,
    "total": 0,
    "userWhenStarted": 0,
    "totalWhenStarted": 0,
    "premiumQueueTotal": 0,
    "standardQueueTotal": 0,
    "premiumQueueUser": 0,
    "standardQueueUser": 0,
    "standardWhenJoined": 0,
    "premiumWhenJoined": 0,
}
NOTHING = {
    "isDataAvailable": False,
    "isUpgraded": False,
    "isErrored": True,
    "isProcessing": False,
    "processingStep": None,
    "processingDetail": None,
    "processingProgress": 0.0,
    "processingQueuePosition": NOWHERE,
    "isPartial": None,
    "size": None,
    "expiresAt": None,
}
STRANGER = {"Authorization": "Bearer " + "x" * 600}


def ask(node: SimulatedNode, method: str, path: str, **options: Any) -> TestResponse:
    """One request."""
    return node.app.test_client().open(path, method=method, **options)


def post(node: SimulatedNode, body: object) -> tuple[int, Any]:
    """POST /process: status and answer."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    response = ask(node, "POST", "/process", data=data)
    return response.status_code, response.json


@pytest.fixture
def done(owner: Owner, worker: Worker) -> Owner:
    """An owner whose package is done."""
    owner.submit()
    assert work(worker)
    return owner


# POST /process


def test_discords_link_is_accepted(lite: SimulatedNode) -> None:
    """With the id that follows from its UPN."""
    secret = Secret(DISCORD_LINK.partition("upn=")[2])
    expected = {"isAccepted": True, "packageId": secret.package_id, "errorMessageCode": None}
    assert post(lite, {"package_link": DISCORD_LINK}) == (200, expected)


@pytest.mark.parametrize(
    "link",
    [
        pytest.param("", id="empty"),
        pytest.param("https://click.discord.com/ls/click?upn=short", id="short"),
        pytest.param(DISCORD_LINK + "\n", id="S10 newline at the end"),
        pytest.param(DISCORD_LINK + "; touch /tmp/x", id="S1 a command behind it"),
        pytest.param(DISCORD_LINK.replace("https", "http"), id="http"),
        pytest.param(DISCORD_LINK.replace("discord.com", "discord.com.evil.example"), id="S7"),
        pytest.param("é" * 600, id="not ASCII"),
    ],
)
def test_other_links_are_not(lite: SimulatedNode, link: str) -> None:
    """A well-formed body gets 200 and the document's code."""
    refused = {"isAccepted": False, "packageId": None, "errorMessageCode": "INVALID_LINK"}
    assert post(lite, {"package_link": link}) == (200, refused)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({}, id="no link"),
        pytest.param({"package_link": 5}, id="integer"),
        pytest.param({"package_link": None}, id="null"),
        pytest.param({"package_link": [DISCORD_LINK]}, id="list"),
        pytest.param([], id="no object"),
        pytest.param(b"", id="empty"),
        pytest.param(b"{", id="cut off"),
        pytest.param(b"\xff\xfe", id="no text"),
        pytest.param(b"\x1f\x8bx", id="no gzip"),
    ],
)
def test_s10_malformed_bodies_are_400(lite: SimulatedNode, body: object) -> None:
    """Never 500, and always with a code."""
    refused = {"isAccepted": False, "packageId": None, "errorMessageCode": "INVALID_REQUEST"}
    assert post(lite, body) == (400, refused)


def test_bodies_of_any_length(lite: SimulatedNode) -> None:
    """413, packed or not, with a code."""
    for body in (b" " * (17 << 20), gzip.compress(b" " * (17 << 20))):
        code, answer = post(lite, body)
        assert (code, answer["errorMessageCode"]) == (413, "TOO_LARGE")


# Who may ask


@pytest.mark.parametrize(
    "header",
    [
        pytest.param(None, id="none"),
        pytest.param("x", id="S10 one word"),
        pytest.param("", id="empty"),
        pytest.param("Bearer ", id="no secret"),
        pytest.param("Bearer " + "x" * 600, id="another's"),
        pytest.param("Bearer é", id="not ASCII"),
        pytest.param("Bearer a b c", id="three words"),
    ],
)
def test_s10_only_the_owner_may_ask(owner: Owner, header: str | None) -> None:
    """401 with the fields of each route, whether the package is there or not."""
    headers = {} if header is None else {"Authorization": header}
    for known in (False, True):
        if known:
            owner.submit()
        status = owner.ask("GET", f"/{owner.id}/status", headers=headers)
        assert (status.status_code, status.json) == (
            401,
            NOTHING | {"errorMessageCode": "UNAUTHORIZED"},
        )
        for path in ("data", "blob", "events"):
            answer = owner.ask("GET", f"/{owner.id}/{path}", headers=headers)
            assert (answer.status_code, answer.json) == (401, {"errorMessageCode": "UNAUTHORIZED"})
        deleted = owner.ask("DELETE", f"/{owner.id}", headers=headers)
        assert deleted.json == {"isDeleted": False, "errorMessageCode": "UNAUTHORIZED"}
        assert deleted.status_code == 401


def test_any_scheme_will_do(owner: Owner) -> None:
    """As in the document's service."""
    owner.submit()
    headers = {"Authorization": f"UPN {owner.secret.text}"}
    assert owner.ask("GET", f"/{owner.id}/status", headers=headers).status_code == 200


def test_unknown_packages(owner: Owner) -> None:
    """200 with a code for the status and the deletion, 404 for data."""
    assert owner.status() == NOTHING | {"errorMessageCode": "UNKNOWN_PACKAGE_ID"}
    assert owner.delete() == {"isDeleted": False, "errorMessageCode": "UNKNOWN_PACKAGE_ID"}
    for path in ("data", "blob"):
        answer = owner.ask("GET", f"/{owner.id}/{path}", headers=owner.headers)
        assert (answer.status_code, answer.json) == (
            404,
            {"errorMessageCode": "UNKNOWN_PACKAGE_ID"},
        )


def test_data_that_is_not_there_yet(owner: Owner) -> None:
    """404, with a code of its own."""
    owner.submit()
    answer = owner.ask("GET", f"/{owner.id}/data", headers=owner.headers)
    assert (answer.status_code, answer.json) == (404, {"errorMessageCode": "DATA_NOT_AVAILABLE"})


@pytest.mark.parametrize("package_id", ["0" * 32, "../x", "%00", "é", "x" * 3000])
def test_strange_ids_are_401(lite: SimulatedNode, package_id: str) -> None:
    """They belong to nobody. A path that is none of ours is 404."""
    answer = ask(lite, "GET", f"/process/{package_id}/status", headers=STRANGER)
    assert answer.status_code in {401, 404, 308}


# What is given out


def test_the_whole_status(done: Owner) -> None:
    """All fields of a package that is done."""
    status = done.status()
    assert status["size"] > 1000
    place = {"totalWhenStarted": 1, "standardWhenJoined": 1}
    assert status == NOTHING | {
        "isDataAvailable": True,
        "isErrored": False,
        "errorMessageCode": None,
        "processingStep": "PROCESSED",
        "processingDetail": "done",
        "processingQueuePosition": NOWHERE | place,
        "isPartial": False,
        "size": status["size"],
        "expiresAt": "2027-04-15T08:00:00Z",
    }


def test_the_sealed_result_opens_with_the_secret_alone(done: Owner) -> None:
    """/blob says where; there is no header to show; iv is the header of the sealed stream."""
    blob = done.ask("GET", f"/{done.id}/blob", headers=done.headers).json
    assert blob is not None
    assert blob["ttl"] == 300
    response = ask(done.node, "GET", blob["url"].partition("localhost")[2])
    assert response.status_code == 200
    assert response.content_length == len(response.data)
    assert blob["iv"] == stream_header(response.data).hex()
    assert b"".join(unseal([response.data], done.secret)) == done.data()


@pytest.mark.parametrize(("seconds", "status"), [(300, 200), (301, 403)])
def test_addresses_end(done: Owner, seconds: int, status: int) -> None:
    """To the second."""
    blob = done.ask("GET", f"/{done.id}/blob", headers=done.headers).json or {}
    done.node.advance(seconds)
    assert ask(done.node, "GET", blob["url"].partition("localhost")[2]).status_code == status


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(("expires=", "expires=1"), id="later"),
        pytest.param(("signature=", "signature=0"), id="another signature"),
        pytest.param(("expires=", "expires=x"), id="no number"),
        pytest.param(("signature=", "other="), id="no signature"),
    ],
)
def test_addresses_cannot_be_made_up(done: Owner, change: tuple[str, str]) -> None:
    """403, with a code, the same for a package that is not there."""
    blob = done.ask("GET", f"/{done.id}/blob", headers=done.headers).json or {}
    path = blob["url"].partition("localhost")[2].replace(*change)
    for one in (path, path.replace(done.id, "0" * 32)):
        response = ask(done.node, "GET", one)
        assert (response.status_code, response.json) == (
            403,
            {"errorMessageCode": "INVALID_SIGNATURE"},
        )


def test_an_address_ends_with_its_package(done: Owner) -> None:
    """Deleted is deleted."""
    blob = done.ask("GET", f"/{done.id}/blob", headers=done.headers).json or {}
    done.delete()
    assert ask(done.node, "GET", blob["url"].partition("localhost")[2]).status_code == 403


def test_what_was_changed_on_the_disk_is_never_given_out(done: Owner) -> None:
    """One bit of the sealed file: an error with a code, no byte of it."""
    (kept,) = custody.listed(done.node.parts, source="packages").files
    path = storage.path_of(Path(done.node.parts.settings.FILES_PATH), kept.sha256)
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    answer = done.ask("GET", f"/{done.id}/data", headers=done.headers)
    assert (answer.status_code, answer.json) == (500, {"errorMessageCode": "SERVER_ERROR"})
    with pytest.raises(DamagedFile):
        list(custody.read(done.node.parts, kept.sha256))


# The demo


def test_the_demo_is_open_to_all(lite: SimulatedNode) -> None:
    """Data, and an address without iv that gives the same."""
    data = ask(lite, "GET", "/process/demo/data")
    with opened(data.data) as database:
        (count,) = database.execute("SELECT COUNT(*) FROM dm_channels_data").fetchone()
    database.close()
    assert count == 100
    blob = ask(lite, "GET", "/process/demo/blob").json or {}
    assert blob["iv"] is None
    assert ask(lite, "GET", blob["url"].partition("localhost")[2]).data == data.data
    assert ask(lite, "GET", "/process/demo/status").status_code == 401
    assert ask(lite, "DELETE", "/process/demo", headers=STRANGER).status_code == 401


# How often, and from where


@pytest.fixture
def narrow(sqlite_uri: str, master_key: Path, clock: ManualClock) -> Iterator[SimulatedNode]:
    """A node with narrow limits, for pages of one site."""
    node = SimulatedNode(
        clock,
        SQLALCHEMY_DATABASE_URI=sqlite_uri,
        MASTER_KEY_PATH=str(master_key),
        PACKAGES_SUBMIT_LIMIT=2,
        PACKAGES_RATE_LIMIT=3,
        PACKAGES_STREAMS=1,
        PACKAGES_CORS_ORIGINS="https://page.example",
    )
    yield node
    node.close()


def test_too_many_submissions(narrow: SimulatedNode) -> None:
    """429 with the fields of the route, and when to come back."""
    bad = {"package_link": "none"}
    assert [post(narrow, bad)[0] for _ in range(2)] == [200, 200]
    response = ask(narrow, "POST", "/process", json=bad)
    assert (response.status_code, response.json) == (
        429,
        {"isAccepted": False, "packageId": None, "errorMessageCode": "TOO_MANY_REQUESTS"},
    )
    assert 0 < int(response.headers["Retry-After"]) <= 60


def test_too_many_questions(narrow: SimulatedNode) -> None:
    """Guessing secrets is a question, too. Another address is not held up, nor is /health."""
    path = f"/process/{'0' * 32}/status"
    answers = [ask(narrow, "GET", path).status_code for _ in range(4)]
    assert answers == [401, 401, 401, 429]
    assert ask(narrow, "GET", path, environ_base={"REMOTE_ADDR": "192.0.2.9"}).status_code == 401
    assert ask(narrow, "GET", "/health").status_code == 200


def test_addresses_are_counted_hashed(
    narrow: SimulatedNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counters may lie in Redis: no address of a person is to be read there."""
    counted: list[str] = []

    def hit(_limiter: NoLimit, who: str) -> int:
        counted.append(who)
        return 0

    monkeypatch.setattr(NoLimit, "hit", hit)
    part = narrow.parts.feature(Packages)
    monkeypatch.setitem(part.__dict__, "submissions", NoLimit())
    monkeypatch.setitem(part.__dict__, "questions", NoLimit())
    client = {"REMOTE_ADDR": "192.0.2.9"}
    ask(narrow, "POST", "/process", json={}, environ_base=client)
    ask(narrow, "GET", f"/process/{'0' * 32}/status", environ_base=client)
    ask(narrow, "POST", "/packages/uploads", environ_base=client)
    hashed = narrow.parts.keys.ip_hash("192.0.2.9")
    assert counted == [f"packages {what} {hashed}" for what in ("submit", "ask", "submit")]


@pytest.mark.parametrize(
    ("origin", "allowed"), [("https://page.example", True), ("https://evil.example", False)]
)
def test_pages_of_other_sites(narrow: SimulatedNode, origin: str, allowed: bool) -> None:
    """Those of the setting may read answers."""
    wanted = {"Origin": origin, "Access-Control-Request-Headers": "authorization"}
    response = ask(narrow, "OPTIONS", f"/process/{'0' * 32}/status", headers=wanted)
    assert response.status_code == 200
    assert (response.headers.get("Access-Control-Allow-Origin") == origin) == allowed
    assert ("Access-Control-Allow-Headers" in response.headers) == allowed


def test_all_sites_by_default(lite: SimulatedNode) -> None:
    """The document's own client is a page of another site."""
    response = ask(lite, "GET", "/health", headers={"Origin": "https://dumpus.example"})
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    assert response.json is not None
    assert response.json["status"] == "ok"


# Live


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Events come at once, and streams end soon."""
    monkeypatch.setattr(live, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(live, "SILENCE_SECONDS", 0.05)


@pytest.mark.usefixtures("quick")
def test_events_follow_a_package(owner: Owner, worker: Worker) -> None:
    """The first at once, one for each change, the last when it is done; then the stream ends."""
    owner.submit()
    response = owner.ask("GET", f"/{owner.id}/events", headers=owner.headers, buffered=False)
    assert response.content_type == "text/event-stream"
    steps: list[str] = []
    for text in response.iter_encoded():
        if text.startswith(b": "):
            if len(steps) == 1:
                assert work(worker)
            continue
        assert text.startswith(b"event: status\ndata: ")
        steps.append(json.loads(text.partition(b"data: ")[2])["processingStep"])
    response.close()
    assert (steps[0], steps[-1]) == ("LOCKED", "PROCESSED")


@pytest.mark.usefixtures("quick")
def test_few_listen_at_once(owner: Owner) -> None:
    """Each takes a thread: one too many is told to poll, until one has gone."""
    owner.submit()
    part = owner.node.parts.feature(Packages)
    path, headers = f"/{owner.id}/events", owner.headers
    responses = [owner.ask("GET", path, headers=headers, buffered=False) for _ in range(2)]
    refused = owner.ask("GET", path, headers=headers)
    assert (refused.status_code, refused.json) == (503, {"errorMessageCode": "TOO_MANY_STREAMS"})
    assert refused.headers["Retry-After"] == "1"
    for response in responses:
        response.close()
    part.listen()
    part.streams.release()


@pytest.mark.usefixtures("quick")
def test_events_of_a_package_that_is_gone(owner: Owner) -> None:
    """One event says so."""
    response = owner.ask("GET", f"/{owner.id}/events", headers=owner.headers)
    assert response.data.count(b"data: ") == 1
    assert b"UNKNOWN_PACKAGE_ID" in response.data


# The source of a link


def test_s7_two_hosts_are_two_packages(taking: SimulatedNode, shop: Shop) -> None:
    """The same path at a look-alike host is refused; the id contains the host."""
    link = shop.put("/a.zip", b"")
    other = link.replace("127.0.0.1", "127.0.0.1.evil.example")
    assert post(taking, {"package_link": other})[1]["errorMessageCode"] == "INVALID_LINK"
    secret = base64.urlsafe_b64encode(link.encode()).rstrip(b"=").decode()
    assert post(taking, {"package_link": link})[1]["packageId"] == Secret(secret).package_id


def test_a_host_that_is_allowed_no_more(owner: Owner, worker: Worker) -> None:
    """What was sealed is fetched all the same or fails with a code; nothing is a 500."""
    owner.submit()
    worker.node.settings.__dict__["PACKAGES_ALLOWED_HOSTS"] = ""
    assert work(worker)
    assert owner.status()["errorMessageCode"] == "INVALID_LINK"
    assert worker_of(owner.node).take() is None


def test_names_of_owners(done: Owner) -> None:
    """/data is opened by the server for who shows the secret."""
    assert owner_name(done.data()) == "ada"
