"""The description of the API: it is whole, it is valid, and real answers have its form."""

import html
import json
import re
from typing import Any

import pytest
import schemathesis
from conftest import NodeMaker
from schemathesis.config import SchemathesisConfig
from schemathesis.specs.openapi.definitions import OPENAPI_31_VALIDATOR
from simulator import V1, FarmerSimulator, SimulatedNode

from downstream_node.app import V1_MOUNTS
from downstream_node.openapi import v1
from downstream_node.openapi.document import document
from downstream_node.openapi.parts import Part
from downstream_node.openapi.routes import PARTS

WHOLE = document(PARTS)
SCHEMA = schemathesis.openapi.from_dict(WHOLE, config=SchemathesisConfig())
AT_ROOT = {"measures.measure", "measures.aggregate", "measures.status", "files.show"}
WHOLE_PARTS = {"packages", "uploads", "demo_sessions", "demo_sign_in", "demo_records"}
"""Blueprints that are described as a whole, at the root, too."""


def said(methods: set[str] | None) -> set[str]:
    """Those of the methods of a rule that the description names.

    The framework adds HEAD wherever GET is, and OPTIONS; the description says so once.
    """
    given = methods or set()
    return given - {"OPTIONS"} - ({"HEAD"} if "GET" in given else set())


def served(node: SimulatedNode) -> set[tuple[str, str]]:
    """Path and method of all rules below the API's mounts; the second mount as the first."""
    v1_mount, second = V1_MOUNTS["v1"], V1_MOUNTS["documented"]
    found: set[tuple[str, str]] = set()
    for rule in node.app.url_map.iter_rules():
        path = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule)
        part = rule.endpoint.partition(".")[0]
        if rule.endpoint in AT_ROOT or part in WHOLE_PARTS:
            found |= {(path, method) for method in said(rule.methods)}
        elif path.startswith("/api/"):
            if not re.match(rf"{second}/v\d", path):
                path = path.replace(second, v1_mount, 1)
            found |= {(path, method) for method in said(rule.methods)}
    return found


def described() -> set[tuple[str, str]]:
    """Path and method of all operations of the document."""
    return {
        (path, method.upper())
        for path, operations in WHOLE["paths"].items()
        for method in operations
    }


def test_every_rule_is_described(lite: SimulatedNode) -> None:
    """And every description stands for a rule."""
    assert served(lite) == described()


def test_both_mounts_have_the_same_rules(lite: SimulatedNode) -> None:
    """So that it is enough to describe one."""
    rules = {rule.rule for rule in lite.app.url_map.iter_rules()}
    first = {rule.removeprefix(V1) for rule in rules if re.match(rf"{V1}(/|$)", rule)}
    mount = V1_MOUNTS["documented"]
    second = {rule.removeprefix(mount) for rule in rules if re.match(rf"{mount}(/|$)", rule)}
    assert first == {rule for rule in second if not re.match(r"/v\d", rule)}


def test_the_document_is_valid() -> None:
    """It fits the schema of OpenAPI 3.1."""
    assert list(OPENAPI_31_VALIDATOR.iter_errors(WHOLE)) == []


def test_no_reference_leads_nowhere() -> None:
    """And no schema is there that nothing uses."""
    used = set(re.findall(r"'#/components/schemas/(\w+)'", str(WHOLE)))
    assert used == WHOLE["components"]["schemas"].keys()


def test_operations_have_different_names() -> None:
    """Generated clients make functions of them."""
    names = [one["operationId"] for item in WHOLE["paths"].values() for one in item.values()]
    assert len(names) == len(set(names)) > 0


def test_parts_do_not_overwrite_each_other() -> None:
    """Two different schemas of one name are a mistake; the same twice is none."""
    other = Part("v2", "", {}, {"Offer": {"type": "string"}})
    with pytest.raises(ValueError, match="Offer is described twice"):
        document([v1.PART, other])
    assert document([v1.PART, v1.PART])["paths"] == document([v1.PART])["paths"]


def test_parts_keep_their_tags() -> None:
    """Each operation stands under the tag of its part."""
    item = {"get": {"responses": {"200": {"description": "yes"}}}}
    both = document([v1.PART, Part("other", "More.", {"/other": item}, {})])
    assert [tag["name"] for tag in both["tags"]] == ["v1", "other"]
    assert both["paths"]["/other"]["get"]["tags"] == ["other"]


def examples() -> list[Any]:
    """The examples of all bodies and answers, with the schemas that they have to fit."""
    found = []
    for path, item in WHOLE["paths"].items():
        for method, operation in item.items():
            bodies = [operation.get("requestBody", {}), *operation["responses"].values()]
            media = [kind for body in bodies for kind in body.get("content", {}).values()]
            pairs = [(kind["schema"], kind["example"]) for kind in media if "example" in kind]
            for number, (schema, example) in enumerate(pairs):
                found.append(pytest.param(schema, example, id=f"{method} {path} {number}"))
    return found


@pytest.mark.parametrize(("schema", "example"), examples())
def test_examples_fit_their_schemas(schema: dict[str, Any], example: object) -> None:
    """What people copy works."""
    validator = type(OPENAPI_31_VALIDATOR)({**schema, "components": WHOLE["components"]})
    assert list(validator.iter_errors(example)) == []


# Real answers


class Checked:
    """A farmer's requests, each answer compared with the document."""

    def __init__(self, node: SimulatedNode) -> None:
        self.client = node.app.test_client()
        self.seen: set[tuple[str, str, int]] = set()

    def __call__(self, method: str, path: str, body: object = None, **values: object) -> Any:
        """The decoded answer to *method* and *path* filled with *values*. Raises if it deviates."""
        url = V1 + path.format(**values)
        response = self.client.open(url, method=method, json=body)
        SCHEMA[V1 + path][method].validate_response(response)
        self.seen.add((method, path, response.status_code))
        return response.get_json()


@pytest.mark.parametrize("scheme", ["Merkle", "Swizzle"])
def test_the_life_of_a_contract(make_node: NodeMaker, scheme: str) -> None:
    """All that a farmer gets to see, from its token to its last challenge, is as described."""
    node = make_node(DEFAULT_INTERVAL=60, HEARTBEAT_SCHEME=scheme, HEARTBEAT_CHALLENGES=2)
    farmer = FarmerSimulator(node.fill_pool(3)).join()
    ask, token = Checked(node), farmer.token
    ask("GET", "/heartbeat/{token}", token=token)
    farmer.held |= {one["file_hash"]: one for one in first_offers(ask, token)}
    for _ in range(3):
        answer_all(ask, farmer)
        node.advance(60)
    answer_all(ask, farmer)
    ask("GET", "/status/list/by/d/{descending_sort}", descending_sort="uptime")
    ask("GET", "/status/show/{farmer_id}", farmer_id=farmer.farmer_id)
    assert {status for _, _, status in ask.seen} == {200, 400, 404}


def first_offers(ask: Checked, token: str) -> list[dict[str, Any]]:
    """Two contracts, one by each route."""
    by_size = ask("GET", "/chunk/{token}/{size}", token=token, size=1024)["chunks"]
    by_default = ask("GET", "/chunk/{token}", token=token)["chunks"]
    assert len(by_size) == 1
    return [*by_size, *by_default]


def answer_all(ask: Checked, farmer: FarmerSimulator) -> None:
    """Answer once by each route, then once more, and once nonsense."""
    names = [*farmer.held, "nope", 5]
    token, held = farmer.token, min(farmer.held)
    ask("GET", "/challenge/{token}", token=token)
    ask("POST", "/challenge/{token}", {"hashes": names}, token=token)
    ask("GET", "/challenge/{token}/{file_hash}", token=token, file_hash=held)
    ask("GET", "/challenge/{token}/{file_hash}", token=token, file_hash="0" * 64)
    proofs = farmer.proofs()
    for proof in proofs[:1] * 2:
        body = {"proof": proof["proof"]}
        ask("POST", "/answer/{token}/{file_hash}", body, token=token, file_hash=proof["file_hash"])
    ask("POST", "/answer/{token}", {"proofs": [*proofs, {"file_hash": held}, 5]}, token=token)


# The routes


def test_everybody_may_read_the_document(lite: SimulatedNode) -> None:
    """It is JSON, public for five minutes, and open to other sites."""
    response = lite.app.test_client().get("/openapi.json")
    assert response.get_json() == WHOLE
    assert response.mimetype == "application/json"
    assert response.headers["Cache-Control"] == "public, max-age=300"
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    assert "ETag" in response.headers


def test_people_can_read_it_too(lite: SimulatedNode) -> None:
    """The page shows each operation, each schema, and each message of an error."""
    response = lite.app.test_client().get("/docs")
    assert response.status_code == 200
    for operation_id in re.findall(r"'operationId': '(\w+)'", str(WHOLE)):
        assert f'id="{operation_id}"' in response.text
    for name in WHOLE["components"]["schemas"]:
        assert f'id="schema-{name}"' in response.text
    found = re.findall(r'"status": "error", "message": "((?:[^"\\]|\\.)*)"', json.dumps(WHOLE))
    messages = {json.loads(f'"{text}"') for text in found}
    assert len(messages) > 30
    shown = html.unescape(response.text)
    assert {message for message in messages if message not in shown} == set()


def test_links_of_the_page_lead_somewhere(lite: SimulatedNode) -> None:
    """Each link within the page has its target, which is there once."""
    text = lite.app.test_client().get("/docs").text
    targets = re.findall(r' id="([^"]+)"', text)
    assert len(targets) > 50
    assert set(re.findall(r'href="#([^"]+)"', text)) <= set(targets)
    assert len(targets) == len(set(targets))


def test_the_page_keeps_to_the_policy(lite: SimulatedNode) -> None:
    """Nothing inline, nothing from elsewhere, and it may be kept for five minutes."""
    response = lite.app.test_client().get("/docs")
    assert "default-src 'none'" in response.headers["Content-Security-Policy"]
    assert response.headers["Cache-Control"] == "public, max-age=300"
    assert not re.search(r"<style|\sstyle=|<script(?![^>]*\ssrc=)|\son\w+=", response.text)
    assert not re.search(r'(?:src|<link[^>]*href)="(?:https?:)?//', response.text)


def test_the_page_has_its_style(lite: SimulatedNode) -> None:
    """The sheet that it names is there."""
    client = lite.app.test_client()
    (sheet,) = re.findall(r'href="(/docs/static/[^"]+)"', client.get("/docs").text)
    assert client.get(sheet, buffered=True).mimetype == "text/css"
