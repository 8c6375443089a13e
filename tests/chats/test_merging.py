"""What becomes of an imported message beside a stored one."""

import pytest
from chats.generated import message

from downstream_node.chats.merging import (
    Fate,
    Known,
    decide,
    distinct,
    is_missed,
    is_restored,
    moment_of,
)

MOMENT = 1000
EDIT = 500


def known(text: str, edited: int | None = None, exported: int = MOMENT, **other: int) -> Known:
    """What is known of a stored message with this text."""
    stored = message(1, text, edited=edited)
    values = {"id": 1, "channel": 1, "deleted": None, **other}
    return Known(fingerprint=stored.fingerprint, edited=edited, exported=exported, **values)  # type: ignore[arg-type]


def test_unknown_message_is_new() -> None:
    """Nothing is stored at its place."""
    assert decide(message(1, "a"), None, MOMENT) is Fate.NEW


@pytest.mark.parametrize("moment", [MOMENT - 1, MOMENT, MOMENT + 1])
def test_same_message_is_unchanged(moment: int) -> None:
    """Whenever its export was made."""
    assert decide(message(1, "a"), known("a"), moment) is Fate.UNCHANGED


@pytest.mark.parametrize(
    ("edited", "stored_edit", "moment", "fate"),
    [
        pytest.param(EDIT, None, MOMENT, Fate.CHANGED, id="first edit"),
        pytest.param(EDIT, None, MOMENT - 1, Fate.CHANGED, id="an edit in an older export"),
        pytest.param(0, None, MOMENT - 1, Fate.CHANGED, id="an edit at the very beginning"),
        pytest.param(EDIT + 1, EDIT, MOMENT, Fate.CHANGED, id="a later edit"),
        pytest.param(EDIT, EDIT, MOMENT + 1, Fate.CHANGED, id="the same edit, a later export"),
        pytest.param(EDIT, EDIT, MOMENT, Fate.OLDER, id="the same edit, the same moment"),
        pytest.param(EDIT, EDIT, MOMENT - 1, Fate.OLDER, id="the same edit, an older export"),
        pytest.param(EDIT - 1, EDIT, MOMENT + 1, Fate.OLDER, id="an earlier edit"),
        pytest.param(None, EDIT, MOMENT + 1, Fate.OLDER, id="not edited yet"),
        pytest.param(None, None, MOMENT + 1, Fate.CHANGED, id="a later export of no edit"),
    ],
)
def test_later_wins(edited: int | None, stored_edit: int | None, moment: int, fate: Fate) -> None:
    """A later edit first, then a later export."""
    assert decide(message(1, "b", edited=edited), known("a", stored_edit), moment) is fate


@pytest.mark.parametrize("other", [{"id": 2}, {"channel": 2}])
def test_another_message_at_the_place_is_foreign(other: dict[str, int]) -> None:
    """Nothing of it is taken."""
    assert decide(message(1, "b"), known("a", **other), MOMENT + 1) is Fate.FOREIGN


@pytest.mark.parametrize(
    ("moment", "restored"),
    [(MOMENT - 1, False), (MOMENT, False), (MOMENT + 1, True)],
)
def test_deleted_messages_come_back(moment: int, restored: bool) -> None:
    """In an export made after the one that no longer had them."""
    assert is_restored(known("a", deleted=MOMENT), moment) is restored
    assert not is_restored(known("a"), moment)


@pytest.mark.parametrize(
    ("moment", "missed"), [(MOMENT - 1, False), (MOMENT, False), (MOMENT + 1, True)]
)
def test_later_exports_miss_messages(moment: int, missed: bool) -> None:
    """An export from before does not; what is deleted already is not missed again."""
    assert is_missed(known("a"), moment) is missed
    assert not is_missed(known("a", deleted=MOMENT), moment)


def test_an_export_without_a_date_is_made_now() -> None:
    """Else its own."""
    assert moment_of(None, 5) == 5
    assert moment_of(3, 5) == 3
    assert moment_of(9, 5) == 5


def test_batches_are_cut_where_a_place_comes_again() -> None:
    """In the same order, and as few parts as that takes."""
    batch = [message(place, text) for place, text in ((1, "a"), (2, "b"), (1, "c"), (3, "d"))]
    parts = list(distinct(batch))
    assert [[m.content for m in part] for part in parts] == [["a", "b"], ["c", "d"]]
    assert list(distinct(batch[:2])) == [batch[:2]]
    assert list(distinct([])) == [[]]
