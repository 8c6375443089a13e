"""Which way imports point, and who may ask the machine for the time and for randomness.

Rules stand below what stores, what stores below what serves. A wrong arrow fails here.
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = "downstream_node"

ORDER = (
    "errors",
    "clock",
    "settings entropy database terminal spreadsheets",
    "service_time shared processes",
    "limiting",
    "heartbeat addresses geo",
    "node",
    "schema",
    "chunks",
    "farmers",
    "contracts",
    "status",
    "custody",
    "measures chats",
    "packages",
    "web html page_cache login_cookies",
    "demos",
    "jobs",
    "dashboard",
    "operators",
    "chat_pages package_pages demo_pages",
    "openapi",
    "app",
    "farmer demo",
    "cli",
    "__main__",
)
"""Parts of the package; each may import the parts of the lines before its own."""

RANK = {part: rank for rank, line in enumerate(ORDER) for part in line.split()}
LEVELS = {"models": 1, "queries": 2, "pool": 2, "history": 2, "routes": 4}
"""Roles within a feature: a file imports none of a higher level. Pure rules are below these."""
SERVICES = 3

PURE = (
    "chat_pages.choice",
    "chat_pages.content",
    "chat_pages.conversations",
    "chat_pages.extras",
    "chat_pages.timeline",
    "chat_pages.view",
    "heartbeat",
    "addresses.base58",
    "addresses.signatures",
    "addresses.freshness",
    "addresses.whitelist",
    "chats.answers",
    "chats.archive",
    "chats.batches",
    "chats.engines.bitmaps",
    "chats.engines.blocks",
    "chats.engines.elastic_queries",
    "chats.engines.frequent",
    "chats.engines.postgresql_conditions",
    "chats.engines.postgresql_months",
    "chats.engines.sqlite_search",
    "chats.engines.substrings",
    "chats.cursors",
    "chats.dates",
    "chats.frames",
    "chats.highlighting",
    "chats.language",
    "chats.marks",
    "chats.merging",
    "chats.places",
    "chats.query",
    "chats.ranking",
    "chats.reading",
    "chats.records",
    "chats.simplifying",
    "chats.splitting",
    "chats.scopes",
    "chats.tallies",
    "chats.text",
    "chunks.stream",
    "contracts.lifecycle",
    "custody.blocks",
    "custody.claims",
    "custody.ranges",
    "demos.headers",
    "demos.openid",
    "demos.states",
    "demos.steam_filters",
    "farmers.clients",
    "farmers.coverage",
    "measures.cells",
    "measures.complements",
    "measures.moments",
    "measures.parsing",
    "measures.periods",
    "measures.quantiles",
    "measures.rules",
    "packages.addresses",
    "packages.links",
    "packages.secrets",
    "packages.states",
    *(
        f"packages.reading.{noun}"
        for noun in (
            *("limits", "problems", "watch", "layout", "stamps", "splitting", "documents"),
            *("messages", "activity", "sessions", "voice", "events", "channels", "tables", "docs"),
        )
    ),
    "status.reports",
    "dashboard.charts",
    "dashboard.words",
    "dashboard.worldmap",
)
PURE_LIBRARIES = {
    *("msgspec", "cryptography", "coincurve", "gmpy2", "ddsketch", "snowballstemmer", "numpy"),
}
SERVER_SIDE = {
    *("settings", "database", "service_time", "geo", "node", "farmers", "contracts"),
    *("status", "jobs", "schema", "web", "app", "cli", "demo", "openapi", "page_cache"),
    *("operators", "dashboard", "html", "measures", "terminal", "login_cookies"),
    *("chat_pages", "custody", "packages", "package_pages", "demo_pages", "processes"),
}
SERVER_LIBRARIES = {
    "flask",
    "flask_sqlalchemy",
    "flask_migrate",
    "sqlalchemy",
    "alembic",
    "werkzeug",
}

FILES = {
    ".".join(path.relative_to(ROOT / PACKAGE).with_suffix("").parts): path
    for path in sorted((ROOT / PACKAGE).rglob("*.py"))
    # Migrations are programs that Alembic runs, and config.py is the operator's.
    if "migrations" not in path.parts and path != ROOT / PACKAGE / "config.py"
}


def trees(path: Path) -> Iterator[ast.AST]:
    """All nodes of the file at *path*."""
    return ast.walk(ast.parse(path.read_text(), str(path)))


def imports(name: str) -> set[str]:
    """What the module *name* imports; names of ours without the package in front."""
    found: set[str] = set()
    for node in trees(FILES[name]):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name} imports relatively"
            found |= {target(node.module or "", alias.name) for alias in node.names}
    return {own.removeprefix(f"{PACKAGE}.") for own in found if own != PACKAGE}


def target(module: str, name: str) -> str:
    """The module that `from module import name` imports from: name itself if it is a module."""
    full = f"{module}.{name}"
    inner = full.removeprefix(f"{PACKAGE}.")
    ours = inner in FILES or f"{inner}.__init__" in FILES
    return full if ours and full.startswith(PACKAGE) else module


def part(name: str) -> str:
    """The part of the package to which a module belongs."""
    return name.split(".", maxsplit=1)[0]


def ours(name: str) -> set[str]:
    """What the module *name* imports of the package."""
    return {imported for imported in imports(name) if part(imported) in RANK}


def libraries(name: str) -> set[str]:
    """The libraries that the module *name* imports, without the standard library."""
    tops = {part(imported) for imported in imports(name) - ours(name)}
    return tops - set(sys.stdlib_module_names)


def level(name: str) -> int:
    """The level of a file within its feature."""
    if is_pure(name):
        return 0
    return LEVELS.get(name.rsplit(".", maxsplit=1)[-1], SERVICES)


def is_pure(name: str) -> bool:
    """Whether the module *name* is among the pure rules."""
    return any(name == pure or name.startswith(f"{pure}.") for pure in PURE)


def wrong_arrows(name: str) -> set[str]:
    """What the module *name* imports of other parts although it stands above."""
    own = part(name)
    allowed = {"web"} if name.endswith(".routes") else set()
    return {
        imported
        for imported in ours(name)
        if part(imported) not in allowed | {own} and RANK[part(imported)] >= RANK[own]
    }


MODULES = [name for name in FILES if name != "__init__"]


@pytest.mark.parametrize("name", MODULES)
def test_every_module_has_its_place(name: str) -> None:
    """A new part of the package is put into ORDER on purpose."""
    assert part(name) in RANK


@pytest.mark.parametrize("name", MODULES)
def test_parts_import_what_stands_before_them(name: str) -> None:
    """Between parts, arrows point down; routes may also use `web`."""
    assert wrong_arrows(name) == set()


@pytest.mark.parametrize("name", [name for name in MODULES if "." in name])
def test_files_of_a_feature_import_downwards(name: str) -> None:
    """Within a feature: rules, then models, queries, services, routes."""
    same = {imported for imported in ours(name) if part(imported) == part(name)}
    assert {imported for imported in same if level(imported) > level(name)} == set()


@pytest.mark.parametrize("name", MODULES)
def test_only_the_application_imports_routes(name: str) -> None:
    """Services are called by routes, never the other way round."""
    routes = {imported for imported in ours(name) if imported.endswith(".routes")}
    assert not routes or name == "app"


@pytest.mark.parametrize("name", [name for name in MODULES if is_pure(name)])
def test_rules_are_pure(name: str) -> None:
    """They import nothing that touches the world: our errors, our units, rules, arithmetic."""
    assert libraries(name) <= PURE_LIBRARIES
    strange = {imported for imported in ours(name) if not is_pure(imported)}
    assert strange <= {"errors", "clock", part(name)}


@pytest.mark.parametrize("name", [name for name in MODULES if part(name) == "farmer"])
def test_farmers_need_no_server(name: str) -> None:
    """The volunteer's client shares rules with the node and nothing else."""
    assert not {part(imported) for imported in ours(name)} & SERVER_SIDE
    assert not libraries(name) & SERVER_LIBRARIES
    assert {imported for imported in ours(name) if part(imported) == "chunks"} <= {"chunks.stream"}


def test_farmers_are_there() -> None:
    """The test before this one looks at something."""
    assert sum(part(name) == "farmer" for name in MODULES) > 1


# Time and randomness


def calls(name: str) -> set[str]:
    """All dotted names that the module uses, and what it imports by name."""
    found: set[str] = set()
    for node in trees(FILES[name]):
        if isinstance(node, ast.Attribute):
            found.add(ast.unparse(node))
        elif isinstance(node, ast.ImportFrom):
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


CLOCKS = {
    *("datetime.now", "datetime.utcnow", "datetime.today", "date.today", "os.times"),
    *("datetime.datetime.now", "datetime.datetime.utcnow", "datetime.date.today"),
}
RANDOM = {"os.urandom", "os.getrandom", "uuid.uuid4", "uuid.uuid1"}


@pytest.mark.parametrize("name", [name for name in MODULES if name != "clock"])
def test_only_the_clock_asks_for_the_time(name: str) -> None:
    """Everybody else is given the instant, so that tests can move it."""
    assert "time" not in imports(name)
    assert not calls(name) & CLOCKS


@pytest.mark.parametrize("name", [name for name in MODULES if name != "entropy"])
def test_only_entropy_draws_at_random(name: str) -> None:
    """One place to audit; `random`, which can be guessed, is nowhere."""
    assert not imports(name) & {"secrets", "random", "uuid"}
    assert not calls(name) & RANDOM


def test_entropy_cannot_be_guessed() -> None:
    """It uses the system's source."""
    assert "random" not in imports("entropy")
    assert "secrets" in imports("entropy")
