"""What people write in the search box, and what it means."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from downstream_node.chats import dates, language, marks
from downstream_node.chats.language import AllOf, AnyOf, Negated, Term, Tree, read, written
from downstream_node.chats.places import first_place
from downstream_node.chats.query import (
    And,
    Between,
    Condition,
    Contains,
    Everything,
    Marked,
    Not,
    Or,
    Words,
)
from downstream_node.chats.records import HAS, IS
from downstream_node.clock import WallTime
from downstream_node.errors import InvalidSearch


def named(term: Term) -> frozenset[str]:
    """A mark for the name in *term*."""
    return frozenset([f"{term.kind}={term.value}"])


def meaning(text: str) -> Condition:
    """The condition of a search in which every name has the mark of its term."""
    return language.condition(read(text), named)


def words(*stems: str) -> Words:
    """A word, or a phrase."""
    return Words(stems)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("", Everything(), id="nothing"),
        pytest.param("  \n ", Everything(), id="spaces"),
        pytest.param("pies", words("pie"), id="a word as its stem"),
        pytest.param("pecan pie", And((words("pecan"), words("pie"))), id="words"),
        pytest.param("pecan AND pie", And((words("pecan"), words("pie"))), id="and"),
        pytest.param('"Pecan Pies"', words("pecan", "pie"), id="a phrase"),
        pytest.param("\u201cpecan pie\u201d", words("pecan", "pie"), id="curved marks"),
        pytest.param("\u201cpecan", words("pecan"), id="a lone curved mark is text"),
        pytest.param('contains:"100%"', Contains("100%"), id="a substring"),
        pytest.param("contains:PIE", Contains("pie"), id="a substring without marks"),
        pytest.param('contains:"say ""hi"""', Contains('say "hi"'), id="marks within marks"),
        pytest.param("snake_case", words("snake", "case"), id="an underscore makes a phrase"),
        pytest.param("\u6771\u4eac", words("\u6771", "\u4eac"), id="ideographs make a phrase"),
        pytest.param("\U0001f967", Contains("\U0001f967"), id="an emoji"),
        pytest.param(":)", Contains(":)"), id="a smiley"),
        pytest.param("C++", And((words("c"), Contains("c++"))), id="plus signs"),
        pytest.param("100%", And((words("100"), Contains("100%"))), id="a percent sign"),
        pytest.param("pie, `cake`!", And((words("pie"), words("cake"))), id="punctuation"),
        pytest.param("http://a.b/c", words("http", "a", "b", "c"), id="unknown operators are text"),
        pytest.param("or and not", And((words("or"), words("and"), words("not"))), id="small"),
        pytest.param('"OR"', words("or"), id="a keyword in marks"),
        pytest.param("from:ada", Marked(frozenset(["from=ada"])), id="from"),
        pytest.param('FROM:"Cy Late"', Marked(frozenset(["from=Cy Late"])), id="a name in marks"),
        pytest.param("in:#general", Marked(frozenset(["in=#general"])), id="in"),
        pytest.param("mentions:5", Marked(frozenset(["mentions=5"])), id="mentions"),
        pytest.param("has:Images", Marked(frozenset([marks.has("image")])), id="has"),
        pytest.param("is:pinned", Marked(frozenset([marks.is_("pinned")])), id="is"),
        pytest.param("-pie", Not(words("pie")), id="minus"),
        pytest.param("NOT pie", Not(words("pie")), id="not"),
        pytest.param("NOT NOT pie", words("pie"), id="not twice"),
        pytest.param("NOT -pie", words("pie"), id="not minus"),
        pytest.param("-", Contains("-"), id="a lone minus"),
        pytest.param("->", Contains("->"), id="an arrow"),
        pytest.param("--force", words("forc"), id="two minuses"),
        pytest.param("a OR b c", Or((words("a"), And((words("b"), words("c"))))), id="binding"),
        pytest.param("(a OR b) c", And((Or((words("a"), words("b"))), words("c"))), id="a group"),
        pytest.param("-(a b)", Not(And((words("a"), words("b")))), id="a negated group"),
        pytest.param("f(x) y", And((words("f", "x"), words("y"))), id="parentheses in a word"),
        pytest.param("(f(x))", words("f", "x"), id="parentheses in a word in a group"),
        pytest.param("pie)", words("pie"), id="a parenthesis that closes nothing"),
        pytest.param("a (b (c d))", meaning("a b c d"), id="groups of one kind are one"),
    ],
)
def test_meaning(text: str, expected: Condition) -> None:
    """A search means this."""
    assert meaning(text) == expected


@pytest.mark.parametrize("character", list("%_*?\\"))
def test_defect_5_wildcards_are_literal(character: str) -> None:
    """Nothing in a substring stands for anything but itself."""
    assert meaning(f'contains:"a{character}b"') == Contains(f"a{character}b")


def test_defect_9_stop_words_are_words() -> None:
    """A search for nothing but stop words asks for them."""
    assert meaning("the of") == And((words("the"), words("of")))


DAY = 86_400_000


@pytest.mark.parametrize(
    ("text", "first", "beyond"),
    [
        pytest.param("2024", "2024-01-01", "2025-01-01", id="year"),
        pytest.param("2024-02", "2024-02-01", "2024-03-01", id="month"),
        pytest.param("2024-12", "2024-12-01", "2025-01-01", id="december"),
        pytest.param("2024-02-29", "2024-02-29", "2024-03-01", id="leap day"),
        pytest.param("2024-04-26T10:05", "2024-04-26T10:05Z", "2024-04-26T10:06Z", id="minute"),
        pytest.param("2024-04-26T10:05:07z", "2024-04-26T10:05:07", "2024-04-26T10:05:08", id="s"),
        pytest.param("2024-04-26T12:05+02:00", "2024-04-26T10:05", "2024-04-26T10:06", id="zone"),
    ],
)
def test_periods(text: str, first: str, beyond: str) -> None:
    """A date stands for all the time that it names, in UTC."""
    found, begins, ends = dates.period(text), dates.period(first), dates.period(beyond)
    assert found is not None
    assert begins is not None
    assert ends is not None
    assert (found.first, found.beyond) == (begins.first, ends.first)


def test_a_known_instant() -> None:
    """The third digit of a fraction is a millisecond, and what is behind it does not count."""
    found = dates.period("2024-04-26T00:00:00.1239Z")
    assert found == dates.Period(WallTime(1_714_089_600_123), WallTime(1_714_089_600_124))


def test_dates_around_a_day() -> None:
    """before: ends where the day begins, after: begins where it ends, during: is the day."""
    begins, ends = first_place(1_714_089_600_000), first_place(1_714_089_600_000 + DAY)
    assert meaning("before:2024-04-26") == Between(None, begins)
    assert meaning("after:2024-04-26") == Between(ends, None)
    assert meaning("during:2024-04-26") == Between(begins, ends)


@pytest.mark.parametrize("text", ["0001", "9999", "9999-12", "9999-12-31", "0000", "2024-00"])
def test_the_ends_of_the_calendar(text: str) -> None:
    """Dates that exist are read up to the last one; others are no dates."""
    found = dates.period(text)
    assert (found is None) == (text in ("0000", "2024-00"))
    assert found is None or found.first < found.beyond


@pytest.mark.parametrize(
    ("text", "position", "sentence"),
    [
        pytest.param('pie "cake', 4, "not closed", id="marks"),
        pytest.param("(pie", 0, "not closed", id="parenthesis"),
        pytest.param("pie ()", 5, "nothing between", id="empty group"),
        pytest.param('""', 0, "nothing between", id="empty marks"),
        pytest.param("pie from:", 4, "from: needs", id="no name"),
        pytest.param('in:""', 0, "in: needs", id="empty name"),
        pytest.param("pie OR", 4, "OR needs", id="or at the end"),
        pytest.param("AND pie", 0, "AND needs", id="and at the beginning"),
        pytest.param("a OR OR b", 5, "OR needs", id="or twice"),
        pytest.param("(NOT)", 1, "NOT needs", id="not nothing"),
        pytest.param("a has:teeth", 2, "has: knows attachment", id="has what"),
        pytest.param("is:late", 0, "is: knows pinned", id="is what"),
        pytest.param("before:soon", 0, "takes a date", id="no date"),
        pytest.param("on before:2023-02-29", 3, "takes a date", id="no such day"),
        pytest.param("during:2024-04-26T10:05+99:00", 0, "takes a date", id="no such zone"),
        pytest.param("a\x00b", 1, "No message contains", id="a character of no text"),
        pytest.param("x" * 1001, 1000, "at most 1000 characters", id="too long"),
        pytest.param("a " * 51, 100, "at most 50 terms", id="too many terms"),
        pytest.param("(" * 11 + "a" + ")" * 11, 10, "At most 10 levels", id="too deep"),
    ],
)
def test_errors(text: str, position: int, sentence: str) -> None:
    """What cannot be read is told with its position and a sentence."""
    with pytest.raises(InvalidSearch, match=re.escape(sentence)) as caught:
        read(text)
    assert caught.value.position == position
    assert str(caught.value).endswith(".")


def test_limits_are_reached() -> None:
    """What stands at a limit is taken."""
    assert read("x" * 1000)
    assert read("a " * 50)
    assert read("(" * 10 + "a" + ")" * 10) == Term("text", "a")


def test_terms_tell_where_they_stand() -> None:
    """Each term with its sign of negation, and whether it is negated."""
    tree = read("pie -from:ada NOT (x OR -y)")
    found = [(term.value, term.start, term.end, no) for term, no in language.terms(tree)]
    assert found == [
        ("pie", 0, 3, False),
        ("ada", 4, 13, True),
        ("x", 19, 20, True),
        ("y", 24, 26, False),
    ]


@pytest.mark.parametrize(
    ("text", "start", "expected"),
    [
        ("pie from:ada", 4, "pie"),
        ("pie -from:ada", 4, "pie"),
        ("(a OR b) c", 6, "a c"),
        ("a", 0, ""),
        ("-(a b) c", 2, "-b c"),
        ("-(a) c", 0, "c"),
        ("a b", 7, "a b"),
    ],
)
def test_without(text: str, start: int, expected: str) -> None:
    """A term can be taken off."""
    assert language.without(text, start) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "in:a"),
        ("pie", "pie in:a"),
        ("a OR b", "(a OR b) in:a"),
        ("(a OR b)", "(a OR b) in:a"),
        ("a OR :)", '(a OR ":)") in:a'),
        ("(a", "(a"),
    ],
)
def test_narrowed(text: str, expected: str) -> None:
    """A term can be added that holds for all of the search."""
    assert language.narrowed(text, "in:a") == expected


NAMES = st.text(min_size=1, max_size=8).filter(lambda text: not language.NOT_TEXT.search(text))
TERMS = st.one_of(
    st.builds(Term, st.sampled_from(["text", "contains", *language.NAMED]), NAMES),
    st.builds(Term, st.just("has"), st.sampled_from(HAS)),
    st.builds(Term, st.just("is"), st.sampled_from(IS)),
    st.builds(
        Term, st.sampled_from(language.DATED), st.sampled_from(["2024", "2024-04-26T10:05Z"])
    ),
)
PIECES = st.sampled_from(
    [
        *'()"-: #',
        "AND",
        "OR",
        "NOT",
        "from:",
        "in:",
        "has:image",
        "pie",
        "C++",
        "\u201c",
        "\u6771",
        "''",
    ]
)


def trees() -> st.SearchStrategy[Tree]:
    """Trees as the reader makes them: no group in one of its kind, no doubled negation."""
    return st.recursive(
        TERMS,
        lambda inner: st.one_of(
            st.builds(lambda part: language.negated(part, 0), inner),
            st.lists(inner, min_size=2, max_size=3).map(
                lambda parts: language.joined(AllOf, parts)
            ),
            st.lists(inner, min_size=2, max_size=3).map(
                lambda parts: language.joined(AnyOf, parts)
            ),
        ),
        max_leaves=6,
    )


@given(st.one_of(st.text(), st.lists(PIECES, max_size=30).map("".join)))
@settings(max_examples=1000, deadline=None)
def test_any_text_is_read_or_refused(text: str) -> None:
    """Nothing but InvalidSearch is raised, and what is read is written and read as the same."""
    tree = read_or_none(text)
    # Written out it may be longer than what may be written.
    if len(written(tree)) <= language.LONGEST:
        assert read(written(tree)) == tree
        assert meaning(written(tree)) == language.condition(tree, named)


def read_or_none(text: str) -> Tree | None:
    """The tree of *text*, None if it is refused, with a position that is in the text."""
    try:
        return read(text)
    except InvalidSearch as error:
        if not 0 <= error.position <= len(text):
            raise
        return None


@given(trees())
@settings(max_examples=300, deadline=None)
def test_every_tree_can_be_written(tree: Tree) -> None:
    """Writing and reading again gives the same tree."""
    assert read(written(tree)) == tree


def test_negation_of_a_group_is_written_with_parentheses() -> None:
    """So that it is not read as the negation of its first part."""
    assert written(Negated(AllOf((Term("text", "a"), Term("text", "b c"))))) == '-(a "b c")'
