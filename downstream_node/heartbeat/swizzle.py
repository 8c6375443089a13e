"""The Swizzle scheme: any number of challenges, each over blocks from all over the file.

Wire forms and arithmetic are those of storj-heartbeat 0.1.10, C++ Swizzle. What differs is on
the node's side alone: the keys of a file are derived from the contract's secret, so that there
is no encrypted state to store; and every challenge checks at least one block, where the
original checked none of a file of fewer than 1 / check_fraction blocks.
"""

import hmac
import struct

import msgspec

from downstream_node.errors import InvalidSettings, MalformedProof
from downstream_node.heartbeat import swizzle_sums as sums
from downstream_node.heartbeat import wire
from downstream_node.heartbeat.scheme import Data, Encoding, derive, require_fraction
from downstream_node.heartbeat.swizzle_wire import (
    Challenge,
    Heartbeat,
    Proof,
    pack_integers,
    read_tag,
)

PRIME = 2**1024 - 105
"""The largest prime below 2**1024, so that hardly any number of 1024 bits is beyond it.

The field may be known to everyone: it is the original's public heartbeat that names it. A
proof is safe because alpha and the masks are secret, whatever the field.
"""

STANDARD = Heartbeat(sectors=10, sector_bytes=127, prime=PRIME)
"""Blocks of 1,270 bytes. A sector is a byte shorter than the prime: none reaches beyond it."""

_COMMITMENT = struct.Struct(">II")  # number of blocks, blocks that a challenge checks
_TEXT = msgspec.json.Decoder(str)


class Swizzle:
    """Shacham-Waters proofs over *check_fraction* of the blocks, but at least one block.

    Raises InvalidSettings for a fraction with which a proof would prove nothing.
    """

    name = "Swizzle"

    challenges = 2**31 - 1
    """They never run out; this is the largest count that fits any database's integer."""

    def __init__(self, check_fraction: float = 0.01, heartbeat: Heartbeat = STANDARD) -> None:
        self.check_fraction = require_fraction(check_fraction)
        self.heartbeat = heartbeat

    def public(self) -> str:
        """Return sectors, sector size and prime as one base64 text."""
        return self.heartbeat.to_text()

    def check_size(self, size: int, /) -> None:
        """Raise InvalidSettings if *size* bytes have no block, or more than can be counted."""
        if not 1 <= self._blocks(size) < 2**32:
            raise InvalidSettings(f"a file of {size} bytes cannot be proved with Swizzle")

    def encode(self, data: Data, secret: bytes, /) -> Encoding:
        """Make the tag, an authenticator per block, and the commitment: two counts, 8 bytes.

        The number of blocks to check is part of the commitment, so that contracts outlive a
        change of the check fraction.
        """
        self.check_size(len(data))
        blocks = self._blocks(len(data))
        checked = max(1, int(self.check_fraction * blocks))
        tag = list(sums.authenticators(self.heartbeat, self._keys(secret), data, blocks))
        text = wire.to_base64(pack_integers(tag))
        return Encoding(msgspec.json.encode(text), _COMMITMENT.pack(blocks, checked))

    def challenge(self, secret: bytes, index: int, commitment: bytes, /) -> str:
        """Return challenge *index* as one base64 text; IndexError beyond the last."""
        if not 0 <= index < self.challenges:
            raise IndexError(f"challenge {index} of {self.challenges}")
        return self._challenge(secret, index, commitment).to_text()

    def verify(self, proof: bytes, secret: bytes, index: int, commitment: bytes, /) -> bool:
        """Say whether *proof*, a base64 text in JSON, answers challenge *index*."""
        answer, prime = Proof.from_text(wire.decode(_TEXT, proof)), self.heartbeat.prime
        if len(answer.mu) != self.heartbeat.sectors or max(*answer.mu, answer.sigma) >= prime:
            return False
        if not 0 <= index < self.challenges:
            return False
        blocks, _checked = _COMMITMENT.unpack(commitment)
        challenge = self._challenge(secret, index, commitment)
        expected = sums.expected_sigma(
            self.heartbeat, self._keys(secret), challenge, blocks, answer.mu
        )
        size = (prime.bit_length() + 7) // 8
        return hmac.compare_digest(
            expected.to_bytes(size, "big"), answer.sigma.to_bytes(size, "big")
        )

    def prove(self, data: Data, tag: object, challenge: object, /) -> str:
        """Return the proof that *data* answers *challenge*, with the authenticators of *tag*."""
        sigmas, asked = read_tag(tag), Challenge.from_text(challenge)
        # The original adds an empty block to a file that ends with a block.
        original_blocks = len(data) // self.heartbeat.block_bytes + 1
        if len(sigmas) not in (self._blocks(len(data)), original_blocks):
            raise MalformedProof("the tag belongs to another file, or is incomplete")
        return sums.prove(self.heartbeat, data, sigmas, asked).to_text()

    def _blocks(self, size: int) -> int:
        """Return the number of blocks with any data of the file in them."""
        return -(-size // self.heartbeat.block_bytes)

    def _keys(self, secret: bytes) -> sums.Keys:
        """Return the keys of the file whose contract has *secret*.

        The texts are longer than the 8 bytes from which challenges are derived.
        """
        f_key = hmac.digest(secret, b"swizzle f key", "sha256")
        alpha_key = hmac.digest(secret, b"swizzle alpha key", "sha256")
        return sums.Keys(self.heartbeat, f_key, alpha_key)

    def _challenge(self, secret: bytes, index: int, commitment: bytes) -> Challenge:
        _blocks, checked = _COMMITMENT.unpack(commitment)
        return Challenge(checked, derive(secret, index), self.heartbeat.prime)
