"""Reports, analyses, reviews: who may say what, what becomes of it, many at once."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from conftest import NodeMaker
from demos.conftest import QUICK
from demos.kept import (
    BOT,
    CHEATER,
    Asking,
    analyst,
    closed,
    detections,
    kept,
    known,
    opened,
    reviewer,
    uploader,
)
from demos.steamside import settings_of, steam_of
from simulator import SimulatedNode

from downstream_node.demos import analysis, listing, reports
from downstream_node.demos.listing import Demo
from downstream_node.demos.models import SESSION_ID
from downstream_node.demos.states import Verdict
from downstream_node.demos.steam_stub_world import FULL

OTHER = 76561198000000009
UNKNOWN = str((1 << 128) - 1)


def said(demo: Demo, target: object = CHEATER, reason: str = "cheater") -> dict[str, Any]:
    """A report."""
    return {"session_id": demo.session_id, "target_steam_id": target, "reason": reason}


def reasons(node: SimulatedNode, demo: Demo) -> dict[int, str]:
    """Who is reported in a session, for what."""
    return {one.target: one.reason for one in reports.of(node.parts, demo.id)}


# Reports


@pytest.mark.parametrize("as_text", [True, False])
def test_anybody_may_report(demo_node: SimulatedNode, as_text: bool) -> None:
    """Also in others' sessions; ids as strings or as integers."""
    demo, asking = kept(demo_node), uploader(demo_node, OTHER)
    body = said(demo, str(CHEATER) if as_text else CHEATER)
    body["session_id"] = demo.session_id if as_text else int(demo.session_id)
    response = asking.post("/report", body)
    assert (response.status_code, response.get_json()) == (201, {"report_added": True})
    assert reasons(demo_node, demo) == {CHEATER: "cheater"}
    assert known(demo_node, demo.session_id).reports == 1


def test_the_reason_is_replaced(demo_node: SimulatedNode) -> None:
    """Of the same target in the same session; it keeps its date."""
    demo, asking = kept(demo_node), uploader(demo_node)
    assert asking.post("/report", said(demo)).status_code == 201
    before = reports.of(demo_node.parts, demo.id)[0].created
    demo_node.advance(60)
    assert asking.post("/report", said(demo, reason="bot")).status_code == 201
    assert reasons(demo_node, demo) == {CHEATER: "bot"}
    assert reports.of(demo_node.parts, demo.id)[0].created == before


@pytest.mark.parametrize(
    "target",
    [0, 1, -5, "x", "", 1 << 63, "9" * 30, 76561197960265728, 90178913460028417, "٣"],
)
def test_targets_are_players(demo_node: SimulatedNode, target: object) -> None:
    """What is no id of one is refused in the document's words."""
    demo, asking = kept(demo_node), uploader(demo_node)
    response = asking.post("/report", said(demo, target))
    assert (response.status_code, response.text) == (403, "Unknown target_steam_id!")


def test_steam_is_asked(make_node: NodeMaker) -> None:
    """Where the node has a key for it: only players that it knows are reported."""
    with steam_of() as stub:
        node = make_node(**QUICK, **settings_of(stub))
        demo, asking = kept(node), uploader(node)
        assert asking.post("/report", said(demo, FULL)).status_code == 201
        response = asking.post("/report", said(demo, CHEATER))
    assert (response.status_code, response.text) == (403, "Unknown target_steam_id!")
    response = asking.post("/report", said(demo, FULL))
    assert response.status_code == 503
    assert response.text.startswith("The player cannot be looked up.")


@pytest.mark.parametrize("session_id", [UNKNOWN, int(UNKNOWN), "x", -1, "", "9" * SESSION_ID])
def test_unknown_sessions(demo_node: SimulatedNode, session_id: object) -> None:
    """402, as the document has it."""
    body = {"session_id": session_id, "target_steam_id": CHEATER, "reason": "bot"}
    response = uploader(demo_node).post("/report", body)
    assert response.status_code == 402
    assert response.text.startswith("Unknown session ID ")


NOT_JSON = [
    b"",
    b"{",
    b"[]",
    b"\xff",
    b"[" * 100_000,
    b'{"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
]
BAD_FIELDS = [
    b'{"session_id":"\xff"}',
    b'{"session_id": 1.5e38, "target_steam_id": 1, "reason": "bot"}',
    b'{"session_id": "1", "target_steam_id": 1, "reason": "ugly"}',
    b'{"session_id": "1", "target_steam_id": true, "verdict": "benign"}',
    b'{"session_id": ' + b"9" * 10_000 + b', "target_steam_id": 1, "reason": "bot"}',
]
BAD_INGESTS = [b'{"session_ids": "1"}', b'{"session_ids": [[]]}', b'{"analyses": []}']
BODIES = [
    *[(path, body) for path in ("/report", "/review") for body in (*NOT_JSON, *BAD_FIELDS)],
    *[("/ingest", body) for body in (*NOT_JSON, *BAD_INGESTS)],
]


@pytest.mark.parametrize(("path", "body"), BODIES, ids=range(len(BODIES)))
def test_bad_bodies_are_told(demo_node: SimulatedNode, path: str, body: bytes) -> None:
    """With 400 and a sentence."""
    asking = reviewer(demo_node) if path == "/review" else analyst(demo_node)
    response = asking.post(path, body)
    assert response.status_code == 400
    assert response.text.startswith("The body is not as documented: ")


def test_without_a_key(demo_node: SimulatedNode) -> None:
    """Nothing is said of anything."""
    asking = Asking(demo_node, "MB-nobody")
    for path in ("/report", "/review", "/ingest"):
        assert asking.post(path, {}).status_code == 401
    for path in ("/jobs", "/reviews", "/db_export", "/demodata", "/list_demos"):
        assert asking.get(path).status_code == 401


def test_many_report_at_once(demo_node: SimulatedNode) -> None:
    """The same player for different reasons: one report is left, with one of them."""
    demo, asking = kept(demo_node), uploader(demo_node)
    bodies = [said(demo, reason=("bot", "cheater")[number % 2]) for number in range(24)]
    bodies += [said(demo, BOT + number) for number in range(8)]
    with ThreadPoolExecutor(8) as executor:
        answers = list(executor.map(lambda body: asking.post("/report", body), bodies))
    assert {answer.status_code for answer in answers} == {201}
    assert len(reasons(demo_node, demo)) == 9
    assert reasons(demo_node, demo)[CHEATER] in {"bot", "cheater"}


# Jobs and analyses


def put_blob(node: SimulatedNode, session_id: str, blob: bytes) -> Path:
    """Lay an analysis into the node's folder."""
    folder = Path(node.parts.settings.DEMOS_PATH) / analysis.FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{session_id}.json"
    path.write_bytes(blob)
    return path


def found(node: SimulatedNode, session_id: str) -> dict[tuple[int, str], int]:
    """How often whom was found by what."""
    rows = analysis.of(node.parts, known(node, session_id).id)
    return {(row.target, row.algorithm): row.detections for row in rows}


def test_jobs_are_the_oldest_first(demo_node: SimulatedNode) -> None:
    """Closed, with bytes, not ingested; strings, or integers on request."""
    first, second = kept(demo_node), kept(demo_node)
    closed(demo_node, b"")
    opened(demo_node, by=OTHER)
    asking = analyst(demo_node)
    assert asking.get("/jobs").get_json() == [first.session_id]
    assert asking.get("/jobs", limit=9).get_json() == [first.session_id, second.session_id]
    assert asking.get("/jobs", integers=1).text == f"[{first.session_id}]"
    assert asking.get("/jobs", limit=0).status_code == 400
    assert uploader(demo_node).get("/jobs").status_code == 401


def test_weakness_11_ingest_reports_success(demo_node: SimulatedNode) -> None:
    """What is taken in is reported as taken in; it counts by player and algorithm."""
    demo, asking = kept(demo_node), analyst(demo_node)
    put_blob(demo_node, demo.session_id, json.dumps(detections(CHEATER, CHEATER, BOT)).encode())
    response = asking.post("/ingest", {"session_ids": [demo.session_id, int(demo.session_id)]})
    assert response.get_json() == {demo.session_id: {"ingested": True, "reason": None}}
    assert found(demo_node, demo.session_id) == {
        (CHEATER, "viewangles"): 2,
        (BOT, "viewangles"): 1,
    }
    assert asking.get("/jobs").get_json() == []
    assert known(demo_node, demo.session_id).is_ingested


def test_analyses_come_with_the_request(demo_node: SimulatedNode) -> None:
    """Each session for itself."""
    good, bad = kept(demo_node), kept(demo_node)
    body = {"analyses": {good.session_id: detections(CHEATER), bad.session_id: {"author": 5}}}
    assert analyst(demo_node).post("/ingest", body).get_json() == {
        good.session_id: {"ingested": True, "reason": None},
        bad.session_id: {"ingested": False, "reason": "Analysis data does not conform to schema."},
    }


GOOD = detections(CHEATER)
NO_SCHEMA = "Analysis data does not conform to schema."
NO_JSON = "Malformed JSON data in analysis blob."
ONE = GOOD["detections"][0]


@pytest.mark.parametrize(
    ("blob", "reason"),
    [
        (b"", NO_JSON),
        (b"{", NO_JSON),
        (b"\xff\xfe", NO_JSON),
        (b'{"author": "\xff"}', NO_JSON),
        (b'{"x":' + b"[" * 200_000, NO_JSON),
        (b"null", NO_SCHEMA),
        (b"true", NO_SCHEMA),
        (b"[]", NO_SCHEMA),
        (b'"text"', NO_SCHEMA),
        (b"{}", NO_SCHEMA),
        (json.dumps(GOOD | {"detections": None}).encode(), NO_SCHEMA),
        (json.dumps(GOOD | {"detections": [5]}).encode(), NO_SCHEMA),
        (json.dumps(GOOD | {"detections": [ONE | {"player": -1}]}).encode(), NO_SCHEMA),
        (json.dumps(GOOD | {"detections": [ONE | {"player": True}]}).encode(), NO_SCHEMA),
        (json.dumps(GOOD | {"detections": [ONE | {"player": 1 << 63}]}).encode(), NO_SCHEMA),
        (json.dumps(GOOD | {"detections": [ONE | {"player": "9" * 19}]}).encode(), NO_SCHEMA),
        (json.dumps(GOOD | {"detections": [ONE | {"player": "9" * 99}]}).encode(), NO_SCHEMA),
        (json.dumps(GOOD | {"detections": [ONE | {"algorithm": ""}]}).encode(), NO_SCHEMA),
        (json.dumps(GOOD | {"detections": [ONE | {"algorithm": "x" * 65}]}).encode(), NO_SCHEMA),
        (json.dumps(GOOD | {"detections": [ONE | {"algorithm": "ä"}]}).encode(), NO_SCHEMA),
        (json.dumps(GOOD | {"detections": [ONE | {"algorithm": "a\n"}]}).encode(), NO_SCHEMA),
        (json.dumps(GOOD | {"duration": "long"}).encode(), NO_SCHEMA),
    ],
)
def test_weakness_11_bad_blobs_are_told(demo_node: SimulatedNode, blob: bytes, reason: str) -> None:
    """Never a 500; the session still waits for an analysis."""
    demo, asking = kept(demo_node), analyst(demo_node)
    put_blob(demo_node, demo.session_id, blob)
    response = asking.post("/ingest", {"session_ids": [demo.session_id]})
    assert response.get_json() == {demo.session_id: {"ingested": False, "reason": reason}}
    assert asking.get("/jobs").get_json() == [demo.session_id]


def test_refusals(demo_node: SimulatedNode) -> None:
    """In the document's words."""
    missing, twice, live = kept(demo_node), kept(demo_node), opened(demo_node)
    asking = analyst(demo_node)
    put_blob(demo_node, twice.session_id, json.dumps(GOOD).encode())
    asking.post("/ingest", {"session_ids": [twice.session_id]})
    everything = [missing.session_id, twice.session_id, live, UNKNOWN, "../../etc/passwd"]
    answer = asking.post("/ingest", {"session_ids": everything}).get_json()
    assert {name: one["reason"] for name, one in answer.items()} == {
        missing.session_id: "No analysis blob was found.",
        twice.session_id: "demo already ingested",
        live: "session is still active",
        UNKNOWN: "session does not exist",
        "../../etc/passwd": "session does not exist",
    }
    assert not any(one["ingested"] for one in answer.values())
    assert uploader(demo_node).post("/ingest", {}).status_code == 401


def test_a_blob_that_cannot_be_read(demo_node: SimulatedNode) -> None:
    """Is none."""
    demo = kept(demo_node)
    put_blob(demo_node, "0", b"").parent.joinpath(f"{demo.session_id}.json").mkdir()
    answer = analyst(demo_node).post("/ingest", {"session_ids": [demo.session_id]}).get_json()
    assert answer[demo.session_id]["reason"] == "No analysis blob was found."


def test_a_large_blob(demo_node: SimulatedNode, monkeypatch: pytest.MonkeyPatch) -> None:
    """Is not read to its end."""
    monkeypatch.setattr(analysis, "LARGEST", 100)
    demo = kept(demo_node)
    put_blob(demo_node, demo.session_id, b" " * 101)
    answer = analyst(demo_node).post("/ingest", {"session_ids": [demo.session_id]}).get_json()
    assert answer[demo.session_id]["reason"] == analysis.TOO_LARGE


def test_players_as_texts(demo_node: SimulatedNode) -> None:
    """Are the same players."""
    demo = kept(demo_node)
    both = [ONE, ONE | {"player": str(CHEATER)}]
    body = {"analyses": {demo.session_id: GOOD | {"detections": both}}}
    assert analyst(demo_node).post("/ingest", body).get_json()[demo.session_id]["ingested"]
    assert found(demo_node, demo.session_id) == {(CHEATER, "viewangles"): 2}


def test_ingesting_anew_wipes(demo_node: SimulatedNode) -> None:
    """The earlier analysis and the reviews of that session, and of no other."""
    demo, other, asking = kept(demo_node), kept(demo_node), analyst(demo_node)
    asking.post("/ingest", {"analyses": {demo.session_id: GOOD, other.session_id: GOOD}})
    for one in (demo, other):
        body = {"session_id": one.session_id, "target_steam_id": CHEATER, "verdict": "benign"}
        assert reviewer(demo_node).post("/review", body).status_code == 201
    assert analysis.again(demo_node.parts, demo.session_id)
    asking.post("/ingest", {"analyses": {demo.session_id: detections(BOT)}})
    assert found(demo_node, demo.session_id) == {(BOT, "viewangles"): 1}
    assert analysis.reviews_of(demo_node.parts, demo.id) == []
    assert found(demo_node, other.session_id) == {(CHEATER, "viewangles"): 1}
    assert len(analysis.reviews_of(demo_node.parts, other.id)) == 1


def test_many_ingest_at_once(demo_node: SimulatedNode) -> None:
    """One of them is taken in, whole; the others are told."""
    demo, asking = kept(demo_node), analyst(demo_node)
    bodies = [
        {"analyses": {demo.session_id: detections(*[BOT + number] * (number + 1))}}
        for number in range(8)
    ]
    with ThreadPoolExecutor(8) as executor:
        answers = list(executor.map(lambda body: asking.post("/ingest", body).get_json(), bodies))
    outcomes = [answer[demo.session_id] for answer in answers]
    winners = [number for number, one in enumerate(outcomes) if one["ingested"]]
    assert len(winners) == 1
    winner = winners[0]
    assert found(demo_node, demo.session_id) == {(BOT + winner, "viewangles"): winner + 1}
    assert {one["reason"] for one in outcomes if not one["ingested"]} == {"demo already ingested"}


# Reviews


def test_reviews_are_replaced_by_the_same_reviewer(demo_node: SimulatedNode) -> None:
    """Each has one say in each player of a session."""
    demo, first = kept(demo_node), reviewer(demo_node)
    second = reviewer(demo_node, OTHER)
    for asking, verdict in ((first, "benign"), (second, "confirmed"), (first, "inconclusive")):
        body = {"session_id": demo.session_id, "target_steam_id": CHEATER, "verdict": verdict}
        response = asking.post("/review", body)
        assert (response.status_code, response.get_json()) == (201, {"review_added": True})
    answer = first.get("/reviews", session_id=demo.session_id).get_json()
    assert sorted(one["verdict"] for one in answer["reviews"]) == ["confirmed", "inconclusive"]
    assert answer["reviews"][0]["target_steam_id"] == str(CHEATER)


def test_reviews_come_with_detections(demo_node: SimulatedNode) -> None:
    """For analysts and reviewers."""
    demo, asking = kept(demo_node), analyst(demo_node)
    asking.post("/ingest", {"analyses": {demo.session_id: GOOD}})
    answer = asking.get("/reviews", session_id=demo.session_id).get_json()
    assert answer == {
        "session_id": demo.session_id,
        "detections": [
            {"target_steam_id": str(CHEATER), "algorithm": "viewangles", "detection_count": 1}
        ],
        "reviews": [],
    }
    assert asking.get("/reviews", session_id=UNKNOWN).status_code == 404
    assert uploader(demo_node).get("/reviews", session_id=demo.session_id).status_code == 401


def test_reviewing_needs_its_scope(demo_node: SimulatedNode) -> None:
    """And a player, and a session."""
    demo = kept(demo_node)
    body = {"session_id": demo.session_id, "target_steam_id": CHEATER, "verdict": Verdict.NONE}
    assert analyst(demo_node).post("/review", body).status_code == 401
    asking = reviewer(demo_node)
    assert asking.post("/review", body | {"target_steam_id": 5}).status_code == 403
    assert asking.post("/review", body | {"session_id": UNKNOWN}).status_code == 402


def test_listing_knows_reports(demo_node: SimulatedNode) -> None:
    """As many as there are."""
    demo, asking = kept(demo_node), uploader(demo_node)
    for target in (CHEATER, BOT):
        asking.post("/report", said(demo, target))
    one = listing.one(demo_node.parts, demo.session_id)
    assert one is not None
    assert one.reports == 2
