"""The filters of a query for game servers, as the document's original sent them."""

import pytest

from downstream_node.demos.steam_filters import Filters

ALL = {
    "dedicated": True,
    "secure": False,
    "gamedir": "tf",
    "mapname": "asdf",
    "linux": True,
    "password": False,
    "empty": True,
    "full": False,
    "proxy": True,
    "appid": 440,
    "napp": 500,
    "noplayers": False,
    "white": True,
    "gametype": ["valve", "cp"],
    "gamedata": "one",
    "gamedataor": ("two", "three"),
    "name_match": "Valve*",
    "version_match": "8*",
    "collapse_addr_hash": True,
    "gameaddr": "192.0.2.1:27015",
}
WHOLE = (
    r"\dedicated\1,\secure\0,\gamedir\tf,\map\asdf,\linux\1,\password\0,\empty\1,\full\0,\proxy\1,"
    r"\appid\440,\napp\500,\noplayers\0,\white\1,\gametype\valve,cp,\gamedata\one,"
    r"\gamedataor\two,three,\name_match\Valve*,\version_match\8*,\collapse_addr_hash\1,"
    r"\gameaddr\192.0.2.1:27015"
)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        pytest.param({}, "", id="none"),
        pytest.param({"dedicated": None}, "", id="none said"),
        pytest.param({"dedicated": True}, r"\dedicated\1", id="true"),
        pytest.param({"secure": False}, r"\secure\0", id="false"),
        pytest.param({"mapname": "asdf"}, r"\map\asdf", id="another name"),
        pytest.param({"gametype": "valve"}, r"\gametype\valve", id="one tag"),
        pytest.param({"gametype": ["a", "b"]}, r"\gametype\a,b", id="tags"),
        pytest.param(
            {"mapname": "asdf", "secure": False, "dedicated": True},
            r"\dedicated\1,\secure\0,\map\asdf",
            id="in the fixed order",
        ),
        pytest.param(ALL, WHOLE, id="all twenty"),
        pytest.param(dict(reversed(ALL.items())), WHOLE, id="all twenty, backwards"),
    ],
)
def test_filters_have_the_form_of_the_protocol(values: dict[str, object], expected: str) -> None:
    """Booleans as 0 and 1, lists with commas, what is None left out."""
    assert str(Filters.of(values)) == expected


def test_a_filter_that_there_is_not_is_told() -> None:
    """A typing error would otherwise give all servers."""
    with pytest.raises(ValueError, match="There is no filter map, maps"):
        Filters.of({"maps": "asdf", "map": "asdf"})


def test_a_value_cannot_bring_another_filter() -> None:
    """The protocol has no way to write a backslash."""
    with pytest.raises(ValueError, match="mapname"):
        str(Filters(mapname="asdf\\appid\\1"))


@pytest.mark.parametrize("name", ["nor", "nand"])
def test_nor_and_nand_are_not_there_yet(name: str) -> None:
    """As in the original."""
    with pytest.raises(NotImplementedError):
        Filters.of({name: {"secure": True}})
    with pytest.raises(NotImplementedError):
        getattr(Filters, name)(Filters(secure=True))
