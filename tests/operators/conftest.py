"""An operator and a browser for the tests of the operator's pages."""

import pytest
from operators.browser import Browser
from simulator import SimulatedNode

from downstream_node.operators import keys


@pytest.fixture
def key(node: SimulatedNode) -> str:
    """The key of the operator "ada"."""
    return keys.add(node.parts, "ada")


@pytest.fixture
def browser(node: SimulatedNode) -> Browser:
    """A browser in which nobody is logged in."""
    return Browser(node)


@pytest.fixture
def logged_in(browser: Browser, key: str) -> Browser:
    """A browser in which ada is logged in."""
    assert browser.log_in(key).status_code == 303
    return browser
