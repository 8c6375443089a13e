"""Answers: decide first, write once.

A batch of any size is one SELECT, pure checks, one UPDATE of the farmer, one guarded UPDATE of
the contracts, one commit. If the guard finds that another request was faster, nothing is
written and the batch is judged again; proofs that were checked are not checked twice.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
from sqlalchemy import Connection

from downstream_node.clock import Instant
from downstream_node.contracts import queries
from downstream_node.contracts.challenges import (
    EXPIRED,
    NO_MORE,
    NOT_FOUND,
    echoed,
    file_hashes,
    key,
)
from downstream_node.contracts.lifecycle import Schedule, Standing, judge
from downstream_node.contracts.queries import StoredContract
from downstream_node.errors import MalformedProof, UnknownToken
from downstream_node.farmers import history
from downstream_node.farmers.history import DAY, Failed, record_failures
from downstream_node.farmers.queries import FarmerKey, Heartbeats, add_heartbeats
from downstream_node.node import Node

ALREADY_ANSWERED = "Challenge already answered."
INVALID = "proof invalid"
CORRUPTED = "Proof corrupted"

FAILURES = {INVALID: history.INVALID, CORRUPTED: history.CORRUPTED}
"""Refusals that are the farmer's fault and are kept with their reason."""

REFUSALS = {
    Standing.EXPIRED: EXPIRED,
    Standing.EXHAUSTED: NO_MORE,
    Standing.ANSWERED: ALREADY_ANSWERED,
}


@dataclass(frozen=True, slots=True)
class Answer:
    """One item of a request, both parts as JSON text; None for what is missing."""

    name: msgspec.Raw
    proof: bytes | None


class AnswerReport(msgspec.Struct, omit_defaults=True):
    """One entry of /answer: status "ok", or an error."""

    file_hash: msgspec.Raw
    status: str | None = None
    error: str | None = None


Verdicts = dict[bytes, str | None]
"""By file hash: why its proof is refused, None if it is accepted."""


def answer_challenges(
    node: Node, farmer: FarmerKey, answers: Sequence[Answer], received: Instant
) -> list[AnswerReport]:
    """Accept what is right among *answers*; one report for each distinct file hash, in order."""
    distinct: dict[bytes, Answer] = {}
    for answer in answers:
        distinct.setdefault(key(answer.name), answer)
    verdicts: Verdicts = {}
    refusals = node.database.retrying(
        lambda: judge_and_store(node, farmer, distinct, received, verdicts)
    )
    return [report(answer, refusals.get(name, NOT_FOUND)) for name, answer in distinct.items()]


def report(answer: Answer, refusal: str | None) -> AnswerReport:
    """*refusal* as the farmer reads it."""
    if refusal is None:
        return AnswerReport(answer.name, status="ok")
    return AnswerReport(echoed(answer.name), error=refusal)


def judge_and_store(
    node: Node,
    farmer: FarmerKey,
    answers: dict[bytes, Answer],
    received: Instant,
    verdicts: Verdicts,
) -> dict[bytes, str | None]:
    """By file hash: why an answer is refused, None for those that are now stored.

    *verdicts* keeps what verifying said from one try to the next.
    """
    with node.database.reading() as connection:
        contracts = queries.find(connection, farmer.row, file_hashes(answers))
    refusals: dict[bytes, str | None] = {
        file_hash: refusal(node, contract, answers[file_hash], received, verdicts)
        for file_hash, contract in contracts.items()
    }
    accepted = [contract for name, contract in contracts.items() if refusals[name] is None]
    failures = failures_among(refusals, received)
    if accepted or failures:
        day = node.clock.to_wall(received) // DAY
        with node.database.writing() as connection:
            if accepted:
                store(connection, farmer, accepted, received, day)
            record_failures(connection, farmer.row, failures)
    return refusals


def failures_among(refusals: dict[bytes, str | None], received: Instant) -> list[Failed]:
    """The proofs that were refused for what they are, by kind."""
    found = []
    for refused, kind in FAILURES.items():
        names = [name for name, refusal in refusals.items() if refusal == refused]
        if names:
            found.append(Failed(kind, received, len(names), names[-1]))
    return found


def refusal(
    node: Node, contract: StoredContract, answer: Answer, received: Instant, verdicts: Verdicts
) -> str | None:
    """Why *answer* is refused at *received*, or None."""
    standing = Standing.EXPIRED if contract.closed else judge(contract.schedule, received)
    if standing is not Standing.OPEN:
        return REFUSALS[standing]
    if contract.file_hash not in verdicts:
        window = contract.schedule.window(received)
        verdicts[contract.file_hash] = verdict(node, contract, answer, window)
    return verdicts[contract.file_hash]


def verdict(node: Node, contract: StoredContract, answer: Answer, window: int) -> str | None:
    """What is wrong with the proof of *answer* for the challenge of *window*, or None."""
    if answer.proof is None:
        return CORRUPTED
    scheme = node.scheme_of(contract.scheme, contract.schedule.challenges)
    secret = node.keys.contract_secret(contract.file_hash)
    try:
        valid = scheme.verify(answer.proof, secret, window, contract.commitment)
    except MalformedProof:
        return CORRUPTED
    return None if valid else INVALID


def store(
    connection: Connection,
    farmer: FarmerKey,
    accepted: Sequence[StoredContract],
    received: Instant,
    day: int,
) -> None:
    """Count *accepted* answers: the farmer first, so that batches of one farmer queue up."""
    due = max(due_of(contract.schedule, received) for contract in accepted)
    expires = max(
        contract.schedule.due(contract.schedule.answered_through + 2) for contract in accepted
    )
    waited = sum(
        received - (due_of(contract.schedule, received) - contract.schedule.interval)
        for contract in accepted
    )
    heartbeats = Heartbeats(len(accepted), received, expires, due, day, max(0, waited))
    if not add_heartbeats(connection, farmer.row, heartbeats):
        raise UnknownToken
    queries.accept_answers(connection, [contract.id for contract in accepted], received)


def due_of(schedule: Schedule, now: Instant) -> Instant:
    """When the challenge of the window of *now* is due."""
    return schedule.due(schedule.window(now))
