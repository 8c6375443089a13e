"""GET /files/<sha256>: public files over HTTP, whole and in parts."""

import http.client
from collections.abc import Iterator
from typing import Any

import pytest
from custody.keeping import bytes_of, damage, keep, path_of, release
from farmer.served import ServedNode
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from simulator import SimulatedNode
from test_openapi import SCHEMA
from werkzeug.test import TestResponse

from downstream_node.custody.blocks import BLOCK
from downstream_node.custody.queries import StoredFile
from downstream_node.errors import DamagedFile

CONTENT = bytes_of(2 * BLOCK + 100)
SIZE = len(CONTENT)


@pytest.fixture
def node(light: SimulatedNode) -> SimulatedNode:
    """SQLite only: what is noted in the database has tests of its own."""
    return light


@pytest.fixture
def file(node: SimulatedNode) -> StoredFile:
    """A public file of three blocks."""
    return keep(node, CONTENT, visibility="public", media_type="video/mp4", name="Übung.mp4")


def ask(
    node: SimulatedNode, file: StoredFile | str, method: str = "GET", **headers: str
) -> TestResponse:
    """The answer to a request, which has the form of the description of the API."""
    digits = file if isinstance(file, str) else file.sha256.hex()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    client = node.app.test_client()
    response = client.open(f"/files/{digits}", method=method, headers=named, buffered=True)
    if method == "GET":
        SCHEMA["/files/{digits}"]["GET"].validate_response(response)
    return response


def test_a_public_file(node: SimulatedNode, file: StoredFile) -> None:
    """All of it, under its name, as an attachment that runs nowhere."""
    response = ask(node, file)
    assert (response.status_code, response.data) == (200, CONTENT)
    names = "filename=\"_bung.mp4\"; filename*=UTF-8''%C3%9Cbung.mp4"
    assert dict(response.headers) == {
        "Content-Type": "video/mp4",
        "Content-Length": str(SIZE),
        "Content-Disposition": f"attachment; {names}",
        "ETag": f'"{file.sha256.hex()}"',
        "Cache-Control": "no-cache",
        "Accept-Ranges": "bytes",
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "X-Content-Type-Options": "nosniff",
    }


@pytest.mark.parametrize("asked", [{}, {"Range": "bytes=0-4"}], ids=["whole", "part"])
def test_head(node: SimulatedNode, file: StoredFile, asked: dict[str, str]) -> None:
    """The headers of the whole, and no body; nothing is read for it."""
    path_of(node, file).unlink()
    response = ask(node, file, "HEAD", **asked)
    assert (response.status_code, response.data) == (200, b"")
    assert response.headers["Content-Length"] == str(SIZE)


def test_an_empty_file(node: SimulatedNode) -> None:
    """It has no part, not even from its beginning."""
    empty = keep(node, b"", visibility="public")
    assert (ask(node, empty).status_code, ask(node, empty).data) == (200, b"")
    assert ask(node, empty, Range="bytes=0-").status_code == 416


def refusals(node: SimulatedNode) -> Iterator[StoredFile | str]:
    """Files that nobody gets."""
    yield keep(node, b"private")
    removed = keep(node, b"removed", visibility="public")
    release(node, removed)
    yield removed
    yield from ("ab" * 32, "AB" * 32, "ab", "ab" * 33, "x" * 64, "%00" * 64)


def test_who_is_not_to_know_learns_nothing(node: SimulatedNode) -> None:
    """Private, removed, unknown and malformed ones are answered alike, byte by byte."""
    answers = {(a.status_code, a.data, str(a.headers)) for a in map(ask_of(node), refusals(node))}
    assert len(answers) == 1
    assert answers.pop()[0] == 404


def ask_of(node: SimulatedNode) -> Any:
    """`ask`, of *node*."""
    return lambda file: ask(node, file)


def test_private_again(node: SimulatedNode, file: StoredFile) -> None:
    """When the public claim goes, the other one keeps the bytes but does not show them."""
    keep(node, CONTENT, source="chats")
    assert release(node, file)
    assert ask(node, file).status_code == 404


def test_what_a_client_has_is_not_sent_again(node: SimulatedNode, file: StoredFile) -> None:
    """As long as it is there; once it is removed, keeping it ends."""
    tag = f'"{file.sha256.hex()}"'
    for header in (tag, f"W/{tag}", f'"x", {tag}', "*"):
        response = ask(node, file, If_None_Match=header)
        assert (response.status_code, response.data) == (304, b"")
        assert response.headers["ETag"] == tag
    assert ask(node, file, If_None_Match='"other"').status_code == 200
    release(node, file)
    assert ask(node, file, If_None_Match=tag).status_code == 404


# Parts


PARTS = [
    ("bytes=0-0", 0, 1),
    ("Bytes=5-9", 5, 10),
    (f"bytes={BLOCK - 1}-{BLOCK}", BLOCK - 1, BLOCK + 1),
    (f"bytes={SIZE - 1}-", SIZE - 1, SIZE),
    ("bytes=0-", 0, SIZE),
    ("bytes=-1", SIZE - 1, SIZE),
    (f"bytes=-{SIZE + 5}", 0, SIZE),
    (f"bytes=5-{SIZE + 5}", 5, SIZE),
    (f"bytes=5-{10**30}", 5, SIZE),
]


@pytest.mark.parametrize(("asked", "start", "end"), PARTS)
def test_parts(node: SimulatedNode, file: StoredFile, asked: str, start: int, end: int) -> None:
    """Exactly what was asked for, as far as it is there."""
    response = ask(node, file, Range=asked)
    assert (response.status_code, response.data) == (206, CONTENT[start:end])
    assert response.headers["Content-Range"] == f"bytes {start}-{end - 1}/{SIZE}"
    assert response.headers["Content-Length"] == str(end - start)


@pytest.mark.parametrize("asked", [f"bytes={SIZE}-", f"bytes={SIZE + 1}-{SIZE + 2}", "bytes=-0"])
def test_parts_that_are_not_there(node: SimulatedNode, file: StoredFile, asked: str) -> None:
    """The answer says how long the file is."""
    response = ask(node, file, Range=asked)
    assert (response.status_code, response.headers["Content-Range"]) == (416, f"bytes */{SIZE}")


@pytest.mark.parametrize(
    "asked",
    [
        *("", "bytes", "bytes=", "bytes=x-y", "bytes=9-5", "bytes=--5", "lines=0-4", "bytes=+1-2"),
        *("bytes=0-1,3-4", "bytes=0-0,0-0", "bytes=" + "9" * 5000 + "-", "bytes=\u0663-"),
    ],
)
def test_ranges_that_do_not_count(node: SimulatedNode, file: StoredFile, asked: str) -> None:
    """Malformed ones, other units and several at once get the whole."""
    response = ask(node, file, Range=asked)
    assert (response.status_code, len(response.data)) == (200, SIZE)


@pytest.mark.parametrize("header", ["other", "W/{}", "date"])
def test_a_part_of_another_content(node: SimulatedNode, file: StoredFile, header: str) -> None:
    """Who has the beginning of something else gets the whole; who has it of this, the part."""
    tag = f'"{file.sha256.hex()}"'
    other = {"other": '"x"', "W/{}": f"W/{tag}", "date": "Sun, 06 Nov 2094 08:49:37 GMT"}[header]
    assert ask(node, file, Range="bytes=0-4", If_Range=other).status_code == 200
    assert ask(node, file, Range="bytes=0-4", If_Range=tag).status_code == 206


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(text=st.text(st.sampled_from("bytes=0123456789-, ;xX"), max_size=30))
def test_any_range_header(node: SimulatedNode, file: StoredFile, text: str) -> None:
    """It is a part, no part or no range: never an error of the node."""
    response = ask(node, file, Range=f"bytes={text}")
    assert response.status_code in (200, 206, 416)
    if response.status_code == 206:
        bounds = response.headers["Content-Range"].removeprefix("bytes ").split("/")[0]
        start, last = map(int, bounds.split("-"))
        assert response.data == CONTENT[start : last + 1]


# Damage


def test_damage_in_the_first_block(node: SimulatedNode, file: StoredFile) -> None:
    """It is an error of the node, before anything is sent."""
    damage(node, file, 0)
    response = ask(node, file)
    assert response.status_code == 500
    assert response.get_json()["message"].endswith("is damaged: block 0 is wrong.")
    assert "Content-Disposition" not in response.headers
    assert "ETag" not in response.headers


def test_a_part_beside_the_damage(node: SimulatedNode, file: StoredFile) -> None:
    """What lies in other blocks is right, and is sent."""
    damage(node, file, 0)
    assert ask(node, file, Range=f"bytes={BLOCK}-").data == CONTENT[BLOCK:]
    assert ask(node, file, Range="bytes=5-5").status_code == 500


def test_a_file_that_is_not_on_the_disk(node: SimulatedNode, file: StoredFile) -> None:
    """It is no 404: it is here, and lost."""
    path_of(node, file).unlink()
    assert ask(node, file).status_code == 500


def test_damage_further_on_breaks_off(node: SimulatedNode, file: StoredFile) -> None:
    """The server gets the exception, and no more bytes."""
    damage(node, file, SIZE - 1)
    response = node.app.test_client().get(f"/files/{file.sha256.hex()}")
    pieces = response.iter_encoded()
    assert b"".join([next(pieces), next(pieces)]) == CONTENT[: 2 * BLOCK]
    with pytest.raises(DamagedFile):
        next(pieces)
    response.close()


def test_a_client_of_a_damaged_file_gets_no_end(node: SimulatedNode, file: StoredFile) -> None:
    """Over a real connection: fewer bytes than announced, then the connection is closed."""
    damage(node, file, SIZE - 1)
    served = ServedNode(node)
    with served.up():
        connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=20)
        connection.request("GET", f"/files/{file.sha256.hex()}")
        with pytest.raises(http.client.IncompleteRead) as broken:
            connection.getresponse().read()
        connection.close()
    assert broken.value.partial == CONTENT[: 2 * BLOCK]


def test_a_client_that_leaves(node: SimulatedNode, file: StoredFile) -> None:
    """The file is closed, also if only its beginning was read."""
    response = node.app.test_client().get(f"/files/{file.sha256.hex()}")
    assert next(response.iter_encoded()) == CONTENT[:BLOCK]
    response.close()
