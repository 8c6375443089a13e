"""The proof schemes by the name that they have on the wire."""

from collections.abc import Callable

from downstream_node.errors import InvalidSettings, MalformedProof
from downstream_node.heartbeat.merkle import Merkle
from downstream_node.heartbeat.scheme import Prover, Scheme
from downstream_node.heartbeat.swizzle import Swizzle
from downstream_node.heartbeat.swizzle_wire import Heartbeat

SCHEMES: dict[str, Callable[[float, int], Scheme]] = {
    Merkle.name: Merkle,
    Swizzle.name: lambda check_fraction, _challenges: Swizzle(check_fraction),
}
"""How the node makes each scheme: from check fraction and number of challenges."""

PROVERS: dict[str, Callable[[object], Prover]] = {
    Merkle.name: lambda _heartbeat: Merkle(),
    Swizzle.name: lambda heartbeat: Swizzle(heartbeat=Heartbeat.from_text(heartbeat)),
}
"""How the farmer makes each scheme: from the `heartbeat` that the node gave it."""


def make_scheme(name: str, check_fraction: float, challenges: int = 256) -> Scheme:
    """Return the node's side of scheme *name*.

    *check_fraction* is the part of a file that one proof covers, in (0, 1]; *challenges* is how
    many one contract has, where the scheme prepares them in advance.
    Raises InvalidSettings for an unknown name and for settings that prove nothing.
    """
    if name not in SCHEMES:
        raise InvalidSettings(f"heartbeat type {name!r} is none of {', '.join(SCHEMES)}")
    return SCHEMES[name](check_fraction, challenges)


def make_prover(name: str, heartbeat: object) -> Prover:
    """Return the farmer's side of scheme *name*, from the decoded JSON that the node sent.

    Raises MalformedProof for an unknown name and for a heartbeat without the scheme's form.
    """
    if name not in PROVERS:
        raise MalformedProof(f"heartbeat type {name!r} is none of {', '.join(PROVERS)}")
    return PROVERS[name](heartbeat)
