"""Exports are cut into their messages, exactly where a parser of the whole would see them."""

import json
import re
import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from downstream_node.chats.reading import ROOT_FIELDS
from downstream_node.chats.splitting import MOST_FIELDS, Splitter
from downstream_node.errors import InvalidExport

TEXTS = st.text() | st.sampled_from(['"', "\\", "\n    }", "},", "]}", "\\u0041", "\ud800", "\0"])
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)
NAMES = TEXTS.filter(lambda name: name != "messages") | st.sampled_from(sorted(ROOT_FIELDS))
MESSAGES = st.lists(st.dictionaries(TEXTS, VALUES, max_size=5) | VALUES, max_size=6)
EXPORTS = st.tuples(
    st.dictionaries(NAMES, VALUES, max_size=3),
    MESSAGES,
    st.dictionaries(NAMES, VALUES, max_size=3),
)
FORMS: tuple[dict[str, Any], ...] = (
    {"indent": 2},
    {"indent": 2, "ensure_ascii": False},
    {"indent": 4},
    {"indent": 1},
    {"separators": (",", ":")},
    {},
)


def pieces(data: bytes, size: int) -> Iterator[bytes]:
    """*data* cut into pieces of *size* bytes."""
    return (data[at : at + size] for at in range(0, len(data), size))


def split(data: bytes, size: int = 1 << 16, **limits: int) -> tuple[list[Any], dict[str, Any]]:
    """What the splitter finds in *data* that come in pieces of *size* bytes, one by one and not."""
    listing = Splitter(pieces(data, size), **limits)
    listed: list[Any] = []
    try:
        for raw in listing.lists():
            listed += json.loads(raw)
            assert listing.count == len(listed)
    except InvalidExport as error:
        with pytest.raises(InvalidExport, match=re.escape(str(error))):
            list(Splitter(pieces(data, size), **limits))
        raise
    splitter = Splitter(pieces(data, size), **limits)
    messages = [json.loads(raw) for raw in splitter]
    assert messages == listed
    assert splitter.fields == listing.fields
    assert splitter.count == len(messages)
    return messages, {name: json.loads(raw) for name, raw in splitter.fields.items()}


def encoded(export: tuple[Any, Any, Any], form: dict[str, Any]) -> bytes:
    """The file of an *export*: fields, messages, fields."""
    before, messages, after = export
    text = json.dumps({**before, "messages": messages, **after}, **form)
    return text.encode("utf-8", "replace")


def mended(value: Any) -> Any:
    """*value* with U+FFFD for what is no character, as the splitter does it."""
    if isinstance(value, str):
        text = "".join("\ufffd" if "\ud800" <= one <= "\udfff" else one for one in value)
        return text.replace("\0", "\ufffd")
    if isinstance(value, list):
        return [mended(one) for one in value]
    if isinstance(value, dict):
        return {mended(name): mended(one) for name, one in value.items()}
    return value


@given(EXPORTS, st.sampled_from(FORMS), st.sampled_from([1, 7, 100, 1 << 16]), st.booleans())
def test_it_finds_what_a_parser_finds(
    export: tuple[Any, Any, Any], form: dict[str, Any], size: int, returns: bool
) -> None:
    """Whatever the indentation, the pieces, the order of keys and the ends of lines."""
    data = encoded(export, form)
    data = data.replace(b"\n", b"\r\n") if returns else data
    whole = json.loads(data)
    found, fields = split(data, size, block=1)
    assert found == mended(whole.pop("messages"))
    assert fields == mended({name: whole[name] for name in whole if name in ROOT_FIELDS})


@given(EXPORTS, st.sampled_from(FORMS), st.data())
def test_what_is_no_json_is_refused(
    export: tuple[Any, Any, Any], form: dict[str, Any], data: st.DataObject
) -> None:
    """One byte is changed or left out: a parser and the splitter agree whether it is still JSON."""
    text = encoded(export, form)
    at = data.draw(st.integers(0, len(text) - 1))
    byte = data.draw(st.sampled_from([b"", b"{", b"}", b"[", b"]", b'"', b",", b"\\", b" ", b"\n"]))
    changed = text[:at] + byte + text[at + 1 :]
    try:
        whole = json.loads(changed)
    except ValueError:
        whole = None
    if isinstance(whole, dict) and isinstance(whole.get("messages"), list):
        assert split(changed, block=1)[0] == mended(whole["messages"])
    else:
        with pytest.raises(InvalidExport):
            split(changed, block=1)


@given(EXPORTS, st.sampled_from(FORMS), st.integers(0, 1 << 16))
def test_an_export_that_is_cut_off_is_refused(
    export: tuple[Any, Any, Any], form: dict[str, Any], cut: int
) -> None:
    """There is no place where a shorter file passes for a whole one."""
    text = encoded(export, form)
    with pytest.raises(InvalidExport):
        split(text[: cut % len(text)])


EXPORT = '{"guild": {}, "messages": [{"id": "1"}, {"id": "2"}], "messageCount": 2}'


@pytest.mark.parametrize(
    ("data", "text"),
    [
        pytest.param(b"", "is empty", id="nothing"),
        pytest.param(b" \n ", "is empty", id="space"),
        pytest.param(EXPORT.encode("utf-16"), "UTF-16", id="UTF-16"),
        pytest.param(EXPORT.encode("utf-16-be"), "UTF-16", id="UTF-16 without a mark"),
        pytest.param(EXPORT.encode("utf-32-le"), "UTF-16 or UTF-32", id="UTF-32"),
        pytest.param(
            EXPORT.encode() + b" x", "Something follows the export, at byte 73", id="more"
        ),
        pytest.param((EXPORT * 2).encode(), "follows the export, at byte 72", id="a second one"),
        pytest.param(EXPORT[:50].encode(), "ends too early, at byte 40", id="cut off"),
        pytest.param(b"[1]", "does not begin with {, at byte 0", id="a list"),
        pytest.param(b"<html>", "does not begin with {, at byte 0", id="a page"),
        pytest.param(b'{"guild": 1}', 'has no "messages"', id="no messages"),
        pytest.param(b'{"messages": {}}', "is not one list, at byte 13", id="no list"),
        pytest.param(
            b'{"messages": [], "messages": []}', "is not one list, at byte 28", id="two lists"
        ),
        pytest.param(b'{"messages": [{"a": tru}]}', "no JSON, at byte", id="no JSON"),
        pytest.param(b'{"messages": [{"a": "\xff"}]}', "not UTF-8, at byte 21", id="Latin-1"),
        pytest.param(
            b'{"messages": [' + b"[" * 100_000 + b"]" * 100_000 + b"]}", "too deeply", id="deep"
        ),
    ],
)
def test_what_is_wrong_is_told(data: bytes, text: str) -> None:
    """The error says what is wrong with the file, and where."""
    with pytest.raises(InvalidExport, match=text):
        split(data)


def test_a_mark_in_front_is_no_part_of_it() -> None:
    """Windows' editors put it there."""
    assert split(EXPORT.encode("utf-8-sig"), 1) == (
        [{"id": "1"}, {"id": "2"}],
        {"guild": {}, "messageCount": 2},
    )


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize(("length", "fits"), [(1000, True), (1001, False)])
def test_a_message_has_a_limit(indent: int | None, length: int, fits: bool) -> None:
    """One that is as long passes, in either form; a byte more does not."""
    message = {"content": ""}
    raw = json.dumps({"messages": [message]}, indent=indent, separators=(",", ":"))
    own = len(raw[raw.index("[") + 1 : raw.rindex("]")].strip())
    message["content"] = "x" * (length - own)
    data = json.dumps({"messages": [message]}, indent=indent, separators=(",", ":")).encode()
    if fits:
        assert split(data, 100, longest=1000, block=10)[0] == [message]
    else:
        with pytest.raises(InvalidExport, match="longer than 1000 bytes"):
            split(data, 100, longest=1000, block=10)


def test_no_more_than_it_needs_is_in_memory() -> None:
    """It stops reading as soon as it has a message, however long the file."""

    def endless() -> Iterator[bytes]:
        yield b'{"messages": ['
        while True:
            yield b'{"id": "1"},'

    splitter = Splitter(endless())
    messages = iter(splitter)
    assert {next(messages) for _ in range(100_000)} == {b'{"id": "1"}'}
    assert len(splitter._data) < 1 << 18  # noqa: SLF001 - this is what the test is about


def test_a_long_text_takes_time_by_its_length_only() -> None:
    """Text without an end is not looked through again with each piece."""
    data = b'{"messages": ["' + b"\\n" * 3_000_000
    with pytest.raises(InvalidExport, match="longer than"):
        split(data, 1000)


def test_other_fields_take_no_memory() -> None:
    """Each may be as long as a message, so their values are not kept, whatever their names."""
    value = "x" * 1_000_000

    def data() -> Iterator[bytes]:
        yield b"{"
        for n in range(100):
            yield f'"field {n}": "{value}", "guild": {{"id": {n}}}, '.encode()
        yield b'"messages": []}'

    tracemalloc.start()
    splitter = Splitter(data())
    assert list(splitter) == []
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 20 * len(value)
    assert splitter.fields == {"guild": b'{"id": 99}'}


@pytest.mark.parametrize("name", ["guild", "other"])
def test_there_are_not_any_number_of_fields(name: str) -> None:
    """Also of the same name; as many as are allowed are read."""
    many = f'"{name}": 1, ' * (MOST_FIELDS - 1)
    assert split(f'{{{many}"messages": [1]}}'.encode())[0] == [1]
    with pytest.raises(InvalidExport, match=f"more than {MOST_FIELDS} root fields, at byte"):
        split(f'{{{many}"a": 1, "messages": [1]}}'.encode())
