"""The Merkle scheme: a fixed number of challenges, each prepared when the file is encoded.

Challenge *k* is a seed. It picks one slice of the file, and the leaf's blob is the HMAC of that
slice under the seed; the node keeps the root of the tree over all leaves, the farmer the tree.
Wire forms and arithmetic are those of storj-heartbeat 0.1.10; verification is stricter.
"""

import hashlib
import hmac
import itertools
from collections.abc import Sequence
from typing import Annotated

import msgspec

from downstream_node.errors import InvalidSettings, MalformedProof
from downstream_node.heartbeat import prf, tree, wire
from downstream_node.heartbeat.scheme import Data, Encoding, derive, derive_all, require_fraction

_SEED_BYTES = 32

_Count = Annotated[int, msgspec.Meta(ge=0)]


class Leaf(msgspec.Struct, frozen=True):
    """What only the holder of the file can make: blob = HMAC-SHA-256(seed, slice)."""

    index: int
    blob: bytes


class Branch(msgspec.Struct, frozen=True):
    """The pairs of hashes, left and right, from the leaf up to below the root."""

    rows: list[tuple[bytes, bytes]]


class Proof(msgspec.Struct, frozen=True):
    """The answer to one challenge. All hashes on the wire are base64, which msgspec decodes."""

    leaf: Leaf
    branch: Branch


class Nodes(msgspec.Struct, frozen=True):
    """A hash tree in heap order, 2 * 2**order texts. The original always sends no leaves."""

    order: Annotated[int, msgspec.Meta(ge=0, le=32)]
    nodes: list[str]
    leaves: list[str] = []


class Tag(msgspec.Struct, frozen=True):
    """What the farmer keeps beside the file: both sizes in bytes, and the tree."""

    filesz: _Count
    chunksz: _Count
    tree: Nodes


class Challenge(msgspec.Struct, frozen=True):
    """One challenge: its seed, 32 bytes in base64, and its number."""

    seed: str
    index: _Count


_PROOF = msgspec.json.Decoder(Proof)


class Merkle:
    """Merkle proofs over one slice of *check_fraction* of the file, *challenges* times.

    Raises InvalidSettings for settings with which a proof would prove nothing.
    """

    name = "Merkle"

    def __init__(self, check_fraction: float = 0.01, challenges: int = 256) -> None:
        self.check_fraction = require_fraction(check_fraction)
        if challenges < 1:
            raise InvalidSettings(f"challenges is {challenges}: a contract needs at least one")
        self.challenges = challenges

    def public(self) -> dict[str, object]:
        """Return the heartbeat as the published farmer expects it; the key is never given out."""
        return {"check_fraction": self.check_fraction, "key": ""}

    def check_size(self, size: int, /) -> None:
        """Raise InvalidSettings if a slice of a file of *size* bytes has no byte at all."""
        if self._slice_size(size) < 1:
            raise InvalidSettings(
                f"check_fraction {self.check_fraction} of {size} bytes is less than one byte: "
                "a proof would not look at the file"
            )

    def encode(self, data: Data, secret: bytes, /) -> Encoding:
        """Make the tag (the whole tree) and the commitment (its root, 32 bytes)."""
        self.check_size(len(data))
        slice_size = self._slice_size(len(data))
        nodes = build_tree(data, derive_all(secret, self.challenges), slice_size)
        tag = make_tag(nodes, len(data), slice_size)
        return Encoding(tag=msgspec.json.encode(tag), commitment=nodes[0])

    def challenge(self, secret: bytes, index: int, _commitment: bytes, /) -> dict[str, object]:
        """Return challenge *index* as its seed and number; IndexError beyond the last."""
        if not 0 <= index < self.challenges:
            raise IndexError(f"challenge {index} of {self.challenges}")
        return {"seed": wire.to_base64(derive(secret, index)), "index": index}

    def verify(self, proof: bytes, _secret: bytes, index: int, commitment: bytes, /) -> bool:
        """Say whether *proof* leads from leaf *index* to the root *commitment*."""
        root = claimed_root(proof, index, self.challenges)
        return root is not None and hmac.compare_digest(root, commitment)

    def prove(self, data: Data, tag: object, challenge: object, /) -> dict[str, object]:
        """Return the proof that *data* answers *challenge*, with the tree of *tag*."""
        return prove(data, wire.convert(tag, Tag), wire.convert(challenge, Challenge))

    def _slice_size(self, size: int) -> int:
        return int(self.check_fraction * size)


def leaf_blobs(data: Data, seeds: Sequence[bytes], slice_size: int) -> list[bytes]:
    """Return for each seed the HMAC-SHA-256, under the seed, of the slice that it picks.

    A slice has *slice_size* bytes, or is the whole of smaller data; a seed has 32 bytes.
    """
    view = memoryview(data)
    size = min(slice_size, len(view))
    # Two passes are faster than one: each keeps to its own part of OpenSSL.
    starts = prf.pick(seeds, len(view) - size + 1)
    return [
        hmac.digest(seed, view[start : start + size], "sha256")
        for seed, start in zip(seeds, starts, strict=True)
    ]


def leaf_hash(blob: bytes, index: int) -> bytes:
    """Return the tree's hash of leaf *index*: SHA-256 of the blob and the decimal index."""
    return hashlib.sha256(b"%b%d" % (blob, index)).digest()


def build_tree(data: Data, seeds: Sequence[bytes], slice_size: int) -> list[bytes]:
    """Return the hash tree (see `tree.build`) over one leaf per seed."""
    blobs = leaf_blobs(data, seeds, slice_size)
    return tree.build([leaf_hash(blob, index) for index, blob in enumerate(blobs)])


def make_tag(nodes: Sequence[bytes], size: int, slice_size: int) -> Tag:
    """Return the tag with the tree *nodes* for a file of *size* bytes."""
    order = (len(nodes) // 2).bit_length() - 1
    texts = [wire.to_base64(node) for node in nodes]
    return Tag(filesz=size, chunksz=slice_size, tree=Nodes(order=order, nodes=texts))


def prove(data: Data, tag: Tag, challenge: Challenge) -> dict[str, object]:
    """Return the JSON-able proof; MalformedProof if tag, challenge and data do not fit together."""
    order, nodes = tag.tree.order, tag.tree.nodes
    if tag.filesz != len(data) or len(nodes) != 2 << order or challenge.index >= 1 << order:
        raise MalformedProof("the tag belongs to another file, or is incomplete")
    seed = wire.from_base64(challenge.seed)
    if len(seed) != _SEED_BYTES:
        raise MalformedProof(f"a challenge's seed has {_SEED_BYTES} bytes, not {len(seed)}")
    (blob,) = leaf_blobs(data, [seed], tag.chunksz)
    rows = [[nodes[left], nodes[left + 1]] for left in tree.path(order, challenge.index)]
    for text in itertools.chain.from_iterable(rows):
        wire.from_base64(text)  # better refused here than by the node, as if the file were lost
    leaf = {"index": challenge.index, "blob": wire.to_base64(blob)}
    return {"leaf": leaf, "branch": {"rows": rows}}


def claimed_root(proof: bytes, index: int, leaves: int) -> bytes | None:
    """Return the root to which the JSON text *proof* leads from leaf *index*, or None.

    None stands for a proof that is well-formed and wrong whatever the root: of another index,
    with a blob that is not 32 bytes (inner nodes put in as a leaf have 64), with another
    number of rows or with rows that do not fit on each other.
    Raises MalformedProof when the text is not a proof at all.
    """
    answer = wire.decode(_PROOF, proof)
    wire.require_canonical(proof)
    blob = answer.leaf.blob
    if answer.leaf.index != index or len(blob) != tree.HASH_BYTES:
        return None
    return tree.climb(leaf_hash(blob, index), index, leaves, answer.branch.rows)
