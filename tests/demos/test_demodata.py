"""The bytes of recordings: who gets them, whole or in part."""

from hashlib import sha256

import pytest
from custody.keeping import damage
from demos.journey import recording, user
from demos.kept import Asking, analyst, closed, kept, known, opened, uploader
from simulator import SimulatedNode

from downstream_node.custody import service as custody
from downstream_node.demos.states import Scope

OTHER = 76561198000000009
CONTENT = recording(3 << 20)


def test_analysts_get_it(demo_node: SimulatedNode) -> None:
    """As a file to save, with the hash as its tag."""
    demo = kept(demo_node, CONTENT)
    response = analyst(demo_node).get("/demodata", session_id=demo.session_id)
    assert (response.status_code, response.data) == (200, CONTENT)
    assert response.content_length == len(CONTENT)
    assert response.headers["Content-Disposition"].startswith(
        f'attachment; filename="{demo.session_id}.dem"'
    )
    assert response.headers["ETag"] == f'"{sha256(CONTENT).hexdigest()}"'
    assert response.mimetype == "text/plain"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Cache-Control"] == "private, no-cache"


def test_uploaders_get_their_own(demo_node: SimulatedNode) -> None:
    """And nobody else's; not even whether there is one."""
    asking, demo = uploader(demo_node), kept(demo_node)
    assert asking.get("/demodata", session_id=demo.session_id).data == b"demo"
    stranger = uploader(demo_node, OTHER)
    for session_id in (demo.session_id, "1", "x"):
        response = stranger.get("/demodata", session_id=session_id)
        assert (response.status_code, response.text) == (401, "Unauthorized")


def test_reviewers_are_no_analysts(demo_node: SimulatedNode) -> None:
    """A scope is good for what it says."""
    demo = kept(demo_node)
    asking = Asking(demo_node, user(demo_node, OTHER, Scope.REVIEWER))
    assert asking.get("/demodata", session_id=demo.session_id).status_code == 401


def test_it_is_filed_first(demo_node: SimulatedNode) -> None:
    """Whoever comes before the job need not wait for it."""
    session_id = closed(demo_node, CONTENT)
    assert not known(demo_node, session_id).is_filed
    assert analyst(demo_node).get("/demodata", session_id=session_id).data == CONTENT
    assert known(demo_node, session_id).is_filed


@pytest.mark.parametrize(
    ("header", "status", "part"),
    [
        ("bytes=0-99", 206, slice(0, 100)),
        ("bytes=-5", 206, slice(-5, None)),
        (f"bytes={(1 << 20) - 1}-{1 << 20}", 206, slice((1 << 20) - 1, (1 << 20) + 1)),
        ("bytes=5-4", 200, slice(None)),
        ("pages=1", 200, slice(None)),
    ],
)
def test_parts(demo_node: SimulatedNode, header: str, status: int, part: slice) -> None:
    """One stretch of bytes, across blocks as well."""
    demo, asking = kept(demo_node, CONTENT), analyst(demo_node)
    response = asking.get("/demodata", {"Range": header}, session_id=demo.session_id)
    assert (response.status_code, response.data) == (status, CONTENT[part])


def test_a_part_behind_the_end(demo_node: SimulatedNode) -> None:
    """416, plainly, with the size."""
    demo, asking = kept(demo_node), analyst(demo_node)
    response = asking.get("/demodata", {"Range": "bytes=4-"}, session_id=demo.session_id)
    assert (response.status_code, response.text) == (416, "The file has no such part.")
    assert response.headers["Content-Range"] == "bytes */4"


def test_it_is_not_sent_twice(demo_node: SimulatedNode) -> None:
    """Who has it already is told so."""
    demo, asking = kept(demo_node), analyst(demo_node)
    tag = f'"{sha256(b"demo").hexdigest()}"'
    response = asking.get("/demodata", {"If-None-Match": tag}, session_id=demo.session_id)
    assert (response.status_code, response.data) == (304, b"")


def test_a_session_that_goes_on(demo_node: SimulatedNode) -> None:
    """In the document's words."""
    response = analyst(demo_node).get("/demodata", session_id=opened(demo_node))
    assert response.status_code == 403
    assert response.text == "Session is still active, cannot retrieve data!"


@pytest.mark.parametrize("session_id", ["1", "x", "../../etc/passwd", "01", "9" * 39, "٣"])
def test_unknown_demos(demo_node: SimulatedNode, session_id: str) -> None:
    """Whatever is asked for."""
    response = analyst(demo_node).get("/demodata", session_id=session_id)
    assert (response.status_code, response.text) == (404, "Demo not found!")


def test_none_at_all(demo_node: SimulatedNode) -> None:
    """A parameter is missing."""
    response = analyst(demo_node).get("/demodata")
    assert response.status_code == 400
    assert response.text == "Missing required query parameter 'session_id'"


def test_an_empty_demo(demo_node: SimulatedNode) -> None:
    """Is sent as it is."""
    session_id = closed(demo_node, b"")
    response = analyst(demo_node).get("/demodata", session_id=session_id)
    assert (response.status_code, response.data, response.content_length) == (200, b"", 0)


def test_a_damaged_demo(demo_node: SimulatedNode) -> None:
    """Nothing false is sent."""
    demo = kept(demo_node, CONTENT)
    assert demo.sha256 is not None
    stored = custody.find(demo_node.parts, demo.sha256)
    assert stored is not None
    damage(demo_node, stored, 5)
    response = analyst(demo_node).get("/demodata", session_id=demo.session_id)
    assert response.status_code == 500
    assert "is damaged: block 0 is wrong." in response.text
