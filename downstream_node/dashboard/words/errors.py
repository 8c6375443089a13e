"""Pages that say what went wrong, and what to do."""

ERRORS = {
    400: ("This address makes no sense", "Go to the first page and choose from there."),
    404: (
        "There is nothing here",
        "Look the address over, or go to the first page and choose from there.",
    ),
    500: (
        "The node could not make this page",
        "That is our fault and has been noted. Try again in a minute.",
    ),
    503: ("The node is busy", "Try again in a few seconds."),
}
"""By HTTP status: what went wrong, and what to do."""

NO_SUCH_FARMER = (
    "There is no farmer with this id",
    (
        "A farmer id has 20 characters, 0 to 9 and a to f. Look for your Bitcoin address, or for "
        "the beginning of the id, in the list of farmers."
    ),
)


TO_NETWORK = "Go to the network"


def node_says(detail: str) -> str:
    """What the node itself says of an error."""
    return f"The node says: {detail}"
