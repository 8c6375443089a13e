"""Which client a farmer runs: read from requests, kept with the farmer, shown of nobody."""

import pytest
from simulator import FarmerSimulator, SimulatedNode
from sqlalchemy import event, select

from downstream_node.farmer.node_client import USER_AGENT
from downstream_node.farmers.clients import LONGEST_CLIENT, client_of
from downstream_node.farmers.models import Farmer

OLD, NEW = "downstream-farmer/0.1.8", "downstream-farmer/0.2.0"


@pytest.mark.parametrize(
    ("user_agent", "client"),
    [
        ("downstream-farmer/0.1.8", "downstream-farmer/0.1.8"),
        ("python-requests/2.32 extra/1", "python-requests/2.32"),
        ("Mozilla/5.0 (X11; secret name)", "Mozilla/5.0"),
        ("a/1.0+build_2", "a/1.0+build_2"),
        ("a/1.0<script>", "a/1.0"),
        ("farmer", None),
        ("/1.0", None),
        ("farmer/", None),
        ("fermier très/1", None),
        ("a b/1", None),
        ("", None),
        ("٣/٣", None),
    ],
)
def test_product_and_version(user_agent: str, client: str | None) -> None:
    """Only the first product and its version are taken, in plain letters."""
    assert client_of(user_agent) == client


def test_long_names_are_cut() -> None:
    """What is kept fits its column, with both halves there."""
    client = client_of("a" * 500 + "/" + "1" * 500)
    assert client is not None
    assert len(client) == LONGEST_CLIENT
    assert client.startswith("aaa")
    assert client.endswith("/" + "1" * 23)


def kept(node: SimulatedNode) -> str | None:
    """The client of the only farmer."""
    with node.parts.database.reading() as connection:
        client: str | None = connection.execute(select(Farmer.client)).scalar_one()
    return client


def take(node: SimulatedNode, farmer: FarmerSimulator, user_agent: str, ip: str) -> int:
    """Ask for chunks as another client; the status."""
    path = f"/chunk/{farmer.token}/1024"
    return node.request("GET", path, ip=ip, headers={"User-Agent": user_agent})[0]


@pytest.fixture
def farmer(node: SimulatedNode) -> FarmerSimulator:
    """A farmer that joined with the test client of Werkzeug."""
    return FarmerSimulator(node.fill_pool(2)).join()


@pytest.mark.usefixtures("farmer")
def test_joining(node: SimulatedNode) -> None:
    """The client is known from the beginning."""
    assert str(kept(node)).startswith("Werkzeug/")


def test_it_follows(node: SimulatedNode, farmer: FarmerSimulator) -> None:
    """Another version, from the same place or another one, takes the place of the old."""
    assert take(node, farmer, OLD, farmer.ip) == 200
    assert kept(node) == OLD
    assert take(node, farmer, NEW, "192.0.2.77") == 200
    assert kept(node) == NEW


def test_answers_tell_it_too(node: SimulatedNode, farmer: FarmerSimulator) -> None:
    """A farmer that only answers is noted as well, one by one and in batches."""
    for path, client in ((f"/answer/{farmer.token}", OLD), (f"/answer/{farmer.token}/ab", NEW)):
        body = {"proofs": [], "proof": 1}
        node.request("POST", path, json=body, headers={"User-Agent": client})
        assert kept(node) == client


def test_silence_changes_nothing(node: SimulatedNode, farmer: FarmerSimulator) -> None:
    """Who leaves the header out, or moves without it, keeps what was known."""
    take(node, farmer, OLD, farmer.ip)
    take(node, farmer, "", farmer.ip)
    take(node, farmer, "nonsense", "192.0.2.78")
    assert kept(node) == OLD


def test_no_statement_without_news(node: SimulatedNode, farmer: FarmerSimulator) -> None:
    """Requests of the same client write nothing of it: they read the farmer, and that is all."""
    statements: list[str] = []
    writer = node.parts.database.writer
    event.listen(writer, "before_cursor_execute", lambda *given: statements.append(given[2]))
    node.request("POST", f"/answer/{farmer.token}", json={"proofs": list[str]()}, ip=farmer.ip)
    assert not [text for text in statements if "UPDATE farmers" in text]


def test_nobody_sees_it(node: SimulatedNode, farmer: FarmerSimulator) -> None:
    """No public answer about a farmer names its client."""
    take(node, farmer, OLD, farmer.ip)
    browser = node.app.test_client()
    api, shown = "/api/downstream/v2/status", f"/farmer/{farmer.farmer_id}"
    pages = ("/", shown, f"{api}/farmers", f"{api}/farmers.csv", f"{api}/farmers/{shown[8:]}")
    for page in (*pages, "/api/downstream/v1/status/list"):
        answer = browser.get(page, headers={"Accept": "text/html"})
        assert answer.status_code == 200, page
        assert "downstream-farmer" not in answer.text


def test_our_own_farmer_says_what_it_is() -> None:
    """Its header is of the form that nodes read."""
    assert client_of(USER_AGENT) == USER_AGENT
