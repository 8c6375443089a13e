"""Every error that the product raises on purpose, as one tree.

Rules and services raise these; `web.py` maps the ones that reach a request to HTTP,
`cli.py` prints the ones that reach an operator.
"""


class DownstreamError(Exception):
    """Base of all errors of the product; its text is written for the person who sees it."""


class InvalidSettings(DownstreamError):
    """A setting is unknown, malformed, or proves nothing; names the setting."""


class SchemaOutdated(DownstreamError):
    """The database has no schema of ours, or one of another version."""


class WrongMasterKey(DownstreamError):
    """The master key file is not the one that this database was made with."""


class InvalidRequest(DownstreamError):
    """The request as a whole makes no sense: a 400 in the API's error form."""


class RequestTooLarge(DownstreamError):
    """The body or its unpacked form exceeds the limit: a 413."""


class UnknownToken(DownstreamError):
    """No farmer has this token. The published client looks for exactly this text."""

    def __init__(self) -> None:
        super().__init__("Nonexistent token.")


class UnknownFarmer(DownstreamError):
    """No farmer has this id. The spelling is the original's, which clients may look for."""

    def __init__(self) -> None:
        super().__init__("Nonexistant farmer id.")


class Busy(DownstreamError):
    """The database would not take the work after a bounded number of tries: a 503."""


class InvalidWhitelist(DownstreamError):
    """A whitelist cannot be read; names the line. Nothing has been changed."""


class InvalidOperator(DownstreamError):
    """An operator's name is malformed, taken, or nobody's. Nothing has been changed."""


class NoPartitions(DownstreamError):
    """Raw measures are not in parts, or cannot be, or are already. Nothing has been changed."""


class NotAllowed(DownstreamError):
    """An operator asks for what would break a promise, or for nothing that there is."""


class InvalidMeasure(InvalidRequest):
    """A measure, or a question for aggregates, is malformed; the text is the document's."""


class InvalidDefinition(DownstreamError):
    """A definition of a measure makes no sense; names it and the field. Nothing was changed."""


class InvalidOrganisation(DownstreamError):
    """An organisation's name is malformed, or nobody has a token of it. Nothing was changed."""


class UnknownMeasure(InvalidMeasure):
    """No definition of a measure has this name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"No measure definition found for: {name}")


class AccessRefused(DownstreamError):
    """Whoever asks is known and may not do this: a 403."""


class NoMeasureToken(DownstreamError):
    """The request shows no token for measures, or one of nobody: a 401."""

    def __init__(self) -> None:
        super().__init__("Unauthorized Access")


class InvalidExport(InvalidRequest):
    """A file is no export of a chat, or a message in it makes no sense; says what and where."""


class InvalidSearch(InvalidRequest):
    """What is searched for cannot be read; *position* is the character where it goes wrong."""

    def __init__(self, help_text: str, position: int = 0) -> None:
        super().__init__(help_text)
        self.position = position


class NoChatKey(DownstreamError):
    """The request shows no key for the archive where one is needed, or one of nobody: a 401."""

    def __init__(self) -> None:
        super().__init__("This needs a key of the archive: Authorization: Bearer dsck_...")


class InvalidParameter(InvalidRequest):
    """A parameter of one of the document's routes for chats is malformed: a 422, as there."""


class TooManyRequests(DownstreamError):
    """Somebody asks too often: a 429. *wait* is the number of seconds after which to try again."""

    def __init__(self, wait: int) -> None:
        super().__init__(f"Too many requests. Please try again in {wait} s.")
        self.wait = wait


class InvalidChatKey(DownstreamError):
    """A key of the archive has a malformed name, one that is taken, or nobody's; or an id is none.

    Nothing has been changed.
    """


class UnknownMessage(DownstreamError):
    """No message, channel or guild with this id is there for who asks: a 404."""


class NoMessagesFound(DownstreamError):
    """An export of a channel was asked for, and there is nothing to import: a 404."""

    def __init__(self, days: int) -> None:
        super().__init__(f"No chat messages found for the past {days} days")


class ExportFailed(DownstreamError):
    """The program that makes exports did not make one: a 502. Tells nothing of what it wrote."""


class ArchiveUnavailable(DownstreamError):
    """The store of the archive does not answer or has another schema: a 503."""


class InvalidFile(InvalidRequest):
    """What is said of a file to be kept is malformed; names what."""


class UnexpectedContent(InvalidRequest):
    """The bytes that came do not have the SHA-256 that was announced. Nothing was kept."""

    def __init__(self) -> None:
        super().__init__("The content does not have the SHA-256 that was announced.")


class UnknownFile(DownstreamError):
    """No such file is kept, or not for who asks: a 404."""

    def __init__(self) -> None:
        super().__init__("There is no such file.")


class DamagedFile(DownstreamError):
    """A file that is kept is not on the disk as it was taken in: a 500, and nothing false."""


class StorageFailed(DownstreamError):
    """The disk would not take a file: a 500. Nothing was kept."""


class StorageFull(StorageFailed):
    """There is no space for a file: a 507. Nothing was kept."""

    def __init__(self) -> None:
        super().__init__("The node has no space left for files.")


class MalformedProof(DownstreamError):
    """A proof (or tag, or challenge) does not have the wire form of its scheme."""


class MalformedAddress(DownstreamError):
    """A text is not the Base58Check form of a Bitcoin address that we accept."""


class PackageRefused(DownstreamError):
    """A data package cannot or must not be read; *code* says why to programs."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


class SealBroken(DownstreamError):
    """What was sealed has been changed or cut, belongs elsewhere, or the key is another one."""

    def __init__(self) -> None:
        super().__init__("The seal is broken.")


class PackageCancelled(DownstreamError):
    """Nobody wants this data package to be read any more."""

    def __init__(self) -> None:
        super().__init__("The package is no longer wanted.")


class DemoRefused(DownstreamError):
    """A request about recordings that is refused; *status* is HTTP's, the text for the client."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class SteamFailed(DownstreamError):
    """Steam did not answer, or not as documented. The text names no key."""


class NoServers(DownstreamError, ValueError):
    """Steam knows no game server that a query leaves. The text is the document's."""

    def __init__(self) -> None:
        super().__init__("Query returned no servers!")


class FarmerStopped(DownstreamError):
    """The farmer cannot go on: the node is unreachable for good or refuses it."""
