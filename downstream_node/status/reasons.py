"""Why something happened to a farmer, in words, with the thresholds that are in force."""

from downstream_node.farmers.history import CORRUPTED, INVALID, UNANSWERED
from downstream_node.settings import Settings
from downstream_node.status.reports import Rule

REASONS = {
    UNANSWERED: (
        "No valid answer came before the challenge was due, so the contract ended. A challenge "
        "is due {DEFAULT_INTERVAL} seconds after the one before it."
    ),
    INVALID: (
        "The proof does not fit the challenge: it was not made from the chunk of this contract, "
        "or for another challenge. The right proof is still taken until the challenge is due."
    ),
    CORRUPTED: (
        "The proof could not be read: it is missing, or not of the form that the heartbeat "
        "scheme has. The right proof is still taken until the challenge is due."
    ),
}


def reason_of(settings: Settings, kind: str) -> str:
    """Why a failure of this *kind* happens."""
    return REASONS[kind].format(DEFAULT_INTERVAL=settings.DEFAULT_INTERVAL)


def rules_of(settings: Settings) -> list[Rule]:
    """The rules that decide on farmers, with their thresholds."""
    return [
        Rule(
            name="DEFAULT_INTERVAL",
            value=settings.DEFAULT_INTERVAL,
            unit="seconds",
            text="A contract gives a challenge in each interval of this length. It ends if the "
            "challenge is not answered within the interval.",
        ),
        Rule(
            name="HEARTBEAT_CHALLENGES",
            value=settings.HEARTBEAT_CHALLENGES,
            unit="challenges",
            text="A Merkle contract has this many challenges. When all are answered it ends, "
            "which is no failure, and the farmer takes a new one.",
        ),
        Rule(
            name="MAX_SIZE_PER_ADDRESS",
            value=settings.MAX_SIZE_PER_ADDRESS,
            unit="bytes",
            text="All farmers of one address together hold at most this much.",
        ),
        Rule(
            name="MAX_TOKENS_PER_IP",
            value=settings.MAX_TOKENS_PER_IP,
            unit="farmers",
            text="From one IP address at most this many farmers come.",
        ),
        Rule(
            name="MIN_SJCX_BALANCE",
            value=settings.MIN_SJCX_BALANCE,
            unit="SJCX",
            text="A farming address must have this balance on the whitelist; 0 lets everybody in.",
        ),
    ]
