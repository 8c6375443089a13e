"""create_app(): the only place where the parts of the node meet."""

import atexit
from pathlib import Path
from typing import Any

import click
from flask import Flask, Response
from flask.cli import FlaskGroup
from sqlalchemy.exc import ArgumentError
from werkzeug.wrappers import Response as AnyResponse

from downstream_node import __version__, database, html, login_cookies, schema, settings, web
from downstream_node.chat_pages import routes as chat_pages
from downstream_node.chat_pages import sessions as chat_sessions
from downstream_node.chats.feature import Chats
from downstream_node.chats.routes import blueprint as chat_routes
from downstream_node.chats.v1.routes import blueprint as chat_v1_routes
from downstream_node.clock import SECOND, WallClock, monotonic, system_clock
from downstream_node.contracts.routes import blueprint as contract_routes
from downstream_node.custody.routes import blueprint as file_routes
from downstream_node.dashboard import routes as dashboard
from downstream_node.database import Database
from downstream_node.demo_pages import routes as demo_pages
from downstream_node.demo_pages import sessions as demo_sessions
from downstream_node.demos import routes as demo_routes
from downstream_node.demos.feature import Demos
from downstream_node.entropy import load_keys
from downstream_node.errors import InvalidSettings
from downstream_node.farmers.routes import blueprint as farmer_routes
from downstream_node.geo import Locator
from downstream_node.jobs import start_loops
from downstream_node.measures import commands
from downstream_node.measures.routes import blueprint as measure_routes
from downstream_node.measures.v1.routes import blueprint as measure_v1_routes
from downstream_node.node import Node
from downstream_node.openapi.routes import blueprint as openapi_routes
from downstream_node.operators import routes as operators
from downstream_node.operators import sessions as operator_sessions
from downstream_node.package_pages.routes import blueprint as package_page
from downstream_node.packages import redaction
from downstream_node.packages.feature import Packages
from downstream_node.packages.routes import blueprint as package_routes
from downstream_node.packages.tus.routes import blueprint as upload_routes
from downstream_node.page_cache import PageCache
from downstream_node.service_time import ServiceClock
from downstream_node.settings import Settings
from downstream_node.status.routes import blueprint as status_routes
from downstream_node.status.v2.routes import blueprint as status_v2_routes

PAGES_BELOW = ("/api/downstream/v2/", "/farmer/", "/statistics/")
PAGES = ("/", "/openapi.json", "/status", "/statistics", "/docs")
"""Where public answers are kept in memory, for as long as they say themselves."""

COOKIES = {
    operator_sessions.PATH: operator_sessions.COOKIE,
    chat_sessions.PATH: chat_sessions.COOKIE,
    demo_sessions.PATH: demo_sessions.COOKIE,
}
"""Cookies of logins, by the path below which each is sent."""

V1_MOUNTS = {"v1": "/api/downstream/v1", "documented": "/api/downstream"}
"""The first is what the published client uses, the second what the document says."""
V2_MOUNT = "/api/downstream/v2"
MEASURES_MOUNT = "/api/measures/v1"
CHATS_MOUNT = "/api/chats/v1"


def build(values: Settings, wall_clock: WallClock = system_clock) -> Flask:
    """The application with all its parts, before anything has looked at the database."""
    app = Flask("downstream_node", static_folder=None)
    db = prepared_database(app, values)
    node = Node(
        settings=values,
        keys=load_keys(Path(values.MASTER_KEY_PATH)),
        database=db,
        clock=ServiceClock(db, wall_clock),
        wall_clock=wall_clock,
        locator=Locator(Path(values.MMDB_PATH), monotonic),
    )
    node.features[Chats] = Chats(values)
    require_proofs(node)
    node.features[Packages] = Packages(values)
    node.features[Demos] = Demos(node)
    web.prepare(app, node)
    login_cookies.prepare(app, node.keys.session_key, COOKIES)
    operators.prepare(app)
    add_routes(app, node)
    keep_pages(app, wall_clock)
    return app


def keep_pages(app: Flask, wall_clock: WallClock) -> None:
    """Put the page cache before everything else: it needs no client address.

    It runs on the node's wall clock, so that a simulated node's pages age with it.
    """
    app.wsgi_app = PageCache(  # type: ignore[method-assign]
        app.wsgi_app, below=PAGES_BELOW, exactly=PAGES, now=lambda: wall_clock() / SECOND
    )


def prepared_database(app: Flask, values: Settings) -> Database:
    """The database of the settings. Raises InvalidSettings if they name none."""
    try:
        return database.prepare(app, values.SQLALCHEMY_DATABASE_URI)
    except (ArgumentError, ValueError, ImportError) as error:
        # The address itself is not shown: it contains a password.
        raise InvalidSettings(
            f"SQLALCHEMY_DATABASE_URI is not the address of a database: {error} "
            "(write mysql+pymysql:// or postgresql+psycopg:// for the drivers that are installed)"
        ) from None


def require_proofs(node: Node) -> None:
    """Raise InvalidSettings unless a proof of a chunk of the default size proves something."""
    try:
        node.scheme.check_size(node.settings.DEFAULT_CHUNK_SIZE)
    except InvalidSettings as error:
        raise InvalidSettings(
            "HEARTBEAT_CHECK_FRACTION, HEARTBEAT_CHALLENGES or DEFAULT_CHUNK_SIZE is wrong: "
            f"{error}."
        ) from error


def create_app(values: Settings | None = None, wall_clock: WallClock = system_clock) -> Flask:
    """The application, ready to serve, with its background threads running.

    Raises InvalidSettings, SchemaOutdated or WrongMasterKey, each with what to do.
    """
    redaction.install()
    app = build(values or settings.load(), wall_clock)
    node = app.extensions[web.EXTENSION]
    # SQLite merges its log into the database when the last connection is closed in order.
    atexit.register(node.close)
    if is_for_a_command():
        for command in commands.ALL:
            app.cli.add_command(command)
        return app
    schema.require(node)
    node.clock.beat()
    start_loops(node)
    return app


def is_for_a_command() -> bool:
    """Whether the program `flask` wants the application for one of its commands, not to serve.

    The node does not run then: it neither beats nor does its jobs, and its database may be one
    that `flask db upgrade` is to bring up to date.
    """
    context = click.get_current_context(silent=True)
    if context is None or not isinstance(context.find_root().command, FlaskGroup):
        return False
    return context.info_name != "run"


def add_routes(app: Flask, node: Node) -> None:
    """Mount v1 twice, and answer at the bare URL, which clients open first."""
    for name, prefix in V1_MOUNTS.items():
        for blueprint in (farmer_routes, contract_routes, status_routes):
            app.register_blueprint(blueprint, url_prefix=prefix, name=f"{name}_{blueprint.name}")

    app.register_blueprint(status_v2_routes, url_prefix=f"{V2_MOUNT}/status")
    app.register_blueprint(file_routes)
    if node.settings.PACKAGES:
        app.register_blueprint(package_routes)
        app.register_blueprint(upload_routes)
    if node.settings.DEMOS:
        for blueprint in demo_routes.ALL:
            app.register_blueprint(blueprint)
        app.register_blueprint(demo_pages.blueprint)
    app.register_blueprint(measure_routes)
    app.register_blueprint(measure_v1_routes, url_prefix=MEASURES_MOUNT)
    app.register_blueprint(chat_routes)
    app.register_blueprint(chat_v1_routes, url_prefix=CHATS_MOUNT)
    for blueprint in (operators.blueprint, operators.monitoring):
        app.register_blueprint(blueprint)
    app.register_blueprint(chat_pages.blueprint)
    app.register_blueprint(package_page)
    app.register_blueprint(openapi_routes)
    app.register_blueprint(dashboard.blueprint)

    def about() -> Response:
        description: dict[str, Any] = {
            "msg": "ok",
            "node": node.settings.NODE_NAME,
            "version": __version__,
            "status": f"{V1_MOUNTS['v1']}/status/list",
            "api": "/openapi.json",
            "docs": "/docs",
        }
        return web.json_response(description)

    def root() -> AnyResponse:
        response = dashboard.front() if html.wants_html() else about()
        response.vary.add("Accept")
        return response

    for name, path in V1_MOUNTS.items():
        app.add_url_rule(path, endpoint=f"about_{name}", view_func=about, strict_slashes=False)
    # An endpoint of the dashboard, so that its error pages serve it.
    app.add_url_rule("/", endpoint="dashboard.front", view_func=root)
