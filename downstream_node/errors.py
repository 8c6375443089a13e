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


class FarmerStopped(DownstreamError):
    """The farmer cannot go on: the node is unreachable for good or refuses it."""
