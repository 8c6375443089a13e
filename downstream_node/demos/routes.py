"""All routes of recordings, by what they are about."""

from downstream_node.demos.record_routes import blueprint as record_routes
from downstream_node.demos.session_routes import blueprint as session_routes
from downstream_node.demos.sign_in_routes import blueprint as sign_in_routes

ALL = (session_routes, sign_in_routes, record_routes)
