"""What a worker and its reading process say to each other."""

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from packages.journey import MARK

from downstream_node.packages.orders import BrokenFrame, Frames, Kind, Order, Refused, frame

READER = (sys.executable, "-m", "downstream_node.packages.reader")
ORDER = Order("0" * 32, MARK, None, ["/nowhere"], "/nowhere", "", 1, 1.0)


@given(
    frames=st.lists(st.tuples(st.sampled_from(list(Kind)), st.binary(max_size=50))),
    cut=st.integers(1, 20),
)
def test_frames_arrive_whole(frames: list[tuple[Kind, bytes]], cut: int) -> None:
    """However the pipe cuts them."""
    line = b"".join(frame(*one) for one in frames)
    cutter = Frames()
    pieces = [line[start : start + cut] for start in range(0, len(line), cut)]
    assert [found for piece in pieces for found in cutter.feed(piece)] == frames


@pytest.mark.parametrize("data", [b"X\0\0\0\0", b"D\xff\xff\xff\xff", b"\0" * 5])
def test_what_is_no_frame_is_refused(data: bytes) -> None:
    """An unknown letter, an absurd length."""
    with pytest.raises(BrokenFrame):
        list(Frames().feed(data))


def test_an_order_does_not_show_its_secret() -> None:
    """Whoever prints it."""
    assert MARK not in repr(ORDER)


def test_errors_of_the_reader_say_where_and_not_what(tmp_path: Path) -> None:
    """Kind and line, without the text of the error, which may name something of the package."""
    order = msgspec.structs.replace(ORDER, working=str(tmp_path))
    with subprocess.Popen(
        READER, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        process.stdin.write(msgspec.json.encode(order) + b"\n")
        process.stdin.flush()
        assert process.stdout is not None
        output = process.stdout.read()
        errors = process.stderr.read() if process.stderr else b""
        process.stdin.close()
    ((kind, content),) = list(Frames().feed(output))
    refused = msgspec.json.decode(content, type=Refused)
    assert (kind, refused.code) == (Kind.REFUSED, "SERVER_ERROR")
    assert refused.where.startswith("StorageFailed in working.py, line ")
    assert b"nowhere" not in output + errors
    assert MARK.encode() not in output + errors


def test_the_reader_needs_no_server() -> None:
    """Neither the database nor the web: its memory is for packages."""
    program = "import sys, downstream_node.packages.reader; print(' '.join(sys.modules))"
    words = [sys.executable, "-c", program]
    loaded = subprocess.run(words, capture_output=True, text=True, check=True)
    names = set(loaded.stdout.split())
    assert "downstream_node.packages.reader" in names
    assert not names & {"flask", "sqlalchemy", "click", "requests", "downstream_node.settings"}
