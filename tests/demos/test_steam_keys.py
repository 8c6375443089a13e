"""Where the key for Steam's Web API may be."""

from pathlib import Path

import pytest

from downstream_node.demos import steam_keys

FILES = {
    "key.json": '{"STEAM_API_KEY": "abc"}',
    "key.toml": 'STEAM_API_KEY = "abc"\n',
    "KEY.TOML": 'STEAM_API_KEY = "abc"\n',
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_has_the_key(tmp_path: Path, name: str) -> None:
    """JSON or TOML, by the end of its name."""
    (tmp_path / name).write_text(FILES[name])
    assert steam_keys.from_file(tmp_path / name) == "abc"
    assert steam_keys.find(str(tmp_path / name)) == "abc"


@pytest.mark.parametrize(
    "content",
    ['{"OTHER": "abc"}', "{}", "[]", "7", '{"STEAM_API_KEY": 7}', '{"STEAM_API_KEY": ""}'],
)
def test_a_file_without_the_key_is_told(tmp_path: Path, content: str) -> None:
    """The error names the key and the place."""
    path = tmp_path / "key.json"
    path.write_text(content)
    with pytest.raises(KeyError) as told:
        steam_keys.from_file(path)
    assert "STEAM_API_KEY" in str(told.value)
    assert str(path) in str(told.value)


@pytest.mark.parametrize("name", ["key.yaml", "key", "key.json", "key.toml"])
def test_a_file_that_cannot_be_read_is_told_without_its_content(tmp_path: Path, name: str) -> None:
    """Of another kind, or broken."""
    path = tmp_path / name
    path.write_text("STEAM_API_KEY: secret")
    with pytest.raises(ValueError, match=r"key") as told:
        steam_keys.from_file(path)
    assert "secret" not in str(told.value)


def test_the_environment_has_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """Under the same name, or another one."""
    monkeypatch.setenv("STEAM_API_KEY", "abc")
    monkeypatch.setenv("OTHER", "def")
    assert steam_keys.find() == "abc"
    assert steam_keys.from_environment("OTHER") == "def"


def test_an_environment_without_the_key_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names the key and the place."""
    monkeypatch.delenv("STEAM_API_KEY", raising=False)
    with pytest.raises(KeyError, match="STEAM_API_KEY in the environment"):
        steam_keys.find()
