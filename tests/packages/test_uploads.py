"""Uploads as tus 1.0 has them: resumable, durable at what is acknowledged, sealed on the disk."""

import base64
import hashlib
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import NodeMaker
from packages.conftest import QUICK
from packages.journey import MARK, owner_name, small_package, upload_secret, work
from simulator import SimulatedNode
from werkzeug.exceptions import ClientDisconnected
from werkzeug.test import TestResponse

from downstream_node.clock import SECOND
from downstream_node.packages import looking_after, removing, segments, uploads
from downstream_node.packages.worker import Worker

PACKAGE = small_package("bea")
OFFSET = {"Content-Type": "application/offset+octet-stream"}
HOUR = 3600 * SECOND
HALF = len(PACKAGE) // 2


class Uploader:
    """Somebody with a package, who speaks tus to the node."""

    def __init__(self, node: SimulatedNode, name: str = "bea") -> None:
        self.node = node
        self.secret = upload_secret(name)
        self.url = f"/packages/uploads/{self.secret.package_id}"

    def ask(self, method: str, path: str, body: object = b"", **headers: str) -> TestResponse:
        """One request with the headers that all have; those given win, "" takes one out."""
        own = {"Tus-Resumable": "1.0.0", "Authorization": f"Bearer {self.secret.text}"}
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        together = {name: value for name, value in (own | given).items() if value}
        options: dict[str, Any] = {"data": body} if isinstance(body, bytes) else {}
        if isinstance(body, io.RawIOBase):
            options = {"input_stream": body}
        return self.node.app.test_client().open(path, method=method, headers=together, **options)

    def create(self, length: int = len(PACKAGE), **headers: str) -> TestResponse:
        """POST."""
        return self.ask("POST", "/packages/uploads", Upload_Length=str(length), **headers)

    def patch(self, offset: int, body: object, **headers: str) -> TestResponse:
        """PATCH."""
        return self.ask("PATCH", self.url, body, Upload_Offset=str(offset), **(OFFSET | headers))

    def offset(self) -> int:
        """HEAD."""
        response = self.ask("HEAD", self.url)
        assert response.status_code == 200
        assert response.headers["Cache-Control"] == "no-store"
        return int(response.headers["Upload-Offset"])

    def status(self) -> dict[str, Any]:
        """How far the package is."""
        response = self.ask("GET", f"/process/{self.secret.package_id}/status")
        return dict(response.json or {})


@pytest.fixture
def uploader(taking: SimulatedNode) -> Uploader:
    """Somebody with a package."""
    return Uploader(taking)


def folder(node: SimulatedNode) -> list[Path]:
    """The segments on the disk."""
    place = removing.uploads_of(node.parts)
    return sorted(place.iterdir()) if place.exists() else []


def code(response: TestResponse) -> tuple[int, str]:
    """Status and code of an error."""
    assert response.json is not None
    return response.status_code, response.json["errorMessageCode"]


def test_in_two_parts(uploader: Uploader, worker: Worker) -> None:
    """Created, sent, queued with the last byte, processed; nothing of it is left on the disk."""
    created = uploader.create()
    assert created.status_code == 201
    assert created.headers["Location"].endswith(uploader.url)
    assert "GMT" in created.headers["Upload-Expires"]
    for start, part in ((0, PACKAGE[:HALF]), (HALF, PACKAGE[HALF:])):
        assert uploader.offset() == start
        sent = uploader.patch(start, part)
        assert (sent.status_code, sent.headers["Upload-Offset"]) == (204, str(start + len(part)))
        assert uploader.offset() == start + len(part)
    assert uploader.status()["isProcessing"]
    assert len(folder(uploader.node)) == 2
    assert work(worker)
    data = uploader.ask("GET", f"/process/{uploader.secret.package_id}/data")
    assert owner_name(data.data) == "bea"
    assert folder(uploader.node) == []
    assert uploader.ask("HEAD", uploader.url).status_code == 404


def test_with_creation(uploader: Uploader, worker: Worker) -> None:
    """The first bytes may come with the POST: all of them here."""
    created = uploader.ask(
        "POST", "/packages/uploads", PACKAGE, Upload_Length=str(len(PACKAGE)), **OFFSET
    )
    assert (created.status_code, created.headers["Upload-Offset"]) == (201, str(len(PACKAGE)))
    assert work(worker)
    assert uploader.status()["isDataAvailable"]


def test_what_lies_on_the_disk_is_sealed(uploader: Uploader) -> None:
    """Neither the package nor its names can be read from it, and no two files are alike."""
    uploader.create()
    uploader.patch(0, PACKAGE[:HALF])
    (segment,) = folder(uploader.node)
    content = segment.read_bytes()
    assert PACKAGE[:32] not in content
    assert MARK.encode() not in content
    assert content[:2] != b"PK"
    assert segment.stat().st_mode & 0o077 == 0


class Breaking(io.RawIOBase):
    """A body whose sender is gone after a while."""

    def __init__(self, content: bytes) -> None:
        super().__init__()
        self.content = io.BytesIO(content)

    def read(self, size: int = -1) -> bytes:
        """What there is, then the error."""
        piece = self.content.read(min(size, 100))
        if not piece:
            raise ClientDisconnected
        return piece


def test_what_came_before_a_break_is_kept(uploader: Uploader, worker: Worker) -> None:
    """The client asks how much is there, and goes on."""
    uploader.create()
    stream = Breaking(PACKAGE[:HALF])
    with pytest.raises(ClientDisconnected):
        uploads.append(uploader.node.parts, uploader.secret, 0, stream)
    assert uploader.offset() == HALF
    assert uploader.patch(HALF, PACKAGE[HALF:]).status_code == 204
    assert work(worker)
    assert uploader.status()["isDataAvailable"]


def test_large_parts_are_cut(
    uploader: Uploader, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that a break costs no more than a segment; they are read as one."""
    monkeypatch.setattr(uploads, "SEGMENT", 700)
    uploader.create()
    assert uploader.patch(0, PACKAGE).status_code == 204
    assert len(folder(uploader.node)) == -(-len(PACKAGE) // 700)
    assert work(worker)
    assert uploader.status()["isDataAvailable"]


def test_creating_again_goes_on(uploader: Uploader) -> None:
    """Who did not hear the answer may ask again, with the same length."""
    uploader.create()
    uploader.patch(0, PACKAGE[:HALF])
    again = uploader.create()
    assert (again.status_code, again.headers["Upload-Offset"]) == (201, str(HALF))
    assert code(uploader.create(length=5)) == (409, "ALREADY_KNOWN")


def test_a_known_package_is_not_uploaded_again(uploader: Uploader, worker: Worker) -> None:
    """Each upload has a secret of its own."""
    uploader.create()
    uploader.patch(0, PACKAGE)
    assert work(worker)
    assert code(uploader.create()) == (409, "ALREADY_KNOWN")


@pytest.mark.parametrize("offset", [1, HALF - 1, HALF + 1])
def test_other_bytes_are_to_come_next(uploader: Uploader, offset: int) -> None:
    """409, and nothing is kept."""
    uploader.create()
    uploader.patch(0, PACKAGE[:HALF])
    assert code(uploader.patch(offset, PACKAGE[offset:])) == (409, "WRONG_OFFSET")
    assert len(folder(uploader.node)) == 1


@pytest.mark.parametrize("algorithm", uploads.ALGORITHMS)
def test_checksums(uploader: Uploader, algorithm: str) -> None:
    """Bytes that were changed on the way are not kept: 460."""
    right = base64.b64encode(hashlib.new(algorithm, PACKAGE[:HALF]).digest()).decode()
    uploader.create()
    wrong = uploader.patch(0, PACKAGE[1 : HALF + 1], Upload_Checksum=f"{algorithm} {right}")
    assert code(wrong) == (460, "CHECKSUM_MISMATCH")
    assert (uploader.offset(), folder(uploader.node)) == (0, [])
    assert (
        uploader.patch(0, PACKAGE[:HALF], Upload_Checksum=f"{algorithm} {right}").status_code == 204
    )
    assert uploader.offset() == HALF


def test_terminated_is_gone(uploader: Uploader) -> None:
    """Bytes and row."""
    uploader.create()
    uploader.patch(0, PACKAGE[:HALF])
    assert uploader.ask("DELETE", uploader.url).status_code == 204
    assert folder(uploader.node) == []
    assert code(uploader.patch(0, PACKAGE)) == (404, "UNKNOWN_UPLOAD")
    assert code(uploader.ask("DELETE", uploader.url)) == (404, "UNKNOWN_UPLOAD")


def test_deleting_the_package_deletes_the_upload(uploader: Uploader, worker: Worker) -> None:
    """Also before it is complete."""
    uploader.create()
    uploader.patch(0, PACKAGE[:HALF])
    deleted = uploader.ask("DELETE", f"/process/{uploader.secret.package_id}")
    assert deleted.json == {"isDeleted": True, "errorMessageCode": None}
    assert folder(uploader.node) == []
    assert not work(worker)


def test_only_its_owner(uploader: Uploader) -> None:
    """Somebody else can neither look, send, nor end it."""
    uploader.create()
    other = {"Authorization": f"Bearer {upload_secret('other').text}"}
    for method in ("HEAD", "PATCH", "DELETE"):
        response = uploader.ask(method, uploader.url, Upload_Offset="0", **(OFFSET | other))
        assert response.status_code == 401
    assert uploader.offset() == 0


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        pytest.param({"Tus-Resumable": ""}, (412, "UNSUPPORTED_VERSION"), id="no version"),
        pytest.param({"Tus-Resumable": "0.2"}, (412, "UNSUPPORTED_VERSION"), id="old version"),
        pytest.param({"Upload-Length": ""}, (400, "INVALID_REQUEST"), id="no length"),
        pytest.param({"Upload-Length": "-1"}, (400, "INVALID_REQUEST"), id="negative"),
        pytest.param({"Upload-Length": "0"}, (400, "INVALID_REQUEST"), id="nothing"),
        pytest.param({"Upload-Length": "9" * 40}, (400, "INVALID_REQUEST"), id="absurd"),
        pytest.param({"Upload-Length": str(5 << 30)}, (413, "TOO_LARGE"), id="too large"),
        pytest.param({"Authorization": ""}, (401, "UNAUTHORIZED"), id="no secret"),
        pytest.param({"Authorization": "B x"}, (400, "INVALID_SECRET"), id="a weak secret"),
    ],
)
def test_what_cannot_be_created(
    uploader: Uploader, headers: dict[str, str], expected: tuple[int, str]
) -> None:
    """A code for each; nothing is a 500."""
    given = {"Upload-Length": "100"} | headers
    assert code(uploader.ask("POST", "/packages/uploads", **given)) == expected


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"Upload_Offset": "x"}, id="no number"),
        pytest.param({"Upload_Offset": ""}, id="no offset"),
        pytest.param({"Content_Type": "text/plain"}, id="another type"),
        pytest.param({"Upload_Checksum": "sha1 x"}, id="no base64"),
        pytest.param({"Upload_Checksum": "crc32 AAAA"}, id="unknown algorithm"),
    ],
)
def test_what_cannot_be_sent(uploader: Uploader, headers: dict[str, str]) -> None:
    """400, and nothing is kept."""
    uploader.create()
    given = {"Upload_Offset": "0", "Content_Type": OFFSET["Content-Type"]} | headers
    assert code(uploader.ask("PATCH", uploader.url, PACKAGE, **given)) == (400, "INVALID_REQUEST")
    assert folder(uploader.node) == []


def test_more_than_was_announced(uploader: Uploader) -> None:
    """The package is what was announced; what follows is refused."""
    uploader.create(length=HALF)
    assert code(uploader.patch(0, PACKAGE)) == (413, "TOO_LARGE")


@pytest.fixture
def cramped(make_node: NodeMaker, tmp_path: Path) -> Uploader:
    """Somebody with a package, and a node with space for no more than that."""
    space = {"PACKAGES_UPLOAD_SPACE": len(PACKAGE), "PACKAGES_PATH": f"{tmp_path}/packages"}
    return Uploader(make_node(**QUICK, **space))


def test_space_is_limited(cramped: Uploader) -> None:
    """All uploads together have PACKAGES_UPLOAD_SPACE: 507 for others."""
    assert cramped.create().status_code == 201
    cramped.patch(0, PACKAGE[:HALF])
    assert code(Uploader(cramped.node, "other").create(length=1)) == (507, "STORAGE_FULL")


def test_an_upload_goes_on_where_no_other_may_begin(cramped: Uploader) -> None:
    """Its own space is not asked for twice, neither by POST nor by PATCH."""
    cramped.create()
    cramped.patch(0, PACKAGE[:HALF])
    again = cramped.create()
    assert (again.status_code, again.headers["Upload-Offset"]) == (201, str(HALF))
    assert cramped.patch(HALF, PACKAGE[HALF:]).status_code == 204


def test_announcements_take_no_space(uploader: Uploader) -> None:
    """Eight people who announce as much as there is keep nobody from sending."""
    for number in range(8):
        assert Uploader(uploader.node, str(number)).create(length=4 << 30).status_code == 201
    assert uploader.create().status_code == 201
    assert uploader.patch(0, PACKAGE).status_code == 204


def test_what_comes_is_limited(cramped: Uploader, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where more was announced than there is: 507, and what was acknowledged stays."""
    monkeypatch.setattr(segments, "ALLOWANCE", 1)
    other = Uploader(cramped.node, "other")
    assert cramped.create().status_code == other.create().status_code == 201
    assert cramped.patch(0, PACKAGE[:HALF]).status_code == 204
    assert other.patch(0, PACKAGE[: HALF + 2]).status_code == 507
    assert (cramped.offset(), other.offset(), len(folder(cramped.node))) == (HALF, 0, 1)
    assert cramped.ask("DELETE", cramped.url).status_code == 204
    assert other.patch(0, PACKAGE).status_code == 204


@pytest.mark.parametrize(("seconds", "status"), [(899, 200), (900, 404)])
def test_uploads_of_nothing_end_soon(uploader: Uploader, seconds: int, status: int) -> None:
    """An empty PATCH is nothing."""
    uploader.create()
    uploader.node.advance(600)
    assert uploader.patch(0, b"").status_code == 204
    uploader.node.advance(seconds - 600)
    looking_after.tidy(uploader.node.parts)
    assert uploader.ask("HEAD", uploader.url).status_code == status


def test_what_the_server_can_do(uploader: Uploader) -> None:
    """OPTIONS says so, without a version."""
    response = uploader.ask("OPTIONS", "/packages/uploads", **{"Tus-Resumable": ""})
    assert response.status_code == 204
    assert response.headers["Tus-Version"] == "1.0.0"
    assert response.headers["Tus-Max-Size"] == str(4 << 30)
    assert "checksum" in response.headers["Tus-Extension"]
    assert "sha1" in response.headers["Tus-Checksum-Algorithm"]
    assert response.headers["Access-Control-Allow-Origin"] == "*"


@pytest.mark.parametrize(("seconds", "left"), [(86399, 1), (86400, 0)])
def test_uploads_end(uploader: Uploader, seconds: int, left: int) -> None:
    """When nothing has come for PACKAGES_UPLOAD_TIME."""
    uploader.create()
    uploader.node.advance(1000)
    uploader.patch(0, PACKAGE[:HALF])
    uploader.node.advance(seconds)
    looking_after.tidy(uploader.node.parts)
    assert len(folder(uploader.node)) == left
    assert uploader.ask("HEAD", uploader.url).status_code == (200 if left else 404)


def test_a_queued_upload_does_not_end(uploader: Uploader, worker: Worker) -> None:
    """However long the queue is."""
    uploader.create()
    uploader.patch(0, PACKAGE)
    uploader.node.advance(2 * 86400)
    worker.beat()
    looking_after.tidy(uploader.node.parts)
    uploader.status()
    assert work(worker)
    assert uploader.status()["isDataAvailable"]


def before_once(
    monkeypatch: pytest.MonkeyPatch, name: str, happens: Callable[[], object]
) -> list[object]:
    """Have something happen right before the step *name* of removing; what came of it."""
    step, done = getattr(removing, name), list[object]()

    def interrupted(*arguments: object) -> object:
        if not done:
            done.append(None)
            done[0] = happens()
        return step(*arguments)

    monkeypatch.setattr(removing, name, interrupted)
    return done


def test_the_last_bytes_may_come_while_it_is_tidied(
    uploader: Uploader, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was acknowledged between the look and the deletion is processed."""
    uploader.create()
    uploader.patch(0, PACKAGE[:HALF])
    uploader.node.advance(86400)
    worker.beat()
    sent = before_once(
        monkeypatch, "remove_over", lambda: uploader.patch(HALF, PACKAGE[HALF:]).status_code
    )
    assert looking_after.tidy(uploader.node.parts) == 0
    assert sent == [204]
    assert work(worker)
    assert uploader.status()["isDataAvailable"]


def fail(uploader: Uploader, worker: Worker) -> None:
    """Upload what is no package."""
    uploader.create(length=6)
    uploader.patch(0, b"no zip")
    assert work(worker)


def test_sent_again_as_soon_as_it_has_failed(
    uploader: Uploader, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bytes that failed go with the failure, and no others."""

    def again() -> tuple[int, int]:
        return uploader.create().status_code, uploader.patch(0, PACKAGE[:HALF]).status_code

    sent = before_once(monkeypatch, "discard", again)
    fail(uploader, worker)
    assert sent == [(201, 204)]
    assert (uploader.offset(), len(folder(uploader.node))) == (HALF, 1)
    assert uploader.patch(HALF, PACKAGE[HALF:]).status_code == 204
    assert work(worker)
    assert uploader.status()["isDataAvailable"]


def test_sent_again_when_the_failure_is_forgotten(uploader: Uploader, worker: Worker) -> None:
    """The upload goes on."""
    fail(uploader, worker)
    uploader.node.advance(looking_after.FAILED_KEPT // SECOND - 60)
    uploader.create()
    uploader.patch(0, PACKAGE[:HALF])
    uploader.node.advance(60)
    assert looking_after.tidy(uploader.node.parts) == 1
    assert uploader.status()["errorMessageCode"] == "UNKNOWN_PACKAGE_ID"
    assert uploader.offset() == HALF


def test_what_a_crash_left_is_tidied(uploader: Uploader) -> None:
    """A segment whose row was never written, an hour later; those of uploads stay."""
    uploader.create()
    uploader.patch(0, PACKAGE[:HALF])
    stray = removing.uploads_of(uploader.node.parts) / ("0" * 32)
    stray.write_bytes(b"left")
    written = int(stray.stat().st_mtime * SECOND)
    assert looking_after.tidy_segments(uploader.node.parts, written + HOUR) == 0
    assert looking_after.tidy_segments(uploader.node.parts, written + HOUR + SECOND) == 1
    assert len(folder(uploader.node)) == 1
    assert not stray.exists()


def test_uploaded_bytes_cannot_be_changed(uploader: Uploader, worker: Worker) -> None:
    """Whoever turns a bit on the disk has the package fail, after all attempts."""
    uploader.create()
    uploader.patch(0, PACKAGE)
    (segment,) = folder(uploader.node)
    content = bytearray(segment.read_bytes())
    content[-1] ^= 1
    segment.write_bytes(content)
    while work(worker):
        pass
    assert uploader.status()["errorMessageCode"] == "SERVER_ERROR"
    assert folder(uploader.node) == []
