"""What the page asks the statistics: each question of statistics.sql, on packages made here."""

import re
from pathlib import Path
from typing import Any

import pytest
from packages.made import (
    CHANNEL,
    FRIEND,
    GUILD,
    OTHER_CHANNEL,
    OWNER,
    STRANGER,
    MadePackage,
    Result,
    read,
)

SOURCE = (
    Path(__file__).parents[2] / "downstream_node" / "package_pages" / "static" / "statistics.sql"
)
QUESTIONS = dict(re.findall(r"-- name: (\w+)\n(.*?);\n", SOURCE.read_text(), re.DOTALL))
ALL = ("0001-01-01", "9998-12-31")
JUNE = ("2021-06-01", "2021-06-30")


def answers(result: Result, name: str, days: tuple[str, str] = ALL) -> list[tuple[Any, ...]]:
    """What a question gives for *days*, both included."""
    first, last = days
    return result.database.execute(QUESTIONS[name], {"from": first, "to": last}).fetchall()


@pytest.fixture(scope="module")
def result() -> Result:
    """A person with a friend, a guild, a group, calls, sessions, payments and reactions."""
    made = MadePackage()
    two = {"Timestamp": "2021-06-30 23:59:59", "Attachments": "https://a/1.png https://a/2.png"}
    made.channel(CHANNEL, ["2021-05-31 23:10:00", two], "bea#0000", recipients=[OWNER, FRIEND])
    garden = {"id": GUILD, "name": "Garden"}
    made.channel(OTHER_CHANNEL, ["2021-06-01 08:30:00"] * 3, "roses in Garden", guild=garden)
    made.channel(
        "300000000000000003", ["2021-07-01 00:00:00"], "crew", recipients=[OWNER, FRIEND, STRANGER]
    )
    made.channel("300000000000000004", ["2021-06-02 00:00:00"], "lost")
    made.event("join_voice_channel", "2021-06-30T23:50:00.000Z", channel_id=CHANNEL)
    made.event("leave_voice_channel", "2021-07-01T00:20:00.000Z", channel_id=CHANNEL)
    made.event("session_start", "2021-06-03T10:00:00.000Z", os="Linux")
    made.event("session_end", "2021-06-03T10:45:00.000Z", os="Linux")
    made.event("guild_joined", "2021-06-04T10:00:00.000Z", guild_id=GUILD)
    here: dict[str, Any] = {"channel_id": CHANNEL}
    for name, custom in (("pepe", "7"), ("🔥", None), ("pepe", "7")):
        made.event(
            "add_reaction", "2021-06-05T10:00:00.000Z", emoji_name=name, emoji_id=custom, **here
        )
    paid = {"currency": "usd", "status": 1, "description": "Nitro"}
    made.payments(
        {"id": "1", "created_at": "2021-06-06T00:00:00", "amount": 999, **paid},
        {"id": "2", "created_at": "2021-08-06T00:00:00", "amount": 100, **paid},
    )
    return read(made)


def test_every_question_is_asked_of_every_package(result: Result) -> None:
    """Each can be asked; those that the script names are those that there are."""
    script = (SOURCE.parent / "statistics.js").read_text()
    named = re.findall(
        r'"(\w+)"', "".join(re.findall(r"const (?:ONCE|EACH) = \[(.*?)\];", script, re.DOTALL))
    )
    assert set(named) == set(QUESTIONS)
    for name in QUESTIONS:
        answers(result, name)


@pytest.mark.parametrize(
    ("name", "days", "expected"),
    [
        ("owner", ALL, [("ada", None, 0)]),
        ("span", ALL, [("2021-05-31", "2021-08-06")]),
        pytest.param(
            "messages",
            JUNE,
            [("2021-06-01", 8, 3), ("2021-06-02", 0, 1), ("2021-06-30", 23, 1)],
            id="messages of both ends",
        ),
        pytest.param(
            "channels",
            ALL,
            [
                ("roses in Garden", "Garden", "server", 3),
                ("crew", None, "group", 1),
                ("lost", None, "other", 1),
            ],
            id="channels, without people",
        ),
        pytest.param("people", ALL, [("Bea", 2, 1, 30)], id="people, all time"),
        pytest.param("people", JUNE, [("Bea", 1, 1, 30)], id="a call counts where it began"),
        pytest.param("people", ("2021-07-01", "2021-07-31"), [], id="nobody then"),
        ("servers", JUNE, [("Garden", 3, "2021-06-04")]),
        ("servers", ("2022-01-01", "2022-12-31"), [("Garden", 0, "2021-06-04")]),
        ("voice", ALL, [("2021-06-30", 1, 30)]),
        ("voice", ("2021-07-01", "2021-07-31"), []),
        ("sessions", JUNE, [("2021-06-03", 1, 45)]),
        ("devices", ALL, [("Linux", 1, 45)]),
        ("attachments", ALL, [("2021-06-30", 2)]),
        (
            "payments",
            ALL,
            [("2021-08-06", "Nitro", "USD", 1.0), ("2021-06-06", "Nitro", "USD", 9.99)],
        ),
        ("reactions", ALL, [("pepe", 1, 2), ("🔥", 0, 1)]),
        ("events", ALL, [("add_reaction", 3), ("guild_joined", 1)]),
    ],
)
def test_answers(result: Result, name: str, days: tuple[str, str], expected: list[Any]) -> None:
    """The answers, for days of which both count."""
    assert answers(result, name, days) == expected


def test_what_is_missing() -> None:
    """A package without servers and messages is partial, and says of what it lacks."""
    result = read(MadePackage().drop("Servers/"))
    assert answers(result, "owner")[0][2] == 1
    assert ("servers", "missing", 1) in answers(result, "missing")
    assert answers(result, "span") == [(None, None)]
