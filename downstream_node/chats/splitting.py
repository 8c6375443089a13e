"""An export as raw pieces: its root fields, and its messages one by one. Pure, constant memory.

Exports have gigabytes, so no more than some messages of them are in memory at a time. There are two
ways to find where a message ends. The fast one trusts the exporter's indentation: a message ends
at the first brace that stands four spaces deep. The general one counts brackets outside of
strings. What the fast way cuts is decoded to see whether it is JSON; JSON can be cut in one way
only, so if it is, the general way would have cut the same. If not, the general way goes on.

The fast way also cuts many messages at once, up to the last such brace that is in memory: what
lies between is a list if brackets are put around it, for the same reason.
"""

import codecs
import itertools
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress

import msgspec

from downstream_node.chats.reading import ROOT_FIELDS
from downstream_node.errors import InvalidExport

LONGEST_MESSAGE = 4 << 20
"""Bytes of one message, or of another field: Discord's own limits allow a hundredth of that."""
BLOCK = 64 << 10
"""Bytes that are looked at together at least."""
RUN = 128 << 10
"""Bytes that are cut as one list at most: large enough that the cutting costs little, and small
enough that looking at them in vain does not, either."""
MESSAGES = "messages"
MOST_FIELDS = 1000
"""Root fields of an export: the exporter writes six."""

BOM = codecs.BOM_UTF8
BRACE, BRACKET, QUOTE, COLON, COMMA = b"{", b"[", b'"', b":", b","
END_OF_OBJECT, END_OF_ARRAY = b"}", b"]"
SPACE = re.compile(rb"[ \t\r\n]*+")
SCALAR = re.compile(rb'[^ \t\r\n,:"{}\[\]]*+')
STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"', re.DOTALL)
FLAT = re.compile(rb'(?:[^"{}\[\]]++|"(?:[^"\\]++|\\.)*+")*+', re.DOTALL)
"""What lies between two brackets: anything but brackets, or whole strings with anything in them."""
ESCAPE = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"  # both halves of a character
    rb"|(?P<lost>u(?:[dD][89a-fA-F][0-9a-fA-F]{2}|0000))|.)",
    re.DOTALL,
)
BYTE = re.compile(r"\(byte (\d+)\)")

Checked = msgspec.json.Decoder(msgspec.Raw)
"""Reads through JSON and finds all that is wrong with it but bytes that are no UTF-8."""
Elements = msgspec.json.Decoder(list[msgspec.Raw])
NOT_JSON = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
Name = msgspec.json.Decoder(str)


def mended(raw: bytes) -> bytes:
    """*raw* JSON in which escaped halves of characters and NULs became U+FFFD.

    JavaScript writes the first, no database takes the second.
    """
    return ESCAPE.sub(lambda found: b"\\ufffd" if found["lost"] else found[0], raw)


def checked(raw: bytes) -> bytes:
    """*raw* if it is JSON in UTF-8, mended if that is needed.

    Raises DecodeError, UnicodeDecodeError, RecursionError.
    """
    if not raw.isascii():
        raw.decode()
    whole = mended(raw) if b"\\u" in raw else raw
    Checked.decode(whole)
    return whole


class Splitter:
    """The messages of an export, one by one or in lists, as JSON in bytes; iterate once.

    Afterwards `fields` has those of the ROOT_FIELDS that there are, as JSON. Raises InvalidExport
    with the offset in bytes if the file is no JSON in UTF-8, ends early, goes on behind its end,
    has no messages, one above *longest* bytes or more than MOST_FIELDS root fields.
    """

    def __init__(
        self, pieces: Iterable[bytes], longest: int = LONGEST_MESSAGE, block: int = BLOCK
    ) -> None:
        self.fields: dict[str, bytes] = {}
        self.count = 0
        """Messages so far."""
        self._pieces = iter(pieces)
        self._longest = longest
        self._block = block
        self._data = b""
        self._at = 0
        """Where we are in the data; what lies before is done with."""
        self._base = 0
        """Offset of the data in the file."""
        self._newline = b""
        """How lines end that the fast way is to look for; empty: it is not to be tried."""
        self._no_run_before = 0
        """Offset in the file before which the messages are to be cut one by one."""

    def __iter__(self) -> Iterator[bytes]:
        return self._walk(self._messages)

    def lists(self) -> Iterator[bytes]:
        """The messages as JSON lists of one or more of them; instead of one by one."""
        return self._walk(self._lists)

    def _walk(self, elements: Callable[[], Iterator[bytes]]) -> Iterator[bytes]:
        self._begin()
        seen = False
        for number in itertools.count():
            if number == MOST_FIELDS:
                raise self._wrong(f"There are more than {MOST_FIELDS} root fields")
            name = self._name()
            if name != MESSAGES:
                value = self._value()
                # The others are not kept: somebody could send more than there is memory.
                if name in ROOT_FIELDS:
                    self.fields[name] = value
            elif seen or self._peek() != BRACKET:
                raise self._wrong('"messages" is not one list')
            else:
                seen = True
                yield from elements()
            if self._next(COMMA + END_OF_OBJECT) == END_OF_OBJECT:
                break
        if self._peek():
            raise self._wrong("Something follows the export")
        if not seen:
            raise InvalidExport('This is no export of a chat: it has no "messages".')

    def _begin(self) -> None:
        """Go behind the first brace."""
        while len(self._data) < len(BOM) + 1 and self._more():
            pass
        if self._data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or (
            b"\0" in self._data[: len(BOM) + 1]
        ):
            raise InvalidExport("The export is UTF-16 or UTF-32; only UTF-8 is read.")
        if self._data.startswith(BOM):
            self._at = len(BOM)
        if not self._peek():
            raise InvalidExport("The export is empty.")
        if self._peek() != BRACE:
            raise self._wrong("This is no export of a chat: it does not begin with {")
        self._at += 1

    def _messages(self) -> Iterator[bytes]:
        """The elements of the list that begins here."""
        is_there = self._open_list()
        while is_there:
            yield self._message()
            is_there = self._goes_on()

    def _lists(self) -> Iterator[bytes]:
        """The same in lists."""
        is_there = self._open_list()
        while is_there:
            yield self._run() or b"[" + self._message() + b"]"
            is_there = self._goes_on()

    def _open_list(self) -> bool:
        """Go behind the bracket of the list; whether there is anything in it."""
        self._at += 1
        self._look_at_indentation()
        if not self._newline and self._peek() == END_OF_ARRAY:
            self._at += 1
            return False
        return True

    def _goes_on(self) -> bool:
        """Go behind what follows a message; whether it is another message."""
        if self._data[self._at : self._at + 1] == COMMA:
            self._at += 1
            return True
        return self._next(COMMA + END_OF_ARRAY) == COMMA

    def _message(self) -> bytes:
        """The message that begins here."""
        message = (self._newline and self._fast()) or self._value()
        self.count += 1
        return message

    def _run(self) -> bytes | None:
        """A list of all messages that the data have whole, if that can be told by indentation."""
        if not self._newline or self.offset < self._no_run_before:
            return None
        if len(self._data) - self._at < self._block:
            self._more()
        opening, closing = self._newline + b"    {", self._newline + b"    }"
        most = self._at + min(RUN, self._longest)
        end = self._data.rfind(closing, self._at + len(opening), most)
        if end < 0 or not self._data.startswith(opening, self._at):
            return None
        end += len(closing)
        with suppress(*NOT_JSON):
            whole = checked(b"[" + self._data[self._at : end] + b"]")
            self.count += len(Elements.decode(whole))
            self._at = end
            return whole
        # One by one they show where it goes wrong.
        self._no_run_before = self._base + end
        return None

    def _look_at_indentation(self) -> None:
        """See whether the first message is indented as the exporter does."""
        while len(self._data) < self._at + len(b"\r\n    {") and self._more():
            pass
        for newline in (b"\n", b"\r\n"):
            if self._data.startswith(newline + b"    {", self._at):
                self._newline = newline

    def _fast(self) -> bytes | None:
        """The next message if it is indented as the exporter does; else None from now on."""
        end = self._end_by_indentation()
        if end is not None:
            raw = self._data[self._at + len(self._newline) + 4 : end]
            with suppress(*NOT_JSON):
                whole = checked(raw)
                if len(raw) <= self._longest:
                    self._at = end
                    return whole
        self._newline = b""
        return None

    def _end_by_indentation(self) -> int | None:
        """Where in the data the message ends that begins here in a line of its own."""
        opening = self._newline + b"    {"
        closing = self._newline + b"    }"
        while len(self._data) < self._at + len(opening) and self._more():
            pass
        if not self._data.startswith(opening, self._at):
            return None
        searched = len(opening)
        while (end := self._data.find(closing, self._at + searched)) < 0:
            searched = max(searched, len(self._data) - self._at - len(closing))
            if searched > self._longest or not self._more():
                return None
        return end + len(closing)

    def _name(self) -> str:
        """The name of the next field; goes behind its colon."""
        if self._peek() != QUOTE:
            raise self._wrong("The name of a field is missing" if self._peek() else "")
        name = Name.decode(self._value())
        self._next(COLON)
        return name

    def _value(self) -> bytes:
        """Any JSON value, behind space."""
        first = self._peek()
        if first in (BRACE, BRACKET):
            length = self._length_by_brackets()
        else:
            length = self._length_of_plain(first == QUOTE)
        if length > self._longest:
            raise self._wrong(f"This is longer than {self._longest} bytes")
        raw = self._data[self._at : self._at + length]
        try:
            raw = checked(raw)
        except msgspec.DecodeError as error:
            # Offsets in a text that was mended are the same: what replaces has the same length.
            found = BYTE.search(str(error))
            self._at += int(found[1]) if found else 0
            raise self._wrong("This is no JSON") from None
        except UnicodeDecodeError as error:
            self._at += error.start
            raise self._wrong("This is not UTF-8") from None
        except RecursionError:
            raise self._wrong("This is nested too deeply") from None
        self._at += length
        return raw

    def _length_by_brackets(self) -> int:
        """Bytes of the object or list that begins here."""
        depth = length = 0
        while True:
            found = FLAT.match(self._data, self._at + length)
            length = found.end() - self._at if found else length
            bracket = self._data[self._at + length : self._at + length + 1]
            if bracket in (BRACE, BRACKET):
                depth += 1
            elif bracket in (END_OF_OBJECT, END_OF_ARRAY):
                depth -= 1
            else:
                # The data end here, or in a string that begins here.
                self._require_more()
                continue
            length += 1
            if depth == 0:
                return length

    def _length_of_plain(self, is_text: bool) -> int:
        """Bytes of the text, number or word that begins here."""
        pattern = STRING if is_text else SCALAR
        while True:
            found = pattern.match(self._data, self._at)
            if found and (is_text or found.end() < len(self._data)):
                if found.end() == self._at:
                    raise self._wrong("A value is missing")
                return found.end() - self._at
            self._require_more()

    def _next(self, allowed: bytes) -> bytes:
        """The next byte behind space, which must be one of *allowed*; goes behind it."""
        byte = self._peek()
        if not byte or byte not in allowed:
            listed = " or ".join(chr(code) for code in allowed)
            raise self._wrong(f"There is no {listed} where one must be" if byte else "")
        self._at += 1
        return byte

    def _peek(self) -> bytes:
        """The next byte behind space; b"" at the end of the file."""
        while True:
            found = SPACE.match(self._data, self._at)
            self._at = found.end() if found else self._at
            if self._at < len(self._data):
                return self._data[self._at : self._at + 1]
            if not self._more():
                return b""

    def _require_more(self) -> None:
        """Have more data behind those that we have of a value."""
        if len(self._data) - self._at > self._longest:
            raise self._wrong(f"This is longer than {self._longest} bytes")
        if not self._more():
            raise self._wrong("")

    def _more(self) -> bool:
        """Have more data, as much again; False if there are none."""
        kept = self._data[self._at :]
        wanted = max(self._block, len(kept))
        parts, size = [kept], 0
        for piece in self._pieces:
            parts.append(piece)
            size += len(piece)
            if size >= wanted:
                break
        self._base += self._at
        self._at = 0
        self._data = b"".join(parts)
        return size > 0

    def _wrong(self, what: str) -> InvalidExport:
        """The error for *what* is wrong here; nothing: the file ends."""
        return InvalidExport(f"{what or 'The export ends too early'}, at byte {self.offset}.")

    @property
    def offset(self) -> int:
        """Bytes of the file that are done with."""
        return self._base + self._at
