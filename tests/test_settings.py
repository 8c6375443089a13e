"""Settings: where values come from, what is refused, and that importing reads none of it."""

import ast
import dataclasses
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from downstream_node import settings
from downstream_node.errors import InvalidSettings

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "downstream_node"
SOURCES = sorted(PACKAGE.rglob("*.py"))


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """An operator's file with one setting."""
    file = tmp_path / "config.py"
    file.write_text("DEFAULT_INTERVAL = 20\n")
    return file


@pytest.fixture(autouse=True)
def no_file_of_the_operator(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Let the checkout's own config.py, if there is one, stay out of the tests."""
    monkeypatch.setattr(settings, "DEFAULT_CONFIG_FILE", tmp_path / "nothing.py")


# Where values come from


def test_defaults() -> None:
    """Without file and environment, the defaults of the original's documentation hold."""
    values = settings.load({})
    assert values == settings.Settings()
    assert (values.DEFAULT_CHUNK_SIZE, values.DEFAULT_INTERVAL, values.PORT) == (32768, 300, 5000)
    assert (values.MIN_SJCX_BALANCE, values.MAX_TOKENS_PER_IP) == (10000, 5)
    assert (values.MAX_SIG_MESSAGE_SIZE, values.REQUIRE_SIGNATURE) == (1024, True)
    assert values.SIGNATURE_MAX_AGE == 0


@pytest.mark.parametrize("item", settings.FIELDS.values(), ids=settings.FIELDS)
def test_every_default_is_allowed(item: "dataclasses.Field[Any]") -> None:
    """Each default is of its type and within its limits, and each setting has a meaning."""
    assert settings.checked_value(item, item.default) == item.default
    assert type(item.default) is item.type
    assert item.metadata["meaning"]


def test_settings_cannot_be_changed() -> None:
    """What a node started with is what it runs with."""
    with pytest.raises(dataclasses.FrozenInstanceError):
        settings.load({}).PORT = 1  # type: ignore[misc]


def test_a_file_wins_over_defaults(config: Path) -> None:
    """What it does not name stays at its default."""
    values = settings.load({}, config)
    assert dataclasses.replace(values, DEFAULT_INTERVAL=300) == settings.Settings()
    assert values.DEFAULT_INTERVAL == 20


def test_a_file_may_be_named_by_the_environment(config: Path) -> None:
    """DOWNSTREAM_CONFIG is where to look, and no setting itself."""
    assert settings.load({"DOWNSTREAM_CONFIG": str(config)}).DEFAULT_INTERVAL == 20


def test_the_file_in_the_package_is_found(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`downstream_node/config.py`, as the document says."""
    assert settings.load({}).DEFAULT_INTERVAL == 300
    monkeypatch.setattr(settings, "DEFAULT_CONFIG_FILE", config)
    assert settings.load({}).DEFAULT_INTERVAL == 20


def test_the_environment_wins_over_the_file(config: Path) -> None:
    """So that one start can differ from the others."""
    assert settings.load({"DOWNSTREAM_DEFAULT_INTERVAL": "30"}, config).DEFAULT_INTERVAL == 30


def test_the_real_environment_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands call `load()` without arguments."""
    monkeypatch.setenv("DOWNSTREAM_PORT", "5001")
    assert settings.load().PORT == 5001


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        pytest.param("PORT", "65535", 65535, id="the greatest port"),
        pytest.param("HEARTBEAT_CHECK_FRACTION", "0.5", 0.5, id="a fraction"),
        pytest.param("HEARTBEAT_CHECK_FRACTION", "1", 1.0, id="a whole fraction"),
        pytest.param("REQUIRE_SIGNATURE", "false", False, id="false"),
        pytest.param("REQUIRE_SIGNATURE", "0", False, id="0"),
        pytest.param("REQUIRE_SIGNATURE", "NO", False, id="NO"),
        pytest.param("JOBS", "True", True, id="True"),
        pytest.param("JOBS", "1", True, id="1"),
        pytest.param("NODE_NAME", "moon", "moon", id="a word"),
    ],
)
def test_texts_of_the_environment(name: str, text: str, value: object) -> None:
    """Texts become the type of their setting."""
    result = getattr(settings.load({f"DOWNSTREAM_{name}": text}), name)
    assert result == value
    assert type(result) is type(value)


def test_a_file_is_python(tmp_path: Path) -> None:
    """Lower-case names are the operator's own helpers."""
    file = tmp_path / "config.py"
    file.write_text("import os\nhours = 2\nDEFAULT_INTERVAL = hours * 3600\n_PRIVATE = 1\n")
    with pytest.raises(InvalidSettings, match="_PRIVATE"):
        settings.load({}, file)
    file.write_text("import os\nhours = 2\nDEFAULT_INTERVAL = hours * 3600\n")
    assert settings.load({}, file).DEFAULT_INTERVAL == 7200


# What is refused


@pytest.mark.parametrize("name", ["DEFAULT_INTERVALL", "default_interval", "FLASK_DEBUG", ""])
def test_an_unknown_name_in_the_environment(name: str) -> None:
    """A misspelt setting would otherwise be silently without effect."""
    with pytest.raises(InvalidSettings, match=f"Unknown setting {name}"):
        settings.load({f"DOWNSTREAM_{name}": "20"})


def test_an_unknown_name_in_the_file(config: Path) -> None:
    """It is named, too."""
    config.write_text("DEFAULT_INTERVALL = 20\n")
    with pytest.raises(InvalidSettings, match="DEFAULT_INTERVALL"):
        settings.load({}, config)


def test_other_variables_are_none_of_ours() -> None:
    """Only the prefix counts."""
    assert settings.load({"PORT": "x", "HOME": "/", "XDOWNSTREAM_PORT": "x"}) == (
        settings.Settings()
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param("PORT", "0", id="port 0"),
        pytest.param("PORT", "65536", id="beyond all ports"),
        pytest.param("PORT", "many", id="a word for a number"),
        pytest.param("PORT", "", id="nothing for a number"),
        pytest.param("PORT", "5000.5", id="a fraction for a whole number"),
        pytest.param("PORT", "9" * 5000, id="5000 digits"),
        pytest.param("DEFAULT_INTERVAL", "-1", id="negative"),
        pytest.param("DEFAULT_INTERVAL", "nan", id="not a number for an integer"),
        pytest.param("HEARTBEAT_CHECK_FRACTION", "1.1", id="more than all"),
        pytest.param("HEARTBEAT_CHECK_FRACTION", "-0.1", id="less than nothing"),
        pytest.param("HEARTBEAT_CHECK_FRACTION", "inf", id="infinite"),
        pytest.param("HEARTBEAT_CHECK_FRACTION", "all", id="a word for a fraction"),
        pytest.param("HEARTBEAT_SCHEME", "merkle", id="no such scheme"),
        pytest.param("REQUIRE_SIGNATURE", "maybe", id="maybe"),
        pytest.param("REQUIRE_SIGNATURE", "", id="nothing for a boolean"),
        pytest.param("NODE_NAME", "two words", id="two words"),
        pytest.param("NODE_NAME", "", id="no word"),
    ],
)
def test_wrong_values_in_the_environment(name: str, value: str) -> None:
    """The error names the setting."""
    with pytest.raises(InvalidSettings, match=name):
        settings.load({f"DOWNSTREAM_{name}": value})


@pytest.mark.parametrize(
    "line",
    [
        "PORT = 5000.0",
        "PORT = True",
        "PORT = None",
        "PORT = [5000]",
        "PORT = float('nan')",
        "JOBS = 2",
        "JOBS = None",
        "NODE_NAME = 5",
        "MMDB_PATH = None",
        "HEARTBEAT_CHECK_FRACTION = '1/100'",
        "HEARTBEAT_SCHEME = 'Custom'",
    ],
)
def test_wrong_values_in_the_file(config: Path, line: str) -> None:
    """A value of another type is refused rather than guessed at."""
    config.write_text(line)
    with pytest.raises(InvalidSettings, match=line.split(maxsplit=1)[0]):
        settings.load({}, config)


def test_errors_say_what_is_allowed() -> None:
    """With the limits and the unit."""
    message = r"DEFAULT_INTERVAL is '0'; it must be a whole number from 1 up to 86400 \(seconds\)\."
    with pytest.raises(InvalidSettings, match=message):
        settings.load({"DOWNSTREAM_DEFAULT_INTERVAL": "0"})


def test_a_named_file_has_to_be_there(tmp_path: Path) -> None:
    """DOWNSTREAM_CONFIG that leads nowhere is an error, where a missing default file is none."""
    missing = tmp_path / "missing.py"
    with pytest.raises(InvalidSettings, match=r"missing\.py"):
        settings.load({"DOWNSTREAM_CONFIG": str(missing)})
    with pytest.raises(InvalidSettings, match=r"missing\.py"):
        settings.load({}, missing)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("PORT = \n", id="syntax"),
        pytest.param("1 / 0\n", id="exception"),
        pytest.param("import nothing_of_this_name\n", id="import"),
        pytest.param("PORT = 1\0\n", id="zero byte"),
    ],
)
def test_a_broken_file_is_named(config: Path, text: str) -> None:
    """Whatever is wrong with it."""
    config.write_text(text)
    with pytest.raises(InvalidSettings, match=r"config\.py"):
        settings.load({}, config)


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    """It is named like any file that cannot be read."""
    with pytest.raises(InvalidSettings, match=tmp_path.name):
        settings.load({}, tmp_path)


# The template


def test_the_template_is_up_to_date() -> None:
    """`downstream settings --template` writes the file in the package."""
    assert (PACKAGE / "config.py.template").read_text() == settings.template()


def test_the_template_is_a_configuration(tmp_path: Path) -> None:
    """As it is it sets nothing; with all lines made active, it sets the defaults."""
    file = tmp_path / "config.py"
    file.write_text(settings.template())
    assert settings.from_file({}, file) == {}
    lines = settings.template().splitlines()
    active = [line[2:] for line in lines if line[2:].split(" = ")[0] in settings.FIELDS]
    file.write_text("\n".join(active))
    assert settings.from_file({}, file) == dataclasses.asdict(settings.Settings())


def test_lines_of_the_template_are_short() -> None:
    """They fit the width of our own files."""
    assert max(map(len, settings.template().splitlines())) <= 100


# Importing

AUDIT = """
import importlib, json, os, sys

import requests  # urllib3 opens a socket to see whether there is IPv6; that is not ours

events = []
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


def hook(event, arguments):
    writes = event == "open" and arguments[2] & WRITING
    touches = event.startswith(("socket.", "sqlite3.", "subprocess.", "shutil.", "tempfile."))
    changes = event in ("os.mkdir", "os.rename", "os.remove", "os.link", "os.fork", "os.system")
    if writes or touches or changes or event == "pickle.find_class":
        events.append([event, repr(arguments)])


sys.addaudithook(hook)
for name in sys.argv[1:]:
    importlib.import_module(name)
print(json.dumps(events))
"""


def module_name(path: Path) -> str:
    """The name under which the file at *path* is imported."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported() -> list[str]:
    """All modules but those that run when imported: `__main__`, migrations, the operator's."""
    programs = {"downstream_node.__main__", "downstream_node.config"}
    names = [module_name(path) for path in SOURCES]
    return [name for name in names if name not in programs and ".migrations" not in name]


def test_importing_opens_nothing(tmp_path: Path) -> None:
    """No file for writing, no socket, no database, no process: whatever is imported."""
    assert "downstream_node.app" in imported()
    command = [sys.executable, "-B", "-c", AUDIT, *imported()]
    environment = {"PYTHONPATH": str(ROOT)}
    events = subprocess.check_output(command, cwd=tmp_path, env=environment)
    assert json.loads(events) == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["downstream_node.app", "downstream_node.cli"])
def test_importing_reads_no_settings(tmp_path: Path, name: str) -> None:
    """A wrong setting is told by what needs it, not by the import."""
    environment = {"PYTHONPATH": str(ROOT), "DOWNSTREAM_NONSENSE": "1"}
    command = [sys.executable, "-B", "-c", f"import {name}"]
    assert subprocess.run(command, cwd=tmp_path, env=environment, check=True).returncode == 0


EXECUTABLE = {
    "pickle",
    "cPickle",
    "dill",
    "cloudpickle",
    "marshal",
    "shelve",
    "joblib",
    "jsonpickle",
}


def mentioned(path: Path) -> set[str]:
    """The top names of all modules that the file at *path* imports, in any way."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(), str(path))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module.split(".")[0], *(alias.name for alias in node.names)}
        elif isinstance(node, ast.Attribute | ast.Name):
            names.add(node.attr if isinstance(node, ast.Attribute) else node.id)
    return names


@pytest.mark.parametrize("path", SOURCES, ids=module_name)
def test_nothing_unpickles(path: Path) -> None:
    """Data never becomes code: no pickle and the like, no eval, no exec."""
    assert not mentioned(path) & (EXECUTABLE | {"eval", "exec", "PickleType"})
