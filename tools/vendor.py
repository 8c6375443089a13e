"""Write `package_pages/static/vendor`: what the page of packages uses of others, and nothing more.

python tools/vendor.py

Each archive comes by `npm pack` under its name and version, and is refused unless it has the hash
that stands here; so whoever runs this gets the same bytes. The files are copied as they are.
"""  # noqa: INP001 - a program, not a package

import hashlib
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

TARGET = Path(__file__).parents[1] / "downstream_node" / "package_pages" / "static" / "vendor"
MOST_BYTES = 1 << 24
"""No file that is wanted is larger."""


@dataclass(frozen=True, slots=True)
class Archive:
    """One published archive; *sha256* is its hash, *files* say what is copied, and to where."""

    name: str
    version: str
    sha256: str
    use: str
    files: dict[str, str]


ARCHIVES = (
    Archive(
        name="libsodium",
        version="0.8.4",
        sha256="ff817a39d4664e2aef5b15fcbe729e9a4060d931929b03af624cc8a5588625eb",
        use="opens what the node has sealed (secretstream)",
        files={
            "dist/modules-esm/libsodium.mjs": "libsodium.mjs",
            "LICENSE": "libsodium.LICENSE.txt",
        },
    ),
    Archive(
        name="sql.js",
        version="1.16.0",
        sha256="bb6f5c7e4ac6de569e4f3eee38122b56d777c387ec74fbb1a7075adf37097df6",
        use="SQLite, to question the statistics in the browser",
        files={
            "dist/sql-wasm-browser.js": "sql-wasm-browser.js",
            "dist/sql-wasm-browser.wasm": "sql-wasm-browser.wasm",
            "LICENSE": "sql.js.LICENSE.txt",
        },
    ),
)

HEAD = """\
# What others wrote

Written by `tools/vendor.py`, which names where each file comes from; not changed in any way. Each
has its licence beside it. `tests/package_pages/test_vendor.py` checks the hashes.

| File | Of | SHA-256 |
|---|---|---|
"""


def fetched(archive: Archive, folder: Path) -> Path:
    """*archive* as a file in *folder*. Ends the program if it is not what it was."""
    wanted = f"{archive.name}@{archive.version}"
    packed = subprocess.run(  # noqa: S603 - words of this file
        ["npm", "pack", "--silent", "--ignore-scripts", "--pack-destination", str(folder), wanted],  # noqa: S607
        check=True,
        capture_output=True,
        text=True,
    )
    path = folder / packed.stdout.split()[-1]
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != archive.sha256:
        sys.exit(f"{wanted} has the SHA-256 {found}, not {archive.sha256}: nothing was written.")
    return path


def read(archive: Archive, path: Path) -> dict[str, bytes]:
    """The files that are wanted of *archive*, by their new names."""
    found: dict[str, bytes] = {}
    with tarfile.open(path) as packed:
        for inside, name in archive.files.items():
            file = packed.extractfile(f"package/{inside}")
            if file is None:
                sys.exit(f"{archive.name} has no file {inside}: nothing was written.")
            found[name] = file.read(MOST_BYTES)
    return found


def readme(files: dict[str, tuple[Archive, bytes]]) -> str:
    """What there is, of which version, with which hash."""
    lines = [
        f"| {name} | {archive.name} {archive.version} | `{hashlib.sha256(data).hexdigest()}` |\n"
        for name, (archive, data) in files.items()
    ]
    uses = [f"- {archive.name}: {archive.use}\n" for archive in ARCHIVES]
    return "".join([HEAD, *lines, "\n", *uses])


def main() -> None:
    """Fetch all, check all, then write."""
    files: dict[str, tuple[Archive, bytes]] = {}
    with tempfile.TemporaryDirectory(prefix="downstream-vendor-") as folder:
        for archive in ARCHIVES:
            path = fetched(archive, Path(folder))
            files |= {name: (archive, data) for name, data in read(archive, path).items()}
    TARGET.mkdir(parents=True, exist_ok=True)
    for name, (_, data) in files.items():
        (TARGET / name).write_bytes(data)
    (TARGET / "README.md").write_text(readme(files), encoding="utf-8")


if __name__ == "__main__":
    main()
