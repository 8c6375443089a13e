"""Requests made at random from the description, by somebody with a key: answered as described."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from wsgiref.types import StartResponse, WSGIEnvironment

import pytest
import schemathesis
from chats.asking import Asker, bring, export_of, holder, said, served
from schemathesis.config import SchemathesisConfig
from schemathesis.generation.case import Case
from simulator import SimulatedNode
from test_openapi_fuzz import CHECKS, QUICK

from downstream_node.openapi import chats
from downstream_node.openapi.document import document

SCHEMA = schemathesis.openapi.from_dict(document([chats.PART]), config=SchemathesisConfig(seed=1))
serving: list[SimulatedNode] = []
"""The node of this file; operations are collected before there is one."""


def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """The application of the node."""
    return serving[-1].app(environ, start_response)


SCHEMA.app = application


@pytest.fixture(scope="module")
def reader(
    tmp_path_factory: pytest.TempPathFactory, empty_sqlite: Path, master_key: Path
) -> Iterator[Asker]:
    """Somebody with a key for everything, at a node with a few messages."""
    node = served(tmp_path_factory.mktemp("fuzz"), empty_sqlite, master_key)
    bring(node, export_of([said(n, f"2024-04-0{n}T00:00:00Z", "pie") for n in (1, 2)], channel=10))
    serving.append(node)
    yield holder(node, may_import=True)
    serving.clear()
    node.close()


def become(case: Any, reader: Asker) -> None:
    """Put the key and the id of a message into *case*."""
    case.headers["Authorization"] = f"Bearer {reader.key}"
    if "message" in (case.path_parameters or {}):
        case.path_parameters = {"message": "1"}


@SCHEMA.parametrize()
@QUICK
def test_whoever_has_a_key_gets_what_is_described(case: Case[Any], reader: Asker) -> None:
    """Whatever is sent, the answer has a status, a type and a form that the document names."""
    become(case, reader)
    case.call_and_validate(checks=CHECKS)
