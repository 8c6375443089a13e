"""Where a key for Steam's Web API is kept: in a .json or .toml file, or in the environment."""

import json
import os
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

STEAM_API_KEY = "STEAM_API_KEY"

READERS: dict[str, Callable[[str], Any]] = {".json": json.loads, ".toml": tomllib.loads}


def from_file(path: str | Path, name: str = STEAM_API_KEY) -> str:
    """The value of *name* in a .json or .toml file.

    Raises KeyError, which names the key and the file, if it is not there or no text; ValueError if
    the file is of another kind or broken; OSError if it cannot be read. None shows a content.
    """
    path = Path(path)
    read = READERS.get(path.suffix.lower())
    if read is None:
        raise ValueError(f"{path} is neither a .json nor a .toml file.")
    try:
        content = read(path.read_text(encoding="utf-8"))
    except ValueError:
        # The parser's own text may show a piece of the file.
        raise ValueError(f"{path} is not valid {path.suffix[1:].upper()}.") from None
    return text_in(content, name, str(path))


def from_environment(name: str = STEAM_API_KEY) -> str:
    """The value of the variable *name*. Raises KeyError, which names it."""
    return text_in(os.environ, name, "the environment")


def find(path: str | Path | None = None, name: str = STEAM_API_KEY) -> str:
    """The key in the file at *path*, or without a path in the environment.

    Raises what `from_file` and `from_environment` raise.
    """
    return from_environment(name) if path is None else from_file(path, name)


def text_in(content: Any, name: str, place: str) -> str:  # noqa: ANN401 - JSON, TOML
    """The text under *name*. Raises KeyError."""
    try:
        value = content[name]
    except (KeyError, TypeError, IndexError):
        value = None
    if not isinstance(value, str) or not value:
        raise KeyError(f"There is no {name} in {place}.")
    return value
