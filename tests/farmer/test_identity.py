"""Identity: a key of one's own, in a file, good for signing."""

import os
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest

from downstream_node.addresses.freshness import is_fresh
from downstream_node.addresses.signatures import verify
from downstream_node.errors import FarmerStopped
from downstream_node.farmer import identity
from downstream_node.farmer.identity import load_identity, new_key

NOW = datetime(2026, 11, 22, 1, 44, tzinfo=UTC)


def test_key_is_made_once(tmp_path: Path) -> None:
    """The first call makes a key, and all later ones find it."""
    path = tmp_path / "new" / "identity.key"
    assert load_identity(path) == load_identity(path)
    assert [file.name for file in path.parent.iterdir()] == ["identity.key"]


def test_key_is_for_its_owner_only(tmp_path: Path) -> None:
    """Nobody else can read the key, whatever the umask."""
    former = os.umask(0)
    load_identity(tmp_path / "identity.key")
    os.umask(former)
    assert stat.S_IMODE((tmp_path / "identity.key").stat().st_mode) == 0o600


def test_text_form_hides_the_key(tmp_path: Path) -> None:
    """A key that is logged by mistake is not seen."""
    own = load_identity(tmp_path / "identity.key")
    assert repr(own) == f"Identity(address={own.address!r})"


def test_signed_message_is_fresh_and_ours(tmp_path: Path) -> None:
    """What we sign names node and time, and verifies for our address."""
    own = load_identity(tmp_path / "identity.key")
    signed = own.sign("downstream", NOW)
    assert verify(own.address, signed.message, signed.signature)
    assert is_fresh(signed.message, "downstream", NOW, max_age_seconds=0)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"\1" * 31, id="too short"),
        pytest.param(b"\1" * 33, id="too long"),
        pytest.param(bytes(32), id="zero"),
        pytest.param(b"\xff" * 32, id="beyond the order"),
    ],
)
def test_file_that_is_no_key_is_refused_and_left(tmp_path: Path, content: bytes) -> None:
    """A damaged key file is named, and never written over: it may still be rescued."""
    path = tmp_path / "identity.key"
    path.write_bytes(content)
    with pytest.raises(FarmerStopped, match=r"identity\.key is no private key"):
        load_identity(path)
    assert path.read_bytes() == content


def test_impossible_keys_are_drawn_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Zero and numbers beyond the curve's order are no keys."""
    drawn = iter([bytes(32), b"\xff" * 32, b"\7" * 32])
    monkeypatch.setattr(identity, "random_bytes", lambda _count: next(drawn))
    assert new_key() == b"\7" * 32
