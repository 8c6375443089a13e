"""What goes wrong with packages, and what to do, for the page's script."""

CODES: dict[str, tuple[str, str]] = {
    # Links
    "INVALID_LINK": (
        "This link does not lead to a data package.",
        (
            "Copy the whole link of the button in Discord's e-mail. It begins with "
            "https://click.discord.com/ls/click?upn= and is several hundred characters long."
        ),
    ),
    "EXPIRED_LINK": (
        "This link has expired.",
        (
            "Discord's links are good for 30 days. Ask for a new package in Discord's settings "
            "under Data & Privacy, or send the file if you still have it."
        ),
    ),
    "UNREACHABLE": (
        "The package could not be fetched.",
        "Its server did not answer. Try again later, or download the file and send it from here.",
    ),
    "TIMED_OUT": (
        "It took too long.",
        (
            "The package was fetched or read for longer than this node allows. Try again later, or "
            "download the file and send it from here."
        ),
    ),
    # The archive
    "MISSING_USER_DATA": (
        "This is no data package: it says nothing about an account.",
        "Look whether you chose the right zip file. It has to contain the file user.json.",
    ),
    "BROKEN_ARCHIVE": (
        "The zip file is broken.",
        "It was probably not downloaded whole. Download the package again, then send that.",
    ),
    "BROKEN_MEMBER": (
        "A file in the zip is broken.",
        "It was probably not downloaded whole. Download the package again, then send that.",
    ),
    "UNSUPPORTED_ARCHIVE": (
        "This kind of archive cannot be read.",
        "Send the zip file just as Discord gave it to you, not packed anew.",
    ),
    "ENCRYPTED_MEMBER": (
        "The zip file is protected by a password.",
        "Send the zip file just as Discord gave it to you.",
    ),
    "UNSAFE_NAME": (
        "The zip file has names that no data package has.",
        "Send the zip file just as Discord gave it to you, not packed anew.",
    ),
    "DUPLICATE_NAME": (
        "The zip file has the same name twice.",
        "Send the zip file just as Discord gave it to you, not packed anew.",
    ),
    "SPECIAL_MEMBER": (
        "The zip file has more than files in it.",
        "Send the zip file just as Discord gave it to you, not packed anew.",
    ),
    "OVERLAPPING_MEMBERS": (
        "The zip file is made so that it unpacks to more than it holds.",
        "Send the zip file just as Discord gave it to you.",
    ),
    "TOO_MANY_MEMBERS": (
        "The zip file has too many files in it.",
        "No data package is known that has so many. Ask who runs this node.",
    ),
    "HUGE_MEMBER": (
        "A file in the zip is too large.",
        "No data package is known that has one so large. Ask who runs this node.",
    ),
    "ZIP_BOMB": (
        "The zip file unpacks to far more than it should.",
        "Send the zip file just as Discord gave it to you.",
    ),
    "TOO_MANY_ROWS": (
        "The statistics would be too large.",
        "Your package has more in it than this node counts. Ask who runs it for a higher limit.",
    ),
    "TOO_LARGE": (
        "The package is too large for this node.",
        "Ask who runs it for a higher limit.",
    ),
    # Uploads
    "ALREADY_KNOWN": (
        "This package is at the node already.",
        "Load the page anew: it shows how far it is.",
    ),
    "UNKNOWN_UPLOAD": (
        "The node has given up this upload.",
        "Nothing came for too long. Delete it here, and send the file again.",
    ),
    "WRONG_OFFSET": (
        "The node and this browser disagree on how much was sent.",
        "Load the page anew; sending goes on where the node is.",
    ),
    "CHECKSUM_MISMATCH": (
        "What arrived is not what was sent.",
        "Try again; if it happens again, the connection changes what it carries.",
    ),
    "UNSUPPORTED_VERSION": (
        "The node did not understand this browser.",
        "Load the page anew and try again.",
    ),
    "STORAGE_FULL": (
        "The node has no room for it right now.",
        "Try again in a few hours.",
    ),
    "INVALID_REQUEST": (
        "The node did not understand this browser.",
        "Load the page anew and try again.",
    ),
    "OTHER_FILE": (
        "This is another file.",
        "To go on sending, choose the very file that you began with.",
    ),
    "NOT_A_ZIP": (
        "This is not a zip file.",
        "Choose the package as Discord gave it to you: package.zip.",
    ),
    # Secrets
    "UNKNOWN_PACKAGE_ID": (
        "The node knows no such package.",
        (
            "It was deleted, its time is over, or the recovery text is not quite right. Look the "
            "text over, or hand in the package again."
        ),
    ),
    "UNAUTHORIZED": (
        "This is not the secret of that package.",
        "Look the recovery text over: capitals matter, and no character may be missing.",
    ),
    "INVALID_SECRET": (
        "This is no recovery text.",
        (
            "It has only letters, digits, and the signs - _ and . in it. Copy it whole, without "
            "spaces."
        ),
    ),
    "INVALID_SIGNATURE": (
        "The address of the statistics was good for some minutes only.",
        "Try again: the page asks for a new one.",
    ),
    "DATA_NOT_AVAILABLE": (
        "The statistics are not ready yet.",
        "Try again in a moment.",
    ),
    "DAMAGED": (
        "The statistics are damaged, or were not sealed with this secret.",
        (
            "Nothing of them is shown. Try again; if it stays so, delete the package and hand it "
            "in again."
        ),
    ),
    "TOO_LARGE_HERE": (
        "Your browser has not enough memory for these statistics.",
        "Close other pages and try again, or open them on a larger machine.",
    ),
    # The node
    "NO_WORKER": (
        "Nobody had time for this package.",
        "Hand it in again; if that does not help, tell who runs this node that no worker runs.",
    ),
    "TOO_MANY_REQUESTS": (
        "A little slower, please.",
        "The node takes only so many requests a minute from one address. Wait a minute.",
    ),
    "TOO_MANY_STREAMS": (
        "Many are watching right now.",
        "The page asks again by itself.",
    ),
    "BUSY": ("The node is busy.", "Try again in a few seconds."),
    "OFFLINE": (
        "The node does not answer.",
        "Look whether you are online, then try again. Nothing is lost.",
    ),
    "PAGE_ERROR": (
        "Something went wrong in this page.",
        "That is our fault. Load the page anew; your packages are still there.",
    ),
    "SERVER_ERROR": (
        "Something went wrong at the node.",
        "That is our fault and has been noted. Try again in a minute.",
    ),
}
"""By code of the API, or of the script: what went wrong, and what to do."""
