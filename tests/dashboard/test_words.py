"""What the dashboard says."""

import datetime as dt
from typing import Any

import pytest

from downstream_node.chats.records import HAS, IS
from downstream_node.dashboard import words
from downstream_node.status.reports import (
    Bar,
    Failure,
    FarmerDetail,
    FarmerSummary,
    Outage,
    Rule,
    State,
    Totals,
    Window,
)

NOON = dt.datetime(2026, 11, 22, 12, 3, tzinfo=dt.UTC)


def totals(farmers: int, online: int, size: int = 1 << 30) -> Totals:
    """A network at noon."""
    numbers = {"contracts": 1, "heartbeats": 1, "countries": 1}
    return Totals(as_of=NOON, node="n", farmers=farmers, online=online, size=size, **numbers)


def detail(state: State, contracts: int = 0, **values: Any) -> FarmerDetail:
    """A farmer at noon."""
    nothing: dict[str, Any] = dict.fromkeys(
        ("country", "city", "lat", "lon", "last_answer", "mean_wait")
    )
    nothing |= dict.fromkeys(("uptime", "heartbeats", "size"), 0)
    farmer = FarmerSummary(
        id="0" * 20, address="1", state=state, contracts=contracts, joined=NOON, **nothing
    )
    empty: dict[str, Any] = {"windows": [], "days": [], "rules": [], "last_failure": None}
    dates: dict[str, Any] = {"next_due": None, "online_until": None, **values}
    return FarmerDetail(farmer=farmer, as_of=NOON, **dates, **empty)


def said(sentence: words.Sentence) -> str:
    """A sentence as one text."""
    parts = (words.moment(one) if isinstance(one, dt.datetime) else one for one in sentence)
    return "".join(one.text if isinstance(one, words.Until) else str(one) for one in parts)


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0, "0 s"),
        (0.4, "0 s"),
        (41, "41 s"),
        (59.6, "1 min"),
        (60, "1 min"),
        (61, "1 min 1 s"),
        (3600, "1 h"),
        (3659, "1 h"),
        (7500, "2 h 5 min"),
        (86400, "1 d"),
        (100_000, "1 d 3 h"),
        (-62, "1 min 2 s"),
    ],
)
def test_durations(seconds: float, expected: str) -> None:
    """Two units are enough; the direction does not matter."""
    assert words.duration(seconds) == expected


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (None, words.NOTHING),
        (0.04, "40 ms"),
        (0.26, "260 ms"),
        (59.0, "59 s"),
        (90.0, "1 min 30 s"),
    ],
)
def test_waits(seconds: float | None, expected: str) -> None:
    """A farmer that answers at once sees parts of a second."""
    assert words.wait(seconds) == expected


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        (0, "0 B"),
        (1023, "1,023 B"),
        (1024, "1 KiB"),
        (1536, "1.5 KiB"),
        ((1 << 20) - 1, "1 MiB"),
        (1288490189, "1.2 GiB"),
        (5 << 40, "5 TiB"),
        (3 << 70, "3,072 EiB"),
    ],
)
def test_sizes(count: int, expected: str) -> None:
    """Binary units, at most one decimal, never 1,024 of a unit."""
    assert words.size(count) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (100.0, "100.00 %"),
        (99.9999, "99.99 %"),
        (99.995, "99.99 %"),
        (57.29, "57.29 %"),
        (0.0, "0.00 %"),
        (None, words.NOTHING),
    ],
)
def test_percent(value: float | None, expected: str) -> None:
    """100.00 % is said only of 100; a percentage with two decimals stays what it is."""
    assert words.percent(value) == expected


@pytest.mark.parametrize(
    ("farmers", "online", "expected"),
    [
        (0, 0, "No farmer has joined yet."),
        (50, 0, "None of 50 farmers is online."),
        (1, 1, "1 of 1 farmer is online and proves that it holds 1 GiB."),
        (1200, 41, "41 of 1,200 farmers are online and prove that they hold 1 GiB."),
    ],
)
def test_headline(farmers: int, online: int, expected: str) -> None:
    """The network in one sentence, in grammatical English."""
    assert words.headline(totals(farmers, online)) == expected


def test_an_online_farmer() -> None:
    """It is told when the next challenge is due."""
    farmer = detail("online", 12, next_due=NOON + dt.timedelta(seconds=41))
    expected = "Online. 12 contracts. The next challenge is due in 41 s."
    assert said(words.standing(farmer)) == expected


def test_an_online_farmer_whose_contracts_have_ended() -> None:
    """It is told that it holds nothing, and what happens next."""
    assert said(words.standing(detail("online"))).endswith(words.TAKES_CONTRACTS)


def test_an_offline_farmer() -> None:
    """It is told since when, why, and what to do."""
    farmer = detail("offline", online_until=NOON)
    assert said(words.standing(farmer)) == (
        "Offline since 22 Nov 2026, 12:03 UTC: the challenge due then was not answered. "
        f"{words.farmer.START_AGAIN}"
    )


def test_an_offline_farmer_that_can_still_answer() -> None:
    """It is told to hurry."""
    later = NOON + dt.timedelta(minutes=1)
    sentence = said(words.standing(detail("offline", 1, online_until=NOON, next_due=later)))
    assert sentence.endswith("1 contract can still be answered: start the farmer again now.")


def test_an_offline_farmer_whose_contracts_wait_to_be_closed() -> None:
    """A contract whose time is over is nothing to hurry for."""
    sentence = said(words.standing(detail("offline", 1, online_until=NOON, next_due=NOON)))
    assert sentence.endswith(words.START_AGAIN)


def test_a_new_farmer() -> None:
    """It is told when its first answer is due."""
    farmer = detail("new", 2, next_due=NOON + dt.timedelta(minutes=4))
    sentence = said(words.standing(farmer))
    assert sentence.startswith("New: it has not answered a challenge yet.")
    assert sentence.endswith("due in 4 min.")


def test_what_is_overdue_is_due_in_no_time() -> None:
    """A page that was made a moment too late shows no negative time."""
    assert words.Until(NOON, NOON + dt.timedelta(seconds=5)).text == "0 s"
    farmer = detail("online", 2, next_due=NOON - dt.timedelta(seconds=1))
    assert said(words.standing(farmer)).endswith(words.farmer.DUE_NOW)


def test_formula() -> None:
    """The numbers of a window are written out, the node's own outage too."""
    numbers = {"expected": 86_340.0, "covered": 86_220.5, "node_down": 60.0, "uptime": 99.861}
    window = Window(name="24h", begin=NOON, **numbers)
    assert words.formula(window) == "= 100 \N{MULTIPLICATION SIGN} 86,220.5 s ÷ 86,340 s"
    assert words.expected(window).startswith("86,400 s \N{MINUS SIGN} 60 s in which the node")


def test_formula_of_nothing() -> None:
    """Without an accepted answer there is nothing to divide by."""
    numbers = {"expected": 0.0, "covered": 0.0, "node_down": 0.0}
    window = Window(name="24h", begin=NOON, uptime=None, **numbers)
    assert words.formula(window) == "Nothing was expected yet: no answer was accepted."


@pytest.mark.parametrize(("count", "expected"), [(1, ""), (3, ", 3 times")])
def test_failures(count: int, expected: str) -> None:
    """A failure says what it was, and how often."""
    failure = Failure(at=NOON, kind="unanswered", count=count, contract=None, reason="")
    assert words.failure(failure) == f"Not answered in time{expected}"


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [
        (300, "seconds", "300 seconds (5 min)"),
        (20, "seconds", "20 seconds"),
        (1 << 30, "bytes", "1 GiB"),
        (5, "farmers", "5 farmers"),
    ],
)
def test_thresholds(value: float, unit: str, expected: str) -> None:
    """Thresholds have their unit."""
    assert words.threshold(Rule(name="X", value=value, unit=unit, text="")) == expected


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(2820, "the node was down for 47 min"), (-62, "the node's clock was set back by 1 min 2 s")],
)
def test_outages(seconds: float, expected: str) -> None:
    """A clock that was set back is an outage, too."""
    assert words.outage(Outage(begin=NOON, seconds=seconds)) == expected


def test_bars() -> None:
    """A bar says its hour, its uptime, and that the node was down."""
    bar = Bar(begin=NOON, seconds=3600, uptime=98.5, node_down=60)
    assert words.bar(bar) == "12:03 UTC: 98.50 %, the node was down for 1 min"


def test_summary_of_bars() -> None:
    """States that do not occur are not mentioned."""
    assert words.bars_summary(["good", "good", "bad"], "hours") == (
        "3 hours: 2 with 99 % or more, 1 with less than 90 %"
    )


@pytest.mark.parametrize(
    ("state", "uptime", "expected"),
    [
        ("online", 99.96, "99.9 % | online"),
        ("offline", 100.0, "100.0 % | offline"),
        ("new", 0, "new"),
    ],
)
def test_badge(state: State, uptime: float, expected: str) -> None:
    """A badge rounds down as well, and claims nothing for who never answered."""
    assert words.badge(state, uptime) == expected


def test_every_kind_and_term_is_told() -> None:
    """The glossary explains what the pages use."""
    assert {"Farmer", "Contract", "Heartbeat", "Uptime"} <= set(words.GLOSSARY)
    assert set(words.KINDS) == {"unanswered", "invalid", "corrupted"}


# Statistics


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (None, "", "–"),  # noqa: RUF001 - the dash for nothing
        (1234.0, "", "1,234"),
        (0.12345, "", "0.123"),
        (3.14159, "", "3.14"),
        (-2.5, "", "-2.50"),
        (2048, "bytes", "2 KiB"),
        (-2048, "bytes", "-2,048"),
        (3.14, "seconds", "3.1 s"),
        (75, "seconds", "1 min 15 s"),
    ],
)
def test_amounts(value: float | None, unit: words.Unit, text: str) -> None:
    """Values are told in their unit; noise can make a size negative, which has no unit."""
    assert words.amount(value, unit) == text


def test_the_whole_rule() -> None:
    """Threshold, release and noise are one sentence with their numbers."""
    rule = words.PrivacyRule(5, True, "week", True, True, 0.5, 4.0)
    text = words.privacy_rule(rule)
    assert "made from 5 contributors or more; a group from which" in text
    assert "appears when its week is over and changes only when 5 more are in" in text
    assert text.endswith("(Laplace, ε = 0.5, at most ε = 4 in all).")


def test_notes_are_explained() -> None:
    """Every note that a table can have stands in an explanation."""
    assert words.notes(approximate=False, noisy=False) == ""
    notes = words.notes(approximate=True, noisy=True).split(", ")
    texts = words.explanations(approximate=True, noisy=True)
    assert len(notes) == len(texts) == 2
    assert all(any(note in text for text in texts) for note in notes)


# Chats


@pytest.mark.parametrize(
    ("kind", "value", "negated", "expected"),
    [
        ("text", "pecan pie", False, "“pecan pie”"),
        ("contains", "100%", True, "not exactly “100%”"),
        ("from", "ada", True, "not by ada"),
        ("in", "#general", False, "in #general"),
        ("has", "image", False, "with an image"),
        ("is", "reply", True, "not a reply"),
        ("during", "2024-04", False, "during 2024-04"),
    ],
)
def test_terms_of_a_search(kind: str, value: str, negated: bool, expected: str) -> None:
    """What was understood is told in words."""
    assert words.chats.term(kind, value, negated=negated) == expected


def test_everything_that_can_be_asked_for_has_a_name() -> None:
    """In the form, in the chips, and in the help."""
    assert set(words.chats.HAS_NAMES) == set(HAS)
    assert set(words.chats.IS_NAMES) == set(IS)
    helped = " ".join(meaning for _, meaning in words.chats.OPERATORS)
    assert [name for name in (*HAS, *IS) if name not in helped] == []


def test_months() -> None:
    """A column tells its time and its number."""
    assert words.chats.column(2024, 4, 1) == "April 2024: 1 message"
    assert words.chats.column(2024, None, 1200) == "2024: 1,200 messages"
