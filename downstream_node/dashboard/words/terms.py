"""Words that need an explanation."""

FARMER = "Farmer"
NODE = "Node"
CONTRACT = "Contract"
CHALLENGE = "Challenge"
HEARTBEAT = "Heartbeat"
ONLINE = "Online"
UPTIME = "Uptime"
CONTRIBUTOR = "Contributor"
MEDIAN_AND_QUARTILES = "Median and quartiles"
MEAN_WAIT = "Mean wait"

GLOSSARY = {
    FARMER: "A program that a volunteer runs at home. It keeps data for this network and "
    "answers the node's challenges.",
    NODE: "This server. It hands out contracts, asks for proofs and counts who answers.",
    CONTRACT: "One piece of data that a farmer holds, with a challenge in each interval.",
    CHALLENGE: "A question about a piece of data that can be answered only by who has what "
    "the contract is about. It has to be answered before it is due.",
    HEARTBEAT: "A challenge that was answered in time, with a proof that the node has checked.",
    ONLINE: "At least one contract of the farmer is answered up to now.",
    UPTIME: "The part of the time, in per cent, in which a farmer was online. It counts from "
    "its first accepted answer; times in which the node itself was down are left out.",
    CONTRIBUTOR: "Who sent a number. Here it is a farmer; only how many there are is known of "
    "them, not who.",
    MEDIAN_AND_QUARTILES: "Half of all values lie below the median, a quarter below the first "
    "quartile, three quarters below the third.",
    MEAN_WAIT: "The mean time from the moment when a challenge could be answered to its answer.",
}
"""What the words mean."""
