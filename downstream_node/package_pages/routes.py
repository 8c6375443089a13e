"""The page of packages, and the files that it loads. All else it asks the API, as anybody can."""

from flask import Blueprint, Response

from downstream_node import html
from downstream_node.dashboard import words
from downstream_node.web import current_node

blueprint = Blueprint(
    "package_pages",
    __name__,
    template_folder="templates",
    static_folder="static",
    url_prefix="/packages",
)


@blueprint.after_request
def guard(response: Response) -> Response:
    """Scripts of this part come under its policy, too: a worker has that of its own script."""
    response.headers["Content-Security-Policy"] = html.POLICY_WITH_WASM
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


@blueprint.get("", strict_slashes=False)
def page() -> Response:
    """The page. It is the same for everybody: whose packages it shows only the browser knows."""
    settings = current_node().settings
    return html.page(
        "package_pages/packages.html",
        about=words.packages.about(settings.PACKAGES_RETENTION, settings.PACKAGES_REDUNDANCY),
        largest=settings.PACKAGES_MAX_SIZE,
    )
