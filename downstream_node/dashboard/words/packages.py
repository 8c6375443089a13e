"""The page of packages: what it says itself, and what its script says."""

from downstream_node.dashboard.words.numbers import DAY, NOTHING, SIZES, counted, duration
from downstream_node.dashboard.words.package_codes import CODES

TITLE = "Your data package"
HEADING = "Your data package, as statistics that only you can read"
LEAD = (
    "Discord gives you everything that it knows of you as a package. Here it becomes charts: "
    "when you write, where, with whom, how long you call."
)


def about(retention: int, redundancy: int) -> list[tuple[str, str]]:
    """What happens to a package, honestly; *retention* in seconds, *redundancy* in copies."""
    kept = counted(retention // DAY, "day", "days") if retention >= DAY else duration(retention)
    # Farmers are not given files yet: until then copies are a wish, see docs/custody.md.
    copies = (
        f"; it may later give {counted(redundancy, 'copy', 'copies')} to volunteers, who cannot "
        "read them"
        if redundancy
        else ""
    )
    return [
        (
            "What leaves your browser",
            (
                "The package, or only the link to it, and with it a secret; the statistics come "
                "back sealed, are opened in this browser, and go nowhere from here."
            ),
        ),
        (
            "What the node keeps",
            (
                "While it counts, the package is in its memory, and on disk only encrypted; "
                "afterwards it keeps nothing but the sealed statistics, for "
                f"{kept}{copies}."
            ),
        ),
        (
            "Who can read it",
            (
                "Whoever has the secret, and that is stored in this browser alone; the node could "
                "read a package while it counts it, and neither it nor we can read the statistics "
                "after that."
            ),
        ),
    ]


# Without script, or without https

NO_SCRIPT_HEADING = "This page needs JavaScript"
NO_SCRIPT = (
    "The statistics are sealed, and are opened and drawn in your browser, so that nobody else "
    "can read them. Only a script can do that: there is no way to show them from here without "
    "the node reading along. All scripts of this page come from this node."
)
INSECURE_HEADING = "This page needs https"
INSECURE = (
    "The page was not loaded over https, so your browser lets it encrypt nothing, and others "
    "could read your secret on its way. Open it with https:// in front."
)

# Hand one in

WAYS = "Hand in a package"
FILE_HEADING = "Send the file"
FILE_ABOUT = "Drop your package.zip here, or"
CHOOSE_FILE = "Choose a file"
FILE_HINT = "A lost connection does no harm: sending goes on where it stopped."
LINK_HEADING = "Paste the link"
LINK_LABEL = "The download link from Discord's e-mail"
LINK_START = "https://click.discord.com/ls/click?upn="
SEND_LINK = "Fetch it"
LINK_HINT = "The node fetches the package itself. The link is its secret."
DEMO_HEADING = "Have a look first"
DEMO_ABOUT = "A package of somebody who does not exist. Nothing is sent or kept."
SEE_DEMO = "Open the demo"

# Come back

KEPT_HEADING = "Packages of this browser"
RECOVER_SUMMARY = "Open a package from another browser"
RECOVER_LABEL = "Its recovery text, or its link"
RECOVER = "Open"
RECOVERY_HEADING = "Recovery text"
RECOVERY_ABOUT = (
    "Whoever has this can read the statistics; without it nobody can, nor we. This browser "
    "remembers it. To open the statistics elsewhere, or after you clear your browser's data, "
    "keep a copy in a safe place."
)
SHOW_RECOVERY = "Show the recovery text"
COPY_RECOVERY = "Copy"
BACK = "All packages"

# On its way

PROGRESS_HEADING = "On its way"
STEPS_LABEL = "Steps"
CANCEL = "Cancel and delete"
CLOSE_PAGE = (
    "You may close this page: the node goes on, and this browser knows how to find it again."
)
SAME_FILE = "Choose the same file again"
TRY_AGAIN = "Try again"
DELETE = "Delete"
FORGET = "Forget it here"

# Delete

DELETE_HEADING = "Delete this package?"
DELETE_ABOUT = (
    "The node deletes the sealed statistics and all that it knows of the package, and this "
    "browser forgets the secret. Nobody can undo this."
)
DELETE_YES = "Delete for good"
DELETE_NO = "Keep it"

# Statistics

RANGE = "Time"
RANGE_FROM = "From"
RANGE_TO = "To"
EXPORT = "Save as SQLite"
DAYS_IN_UTC = "Days are UTC, as in the package."

QUERY_SUMMARY = "Ask your own question, in SQL"
QUERY_ABOUT = "It runs in this browser, on your copy, and changes nothing."
QUERY_EXAMPLES = "Examples"
QUERY_LABEL = "Question"
QUERY_RUN = "Ask"

DETAILS = {
    "sending": "Sending the file",
    "queued": "Waiting for a worker",
    "waiting": "Handing the secret to a worker",
    "downloading": "Fetching the package",
    "checking": "Checking the zip file",
    "account": "Reading the account",
    "messages": "Counting messages",
    "analytics": "Counting what the app noted",
    "sessions": "Putting calls and sessions together",
    "writing": "Writing and sealing the statistics",
    "storing": "Storing the sealed statistics",
    "done": "Done",
    "opening": "Fetching and opening the statistics",
}
"""What is being done, by the node's word for it."""

STEPS = {
    "sending": "Send",
    "queued": "Wait",
    "downloading": "Fetch",
    "reading": "Count",
    "sealing": "Seal",
    "opening": "Open here",
}

EVENTS = {
    "add_reaction": "Reactions",
    "app_crashed": "Crashes of the app",
    "app_opened": "App opened",
    "application_command_used": "Commands of apps used",
    "captcha_served": "Captchas shown",
    "email_opened": "E-mails from Discord opened",
    "guild_joined": "Servers joined",
    "login_successful": "Logins",
    "message_edited": "Messages edited",
    "message_reported": "Messages reported",
    "notification_clicked": "Notifications clicked",
    "oauth2_authorize_accepted": "Apps authorised",
    "premium_upsell_viewed": "Offers of Nitro seen",
    "remote_auth_login": "Logins by QR code",
    "user_avatar_updated": "New avatars",
    "voice_message_recorded": "Voice messages recorded",
    "bot_token_compromised": "Bot tokens leaked",
    "dev_portal_page_viewed": "Developer pages read",
    "application_created": "Apps created",
}
"""What Discord calls an event, in words."""

PROBLEMS = {
    "missing": "not there",
    "broken": "could not be read",
    "incomplete": "lacks what is needed",
    "cut off": "ends too early",
}
"""What is wrong with a part of a package, by the reader's word for it."""

SCRIPT: dict[str, object] = {
    "codes": CODES,
    "details": DETAILS,
    "steps": STEPS,
    "events": EVENTS,
    "problems": PROBLEMS,
    "nouns": {
        "message": ["message", "messages"],
        "session": ["session", "sessions"],
        "stay": ["stay", "stays"],
        "file": ["file", "files"],
        "time": ["time", "times"],
        "day": ["day", "days"],
        "person": ["person", "people"],
        "payment": ["payment", "payments"],
        "row": ["row", "rows"],
    },
    "hours": "{n} h",
    "minutes": "{n} min",
    "percent": "{n} %",
    "nothing": NOTHING,
    # Hand one in
    "linkName": "Package from a link",
    "recoveredName": "Package by recovery text",
    "demoName": "Demo",
    "notKept": "Your browser lets this page store nothing: copy the recovery text, or the "
    "statistics are lost when you close the page.",
    # Kept packages
    "states": {
        "asking": "Asking the node …",
        "unsent": "Not sent whole: choose the same file again to go on",
        "busy": "On its way: {detail}",
        "ready": "Ready, kept until {date}",
        "kept": "Ready",
        "failed": "Failed: {problem}",
        "unknown": "The node no longer has it",
        "offline": "The node does not answer",
    },
    "added": "handed in on {date}",
    # On its way
    "position": ["You are next.", "{n} package goes first.", "{n} packages go first."],
    "ofQueue": "{n} in the queue in all.",
    "noWorker": "No worker runs at this node right now; the package waits until one does.",
    "sentOf": "{done} of {all} sent",
    "lost": "The connection is lost. The page tries again by itself.",
    "paused": "{done} of {all} have arrived. To go on, choose the same file again: a page may not "
    "open your files by itself.",
    "stepDone": "done",
    "stepNow": "now",
    "stepLater": "to come",
    "sizes": SIZES,
    # Done
    "deleted": "Deleted: the node has nothing of this package any more, and this browser has "
    "forgotten its secret.",
    "forgotten": "Forgotten: this browser has its secret no more.",
    # Statistics
    "demoAbout": "This is a demo with numbers drawn at random. Nobody is behind it.",
    "partial": "This package is not whole: {parts}. What is missing cannot be counted.",
    "partialUnknown": "This package is not whole. What is missing cannot be counted.",
    "keptUntil": "The node keeps the sealed statistics until {date}.",
    "allTime": "All time",
    "lastYear": "Last 12 months of it",
    "lastMonth": "Last 30 days of it",
    "ownRange": "Own choice",
    "rangeEmpty": "The first day is after the last.",
    "showing": "{from} to {to}: {messages}.",
    "noData": "Nothing in this time.",
    "asTable": "As a table",
    "onlySome": "The first {n} of them.",
    "zone": "Hours are in your time zone ({zone}).",
    "tiles": {
        "messages": "Messages",
        "perDay": "{n} a day",
        "busiest": "Busiest day",
        "people": "Direct messages",
        "voice": "In voice and calls",
        "app": "In the app",
        "files": "Files sent",
        "paid": "Paid",
        "reactions": "Reactions",
    },
    "withPeople": "to {people}",
    "charts": {
        "byMonth": "Messages by month",
        "byDay": "Messages by day",
        "byHour": "Messages by hour of the day",
        "byWeekday": "Messages by weekday",
        "week": "When in the week you write",
        "people": "Whom you write to and call",
        "channels": "Where you write",
        "servers": "Your servers",
        "voice": "Time in voice and calls",
        "app": "Time in the app",
        "devices": "On what you use it",
        "files": "Files that you sent",
        "payments": "What you paid",
        "reactions": "What you react with",
        "events": "What else was noted",
        "missing": "What was missing in the package",
    },
    "chartTold": "{title}: from {first} to {last}, at most {most} ({when}).",
    "chartEmpty": "{title}: nothing.",
    "cell": "{day}, {hour}: {count}",
    "weekTold": "{title}: most on {day} at {hour}, {count}.",
    "columns": {
        "month": "Month",
        "day": "Day",
        "hour": "Hour",
        "weekday": "Weekday",
        "messages": "Messages",
        "person": "Person",
        "calls": "Calls",
        "callTime": "Time in calls",
        "channel": "Channel",
        "where": "Where",
        "server": "Server",
        "joined": "Joined",
        "time": "Time",
        "sessions": "Sessions",
        "device": "System",
        "files": "Files",
        "amount": "Amount",
        "what": "What",
        "times": "Times",
        "part": "Part",
        "problem": "Problem",
        "count": "How many",
    },
    "kinds": {"server": "{server}", "group": "Group", "other": "A thread, or a server you left"},
    "customEmoji": ":{name}:",
    "inCalls": "{time} in calls",
    "nothingMissing": "Nothing: all parts that a package can have are there and could be read.",
    "queryRows": "{rows}.",
    "queryMore": "The first {n} rows; there are more.",
    "queryProblem": "SQLite says: {problem}",
    "saveName": "package-statistics.sqlite",
}
"""What the script says; it puts numbers, names and dates into the braces."""
