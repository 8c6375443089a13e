"""Requests made at random from the description, by somebody with a token: never a 500."""

from collections.abc import Iterable, Iterator
from typing import Any
from wsgiref.types import StartResponse, WSGIEnvironment

import pytest
import schemathesis
from measures.sending import DAILY, MEASURE, Sender, aggregate, define
from schemathesis.config import SchemathesisConfig
from schemathesis.generation.case import Case
from simulator import SimulatedNode
from test_openapi_fuzz import CHECKS, QUICK

from downstream_node.openapi import measures
from downstream_node.openapi.document import document

SCHEMA = schemathesis.openapi.from_dict(
    document([measures.PART]), config=SchemathesisConfig(seed=1)
)
serving: list[SimulatedNode] = []
"""The node of this file; operations are collected before there is one."""


def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """The application of the node."""
    return serving[-1].app(environ, start_response)


SCHEMA.app = application


@pytest.fixture(scope="module")
def sender(lite: SimulatedNode) -> Iterator[Sender]:
    """The owner of a measure with a result."""
    serving.append(lite)
    define(lite, DAILY)
    owner = Sender(lite, "grandlyon")
    owner.send_all(MEASURE, MEASURE)
    aggregate(lite)
    yield owner
    serving.clear()


def become(case: Any, sender: Sender) -> None:
    """Put the token and the name of the measure into *case*."""
    case.headers["Authorization"] = f"Bearer {sender.token}"
    if "name" in (case.path_parameters or {}):
        case.path_parameters = {"name": DAILY["name"]}
    if "measureName" in (case.query or {}):
        case.query = {**case.query, "measureName": DAILY["name"]}
    body = case.body
    if isinstance(body, dict) and "measureName" in body:
        case.body = {**body, "measureName": DAILY["name"]}
    if isinstance(body, dict) and isinstance(body.get("measures"), list):
        case.body = {**body, "measures": [*body["measures"], MEASURE]}


@SCHEMA.parametrize()
@QUICK
def test_whoever_has_a_token_gets_what_is_described(case: Case[Any], sender: Sender) -> None:
    """Whatever is sent, the answer has a status, a type and a form that the document names."""
    become(case, sender)
    case.call_and_validate(checks=CHECKS)
