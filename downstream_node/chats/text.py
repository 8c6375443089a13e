"""How text becomes what is searched: folded text for substrings, stems for words. Pure.

All engines index what these functions return and analyse nothing themselves, so that each finds
the same messages.
"""

import re
import threading
import unicodedata
from collections.abc import Iterator
from typing import NamedTuple

import snowballstemmer

MARKS = "\u0300-\u036f"
"""Accents that stand behind their letter; Japanese voicing marks are not among them."""
IDEOGRAPHS = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
"""Han, hiragana and katakana: written without spaces, so each stands alone."""
LETTER = rf"[^\W_{IDEOGRAPHS}]"
WORD = re.compile(
    rf"[{IDEOGRAPHS}]|{LETTER}(?:['\u2019]?[{MARKS}\u0900-\u0dff\u0e00-\u0eff]*{LETTER})*"
)
"""A run of letters and digits, with apostrophes inside it; or one ideograph."""
PLAIN_WORD = re.compile(r"[0-9A-Za-z]+(?:'[0-9A-Za-z]+)*")
"""The same in ASCII alone, found three times as fast."""
PLAIN_LETTERS = bytes(
    ord(chr(code).lower()) if chr(code).isalnum() else ord(" ") for code in range(128)
).ljust(256)
"""Of each byte of ASCII what it is in lower case, or a space: where there is no apostrophe, spaces
are what words lie between, found four times as fast again."""
DROPPED = re.compile(rf"['\u2019{MARKS}]")
SEPARATORS = re.compile(r"[\x00-/:-@\[-`{-\x7f]")
"""Apostrophes, and what some compatibility forms contain when they are spelled out, as in "a.m.";
to an index it would end the word."""
UNSTORABLE = re.compile("[\\0\\x7f\ud800-\udfff\ufffe\uffff]")
"""What not every index can hold; and U+007F, with which the one of SQLite marks ends of texts."""
MOST_STEMS = 300_000
LONGEST_STEM = 64
"""Characters; longer runs are no words, and are cut."""


class Token(NamedTuple):
    """One word of a text: where it stands, and its stem."""

    start: int
    end: int
    stem: str


def fold(text: str) -> str:
    """*text* without differences of case, for searching literally.

    What no index can hold becomes U+FFFD, which stands for what cannot be shown.
    """
    # Nearly all of it is the same, found in a third of the time.
    folded = text.lower() if text.isascii() else unicodedata.normalize("NFC", text).casefold()
    return UNSTORABLE.sub("\ufffd", folded)


class _Local(threading.local):
    """The English stemmer of Snowball; other languages pass it nearly unchanged.

    One for each thread: it notes in itself where in a word it is.
    """

    def __init__(self) -> None:
        self.stemmer = snowballstemmer.stemmer("english")


_local = _Local()


_stems: dict[str, str] = {}
"""What `stem` found, by word: a stem takes 2 microseconds and more, looking it up 0.1."""


def stem(word: str) -> str:
    """The stem of *word*: without case, accents, apostrophes and English endings."""
    found = _stems.get(word)
    if found is None:
        if len(_stems) > MOST_STEMS:
            _stems.clear()
        plain = word.lower()
        if not word.isascii():
            plain = DROPPED.sub("", unicodedata.normalize("NFKD", word).casefold())
            # Composed again: taking letters apart also takes Japanese voicing marks off.
            plain = unicodedata.normalize("NFKC", plain)
        whole = SEPARATORS.sub("", plain)
        found = _stems[word] = _local.stemmer.stemWord(whole[:LONGEST_STEM])
    return found


def stems(text: str) -> list[str]:
    """The stems of the words of *text*, in order."""
    # In lower case there are fewer words to know; of other letters there may be more than one.
    if not text.isascii():
        words = WORD.findall(text)
    elif "'" in text:
        words = PLAIN_WORD.findall(text.lower())
    else:
        words = text.encode().translate(PLAIN_LETTERS).decode().split()
    found = [*map(_stems.get, words)]
    if None not in found:
        return found  # type: ignore[return-value]
    return [known or stem(word) for known, word in zip(found, words, strict=True)]


def tokens(text: str) -> Iterator[Token]:
    """The words of *text* with their places in it."""
    for match in WORD.finditer(text):
        yield Token(match.start(), match.end(), stem(match.group()))
