"""The dashboard's pages over the real application."""

import re
from typing import Any
from urllib.parse import quote

import pytest
from simulator import FarmerSimulator, SimulatedNode
from sqlalchemy import update
from werkzeug.test import TestResponse

from downstream_node.dashboard import words
from downstream_node.farmers.models import Farmer

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"
HOSTILE = "<script>alert('x')</script>"


def get(node: SimulatedNode, path: str, accept: str = BROWSER) -> TestResponse:
    """A browser's GET."""
    return node.app.test_client().get(path, headers={"Accept": accept})


def text_of(node: SimulatedNode, path: str) -> str:
    """The text of the page at *path*, without markup."""
    response = get(node, path)
    assert response.status_code == 200, response.text
    return " ".join(re.sub(r"<[^>]*>", "", response.text).split())


@pytest.fixture
def farmer(node: SimulatedNode) -> FarmerSimulator:
    """A farmer with two answered contracts, somewhere."""
    farmer = FarmerSimulator(node.fill_pool(4)).join().take(2)
    farmer.answer_all()
    place(node, country="Germany", city="Berlin", lat=52.52, lon=13.4)
    return farmer


def place(node: SimulatedNode, **values: Any) -> None:
    """Put all farmers somewhere."""
    node.parts.database.write(
        lambda connection: connection.execute(update(Farmer).values(**values))
    )


# The network


def test_front_page(node: SimulatedNode, farmer: FarmerSimulator) -> None:
    """It says how the network is, in one sentence and in numbers, and lists the farmer."""
    text = text_of(node, "/")
    assert "1 of 1 farmer is online and proves that it holds" in text
    assert farmer.farmer_id[:8] in text
    assert "Germany" in text


def test_empty_network(node: SimulatedNode) -> None:
    """A node without farmers has a page, too."""
    assert "No farmer has joined yet." in text_of(node, "/")


@pytest.mark.parametrize(
    "accept", ["", "*/*", "application/json", "text/html;q=0.5,*/*;q=0.1,application/json"]
)
def test_programs_get_json(node: SimulatedNode, accept: str) -> None:
    """Who does not ask for HTML in the first place gets the node's description."""
    response = get(node, "/", accept)
    assert response.get_json()["msg"] == "ok"
    assert response.headers["Vary"] == "Accept"


def test_headers(node: SimulatedNode) -> None:
    """A page loads from its own node only, and may be kept for a moment."""
    headers = get(node, "/").headers
    policy = headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
    assert "unsafe" not in policy
    assert headers["Cache-Control"] == "public, max-age=5"
    assert headers["Vary"] == "Accept"
    assert headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("path", ["/", "/farmer/{}", "/nothing"])
def test_nothing_inline(node: SimulatedNode, farmer: FarmerSimulator, path: str) -> None:
    """No page has a script, a style or a handler in itself, which the policy would stop."""
    page = get(node, path.format(farmer.farmer_id)).text
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=", page)


def test_hostile_place(node: SimulatedNode, farmer: FarmerSimulator) -> None:
    """Markup in a name is shown, not obeyed, on all pages."""
    place(node, country=HOSTILE, city=HOSTILE)
    for path in ("/", f"/farmer/{farmer.farmer_id}", f"/?country={quote(HOSTILE)}"):
        page = get(node, path).text
        assert "<script>alert" not in page
        assert "&lt;script&gt;alert" in page


def test_hostile_search(node: SimulatedNode) -> None:
    """Markup in a search is shown, not obeyed."""
    page = get(node, f"/?find={quote(HOSTILE)}").text
    assert "<script>alert" not in page
    assert "neither a farmer id" in page


@pytest.mark.parametrize("digits", [6, 8, 19])
def test_a_shortened_id_leads_to_the_farmer(
    node: SimulatedNode, farmer: FarmerSimulator, digits: int
) -> None:
    """As pages show it."""
    response = get(node, f"/?find={farmer.farmer_id[:digits]}")
    assert response.status_code == 303
    assert response.headers["Location"].endswith(farmer.farmer_id)


def test_find_by_id(node: SimulatedNode, farmer: FarmerSimulator) -> None:
    """A farmer id leads to its page, in capitals as well."""
    response = get(node, f"/?find=%20{farmer.farmer_id.upper()}%20")
    assert response.status_code == 303
    assert response.headers["Location"] == f"/farmer/{farmer.farmer_id}"


def test_find_by_address(node: SimulatedNode, farmer: FarmerSimulator) -> None:
    """An address lists its farmers; another one lists nobody."""
    other = FarmerSimulator(node, "other").address
    assert farmer.farmer_id in get(node, f"/?find={farmer.address}").text
    assert "No farmer fits this choice." in text_of(node, f"/?find={other}")


@pytest.mark.parametrize(
    ("query", "listed"),
    [
        ("online=yes", True),
        ("online=no", False),
        ("country=Germany", True),
        ("country=France", False),
        ("min_uptime=99.5", True),
        ("page=2", False),
        ("sort=uptime&order=asc", True),
        ("online=&country=&min_uptime=&find=", True),
    ],
)
def test_filters(node: SimulatedNode, farmer: FarmerSimulator, query: str, listed: bool) -> None:
    """The list shows who fits; an empty field of the form is no filter."""
    assert (f'data-farmer="{farmer.farmer_id}"' in get(node, f"/?{query}").text) is listed


@pytest.mark.parametrize(
    "query",
    [
        *("online=maybe", "min_uptime=nan", "min_uptime=101", "min_uptime=x", "page=0", "page=-1"),
        *("page=9999999", "sort=token_hash", "order=up", "country=%00"),
    ],
)
def test_bad_queries(node: SimulatedNode, query: str) -> None:
    """A query that makes no sense is a page that says which part of it."""
    response = get(node, f"/?{query}")
    assert response.status_code == 400
    assert f"Invalid {query.partition('=')[0]}" in response.text


def test_sorting_turns_round(node: SimulatedNode, farmer: FarmerSimulator) -> None:
    """The heading of the sorted column says so and leads to the other direction."""
    page = get(node, "/?sort=uptime&order=desc").text
    heading = re.search(
        r'<th[^>]*aria-sort="descending"[^>]*><a id="sort-uptime" href="([^"]*)"', page
    )
    assert heading is not None
    assert "order=asc" in heading[1]
    assert farmer.farmer_id in page


def test_pages(make_node: Any) -> None:
    """Twenty-six farmers are two pages, each leading to the other."""
    node = make_node(MAX_TOKENS_PER_IP=30)
    for number in range(26):
        FarmerSimulator(node, f"farmer {number}").join()
    first, second = get(node, "/").text, get(node, "/?page=2").text
    assert (first.count("data-farmer="), second.count("data-farmer=")) == (25, 1)
    assert 'href="?page=2#' in first
    assert 'href="?#' in second


@pytest.mark.usefixtures("farmer")
def test_a_page_beyond_the_end(node: SimulatedNode) -> None:
    """Who is there, as farmers have left since, finds the way back to the last page."""
    page = get(node, "/?page=9&online=yes").text
    assert 'href="?online=yes#farmers-heading" rel="prev"' in page
    assert 'rel="next"' not in page


def test_outages_are_told(node: SimulatedNode) -> None:
    """The node admits when it was down, and what that means."""
    node.clock.jump(3600)
    text = text_of(node, "/")
    assert "the node was down for 59 min" in text
    assert "they cost no farmer anything" in text


@pytest.mark.usefixtures("farmer")
def test_map(node: SimulatedNode) -> None:
    """The farmer is a point of the map; who does not see it has a table."""
    page = get(node, "/").text
    assert 'data-farmers="1" data-online="1"' in page
    assert 'data-country="Germany"' in page
    assert "GeoLite2 data created by MaxMind" in page


@pytest.mark.usefixtures("farmer")
def test_no_places(node: SimulatedNode) -> None:
    """A node that knows no places says so beside its empty map."""
    place(node, country=None, city=None, lat=None, lon=None)
    assert "No farmer&#39;s place is known" in text_of(node, "/")


# One farmer


def test_farmer_page(node: SimulatedNode, farmer: FarmerSimulator) -> None:
    """It says how the farmer is, when the next challenge is due, and the rules in force."""
    text = text_of(node, f"/farmer/{farmer.farmer_id}")
    assert "Online. 2 contracts. The next challenge is due in" in text
    assert "60 seconds (1 min)" in text
    assert farmer.address in text
    assert "No failure is known." in text


def test_farmer_that_went_offline(node: SimulatedNode, farmer: FarmerSimulator) -> None:
    """It says since when, why, and what to do."""
    node.advance(300)
    node.run_jobs()
    text = text_of(node, f"/farmer/{farmer.farmer_id}")
    assert "Offline since" in text
    assert words.farmer.START_AGAIN in text
    assert "Not answered in time, 2 times" in text


def test_new_farmer(node: SimulatedNode) -> None:
    """A farmer without an answer has no uptime, and is told what comes next."""
    farmer = FarmerSimulator(node.fill_pool(1)).join().take(1)
    text = text_of(node, f"/farmer/{farmer.farmer_id}")
    assert "New: it has not answered a challenge yet. The next challenge is due in" in text
    assert "Nothing was expected yet" in text


def test_formula_has_its_numbers(node: SimulatedNode, farmer: FarmerSimulator) -> None:
    """Uptime is told with the seconds that it was counted from."""
    node.advance(30)
    text = text_of(node, f"/farmer/{farmer.farmer_id}")
    assert "= 100 \N{MULTIPLICATION SIGN} 30 s ÷ 30 s" in text


@pytest.mark.parametrize("farmer_id", ["0" * 20, "x", "A" * 20, HOSTILE.replace("/", "")])
def test_unknown_farmer(node: SimulatedNode, farmer_id: str) -> None:
    """A page says what to do; programs get the API's form."""
    path = f"/farmer/{quote(farmer_id)}"
    page, error = get(node, path), get(node, path, "*/*")
    assert (page.status_code, error.status_code) == (404, 404)
    assert "There is no farmer with this id" in page.text
    assert error.get_json() == {"status": "error", "message": "Nonexistant farmer id."}


@pytest.mark.parametrize(
    ("path", "accept", "kind"),
    [
        ("/nothing", BROWSER, "text/html"),
        ("/nothing", "*/*", "application/json"),
        ("/api/downstream/v1/nothing", BROWSER, "application/json"),
    ],
)
def test_addresses_that_lead_nowhere(
    node: SimulatedNode, path: str, accept: str, kind: str
) -> None:
    """Browsers get a page; the API and its clients keep their form."""
    response = get(node, path, accept)
    assert (response.status_code, response.mimetype) == (404, kind)


def test_lost_database(node: SimulatedNode, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page that cannot be made says so without details."""
    monkeypatch.setattr("downstream_node.status.service.totals", lambda _node: 1 / 0)
    response = get(node, "/")
    assert response.status_code == 500
    assert "The node could not make this page" in response.text
    assert "division" not in response.text


# The badge, and what pages load


def test_badge(node: SimulatedNode, farmer: FarmerSimulator) -> None:
    """Other pages may show it, for a minute without asking again."""
    response = get(node, f"/farmer/{farmer.farmer_id}/badge.svg", "image/*")
    assert response.mimetype == "image/svg+xml"
    assert "100.0 % | online" in response.text
    assert response.headers["Cache-Control"] == "public, max-age=60"
    assert response.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert "style" not in response.text


def test_badge_of_nobody(node: SimulatedNode) -> None:
    """There is no badge of a farmer that is not there."""
    assert get(node, f"/farmer/{'0' * 20}/badge.svg", "image/*").status_code == 404


def test_assets(node: SimulatedNode) -> None:
    """What a page loads is there, under an address that is good for a year."""
    found = re.findall(r'"(/static/[^"#]*)', get(node, "/").text)
    assert len(set(found)) == 4
    for address in found:
        with get(node, address) as response:
            assert response.status_code == 200
            assert "max-age=31536000" in response.headers["Cache-Control"]


@pytest.mark.parametrize("name", ["nothing.css", "../routes.py", "%2e%2e/routes.py"])
def test_only_assets(node: SimulatedNode, name: str) -> None:
    """Nothing else is served."""
    assert get(node, f"/static/{name}").status_code == 404
