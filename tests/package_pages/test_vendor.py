"""What others wrote is what `tools/vendor.py` names, unchanged, with its licence beside it."""

import hashlib
import re
import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "downstream_node" / "package_pages" / "static" / "vendor"
LISTED = re.findall(
    r"^\| (\S+) \| (\S+ \S+) \| `([0-9a-f]{64})` \|$",
    (FOLDER / "README.md").read_text(),
    re.MULTILINE,
)


@pytest.mark.parametrize(("name", "sha256"), [(name, sha256) for name, _, sha256 in LISTED])
def test_files_are_as_listed(name: str, sha256: str) -> None:
    """Each file has the hash that the README gives."""
    assert hashlib.sha256((FOLDER / name).read_bytes()).hexdigest() == sha256


def test_all_files_are_listed() -> None:
    """Nothing else lies there, and nothing is listed that is not there."""
    there = {path.name for path in FOLDER.iterdir()}
    assert there == {name for name, _, _ in LISTED} | {"README.md"}


def test_the_tool_writes_just_these() -> None:
    """Names and versions are those of the tool, each with a licence."""
    tool = runpy.run_path(str(ROOT / "tools" / "vendor.py"))
    written = {
        (name, f"{archive.name} {archive.version}")
        for archive in tool["ARCHIVES"]
        for name in archive.files.values()
    }
    assert written == {(name, source) for name, source, _ in LISTED}
    for archive in tool["ARCHIVES"]:
        assert f"{archive.name}.LICENSE.txt" in archive.files.values()
