"""The page of the API. What it tells of each operation is in the description of the API itself."""

TITLE = "API"
HEADING = "The API of this node"
FOR_PROGRAMS = "For programs:"
FILE = "openapi.json"
SCHEMAS_HEADING = "Forms of data"

# Tables

NAME = "Name"
TYPE = "Type"
NEEDED = "Needed"
ALWAYS_THERE = "Always there"
MEANING = "Meaning"
BODY = "Body"

# Types

OR = "or"
AND = "and"
LIST_OF = "list of"
OBJECT = "object"
ANY_JSON = "any JSON"
LIKE = "like"
"""Before a pattern."""


def openapi(version: str) -> str:
    """The form of the description for programs."""
    return f"OpenAPI {version}."


def yes_no(*, required: bool) -> str:
    """Whether a parameter or field has to be there."""
    return "yes" if required else "no"


def encoded(encoding: str) -> str:
    """How a text is encoded."""
    return f"in {encoding}"


def at_least(minimum: float) -> str:
    """The smallest value."""
    return f"at least {minimum}"


def at_most(maximum: float) -> str:
    """The largest value."""
    return f"at most {maximum}"


def operation(method: str, path: str) -> str:
    """An operation by its method and path."""
    return f"{method.upper()} {path}"


def parameters_of(what: str) -> str:
    """The caption of a table of parameters."""
    return f"Parameters of {what}"


def body_of(what: str) -> str:
    """The caption of a request's body."""
    return f"Body of {what}"


def answer_of(status: str, what: str) -> str:
    """The caption of an answer."""
    return f"{status} of {what}"


def fields_of(schema: str) -> str:
    """The caption of a table of fields."""
    return f"Fields of {schema}"


def example_of(caption: str) -> str:
    """What an example is of."""
    return f"Example of {caption}"
