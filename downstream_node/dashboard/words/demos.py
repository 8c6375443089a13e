"""The pages of recordings: what streams now, whose demos these are, one demo, all of them."""

from downstream_node.dashboard.words.numbers import NOTHING, counted, duration, number, size

TITLE = "Recordings"
HEADING = "Recordings of games, kept so that they can be checked"
LEAD = (
    "Players of Team Fortress 2 stream their demos here while they play. Analysts look in them for "
    "cheaters; this node keeps each file unaltered, and checks again and again that it does."
)

# Sign in

SIGN_IN_HEADING = "Sign in"
SIGN_IN_ABOUT = "To see your own demos, to fetch them, or to get a key for your client."
SIGN_IN_WITH_STEAM = "Sign in with Steam"
STEAM_ABOUT = "Steam tells this node your Steam ID, and nothing else."
NO_STEAM = "This node cannot ask Steam who you are: its operator has set no address or key for it."
OR_WITH_KEY = "Sign in with a key instead"
KEY = "Your key"
KEY_HINT = "It begins with `MB-`; your client has it."
SIGN_IN = "Sign in"
SIGN_OUT = "Sign out"
WRONG_KEY = "This is no key of this node. Mind capitals, and copy it whole."
FOREIGN_FORM = "This form came from another page, or is too old. Load the page and try again."
SIGNED_IN_TITLE = "Signed in"
SIGNED_IN_HEADING = "You are signed in"
GO_ON = "To your demos"
STARTED_ELSEWHERE = (
    "This sign-in did not begin in this browser, or began too long ago. Please sign in again."
)
NEEDS_SIGN_IN = "Sign in first: this is for the person who recorded it, and for analysts."
ANALYSTS_ONLY = "All recordings are listed for analysts and reviewers. An operator names them."
REVIEWERS_ONLY = "Verdicts are given by reviewers. An operator names them."
NOT_YOURS = "It can be fetched by the person who recorded it, and by analysts."
TO_RECORDINGS = "To the recordings"

SCOPES = {"upload": "uploader", "analyst": "analyst", "reviewer": "reviewer"}

SESSION = "Your session"

# A new key

KEY_HEADING = "Your key"
KEY_ABOUT = "Your client streams with a key. A new one replaces the one that you have."
NEW_KEY = "A new key"
NEW_KEY_HEADING = "Your new key"
NEW_KEY_ABOUT = (
    "Copy it into your client now: the node keeps only its hash and cannot show it again. Your "
    "earlier key, if you had one, does not work any more."
)
COPY_KEY = "Copy the key"

# A key by way of Steam alone, as the document has it

PROVISIONED = (
    "You are signed in with Steam. This is the key with which your game client uploads recordings:"
)
PROVISIONED_ABOUT = (
    "Keep it: it is shown this once, and the node keeps only a hash of it. An earlier key of yours "
    "is worth nothing from now on. Whoever has the key can upload as you; if it gets lost, sign in "
    "again for another one."
)
NOT_SUPPOSED = "You aren't supposed to be here!"
"""The document's text."""
NOT_SUPPOSED_ABOUT = "This page is where Steam sends you back to. To get a key, sign in."

# Live streams

LIVE_HEADING = "Streaming now"
NO_STREAM = "Nobody streams at this moment."
LIVE_TABLE = "Live streams"
STREAM = "Stream"
MAP = "Map"
RATE = "Rate"
SIZE = "Size"
SINCE = "Since"

# Lists of demos

MINE_HEADING = "My demos"
NO_DEMO = "You have no demo yet. Give your client a key, and play."
ALL_TITLE = "All recordings"
ALL_HEADING = "All recordings"
ALL_LINK = "All recordings, for analysts"
DEMO = "Demo"
SERVER = "Server"
STARTED = "Started"
DURATION = "Duration"
STATE = "State"
HASH = "SHA-256"
REPORTED = "Reported"
ANALYSIS = "Analysis"
SCORE = "Score"
PAGES = "Pages of demos"
NEWEST = "← Newest"
OLDER = "Older →"
NO_MAP = "no map"
NONE_FOUND = "No recording is like that."

FILTERS = "Which recordings"
ANY = "Any"
YES = "Yes"
NO = "No"
FROM = "From"
TO = "Up to"
REASON = "Reason"
REASONS = {"bot": "bot", "cheater": "cheater"}
MAP_EXAMPLE = "As in pl_badwater"
SERVER_EXAMPLE = "Part of address or name"
SHOW = "Show"
SHOW_ALL = "All recordings"

# States

STANDINGS = {
    "live": "live",
    "closed": "closed",
    "filed": "filed",
    "empty": "empty",
    "damaged": "damaged",
    "gone": "let go",
}
"""Where a recording stands, in a word."""

STANDINGS_TOLD = {
    "live": "It is being streamed.",
    "closed": "It is closed, and on its way into the archive.",
    "filed": "It is filed, and whole as far as is known.",
    "empty": "It was closed before a byte came. There is no file.",
    "damaged": "The file was found damaged. Nobody can fetch what is not what came.",
    "gone": "Its file was let go. This is what is known of it.",
}

ENDS = {
    "user": "closed by its client",
    "stale": "closed by the node, as nothing came any more",
    "operator": "closed by the operator",
}

JOBS = {
    "none": "none: there is nothing to look into",
    "waiting": "waiting for analysts",
    "ingested": "done",
}
JOBS_SHORT = {"none": NOTHING, "waiting": "waiting", "ingested": "done"}

# One demo

BACK = "Recordings"
FACTS = "What is known of this demo"
RECORDED = "Recorded"
PLAYBACK = "Playback time"
TICKS = "Ticks"
FRAMES = "frames"
HEADER = "Header"
NOT_KNOWN = "not known"
FILED = "Filed"
VERIFIED = "Last verified"
NOT_VERIFIED = "not yet since it came"
COPIES = "Copies wanted"
COPY_HASH = "Copy the SHA-256"
CHECK_ABOUT = (
    "Who has the file can check that it is this one: `sha256sum FILE` prints the same SHA-256."
)
LET_GO = "Let go"
NO_REASON = "no reason was given"
DOWNLOAD = "Download"
NAME = "Name"
PLAYER_OF_HEADER = "Recorded by"
UPLOADER = "Uploader"
UPLOADER_ABOUT = "a name that only you see this person under"
JOB = "Analysis"
ZERO_RUN = "longest run of zeros"

FOUND_HEADING = "Reports, detections, verdicts"
NOTHING_FOUND = "Nobody is reported or detected in this demo."
FOUND_TABLE = "Players who were reported, detected or judged"
PLAYER = "Player"
DETECTIONS = "Detections"
VERDICTS = "Verdicts"
JUDGE = "Judge"

VERDICT_HEADING = "Your verdict"
VERDICT_ABOUT = "One for each player of this demo; a later one replaces it."
VERDICT = "Verdict"
VERDICT_NAMES = {
    "none": "none",
    "benign": "benign",
    "inconclusive": "inconclusive",
    "confirmed": "confirmed cheater",
    "error": "error of the analysis",
}
STEAM_ID = "Steam ID of the player"
STEAM_ID_HINT = "17 digits."
GIVE_VERDICT = "Give verdict"
BAD_STEAM_ID = "This is no Steam ID of a player: it has 17 digits."

# What goes wrong

NO_SUCH_DEMO = "There is no such recording. Look the address over, or begin with the recordings."
STILL_ACTIVE = "It can be fetched as soon as its client has closed the session."
NO_BYTES = "No byte came before this session was closed."
NO_VERDICT = "Choose one of the verdicts."
HEADINGS = {
    401: "You are not signed in",
    403: "This is not for you",
    409: "It is still being streamed",
    410: "The file was let go",
    502: "Steam does not answer",
}
"""By HTTP status: what went wrong."""
RATE_HEADING = "A little slower, please"


def too_many(seconds: int) -> str:
    """Wrong keys came too often."""
    return f"Too many wrong keys from your address. Please try again in {seconds} s."


def too_fast(seconds: int) -> str:
    """Requests came too often."""
    return f"Too many requests in a short time. Please try again in {seconds} s."


def signed_in(steam_id: int, scopes: list[str]) -> str:
    """Who is signed in, and as what."""
    return f"Signed in as {steam_id} ({', '.join(SCOPES[scope] for scope in scopes)})"


def all_streams(count: int, bytes_per_second: int) -> str:
    """How many stream now, and how much they bring in all."""
    return f"{counted(count, 'stream', 'streams')}, {rate(bytes_per_second)} in all"


def first_streams(count: int) -> str:
    """How many streams are listed, where there are more."""
    return f"The first {number(count)} of them are listed."


def on_this_page(count: int) -> str:
    """How many recordings a page lists."""
    return counted(count, "recording on this page", "recordings on this page")


def stream(place: int) -> str:
    """One stream by its place in the list."""
    return f"#{number(place)}"


def rate(bytes_per_second: int) -> str:
    """How fast bytes come."""
    return f"{size(bytes_per_second)}/s"


def title(map_name: str) -> str:
    """The heading of one demo."""
    return f"Recording of {map_name}" if map_name else "Recording"


def recorded(seconds: float, ended_by: str | None) -> str:
    """How long a session lasted, and who ended it."""
    told = duration(seconds)
    return told if ended_by is None else f"{told}; {ENDS.get(ended_by, ended_by)}"


def ticks(count: int | None, frames: int | None) -> str:
    """Ticks and frames in the header."""
    if not count:
        return NOT_KNOWN
    return f"{number(count)} ({number(frames or 0)} {FRAMES})"


def playback(seconds: float | None) -> str:
    """How long the header says that the demo is; 0: it was not ended."""
    return duration(seconds) if seconds else NOT_KNOWN


def said_otherwise(text: str) -> str:
    """What the client said, where the header says something else."""
    return f"the client said {text}"


def bytes_told(count: int) -> str:
    """A size, exactly."""
    return f"{size(count)} ({counted(count, 'byte', 'bytes')})"


def score(value: float | None) -> str:
    """The score of a demo's bytes: small numbers."""
    return NOTHING if value is None else f"{value:.3g}"


def scored(value: float, zero_run: int | None) -> str:
    """The score with the longest run of zeros."""
    told = score(value)
    return told if zero_run is None else f"{told}; {ZERO_RUN}: {number(zero_run)}"


def reported(count: int) -> str:
    """How many players are reported."""
    return number(count) if count else NOTHING


def detected(algorithm: str, count: int) -> str:
    """How often an algorithm found a player."""
    return f"{algorithm}: {number(count)}"


def verdict(name: str, *, own: bool) -> str:
    """A verdict, and whose."""
    told = VERDICT_NAMES.get(name, name)
    return f"{told} (you)" if own else told


def copies(count: int) -> str:
    """How many copies with farmers are wanted."""
    return counted(count, "copy", "copies")


def let_go(reason: str | None) -> str:
    """Why a file is not here any more."""
    return f"Why: {reason or NO_REASON}"
