"""Requests made at random from the description of the API: the node answers as it says.

Strangers name farmers and contracts that do not exist. Members name some that do, so that they
get behind the first check.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any, TypeVar
from wsgiref.types import StartResponse, WSGIEnvironment

import pytest
import schemathesis
from demos.journey import ANALYST, user
from demos.kept import kept
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.config import SchemathesisConfig
from schemathesis.generation.case import Case
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from simulator import FarmerSimulator, SimulatedNode
from werkzeug.wsgi import ClosingIterator

from downstream_node.demos.states import Scope
from downstream_node.openapi.document import document
from downstream_node.openapi.routes import PARTS

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
Test = TypeVar("Test", bound=Callable[..., None])

SCHEMA = schemathesis.openapi.from_dict(document(PARTS), config=SchemathesisConfig(seed=1))
QUICK = settings(
    max_examples=30,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
THOROUGH = settings(QUICK, max_examples=150)


@schemathesis.serializer("application/offset+octet-stream")
def as_bytes(_context: object, value: object) -> bytes:
    """Bytes of an upload: a text as it is, all else as its text."""
    return value if isinstance(value, bytes) else str(value).encode()


serving: list[SimulatedNode] = []
"""The node of this file; operations are collected before there is one."""


def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """The application of the node; what it sends is read to its end, as by a server."""
    with closing(ClosingIterator(serving[-1].app(environ, start_response))) as pieces:
        return list(pieces)


SCHEMA.app = application


@pytest.fixture(scope="module", autouse=True)
def member(lite: SimulatedNode) -> Iterator[FarmerSimulator]:
    """A farmer with two contracts at the node."""
    serving.append(lite)
    yield FarmerSimulator(lite.fill_pool(2)).join().take(2)
    serving.clear()


@dataclass(frozen=True)
class Analyst:
    """Somebody whose key opens all recordings, and one of those."""

    key: str
    session_id: str


@pytest.fixture(scope="module")
def analyst(lite: SimulatedNode, member: FarmerSimulator) -> Analyst:
    """An analyst and reviewer at the node that serves the member."""
    assert serving == [member.node]
    demo = kept(lite)
    return Analyst(user(lite, ANALYST, Scope.ANALYST, Scope.REVIEWER), demo.session_id)


def every_operation(test: Test) -> Test:
    """Run *test* with cases for each operation of the document."""
    parametrized: Test = SCHEMA.parametrize()(test)
    return parametrized


def become(case: Case[Any], farmer: FarmerSimulator) -> None:
    """Put *farmer* and its contracts into *case*."""
    held = min(farmer.held)
    real = {"token": farmer.token, "file_hash": held, "farmer_id": farmer.farmer_id}
    names = case.path_parameters or {}
    case.path_parameters = {name: real.get(name, value) for name, value in names.items()}
    body: Any = case.body
    # The body may be an example of the document itself: it is replaced, not changed.
    if isinstance(body, dict) and isinstance(body.get("hashes"), list):
        case.body = {**body, "hashes": [*body["hashes"], *farmer.held]}
    if isinstance(body, dict) and isinstance(body.get("proofs"), list):
        mine = {"file_hash": held, "proof": body["proofs"][:1]}
        case.body = {**body, "proofs": [*body["proofs"], mine]}


def analyse(case: Case[Any], analyst: Analyst) -> None:
    """Put *analyst* and the session into *case*."""
    case.headers["X-Api-Key"] = analyst.key
    if "session_id" in (case.query or {}):
        case.query = {**case.query, "session_id": analyst.session_id}
    body: Any = case.body
    if isinstance(body, dict) and "session_id" in body:
        case.body = {**body, "session_id": analyst.session_id}
    if isinstance(body, dict) and isinstance(body.get("session_ids"), list):
        case.body = {**body, "session_ids": [*body["session_ids"], analyst.session_id]}


@every_operation
@QUICK
def test_strangers(case: Case[Any]) -> None:
    """Whatever is sent, the answer has a status, a type and a form that the document names."""
    case.call_and_validate(checks=CHECKS)


@every_operation
@QUICK
def test_members(case: Case[Any], member: FarmerSimulator, analyst: Analyst) -> None:
    """The same behind the check of the token, or of the key."""
    become(case, member)
    analyse(case, analyst)
    case.call_and_validate(checks=CHECKS)


@pytest.mark.slow
@every_operation
@THOROUGH
def test_many_strangers(case: Case[Any]) -> None:
    """The same with more cases."""
    case.call_and_validate(checks=CHECKS)


@pytest.mark.slow
@every_operation
@THOROUGH
def test_many_members(case: Case[Any], member: FarmerSimulator, analyst: Analyst) -> None:
    """The same with more cases."""
    become(case, member)
    analyse(case, analyst)
    case.call_and_validate(checks=CHECKS)
