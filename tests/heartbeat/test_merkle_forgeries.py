"""Nobody passes a challenge with a proof that is not the one good proof."""

import base64
import copy
import hashlib
import json
import random
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from downstream_node.errors import MalformedProof
from downstream_node.heartbeat.merkle import Merkle

MUTATIONS = 100_000
SECRET = b"the secret of the contract to be forged"
Proof = dict[str, Any]


class Contract:
    """A contract whose every proof is known, as to a farmer that once had the file."""

    def __init__(self, challenges: int) -> None:
        self.scheme = Merkle(0.1, challenges)
        data = random.Random(challenges).randbytes(1000)  # noqa: S311 - the same in every run
        encoding = self.scheme.encode(data, SECRET)
        self.commitment = encoding.commitment
        tag = json.loads(encoding.tag)
        self.nodes: list[str] = [node for node in tag["tree"]["nodes"] if node]
        asked = [self.scheme.challenge(SECRET, k, b"") for k in range(challenges)]
        self.proofs: list[Proof] = [self.scheme.prove(data, tag, one) for one in asked]

    def accepts(self, text: bytes, index: int) -> bool:
        """Say whether the node accepts; a malformed proof is one way not to."""
        try:
            return self.scheme.verify(text, SECRET, index, self.commitment)
        except MalformedProof:
            return False

    def any_node(self, rng: random.Random) -> str:
        """Return some node of the tag, in base64."""
        return rng.choice(self.nodes)


CONTRACTS = [Contract(challenges) for challenges in (1, 2, 3, 7, 8, 17, 256)]


def loosely(text: str) -> bytes:
    """Return what base64 *text* stands for; nothing, if an earlier change has spoiled it."""
    try:
        return base64.b64decode(text)
    except ValueError:
        return b""


def flip_bit(rng: random.Random, text: str) -> str:
    """Return base64 *text* with one bit of what it encodes flipped."""
    raw = bytearray(loosely(text))
    if raw:
        raw[rng.randrange(len(raw))] ^= 1 << rng.randrange(8)
    return base64.b64encode(raw).decode()


def change_length(rng: random.Random, text: str) -> str:
    """Return base64 *text* of something shorter or longer."""
    raw = loosely(text)
    longer = raw + rng.randbytes(rng.randint(1, 32))
    changed = rng.choice([raw[:-1], raw[1:], b"", longer, longer[-len(raw) :]])
    return base64.b64encode(changed).decode()


def change_text(rng: random.Random, text: str) -> str:
    """Return *text* with one character replaced: perhaps no base64, perhaps another spelling."""
    at = rng.randrange(len(text) + 1)
    return text[:at] + rng.choice("A/=_g \n") + text[at + 1 :]


def change_blob(rng: random.Random, proof: Proof, contract: Contract) -> None:
    """Damage the blob, or put one or two nodes of the tag in its place."""
    leaf, change = proof["leaf"], rng.choice([flip_bit, change_length, change_text, None])
    if change:
        leaf["blob"] = change(rng, leaf["blob"])
    elif rng.random() < 0.5:
        leaf["blob"] = contract.any_node(rng)
    else:
        leaf["blob"] = contract.any_node(rng)[:-1] + contract.any_node(rng)


def change_row(rng: random.Random, proof: Proof, contract: Contract) -> None:
    """Damage one side of one row, or swap its sides, or put another node there."""
    if not (rows := proof["branch"]["rows"]):
        return
    row, side = rng.choice(rows), rng.randrange(2)
    change = rng.choice([flip_bit, change_length, change_text, None])
    if change:
        row[side] = change(rng, row[side])
    elif rng.random() < 0.5:
        row.reverse()
    else:
        row[side] = rng.choice([contract.any_node(rng), ""])


def change_rows(rng: random.Random, proof: Proof, contract: Contract) -> None:
    """Remove, double, swap or add rows."""
    rows = proof["branch"]["rows"]
    at = rng.randint(0, len(rows))
    if rows and rng.random() < 0.6:
        change = rng.choice([rows.pop, rows.reverse, lambda: rows.append(rows[0])])
        change()
    elif rng.random() < 0.5:
        del rows[at:]
    else:
        rows.insert(at, [contract.any_node(rng), contract.any_node(rng)])


def change_index(rng: random.Random, proof: Proof, contract: Contract) -> None:
    """Claim another index for the same leaf."""
    near = proof["leaf"]["index"] + rng.choice([-1, 1, 256, 2**32, 2**64, -(2**63)])
    proof["leaf"]["index"] = rng.choice([near, rng.randrange(len(contract.proofs))])


def graft(rng: random.Random, proof: Proof, contract: Contract) -> None:
    """Take the leaf or the branch of another challenge's proof."""
    other = copy.deepcopy(rng.choice(contract.proofs))
    part = rng.choice(["leaf", "branch"])
    proof[part] = other[part]


def lift(rng: random.Random, proof: Proof, _contract: Contract) -> None:
    """Put the children of an inner node in for the blob, with the rest of the branch.

    This is how the original is forged, when the children happen to end in the index's digits.
    """
    rows = proof["branch"]["rows"]
    if rows:
        at = rng.randrange(len(rows))
        both = loosely(rows[at][0]) + loosely(rows[at][1])
        cut = rng.choice([0, len(str(proof["leaf"]["index"]))])
        proof["leaf"]["blob"] = base64.b64encode(both[: len(both) - cut]).decode()
        del rows[: rng.choice([at, at + 1])]


CHANGES: list[Callable[[random.Random, Proof, Contract], None]] = [
    change_blob,
    change_row,
    change_rows,
    change_index,
    graft,
    lift,
]


def mutate(rng: random.Random, contract: Contract, proof: Proof) -> bytes:
    """Return the text of *proof* with one to three changes, or with one byte changed."""
    proof = {"leaf": dict(proof["leaf"]), "branch": copy.deepcopy(proof["branch"])}
    if rng.random() < 0.1:
        text = bytearray(json.dumps(proof).encode())
        text[rng.randrange(len(text))] ^= 1 << rng.randrange(8)
        return bytes(text)
    for change in rng.choices(CHANGES, k=rng.randint(1, 3)):
        change(rng, proof, contract)
    return json.dumps(proof).encode()


def same(text: bytes, proof: Proof) -> bool:
    """Say whether *text* is just *proof* again, since a mutation may undo itself."""
    read: object = json.loads(text)
    return read == proof


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda c: f"{len(c.proofs)} challenges")
def test_good_proofs_pass(contract: Contract) -> None:
    """Each proof passes its own challenge, so that the tests of forgeries could fail."""
    for index, proof in enumerate(contract.proofs):
        assert contract.accepts(json.dumps(proof).encode(), index)


def test_no_mutation_is_accepted() -> None:
    """None of 100,000 seeded random mutations of proof, challenge, index and branch passes."""
    rng = random.Random(20150216)  # noqa: S311 - the same in every run
    for _ in range(MUTATIONS):
        contract = rng.choice(CONTRACTS)
        index = rng.randrange(len(contract.proofs))
        text = mutate(rng, contract, contract.proofs[index])
        asked = index if rng.random() < 0.8 else rng.randint(-1, len(contract.proofs))
        passes = contract.accepts(text, asked)
        assert not passes or same(text, contract.proofs[asked]), (asked, text)


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda c: f"{len(c.proofs)} challenges")
def test_another_commitment_is_not_proved(contract: Contract) -> None:
    """A good proof proves nothing about another root, of whatever length."""
    text = json.dumps(contract.proofs[0]).encode()
    for root in (bytes(32), contract.commitment[:-1], contract.commitment + b"\0", b""):
        assert not contract.scheme.verify(text, SECRET, 0, root)


@pytest.mark.parametrize(("size", "passes"), [(31, False), (32, True), (33, False), (64, False)])
def test_a_blob_has_32_bytes(size: int, passes: bool) -> None:
    """A leaf of another length is refused even where it hashes to the root."""
    root = hashlib.sha256(bytes(size) + b"0").digest()
    leaf = {"index": 0, "blob": base64.b64encode(bytes(size)).decode()}
    text = json.dumps({"leaf": leaf, "branch": {"rows": []}}).encode()
    assert Merkle(1.0, 1).verify(text, SECRET, 0, root) == passes


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=50),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)
PROOF_LIKE = st.fixed_dictionaries(
    {
        "leaf": JSON | st.fixed_dictionaries({"index": JSON, "blob": JSON | st.just("AA==")}),
        "branch": JSON | st.fixed_dictionaries({"rows": st.lists(st.lists(JSON, max_size=3))}),
    }
)


@settings(deadline=None)
@given(st.binary() | (JSON | PROOF_LIKE).map(lambda value: json.dumps(value).encode()))
def test_arbitrary_texts_are_malformed_or_wrong(text: bytes) -> None:
    """No text whatever lets another exception out, or is accepted."""
    assert not CONTRACTS[-1].accepts(text, 0)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"null", id="null"),
        pytest.param(b"[" * 100_000, id="deep nesting"),
        pytest.param(b'{"more":' + b"[" * 100_000, id="deep nesting in an unknown field"),
        pytest.param(b'{"leaf":{"index":NaN,"blob":""},"branch":{"rows":[]}}', id="NaN"),
        pytest.param(b'{"leaf":{"index":true,"blob":""},"branch":{"rows":[]}}', id="true"),
        pytest.param(b'{"leaf":{"index":0.0,"blob":""},"branch":{"rows":[]}}', id="a float"),
        pytest.param(b'{"leaf":{"index":"0","blob":""},"branch":{"rows":[]}}', id="a text"),
        pytest.param(
            b'{"leaf":{"index":' + b"9" * 10_000 + b',"blob":""},"branch":{"rows":[]}}',
            id="ten thousand digits",
        ),
        pytest.param(b'{"leaf":{"index":0,"blob":"\\ud800"},"branch":{"rows":[]}}', id="surrogate"),
        pytest.param(b'{"leaf":{"index":0,"blob":"\xff"},"branch":{"rows":[]}}', id="not UTF-8"),
        pytest.param(
            b'{"leaf":{"index":0,"blob":"' + b"A" * 42 + b'B="},"branch":{"rows":[]}}',
            id="spelling",
        ),
        pytest.param(b'{"leaf":{"index":0,"blob":""},"branch":{"rows":[[""]]}}', id="half a row"),
        pytest.param(b'{"leaf":{"index":0,"blob":""},"branch":{"rows":null}}', id="no rows"),
        pytest.param(b'{"leaf":{"index":0},"branch":{"rows":[]}}', id="no blob"),
    ],
)
def test_malformed(text: bytes) -> None:
    """What is not a proof's wire form is called malformed, not wrong."""
    with pytest.raises(MalformedProof):
        Merkle().verify(text, SECRET, 0, bytes(32))
