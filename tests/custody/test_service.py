"""Files are taken in, found, listed, claimed by several, and let go."""

import io

import pytest
from custody.keeping import (
    CLAIM,
    bytes_of,
    content_of,
    damage,
    keep,
    known,
    on_disk,
    path_of,
    release,
    sha256,
)
from simulator import START, SimulatedNode

from downstream_node import web
from downstream_node.custody import service, storage
from downstream_node.custody.blocks import BLOCK
from downstream_node.errors import (
    DownstreamError,
    InvalidFile,
    InvalidRequest,
    RequestTooLarge,
    StorageFailed,
    StorageFull,
    UnexpectedContent,
    UnknownFile,
)

CONTENT = b"what is to be kept"
NAMES = ["plain.txt", "Übung 日本 🎮.zip", "x" * 255]


# Taking in


@pytest.mark.parametrize("name", NAMES)
def test_what_was_taken_in_is_there(node: SimulatedNode, name: str) -> None:
    """With all that was said of it."""
    stored = keep(node, CONTENT, name=name, redundancy=3)
    assert known(node, stored) == stored
    assert (stored.sha256, stored.size, stored.taken_in) == (sha256(CONTENT), len(CONTENT), START)
    assert [(claim.name, claim.redundancy) for claim in stored.claims] == [(name, 3)]
    assert (stored.verified, stored.damaged, stored.removed) == (None, None, None)
    assert content_of(node, stored) == CONTENT


@pytest.mark.parametrize("size", [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK])
def test_sizes_around_a_block(node: SimulatedNode, size: int) -> None:
    """Whatever the pieces it comes in, all bytes come back."""
    content = bytes_of(size)
    stored = keep(node, (content[at : at + 70_000] for at in range(0, size, 70_000)))
    assert stored.size == size
    assert content_of(node, stored) == content


def test_the_layout_on_the_disk(node: SimulatedNode) -> None:
    """One file under its hash, for its owner alone, and nothing incoming."""
    path, name = path_of(node, keep(node, CONTENT)), sha256(CONTENT).hex()
    assert path == storage.root_of(node.parts) / name[:2] / name[2:4] / name
    assert path.read_bytes() == CONTENT
    assert path.stat().st_mode & 0o777 == 0o600
    assert storage.root_of(node.parts).stat().st_mode & 0o777 == 0o700
    assert on_disk(node) == {name}


def test_a_file_in_pieces() -> None:
    """Any file that is open for reading can be taken in."""
    content = bytes_of(2 * BLOCK + 1)
    assert [len(one) for one in service.pieces(io.BytesIO(content))] == [BLOCK, BLOCK, 1]


@pytest.mark.parametrize(
    ("said", "error"),
    [
        ({"source": "no such source"}, InvalidFile),
        ({"expected_sha256": bytes(32)}, UnexpectedContent),
        ({"limit": len(CONTENT) - 1}, RequestTooLarge),
    ],
    ids=["malformed", "other content", "too large"],
)
def test_what_is_refused_leaves_nothing(
    node: SimulatedNode, said: dict[str, object], error: type[Exception]
) -> None:
    """No row, no bytes, nothing incoming."""
    with pytest.raises(error):
        keep(node, CONTENT, **said)
    assert service.find(node.parts, sha256(CONTENT)) is None
    assert on_disk(node) == set()


def test_a_stream_that_breaks_leaves_nothing(node: SimulatedNode) -> None:
    """Its own error comes through."""

    def broken() -> object:
        yield CONTENT
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        keep(node, broken())  # type: ignore[arg-type]
    assert on_disk(node) == set()


def test_limits_that_are_just_met(node: SimulatedNode) -> None:
    """The size is the limit, and the hash is the expected one."""
    keep(node, CONTENT, limit=len(CONTENT), expected_sha256=sha256(CONTENT))


def test_writing_over_time(node: SimulatedNode) -> None:
    """A writer tells how far it is; it counts from when it is finished."""
    with service.writer(node.parts, limit=100) as writer:
        writer.write(CONTENT)
        node.advance(3600)
        writer.write(b"")
        writer.write(CONTENT)
        assert (writer.size, writer.sha256) == (2 * len(CONTENT), sha256(2 * CONTENT))
        stored = writer.finish(**CLAIM)
    assert stored.taken_in == START + 3_600_000
    assert content_of(node, stored) == 2 * CONTENT


def test_a_writer_that_is_not_finished_leaves_nothing(node: SimulatedNode) -> None:
    """What is incoming goes with it."""
    with service.writer(node.parts) as writer:
        writer.write(CONTENT)
        assert len(on_disk(node)) == 1
    assert on_disk(node) == set()


def test_a_writer_at_its_limit_may_finish_what_it_has(node: SimulatedNode) -> None:
    """The piece that is too much is not in it."""
    with service.writer(node.parts, limit=20) as writer:
        writer.write(CONTENT)
        with pytest.raises(RequestTooLarge):
            writer.write(CONTENT)
        assert content_of(node, writer.finish(**CLAIM)) == CONTENT


# Claims


def test_two_parts_claim_one_content(node: SimulatedNode) -> None:
    """It is there once, under both names; the most copies count, and public wins."""
    keep(node, CONTENT, source="chats", name="a", redundancy=3)
    stored = keep(node, CONTENT, source="demos", name="b", redundancy=1, visibility="public")
    assert [(claim.source, claim.name) for claim in stored.claims] == [
        ("chats", "a"),
        ("demos", "b"),
    ]
    assert (stored.redundancy, stored.visibility) == (3, "public")
    assert len(on_disk(node)) == 1


def test_the_public_sees_the_public_name(node: SimulatedNode) -> None:
    """What a part keeps private does not become known because another publishes the bytes."""
    keep(node, CONTENT, source="chats", name="private")
    stored = keep(node, CONTENT, source="demos", name="shown", visibility="public")
    assert stored.public_claim is not None
    assert stored.public_claim.name == "shown"


def test_the_same_claim_again_updates_it(node: SimulatedNode) -> None:
    """Whoever did not hear the answer sends again, and has one claim."""
    keep(node, CONTENT)
    stored = keep(node, CONTENT, name="better name", redundancy=2)
    assert [(one.name, one.redundancy, one.taken_in) for one in stored.claims] == [
        ("better name", 2, START)
    ]


def test_bytes_stay_until_the_last_claim_goes(node: SimulatedNode) -> None:
    """One part's removal takes nothing from the other."""
    stored = keep(node, CONTENT, source="chats")
    keep(node, CONTENT, source="demos")
    assert release(node, stored, source="chats")
    assert content_of(node, stored) == CONTENT
    assert release(node, stored, source="demos")
    assert on_disk(node) == set()


def test_a_removed_file_leaves_a_tombstone(node: SimulatedNode) -> None:
    """Its hash, its size, when and why."""
    stored = keep(node, CONTENT)
    node.advance(5)
    assert release(node, stored)
    gone = known(node, stored)
    assert (gone.removed, gone.reason, gone.claims) == (START + 5000, "no longer needed", ())
    assert (gone.size, gone.visibility, gone.redundancy) == (len(CONTENT), "private", 0)
    with pytest.raises(UnknownFile):
        content_of(node, stored)


@pytest.mark.parametrize("other", [{"source": "chats"}, {"reference": "2"}], ids=str)
def test_only_its_own_claim_can_be_released(node: SimulatedNode, other: dict[str, str]) -> None:
    """A claim that is not there is not given up, and nothing goes."""
    stored = keep(node, CONTENT)
    assert not release(node, stored, **other)
    assert content_of(node, stored) == CONTENT


def test_to_release_twice_is_no_error(node: SimulatedNode) -> None:
    """The second call has nothing to do, and leaves the tombstone as it is."""
    stored = keep(node, CONTENT)
    assert release(node, stored)
    gone = known(node, stored)
    node.advance(5)
    assert not release(node, stored)
    assert known(node, stored) == gone


def test_to_release_what_never_was(node: SimulatedNode) -> None:
    """Nothing happens."""
    assert not service.release(node.parts, bytes(32), "chats", "1", "")


def test_the_operator_removes_all_claims(node: SimulatedNode) -> None:
    """Whoever made them."""
    keep(node, CONTENT, source="chats")
    stored = keep(node, CONTENT, source="demos")
    assert service.remove(node.parts, stored.sha256, "unlawful") == 2
    assert (known(node, stored).reason, on_disk(node)) == ("unlawful", set())


def test_what_was_removed_may_come_again(node: SimulatedNode) -> None:
    """It is then as if it had come the first time."""
    release(node, keep(node, CONTENT))
    node.advance(5)
    stored = keep(node, CONTENT)
    assert (stored.taken_in, stored.removed, stored.reason) == (START + 5000, None, None)
    assert content_of(node, stored) == CONTENT


def test_what_is_damaged_is_healed_by_taking_it_in(node: SimulatedNode) -> None:
    """The new bytes replace the old ones."""
    stored = keep(node, CONTENT)
    damage(node, stored, 3)
    assert service.verify(node.parts, stored.sha256)
    assert keep(node, CONTENT).damaged is None
    assert content_of(node, stored) == CONTENT


# Finding


def test_a_hash_is_found_by_its_beginning(node: SimulatedNode) -> None:
    """Eight digits are enough, odd numbers of digits too, in any case."""
    stored = keep(node, CONTENT)
    name = stored.sha256.hex()
    for prefix in (name[:8], name[:9], name[:9].upper(), name):
        assert service.resolve(node.parts, prefix).id == stored.id


@pytest.mark.parametrize(
    ("prefix", "error"),
    [
        ("1234567", InvalidRequest),
        ("1234567g", InvalidRequest),
        ("1" * 65, InvalidRequest),
        ("00000000", UnknownFile),
    ],
)
def test_a_beginning_that_names_nothing(
    node: SimulatedNode, prefix: str, error: type[Exception]
) -> None:
    """Too short, no digits, too long, unknown."""
    with pytest.raises(error):
        service.resolve(node.parts, prefix)


def test_a_beginning_that_names_two(node: SimulatedNode, monkeypatch: pytest.MonkeyPatch) -> None:
    """More digits are asked for; removed files do not count."""
    monkeypatch.setattr(service, "SHORTEST_PREFIX", 1)
    files = [keep(node, b"%d" % number) for number in range(17)]
    digits = [file.sha256.hex()[0] for file in files]
    twice = next(digit for digit in digits if digits.count(digit) > 1)
    with pytest.raises(InvalidRequest, match="give more digits"):
        service.resolve(node.parts, twice)
    alike = [file for file in files if file.sha256.hex()[0] == twice]
    for file in alike[1:]:
        release(node, file)
    assert service.resolve(node.parts, twice).id == alike[0].id


def test_pages_of_files(node: SimulatedNode) -> None:
    """Each file is on one page, in the order of coming; removed ones are on none."""
    files = [keep(node, b"%d" % number) for number in range(5)]
    release(node, files[2])
    first = service.listed(node.parts, limit=2)
    second = service.listed(node.parts, after=first.next or 0, limit=2)
    assert [file.id for file in first.files + second.files] == [
        file.id for file in files if file is not files[2]
    ]
    assert (first.next, second.next) == (files[1].id, None)


def test_files_of_one_source(node: SimulatedNode) -> None:
    """Those that it claims, each with all its claims."""
    both = keep(node, CONTENT, source="chats")
    keep(node, CONTENT, source="demos")
    keep(node, b"other", source="demos")
    (found,) = service.listed(node.parts, source="chats").files
    assert (found.id, len(found.claims)) == (both.id, 2)


# In other words


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (StorageFull(), 507),
        (StorageFailed("x"), 500),
        (UnknownFile(), 404),
        (UnexpectedContent(), 400),
    ],
)
def test_errors_over_http(node: SimulatedNode, error: DownstreamError, status: int) -> None:
    """Each has its status."""
    with node.app.test_request_context():
        assert web.domain_error(error).status_code == status
