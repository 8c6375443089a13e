"""Addresses, timeline, facets and chips of the page."""

import pytest

from downstream_node.chat_pages import choice as choices
from downstream_node.chat_pages import timeline, view
from downstream_node.chat_pages.choice import Choice, read_choice
from downstream_node.chats.answers import ChannelView, Facets, FacetValue, Found, Month, Term
from downstream_node.errors import InvalidRequest


def month(year: int, number: int, count: int = 1) -> Month:
    """One month."""
    return Month(year, number, count, f"during:{year}-{number:02}")


@pytest.mark.parametrize(
    ("choice", "query"),
    [
        (Choice(), ""),
        (Choice("pie"), "q=pie"),
        (
            Choice('from:"a b" #&', "oldest", "xyz"),
            "q=from%3A%22a+b%22+%23%26&order=oldest&cursor=xyz",
        ),
    ],
)
def test_every_state_is_an_address(choice: Choice, query: str) -> None:
    """Without what is as if nothing was chosen."""
    assert choice.query() == query


def test_reading_a_choice() -> None:
    """What is not there is as if nothing was chosen; a strange order is refused."""
    assert read_choice({"q": "  pie ", "cursor": ""}) == Choice("pie")
    with pytest.raises(InvalidRequest):
        read_choice({"order": "best"})


@pytest.mark.parametrize(
    ("form", "terms"),
    [
        ({"q": "pie"}, None),
        ({"in": "", "from": "", "has": ""}, []),
        ({"in": "in:general", "from": "Cyrus the Late"}, ["in:general", 'from:"Cyrus the Late"']),
        ({"in": "a b"}, ['in:"a b"']),
        ({"has": "image"}, ["has:image"]),
        ({"since": "2024-04-01"}, ["after:2024-03-31"]),
        ({"until": "2024-04-30"}, ["before:2024-05-01"]),
        ({"since": "2024-04-26", "until": "2024-04-26"}, ["during:2024-04-26"]),
        ({"since": "0001-01-01", "until": "9999-12-31"}, []),
    ],
)
def test_filters_become_terms(form: dict[str, str], terms: list[str] | None) -> None:
    """Both days of a range are part of it."""
    assert choices.filters(form) == terms


@pytest.mark.parametrize("form", [{"has": "pie"}, {"since": "yesterday"}, {"until": "2024-13-01"}])
def test_filters_that_make_no_sense(form: dict[str, str]) -> None:
    """They are refused by name."""
    with pytest.raises(InvalidRequest, match=f"Invalid {next(iter(form))}"):
        choices.filters(form)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""),
        ("pie", "pie"),
        ("during:2024 pie", "pie"),
        ('-after:2024 "a  b" before:2025-01-01', '"a  b"'),
        ("during:2024", ""),
    ],
)
def test_taking_dates_off(text: str, expected: str) -> None:
    """All of them, and nothing else."""
    assert choices.without_dates(text) == expected


def test_timeline_has_no_gaps() -> None:
    """Months without messages have a place, lead nowhere, and are not drawn."""
    drawn = timeline.timeline([month(2023, 11, 4), month(2024, 2, 2)])
    assert drawn is not None
    told = [(one.year, one.month, one.count, one.term) for one in drawn.periods]
    assert told[1:3] == [(2023, 12, 0, ""), (2024, 1, 0, "")]
    assert told[3] == (2024, 2, 2, "during:2024-02")
    assert [column.height for column in drawn.columns] == [56, 0, 0, 28]


@pytest.mark.parametrize("months", [[], [month(2024, 1)], [month(2024, 1), month(2024, 2, 0)]])
def test_one_month_is_no_choice(months: list[Month]) -> None:
    """Then there is no timeline."""
    assert timeline.timeline(months) is None


def test_many_months_are_years() -> None:
    """A column has to be wide enough to be hit."""
    drawn = timeline.timeline([month(1990, 5), month(1990, 6), month(2024, 1)])
    assert drawn is not None
    assert len(drawn.periods) == 35
    assert drawn.periods[0] == timeline.Period(1990, None, 2, "during:1990")
    assert drawn.periods[1] == timeline.Period(1991, None, 0, "")


def test_a_click_on_a_month_replaces_the_date() -> None:
    """And the months that the search has now are marked."""
    terms = [Term("text", "pie", 0, 3, False, True), Term("during", "2024-02", 4, 18, False, True)]
    both = [month(2024, 1), month(2024, 2)]
    found = view.months(Choice("pie during:2024-02"), terms, both, [month(2024, 2)])
    assert found is not None
    assert [column.query for column in found.columns] == [
        "q=pie+during%3A2024-01",
        "q=pie+during%3A2024-02",
    ]
    assert [column.chosen for column in found.columns] == [False, True]
    assert found.everything == "q=pie"


def test_facets_narrow_or_are_taken_off() -> None:
    """The one to which the search is narrowed already is taken off by another click."""
    general = FacetValue(1, "general", 6, "in:general")
    found = Facets([general, FacetValue(2, "x", 3, "in:x")], [], [])
    first, second = view.channels(Choice("a OR b"), found, [])
    assert (first.name, first.bar, second.bar) == ("#general", 60, 30)
    assert first.query == "q=%28a+OR+b%29+in%3Ageneral"
    terms = [Term("in", "general", 4, 14, False, True)]
    (only,) = view.channels(Choice("pie in:general"), Facets([general], [], []), terms)
    assert (only.chosen, only.query) == (True, "q=pie")


def test_chips_take_off() -> None:
    """Each term in words, and the address without it; who is unknown is marked."""
    terms = [Term("text", "pie", 0, 3, False, True), Term("from", "x", 4, 11, True, False)]
    found = view.chips(Choice("pie -from:x", "oldest"), terms)
    assert [(chip.told, chip.unknown) for chip in found] == [("“pie”", False), ("not by x", True)]
    assert [chip.query for chip in found] == ["q=-from%3Ax&order=oldest", "q=pie&order=oldest"]
    assert view.unknown_names(Found([], 0, None, None, None, terms)) == ["x"]


@pytest.mark.parametrize(
    ("position", "expected"),
    [
        (4, (5, "tea ", '"', "pie")),
        (8, (9, 'tea "pie', "", "")),
        (99, (None, "", "", "")),
        (None, (None, "", "", "")),
    ],
)
def test_problems_have_a_place(position: int | None, expected: tuple[object, ...]) -> None:
    """With what stands around it; the end is a place as well."""
    found = view.problem('tea "pie', "Not closed.", position)
    assert (found.position, found.before, found.wrong, found.after) == expected


def test_channels_tell_their_server_if_there_are_several() -> None:
    """The value is the term that narrows."""

    def channel(guild: int) -> ChannelView:
        return ChannelView(1, "general", "", None, None, guild, f"G{guild}", "in:1")

    assert [one.label for one in view.channel_choices([channel(1)])] == ["#general"]
    several = view.channel_choices([channel(1), channel(2)])
    assert [one.label for one in several] == ["#general · G1", "#general · G2"]
    assert several[0].value == "in:1"
