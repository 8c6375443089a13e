"""The arithmetic of Swizzle: authenticators, proofs, and what a proof must add up to.

Source: Shacham and Waters, Compact Proofs of Retrievability (2008), private verification.
Block *i* with sectors m[i][j] has the authenticator sigma[i] = f(i) + sum of alpha[j] * m[i][j];
a proof of challenged blocks b with coefficients v is mu[j] = sum of v * m[b][j] together with
sigma = sum of v * sigma[b]; it holds when sigma = sum of v * f(b) + sum of alpha[j] * mu[j].
All of that modulo the prime. Each sum is reduced once, at its end.
"""

import struct
from collections.abc import Iterable, Iterator, Sequence
from itertools import repeat
from operator import mul
from typing import Literal

from downstream_node.heartbeat.integers import Integer
from downstream_node.heartbeat.scheme import Data
from downstream_node.heartbeat.swizzle_prf import Prf
from downstream_node.heartbeat.swizzle_wire import Challenge, Heartbeat, Proof

_SLAB = 4096  # blocks whose masks are made at once: a megabyte


class Keys:
    """The secrets of one file: the masks f(i) of its blocks and the factors alpha[j]."""

    def __init__(self, heartbeat: Heartbeat, f_key: bytes, alpha_key: bytes) -> None:
        self.masks = Prf(f_key, heartbeat.prime)
        self.alpha = Prf(alpha_key, heartbeat.prime).values(range(heartbeat.sectors))


def rows(heartbeat: Heartbeat, data: memoryview, blocks: Iterable[int]) -> Iterator[list[int]]:
    """Yield for each of *blocks* its sectors as integers; 0 for what lies beyond the data."""
    size, width = heartbeat.block_bytes, heartbeat.sector_bytes
    big_endian: repeat[Literal["big"]] = repeat("big")
    whole_block = struct.Struct(f"{width}s" * heartbeat.sectors)
    for block in blocks:
        start = block * size
        if start + size <= len(data):
            parts = whole_block.unpack_from(data, start)
        else:
            ends = range(start + width, start + size + 1, width)
            parts = tuple(bytes(data[end - width : end]) for end in ends)
        yield list(map(Integer.from_bytes, parts, big_endian))


def authenticators(heartbeat: Heartbeat, keys: Keys, data: Data, blocks: int) -> Iterator[int]:
    """Yield the authenticator of each of the first *blocks* blocks of *data*."""
    view, prime = memoryview(data), Integer(heartbeat.prime)
    for first in range(0, blocks, _SLAB):
        slab = range(first, min(first + _SLAB, blocks))
        masks = keys.masks.values(slab)
        for mask, row in zip(masks, rows(heartbeat, view, slab), strict=True):
            yield sum(map(mul, keys.alpha, row), mask) % prime


def challenged(challenge: Challenge, blocks: int) -> Sequence[int]:
    """Return the challenged blocks of a file of *blocks* blocks, in the order of the sums."""
    if challenge.checked >= blocks:
        return range(blocks)
    return Prf(challenge.key, blocks).values(range(challenge.checked))


def coefficients(challenge: Challenge, count: int) -> list[int]:
    """Return the coefficients of the *count* challenged blocks."""
    return Prf(challenge.key, challenge.limit).values(range(count))


def prove(heartbeat: Heartbeat, data: Data, tag: Sequence[bytes], challenge: Challenge) -> Proof:
    """Return the proof that *data*, with the authenticators *tag*, answers *challenge*."""
    view, prime = memoryview(data), Integer(heartbeat.prime)
    blocks = challenged(challenge, len(tag))
    factors = coefficients(challenge, len(blocks))
    mu, sigma = [Integer(0)] * heartbeat.sectors, Integer(0)
    challenged_rows = rows(heartbeat, view, blocks)
    for block, factor, row in zip(blocks, factors, challenged_rows, strict=True):
        mu = [total + factor * part for total, part in zip(mu, row, strict=True)]
        sigma += factor * Integer.from_bytes(tag[block], "big")
    return Proof([total % prime for total in mu], sigma % prime)


def expected_sigma(
    heartbeat: Heartbeat, keys: Keys, challenge: Challenge, blocks: int, mu: Sequence[int]
) -> int:
    """Return the sigma with which *mu* answers *challenge* on a file of *blocks* blocks."""
    asked = challenged(challenge, blocks)
    masks = keys.masks.values(asked)
    masked: int = sum(map(mul, coefficients(challenge, len(asked)), masks))
    total: int = sum(map(mul, keys.alpha, mu), masked)
    return total % Integer(heartbeat.prime)
