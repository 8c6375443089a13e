"""The routes of v1 as they are. docs/protocol.md tells more about what they mean."""

from typing import Any

from downstream_node.contracts.answers import (
    ALREADY_ANSWERED,
    CORRUPTED,
    INVALID,
    AnswerReport,
)
from downstream_node.contracts.challenges import EXPIRED, NO_MORE, NOT_FOUND, ChallengeReport
from downstream_node.contracts.offers import Offer
from downstream_node.heartbeat import merkle
from downstream_node.heartbeat.registry import SCHEMES
from downstream_node.openapi.parts import (
    ANYTHING,
    SLASHES,
    TEXT,
    Object,
    Part,
    json_answer,
    json_body,
    list_of,
    nullable,
    obj,
    one_of_texts,
    path_parameter,
    query_parameter,
    ref,
    refusal,
    struct_schemas,
)
from downstream_node.status.queries import SORTS

MOUNT = "/api/downstream/v1"
TAG = "v1"
DESCRIPTION = (
    "What the published downstream-farmer 0.1.8 speaks. The same routes answer at "
    "`/api/downstream`, without the `v1`."
)

# Parameters and examples

HEX_TOKEN = "f7f837f404b38711a920928726420f9e"  # noqa: S105 - an example
HASH = "03f1ac6ac254b703841458d6daa0b1e6e35f4950bc340731ca03a7f5c2ea9399"
ADDRESS = "1dexTYUpUromsFAup2i8bXtrhJTvdp93V"
SIGNATURE = (
    "IA/pUu/bZlsx8f6NBF3Dg3+3qrXL+Z+O71MFR7JU58G7XzSPGrN48Wsmq8kpOgsj1O9pt8lvf80TljmvcgWlQBo="
)
NODE = "VdPtTgkurxyDjmW+Xz1TUFpHX4VqOD09eGbe0yi0PAw="
CHALLENGE = {"seed": "O+ur+5hU9wE0gXow8pGnR+8T9NTZy03RU+LXLAoYKJY=", "index": 0}
OPEN = {"challenge": CHALLENGE, "due": 60.0, "answered": False}
PROOF = {"leaf": {"index": 0, "blob": NODE}, "branch": {"rows": [[NODE, NODE]]}}

WHOLE = {"type": "integer", "minimum": 0, "maximum": 999_999_999}
LARGE_WHOLE = {"type": "integer", "minimum": 0, "maximum": 999_999_999_999_999_999}
FILE_HASH = {"type": "string", "pattern": "^[0-9a-fA-F]{64}$"}
HEX = {"type": "string", "pattern": "^[0-9a-f]*$"}

TOKEN = path_parameter(
    "token",
    "The farmer's secret, from `/new`: 16 bytes in hex.",
    {"type": "string", "pattern": "^[0-9a-f]{32}$"},
)
CONTRACT = path_parameter("file_hash", "Names the contract: 64 hex digits.", FILE_HASH)
FARMER_ADDRESS = path_parameter("address", "A Bitcoin address, in Base58Check.", TEXT)
FARMER_ID = path_parameter(
    "farmer_id",
    "20 hex digits: the beginning of the SHA-256 of the token's bytes.",
    {"type": "string", "pattern": "^[0-9a-f]{20}$"},
)

# Errors

NO_TOKEN = "Nonexistent token."  # noqa: S105 - an error message
IP_FULL = "IP Disallowed, only 5 tokens are permitted per IP address"
NO_PATH = (
    "The requested URL was not found on the server. If you entered the URL manually please check "
    "your spelling and try again."
)
BAD_BODIES = (
    "The body is not valid gzip.",
    "The gzip body is cut off.",
    "Something follows the gzip body.",
    "The browser (or proxy) sent a request that this server could not understand.",
)
TOO_MANY = "Too many items: at most 10000 are taken at once."
REFUSALS = (NOT_FOUND, EXPIRED, NO_MORE, ALREADY_ANSWERED, CORRUPTED, INVALID)

UNFORESEEN = refusal("A bug, or no database; the node's log says more.", "Internal Server Error")
BUSY = refusal(
    "The database would not take the work. Try again.",
    "The node is too busy to take this now. Please try again.",
)
TOO_LARGE = refusal(
    "The body is larger than MAX_BODY_SIZE, as it came or unpacked.",
    "The body is larger than 16777216 bytes.",
    "The body is larger than 16777216 bytes when unpacked.",
)


def operation(
    name: str,
    summary: str,
    answer: Object,
    *parameters: Object,
    errors: dict[int, tuple[str, ...]] | None = None,
    body: Object | None = None,
) -> Object:
    """One operation; *errors* are the messages of its 400 and 404."""
    messages = errors or {}
    responses = {"200": answer, "500": UNFORESEEN, "503": BUSY}
    if parameters:
        responses["308"] = SLASHES
        responses["404"] = refusal("There is no such thing.", *messages.get(404, ()), NO_PATH)
    if body is not None:
        responses["413"] = TOO_LARGE
    invalid = messages.get(400, ()) + (() if body is None else BAD_BODIES)
    if invalid:
        responses["400"] = refusal("The request makes no sense, or is refused.", *invalid)
    whole: Object = {"operationId": f"{TAG}_{name}", "summary": summary}
    whole |= {"parameters": list(parameters)} if parameters else {}
    whole |= {"requestBody": body} if body is not None else {}
    return whole | {"responses": dict(sorted(responses.items()))}


# Tokens

JOINED = json_answer(
    "The new token, and the scheme of the proofs.",
    ref("Token"),
    {"token": HEX_TOKEN, "type": "Merkle", "heartbeat": {"check_fraction": 0.01, "key": ""}},
)
JOIN_ERRORS = (IP_FULL, "Invalid address given: address must be in whitelist.")
NO_ADDRESS = "Invalid address given: not a Bitcoin address."
NO_SIGNATURE = (
    "New token requests must include posted signature proving ownership of farming address"
)
MISSING_PROOF = 'Posted data must be JSON encoded object including "signature" and "message"'

NOT_FRESH = (
    'Signature not fresh: the message must contain "downstream" and a UTC time like '
    "2026-11-22T01:44:00Z that is not older than 600 seconds."
)

JOIN = operation(
    "join",
    "A new token, with a signed message",
    JOINED,
    FARMER_ADDRESS,
    body=json_body(
        obj({"message": TEXT, "signature": TEXT}, closed=False),
        {"message": "hello", "signature": SIGNATURE},
    ),
    errors={
        400: (
            MISSING_PROOF,
            "Please restrict your message to less than 1024 bytes.",
            "Your signature is the wrong length.  It should be 88bytes.",
            "Signature invalid.",
            NOT_FRESH,
            NO_ADDRESS,
            *JOIN_ERRORS,
        )
    },
)
JOIN_UNSIGNED = operation(
    "join_unsigned",
    "A new token, at a node that requires no signature",
    JOINED,
    FARMER_ADDRESS,
    errors={400: (NO_SIGNATURE, NO_ADDRESS, *JOIN_ERRORS)},
)
HEARTBEAT = operation(
    "heartbeat",
    "The scheme of the proofs, once more",
    JOINED | {"description": "The token as it was written in the request, and the scheme."},
    TOKEN,
    errors={404: (NO_TOKEN,)},
)

# Contracts

OFFERS = json_answer(
    "New contracts; none if the pool or the quota of the address is used up.",
    obj({"chunks": list_of(ref("Offer"))}),
    {
        "chunks": [
            {
                "file_hash": HASH,
                "seed": "6293b9a21f423954bedc22cebdd6c783",
                "size": 32768,
                "tag": {
                    "filesz": 32768,
                    "chunksz": 327,
                    "tree": {"order": 0, "nodes": [NODE, NODE], "leaves": []},
                },
                "challenge": CHALLENGE,
                "due": 60.0,
            }
        ]
    },
)
SIZE = path_parameter("size", "At most this many bytes in all.", LARGE_WHOLE)
CHUNK = operation(
    "chunk",
    "New contracts of the default size",
    OFFERS,
    TOKEN,
    errors={400: (NO_TOKEN, IP_FULL)},
)
CHUNK_OF_SIZE = operation(
    "chunk_of_size",
    "New contracts of a size",
    OFFERS,
    TOKEN,
    SIZE,
    errors={400: (NO_TOKEN, "Invalid size: it must be a whole number.", IP_FULL)},
)
NAMED = {"file_hash": HASH}
CHALLENGES = operation(
    "challenges",
    "The challenges of all contracts, or of one page of them",
    json_answer(
        "Oldest first; `cursor` is there if `limit` was given, and null after the last page.",
        obj(
            {"challenges": list_of(ref("ChallengeReport")), "cursor": nullable(TEXT)},
            optional=["cursor"],
        ),
        {"challenges": [NAMED | OPEN], "cursor": "17"},
    ),
    TOKEN,
    query_parameter(
        "limit",
        "So many contracts at most; more than MAX_BATCH (10000 by default) are refused.",
        LARGE_WHOLE | {"minimum": 1},
    ),
    query_parameter(
        "cursor", "Where to go on; heeded with `limit` only.", LARGE_WHOLE | {"default": 0}
    ),
    errors={
        400: (
            NO_TOKEN,
            "Invalid limit: it must be a whole number.",
            "Invalid limit: it must be at least 1.",
            "Invalid cursor: it must be a whole number.",
            TOO_MANY,
        )
    },
)
SOME_CHALLENGES = operation(
    "some_challenges",
    "The challenges of the contracts that the body names",
    json_answer(
        "One entry for each distinct file hash, in order.",
        obj({"challenges": list_of(ref("ChallengeReport"))}),
        {"challenges": [NAMED | OPEN, {"file_hash": "nope", "error": NOT_FOUND}]},
    ),
    TOKEN,
    body=json_body(obj({"hashes": list_of(ANYTHING)}, closed=False), {"hashes": [HASH, "nope"]}),
    errors={400: (NO_TOKEN, 'Posted data must be a JSON object with a list "hashes"', TOO_MANY)},
)
ONE_CHALLENGE = operation(
    "challenge",
    "The challenge of one contract",
    json_answer("The challenge, or that there are no more.", ref("ChallengeState"), OPEN),
    TOKEN,
    CONTRACT,
    errors={400: (NO_TOKEN, EXPIRED), 404: (NOT_FOUND,)},
)
ANSWERS = operation(
    "answers",
    "Answer the challenges of many contracts",
    json_answer(
        'One entry for each distinct file hash, in order. "ok" is durable.',
        obj({"report": list_of(ref("AnswerReport"))}),
        {"report": [NAMED | {"status": "ok"}, {"file_hash": None, "error": NOT_FOUND}]},
    ),
    TOKEN,
    body=json_body(
        obj({"proofs": list_of(ref("ProofItem"))}, closed=False),
        {"proofs": [NAMED | {"proof": PROOF}]},
    ),
    errors={
        400: (NO_TOKEN, 'Posted data must be a JSON object with a list "proofs"', TOO_MANY, IP_FULL)
    },
)
ONE_ANSWER = operation(
    "answer",
    "Answer the challenge of one contract",
    json_answer("The answer is stored.", obj({"status": {"const": "ok"}}), {"status": "ok"}),
    TOKEN,
    CONTRACT,
    body=json_body(obj({"proof": ref("Proof")}, closed=False), {"proof": PROOF}),
    errors={
        400: (
            NO_TOKEN,
            'Posted data must be a JSON object with a "proof"',
            IP_FULL,
            *(text for text in REFUSALS if text != NOT_FOUND),
        ),
        404: (NOT_FOUND,),
    },
)

# Status

FARMER = {
    "id": "f2d86daeae887337d946",
    "address": ADDRESS,
    "ip_hash": "8c36a053f3686018c3bc208d6e3c4c54",
    "location": dict.fromkeys(("city", "country", "state", "zip", "lat", "lon")),
    "online": True,
    "uptime": 100.0,
    "heartbeats": 1,
    "contracts": 1,
    "size": 32768,
    "last_due": "2027-01-15T08:01:00Z",
}
FARMERS = json_answer(
    "The farmers; those that are equal in the sort are ordered by id.",
    obj({"farmers": list_of(ref("FarmerStatus"))}),
    {"farmers": [FARMER]},
)
SHOW = operation(
    "show",
    "The status of one farmer",
    json_answer("The farmer.", ref("FarmerStatus"), FARMER),
    FARMER_ID,
    errors={404: ("Nonexistant farmer id.",)},
)

ORDERS: dict[str, tuple[str, str, str]] = {
    "": ("", "", ""),
    "/by/{sort}": ("_by", ", sorted", "sort"),
    "/by/d/{descending_sort}": ("_by_descending", ", sorted, greatest first", "descending_sort"),
}
CUTS: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "": ("", "", ()),
    "/{limit}": ("_limit", ", the first ones", ("limit",)),
    "/{limit}/{page}": ("_page", ", one page", ("limit", "page")),
}
LIST_PARAMETERS = {
    "": path_parameter("sort", "What to sort by.", one_of_texts(*SORTS)),
    "limit": path_parameter("limit", "At most so many.", WHOLE),
    "page": path_parameter("page", "Pages of that size count from 0.", WHOLE),
}


def list_operation(online: str, order: str, cut: str) -> Object:
    """The operation of one form of /status/list."""
    suffix, ordered, sort = ORDERS[order]
    ending, wanted, names = CUTS[cut]
    parameters = [LIST_PARAMETERS[""] | {"name": sort}] if sort else []
    parameters += [LIST_PARAMETERS[name] for name in names]
    invalid = ("Invalid sort.",) if sort else ()
    return operation(
        f"list{online.replace('/', '_')}{suffix}{ending}",
        f"The status of all {'online ' if online else ''}farmers{ordered}{wanted}",
        FARMERS,
        *parameters,
        errors={400: invalid + tuple(f"Invalid {name}." for name in names)},
    )


LISTS: dict[str, Any] = {
    f"/status/list{online}{order}{cut}": {"get": list_operation(online, order, cut)}
    for online in ("", "/online")
    for order in ORDERS
    for cut in CUTS
}

# The node

ABOUT = operation(
    "about",
    "The node",
    json_answer(
        "Its name and version. Clients open this first, and go on if it answers.",
        obj(
            {"msg": {"const": "ok"}}
            | dict.fromkeys(("node", "version", "status", "api", "docs"), TEXT)
        ),
        {
            "msg": "ok",
            "node": "downstream",
            "version": "0.1.0",
            "status": f"{MOUNT}/status/list",
            "api": "/openapi.json",
            "docs": "/docs",
        },
    ),
)

PATHS: dict[str, Object] = {
    "": {"get": ABOUT},
    "/new/{address}": {
        "get": JOIN_UNSIGNED,
        "post": {
            "description": "The only route that looks at the content type, which has to be JSON. "
            "A node with SIGNATURE_MAX_AGE takes fresh messages only.",
            **JOIN,
        },
    },
    "/heartbeat/{token}": {"get": HEARTBEAT},
    "/chunk/{token}": {"get": CHUNK},
    "/chunk/{token}/{size}": {"get": CHUNK_OF_SIZE},
    "/challenge/{token}": {"get": CHALLENGES, "post": SOME_CHALLENGES},
    "/challenge/{token}/{file_hash}": {"get": ONE_CHALLENGE},
    "/answer/{token}": {
        "post": {
            "description": "An item that is malformed gets its own error; the others count.",
            **ANSWERS,
        }
    },
    "/answer/{token}/{file_hash}": {"post": ONE_ANSWER},
    **LISTS,
    "/status/show/{farmer_id}": {"get": SHOW},
}

# Schemas


def challenge_schemas() -> dict[str, Object]:
    """One entry of /challenge, and the same for a route that names the contract itself."""
    schemas = struct_schemas(ChallengeReport)
    report = schemas["ChallengeReport"]
    fields = report["properties"] | {
        "file_hash": {"description": "As it was sent, or null if that was no sensible JSON."},
        "challenge": ref("Challenge"),
        "due": {"type": "number"},
        "answered": {"type": "boolean"},
        "status": {"const": NO_MORE},
        "error": one_of_texts(NOT_FOUND, EXPIRED),
    }
    report |= {"properties": fields, "additionalProperties": False}
    alone = {name: fields[name] for name in ("challenge", "due", "answered", "status")}
    state = obj(alone, optional=list(alone), description="A challenge, or that there is none.")
    return {"ChallengeReport": report, "ChallengeState": state}


def answer_schemas() -> dict[str, Object]:
    """One entry of /answer, and one item that is sent there."""
    schemas = struct_schemas(AnswerReport)
    report = schemas["AnswerReport"]
    report["properties"] |= {"status": {"const": "ok"}, "error": one_of_texts(*REFUSALS)}
    report["additionalProperties"] = False
    item = obj({"file_hash": FILE_HASH, "proof": ref("Proof")}, closed=False)
    return {"AnswerReport": report, "ProofItem": item}


def offer_schemas() -> dict[str, Object]:
    """One entry of /chunk."""
    schemas = struct_schemas(Offer)
    schemas["Offer"]["properties"] |= {
        "file_hash": FILE_HASH,
        "seed": HEX,
        "size": {"type": "integer", "minimum": 1, "description": "Bytes."},
        "tag": {"anyOf": [ref("MerkleTag"), ref("Swizzle")]},
        "challenge": ref("Challenge"),
        "due": {"type": "number", "description": "Seconds from now."},
    }
    schemas["Offer"]["additionalProperties"] = False
    return schemas


def token_schemas() -> dict[str, Object]:
    """A token, and the heartbeat that goes with it."""
    merkle_heartbeat = obj({"check_fraction": {"type": "number"}, "key": TEXT})
    heartbeat = {"anyOf": [merkle_heartbeat, ref("Swizzle")]}
    kind = one_of_texts(*SCHEMES)
    return {"Token": obj({"token": TEXT, "type": kind, "heartbeat": heartbeat})}


def scheme_schemas() -> dict[str, Object]:
    """What the two schemes send."""
    swizzle = TEXT | {
        "contentEncoding": "base64",
        "description": "A heartbeat, tag, challenge or proof of the scheme Swizzle, in base64.",
    }
    return {
        **struct_schemas(merkle.Tag, merkle.Challenge, merkle.Proof, prefix="Merkle"),
        "Swizzle": swizzle,
        "Challenge": {"anyOf": [ref("MerkleChallenge"), ref("Swizzle")]},
        "Proof": {"anyOf": [ref("MerkleProof"), ref("Swizzle")]},
    }


def status_schemas() -> dict[str, Object]:
    """One farmer on status pages."""
    place: dict[str, Object] = {
        **dict.fromkeys(("city", "country", "state", "zip"), nullable(TEXT)),
        **dict.fromkeys(("lat", "lon"), nullable({"type": "number"})),
    }
    count = {"type": "integer", "minimum": 0}
    fields: dict[str, Object] = {
        "id": FARMER_ID["schema"],
        "address": TEXT,
        "ip_hash": HEX | {"description": "A keyed hash; the same for farmers at one IP address."},
        "location": obj(place),
        "online": {"type": "boolean"},
        "uptime": {"type": "number", "minimum": 0, "maximum": 100, "description": "Per cent."},
        "heartbeats": count | {"description": "Answers that were accepted."},
        "contracts": count | {"description": "Open ones."},
        "size": count | {"description": "Bytes in open contracts."},
        "last_due": nullable(
            {
                "type": "string",
                "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$",
                "description": "When the last answered challenge was due.",
            }
        ),
    }
    return {"FarmerStatus": obj(fields, description="One farmer.")}


PART = Part(
    tag=TAG,
    description=DESCRIPTION,
    paths={MOUNT + path: item for path, item in PATHS.items()},
    schemas={
        **token_schemas(),
        **offer_schemas(),
        **challenge_schemas(),
        **answer_schemas(),
        **scheme_schemas(),
        **status_schemas(),
    },
)
