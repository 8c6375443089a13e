"""GET /files/<sha256>: public files, whole or in part, to save and not to show."""

from flask import Blueprint, Response

from downstream_node.custody import answering, service, storage
from downstream_node.custody.claims import Claim
from downstream_node.custody.queries import StoredFile
from downstream_node.errors import UnknownFile
from downstream_node.node import Node
from downstream_node.web import current_node, error_response

blueprint = Blueprint("files", __name__)

PATH = "/files/<digits>"


@blueprint.get(PATH)
def show(digits: str) -> Response:
    """The file whose SHA-256 in hex is *digits*, if it is public; else the same as for no file."""
    node = current_node()
    stored, claim = public_file(node, digits)
    return answering.answer(node, stored, claim.name, claim.media_type, error_response)


def public_file(node: Node, digits: str) -> tuple[StoredFile, Claim]:
    """The file and the claim that makes it public. Raises UnknownFile."""
    sha256 = storage.hash_in(digits)
    stored = service.find(node, sha256) if sha256 else None
    claim = stored.public_claim if stored else None
    if stored is None or claim is None:
        raise UnknownFile
    return stored, claim
