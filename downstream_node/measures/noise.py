"""Laplace noise, drawn by OpenDP: an optional library of 47 MB.

Its samplers are exact where the textbook's formula over floating-point numbers leaks the value
that it should hide (Mironov 2012, "On significance of the least significant bits for differential
privacy"); that is why there is none of our own.
"""

from functools import lru_cache
from importlib import import_module
from typing import Any

LIBRARY = "opendp"


def noisy_count(value: int, sensitivity: int, epsilon: float) -> int:
    """*value* with noise that hides changes by *sensitivity* at a price of *epsilon*."""
    return int(measurement(int, sensitivity, epsilon)(value))


def noisy_sum(value: float, sensitivity: float, epsilon: float) -> float:
    """*value* with noise that hides changes by *sensitivity* at a price of *epsilon*."""
    return float(measurement(float, sensitivity, epsilon)(value))


@lru_cache(maxsize=64)
def measurement(kind: type[int | float], sensitivity: float, epsilon: float) -> Any:  # noqa: ANN401
    """OpenDP's function that adds the noise; the library itself vouches for the price.

    *sensitivity* is above 0.
    """
    dp = import_module(f"{LIBRARY}.prelude")
    dp.enable_features("contrib")
    space = (
        dp.atom_domain(T=float, nan=False) if kind is float else dp.atom_domain(T=int),
        dp.absolute_distance(T=kind),
    )

    def of_scale(scale: float) -> Any:  # noqa: ANN401
        return dp.m.make_laplace(*space, scale=scale)

    # The scale is found so that the library's own bound, rounding included, is within epsilon.
    return dp.binary_search_chain(of_scale, d_in=kind(sensitivity), d_out=epsilon)
