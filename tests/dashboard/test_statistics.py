"""The statistics page: what public measures say, and what it may not say."""

import csv
import io
import re
from collections.abc import Sequence
from html import unescape
from typing import Any

import pytest
from simulator import SimulatedNode
from sqlalchemy import insert, update
from werkzeug.test import TestResponse

from downstream_node.dashboard.statistics import MOST_PERIODS_LISTED, MOST_SERIES
from downstream_node.measures import aggregating, definitions, redefining
from downstream_node.measures.cells import cell_key, group_text
from downstream_node.measures.models import MeasureDefinition, RawMeasure
from downstream_node.measures.periods import DAY, period_start

BROWSER = "text/html,application/xhtml+xml,*/*;q=0.8"
HOUR = 3_600_000
HOSTILE = "<script>alert('x')</script>"
NAME = "visits-daily"
PUBLIC = {"name": NAME, "org": "museum", "access_public": True, "group1_key": "door"}
DOOR = "north"


def get(node: SimulatedNode, path: str = "/statistics") -> TestResponse:
    """A browser's GET."""
    return node.app.test_client().get(path, headers={"Accept": BROWSER})


def text_of(node: SimulatedNode) -> str:
    """The text of the page, without markup."""
    response = get(node)
    assert response.status_code == 200, response.text
    return " ".join(re.sub(r"<[^>]*>", " ", response.text).split())


def define(node: SimulatedNode, **more: Any) -> None:
    """Define the measure of the tests."""
    node.parts.database.write(lambda connection: redefining.load(connection, [PUBLIC | more]))


def measure(
    node: SimulatedNode,
    values: Sequence[float],
    *,
    days_ago: int = 1,
    door: str = DOOR,
    hour: int = 0,
) -> None:
    """Collect *values* for one door on one day at one *hour*, and count them."""
    start = period_start("day", node.parts.wall_clock()) - days_ago * DAY + hour * HOUR
    group = group_text(door)
    place = {"start": start, "group1": group, "created_by": None}
    key = cell_key(start, None, group, None, None)
    with node.parts.database.writing() as connection:
        definition = definitions.by_name(connection, NAME)
        assert definition is not None
        rows = [
            {"definition": definition.id, "value": value, "arrived": 0, "cell_key": key, **place}
            for value in values
        ]
        connection.execute(insert(RawMeasure), rows)
    aggregating.aggregate(node.parts, NAME, force=True)


def table(node: SimulatedNode) -> list[dict[str, str]]:
    """The CSV file of the measure."""
    response = get(node, "/statistics/visits-daily.csv")
    assert response.status_code == 200, response.text
    return list(csv.DictReader(io.StringIO(response.text)))


def test_nothing_yet(node: SimulatedNode) -> None:
    """Without results the page says when there will be some."""
    assert "There is no result yet." in text_of(node)


def test_a_public_measure(node: SimulatedNode) -> None:
    """Title, description, groups, newest value and rule are there, and a way to the CSV."""
    define(node, description="People who came in.")
    measure(node, [1, 2, 3, 4, 5])
    text = text_of(node)
    assert "Visits daily People who came in." in text
    assert "north 15 on 14 Jan" in text
    assert "A result is shown only if it is made from 5 contributions or more." in text
    assert "/statistics/visits-daily.csv" in get(node).text


def test_too_few(node: SimulatedNode) -> None:
    """A day below the threshold is a gap, and the words for it, never a number."""
    define(node)
    measure(node, [7777] * 5, days_ago=3)
    measure(node, [4321] * 4, days_ago=2)
    measure(node, [8888] * 5, days_ago=1)
    page = get(node).text
    assert "fewer than 5 contributions" in page
    assert "1 day not shown." in page
    assert "4,321" not in page
    assert "17,284" not in page


def test_contributors(node: SimulatedNode) -> None:
    """Where the threshold counts people, the words do, too; nobody was named, so none is shown."""
    define(node, count_contributors=True)
    measure(node, [1] * 50)
    assert "There is no result yet." in text_of(node)


@pytest.mark.parametrize(
    "hidden", [{"access_public": False}, {"access_app": True} | {"access_public": False}]
)
def test_private_measures(node: SimulatedNode, hidden: dict[str, bool]) -> None:
    """What is not public is neither on the page nor in a file."""
    define(node, **hidden)
    measure(node, [1] * 9)
    assert "Visits" not in text_of(node)
    assert get(node, "/statistics/visits-daily.csv").status_code == 404


def test_unknown_measure(node: SimulatedNode) -> None:
    """A file of nothing is a page that says so."""
    response = get(node, "/statistics/nothing.csv")
    assert (response.status_code, response.mimetype) == (404, "text/html")


def test_several_starts_in_a_period(node: SimulatedNode) -> None:
    """What a day has at several hours is added up, in the chart and in the table."""
    define(node, aggregation_period="day")
    measure(node, [10] * 5, hour=3)
    measure(node, [1] * 5, hour=4)
    text = text_of(node)
    assert "north 55 on 14 Jan" in text
    assert "14 Jan north 2 results together 10 55 5.50" in text
    assert [row["total"] for row in table(node)] == ["50.0", "5.0"]


def test_quartiles_of_several_starts(node: SimulatedNode) -> None:
    """They cannot be taken together: the chart says so, and the table shows them apart."""
    define(node, with_quartiles=True)
    measure(node, [1, 2, 3, 4, 5], days_ago=2)
    measure(node, [10] * 5, hour=3)
    measure(node, [20] * 5, hour=4)
    text = text_of(node)
    assert "1 day has several results, whose medians and quartiles cannot be taken" in text
    assert "north 3 on 13 Jan" in text
    assert "14 Jan, 03:00 north 5 10 10 10 10" in text
    assert "14 Jan, 04:00 north 5 20 20 20 20" in text
    assert "not shown" not in text


def test_quartiles(node: SimulatedNode) -> None:
    """Where there are quartiles, they are drawn as a band and listed."""
    define(node, with_quartiles=True)
    measure(node, [1, 2, 3, 4, 5], days_ago=2)
    measure(node, [2, 4, 6, 8, 10], days_ago=1)
    page = get(node).text
    assert "Sum" not in page
    assert page.count('class="trend-band"') == 1
    assert "The line is the median of each day" in page
    assert table(node)[-1]["third_quartile"] == "8.0"


def test_csv(node: SimulatedNode) -> None:
    """The file has a line a result, oldest first, with the definition's own names."""
    define(node)
    measure(node, [1, 2, 3, 4, 0], days_ago=2)
    measure(node, [1] * 6, days_ago=1)
    first, second = table(node)
    assert (first["door"], first["start"][:10]) == (DOOR, "2027-01-13")
    assert (first["count"], first["count_not_zero"], first["total"]) == ("5", "4", "10.0")
    assert second["start"] > first["start"]


def test_csv_in_pages(node: SimulatedNode, monkeypatch: pytest.MonkeyPatch) -> None:
    """A long file is read a page at a time, and has every result once."""
    monkeypatch.setattr("downstream_node.measures.results.PAGE", 2)
    define(node)
    for door in "abcde":
        measure(node, [1] * 5, door=door)
    assert [line["door"] for line in table(node)] == list("abcde")


@pytest.mark.parametrize("door", ["=1+1", "+1", "-1", "@x"])
def test_no_formulas(node: SimulatedNode, door: str) -> None:
    """No group can make a spreadsheet calculate."""
    define(node)
    measure(node, [1] * 5, door=door)
    assert table(node)[0]["door"] == f"'{door}"


@pytest.mark.parametrize("name", ["two words", "a/b", "50 %", "ä&b", "../x", "what?"])
def test_names_of_all_kinds(node: SimulatedNode, name: str) -> None:
    """The link to a file leads there, whatever the measure is called."""
    define(node)
    measure(node, [1] * 5)
    renamed = update(MeasureDefinition).values(name=name)
    node.parts.database.write(lambda connection: connection.execute(renamed))
    (link,) = re.findall('href="([^"]*csv)"', get(node).text)
    assert get(node, unescape(link)).mimetype == "text/csv"


def test_nobodys_own_value(node: SimulatedNode) -> None:
    """The least and the greatest value are of one contributor each, so they stay inside."""
    define(node)
    measure(node, [1111, 2, 3, 4, 5555])
    assert not {"1111", "5555", "1111.0", "5555.0"} & set(table(node)[0].values())
    assert "5,555" not in get(node).text


def test_hostile_group(node: SimulatedNode) -> None:
    """Markup in a group or description is shown, not obeyed."""
    define(node, description=HOSTILE)
    measure(node, [1] * 5, door=HOSTILE)
    page = get(node).text
    assert "<script>alert" not in page
    assert page.count("&lt;script&gt;alert") > 1
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=", page)


def test_many_groups(node: SimulatedNode) -> None:
    """The largest groups have charts; of the others the page says where they are."""
    define(node)
    for number in range(MOST_SERIES + 2):
        measure(node, [1] * (5 + number), door=f"door {number}")
    page = get(node).text
    assert page.count('<figure class="trend">') == MOST_SERIES
    assert "2 smaller groups are in the CSV file only." in page
    assert "door 7" in page
    assert "door 0" not in page


def test_long_tables_are_cut(node: SimulatedNode) -> None:
    """The table has the newest days, the chart all of them."""
    define(node)
    for days_ago in (1, MOST_PERIODS_LISTED + 10):
        measure(node, [1] * 5, days_ago=days_ago)
    page = get(node).text
    assert page.count('<th scope="row">') == MOST_PERIODS_LISTED
    assert f"{MOST_PERIODS_LISTED + 8} days not shown." in page


def test_only_ninety_days(node: SimulatedNode) -> None:
    """What is older is not shown."""
    define(node)
    measure(node, [1] * 5, days_ago=91)
    assert "There is no result yet." in text_of(node)
    assert table(node) == []


def test_too_many_results(node: SimulatedNode, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there are too many results for a page, it shows fewer days."""
    monkeypatch.setattr("downstream_node.dashboard.statistics.MOST_ROWS", 1)
    define(node)
    for days_ago in (1, 20, 60):
        measure(node, [days_ago] * 5, days_ago=days_ago)
    assert "all results of the last 7 days" in text_of(node)


def test_months(node: SimulatedNode) -> None:
    """A measure by the month has a point a month."""
    define(node, aggregation_period="month")
    for days_ago in (1, 32, 65):
        measure(node, [days_ago] * 5, days_ago=days_ago)
    assert "The line is the sum of each month." in text_of(node)
    assert get(node).text.count('<th scope="row">') == 3


def test_headers(node: SimulatedNode) -> None:
    """Page and file may be kept for a moment; the page loads from its own node only."""
    define(node)
    measure(node, [1] * 5)
    page, file = get(node).headers, get(node, "/statistics/visits-daily.csv").headers
    assert page["Cache-Control"] == file["Cache-Control"] == "public, max-age=5"
    assert "unsafe" not in page["Content-Security-Policy"]
    assert file["Content-Type"].startswith("text/csv")


def test_the_way_there(node: SimulatedNode) -> None:
    """The header of every page leads to it."""
    assert '<a href="/statistics">Statistics</a>' in get(node, "/").text
    assert '<a href="/statistics" aria-current="page">' in get(node).text
