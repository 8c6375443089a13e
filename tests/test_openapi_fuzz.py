"""Requests made at random from the description of the API: the node answers as it says.

Strangers name farmers and contracts that do not exist. Members name some that do, so that they
get behind the first check.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar
from wsgiref.types import StartResponse, WSGIEnvironment

import pytest
import schemathesis
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
    """The application of the node."""
    return serving[-1].app(environ, start_response)


SCHEMA.app = application


@pytest.fixture(scope="module", autouse=True)
def member(lite: SimulatedNode) -> Iterator[FarmerSimulator]:
    """A farmer with two contracts at the node."""
    serving.append(lite)
    yield FarmerSimulator(lite.fill_pool(2)).join().take(2)
    serving.clear()


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


@every_operation
@QUICK
def test_strangers(case: Case[Any]) -> None:
    """Whatever is sent, the answer has a status, a type and a form that the document names."""
    case.call_and_validate(checks=CHECKS)


@every_operation
@QUICK
def test_members(case: Case[Any], member: FarmerSimulator) -> None:
    """The same behind the check of the token."""
    become(case, member)
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
def test_many_members(case: Case[Any], member: FarmerSimulator) -> None:
    """The same with more cases."""
    become(case, member)
    case.call_and_validate(checks=CHECKS)
