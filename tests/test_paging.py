"""GET /challenge/<token> a page at a time, for farmers with very many contracts."""

import pytest
from simulator import FarmerSimulator, SimulatedNode


@pytest.fixture
def farmer(node: SimulatedNode) -> FarmerSimulator:
    """A farmer with seven contracts."""
    return FarmerSimulator(node.fill_pool(7)).join().take(7)


def pages(farmer: FarmerSimulator, limit: int) -> list[list[str]]:
    """The file hashes of all pages, following the cursor."""
    found, cursor = [], "0"
    while cursor is not None:
        path = f"/challenge/{farmer.token}?limit={limit}&cursor={cursor}"
        code, body = farmer.node.request("GET", path)
        assert code == 200, body
        found.append([entry["file_hash"] for entry in body["challenges"]])
        cursor = body["cursor"]
    return found


@pytest.mark.parametrize(
    ("limit", "sizes"),
    [
        pytest.param(1, [1] * 7, id="one at a time"),
        pytest.param(3, [3, 3, 1], id="a rest"),
        pytest.param(7, [7], id="exactly all"),
        pytest.param(10_000, [7], id="more than there are"),
    ],
)
def test_pages_hold_each_contract_once(
    farmer: FarmerSimulator, limit: int, sizes: list[int]
) -> None:
    """Following the cursor gives every contract once, in a fixed order."""
    found = pages(farmer, limit)
    assert [len(page) for page in found] == sizes
    assert [name for page in found for name in page] == list(farmer.challenges())


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=-1", "limit=x", "limit=", "limit=10001", "limit=1&cursor=x", "limit=1e3"],
)
def test_nonsense_is_refused(farmer: FarmerSimulator, query: str) -> None:
    """A limit or cursor that makes no sense is a 400 in the v1 error form."""
    code, body = farmer.node.request("GET", f"/challenge/{farmer.token}?{query}")
    assert (code, body["status"]) == (400, "error")


def test_without_a_limit_old_clients_see_all(farmer: FarmerSimulator) -> None:
    """Paging is off unless it is asked for."""
    code, body = farmer.node.request("GET", f"/challenge/{farmer.token}")
    assert (code, set(body), len(body["challenges"])) == (200, {"challenges"}, 7)
