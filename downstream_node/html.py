"""Pages for browsers: rendered from templates, under a strict policy of what they may load."""

from http import HTTPStatus

from flask import Response, render_template, request

HTML = "text/html"
JSON = "application/json"

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
POLICY_WITH_WASM = CONTENT_SECURITY_POLICY.replace(
    "script-src 'self'", "script-src 'self' 'wasm-unsafe-eval'"
)
"""For scripts that compile WebAssembly; despite the name it lets no text become a program."""


def page(template: str, status: int = HTTPStatus.OK, **context: object) -> Response:
    """The page of *template* with *context*, as a response with *status*.

    It may load scripts, styles and images of this node only, and nothing inline.
    """
    response = Response(render_template(template, **context), status=status, mimetype=HTML)
    response.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "same-origin"
    return response


def wants_html() -> bool:
    """Whether the client is a browser: it names text/html and likes it better than JSON.

    Clients that take anything, or say nothing, get JSON.
    """
    named = any(kind.lower() == HTML for kind, _ in request.accept_mimetypes)
    accepted = request.accept_mimetypes
    return named and accepted.quality(HTML) >= accepted.quality(JSON)
