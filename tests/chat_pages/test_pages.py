"""The archive's pages as they are sent: who sees what, what is escaped, what goes wrong."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from browser.chat_site import HOSTILE, KETTLE, export
from simulator import SimulatedNode

from downstream_node.chat_pages import sessions
from downstream_node.chats import keys, searching
from downstream_node.chats.importing import import_export
from downstream_node.chats.scopes import Scope

GUILD = {"id": str(KETTLE), "name": "The Kettle Club"}
Maker = Callable[..., SimulatedNode]


def bring(node: SimulatedNode, folder: Path, *texts: str) -> None:
    """Import a channel that says these *texts*."""
    path = export(folder / "export.json", GUILD, (901, "talk"), list(texts))
    import_export(node.parts, path, path.name)


@pytest.fixture
def archive(make_node: Maker, tmp_path: Path) -> SimulatedNode:
    """A node whose archive has hostile messages, of which everybody may read all."""
    node = make_node(CHATS_RATE_LIMIT=50)
    bring(node, tmp_path, *HOSTILE)
    keys.publish(node.parts, "guild", KETTLE)
    return node


def get(node: SimulatedNode, path: str) -> tuple[int, str]:
    """A page: its status and its text."""
    answer = node.app.test_client().get(path, headers={"Accept": "text/html"})
    assert answer.headers["Cache-Control"] == "no-store"
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    return answer.status_code, answer.text


def test_messages_are_escaped(archive: SimulatedNode) -> None:
    """Nothing of a message, a name or a file is markup."""
    status, text = get(archive, "/chats?q=hostile")
    assert status == 200
    assert not re.search(r"<(script>|img|svg onload|b>|i>)", text)
    assert "&lt;script&gt;document.title" in text
    assert "a&lt;b&gt;.png" in text
    assert set(re.findall(r'href="(\w+:[^"]*)"', text)) == {"https://example.org/"}


def test_a_search_is_escaped(archive: SimulatedNode) -> None:
    """In the box, the title, the chips and links."""
    _, text = get(archive, '/chats?q="><script>alert(1)</script>')
    assert "<script>alert" not in text


def test_very_many_hits(archive: SimulatedNode, monkeypatch: pytest.MonkeyPatch) -> None:
    """The page says that channels and authors are of the newest only."""
    assert 'id="counted"' not in get(archive, "/chats?q=hostile")[1]
    monkeypatch.setattr(searching, "MOST_COUNTED", 2)
    # Another search, of which nothing is remembered.
    assert "Counted among the newest 2." in get(archive, "/chats?q=hostile+OR+x")[1]


@pytest.mark.parametrize("path", ["/chats", "/chats?q=hostile", "/chats/messages/1"])
def test_private_by_default(make_node: Maker, tmp_path: Path, path: str) -> None:
    """Who has no key sees a login, of whatever is asked for."""
    node = make_node()
    bring(node, tmp_path, "a secret")
    status, text = get(node, path)
    assert status == 200
    assert "These chats are private" in text
    assert "secret" not in text


def test_empty(make_node: Maker) -> None:
    """Who may read everything of nothing is told how to begin."""
    node = make_node()
    keys.publish(node.parts, "guild", KETTLE)
    assert "Nothing is archived yet" in get(node, "/chats")[1]


def test_a_rate_limit_is_told(make_node: Maker) -> None:
    """With when to come again."""
    node = make_node(CHATS_RATE_LIMIT=2)
    client = node.app.test_client()
    statuses = [client.get("/chats").status_code for _ in range(3)]
    assert statuses == [200, 200, 429]
    assert int(client.get("/chats").headers["Retry-After"]) > 0


@pytest.mark.parametrize(
    ("path", "status", "expected"),
    [
        ("/chats?q=%22tea", 400, "At character 1:"),
        ("/chats?order=best", 400, "Invalid order"),
        ("/chats?q=a&cursor=zzz", 400, "Invalid cursor"),
        ("/chats?in=&since=yesterday", 400, "Invalid since"),
        ("/chats/messages/77", 404, "There is no such message"),
        ("/chats/messages/x7", 400, "Invalid id"),
        ("/chats/messages/9223372036854775808", 404, "There is no such message"),
    ],
)
def test_what_goes_wrong(archive: SimulatedNode, path: str, status: int, expected: str) -> None:
    """Is a page that says what."""
    found, text = get(archive, path)
    assert found == status
    assert expected in text


def test_a_login_needs_its_token(archive: SimulatedNode) -> None:
    """A form of another site is refused."""
    client = archive.app.test_client()
    assert client.post("/chats/login", data={"key": "dsck_x"}).status_code == 400


def log_in(node: SimulatedNode, key: str, **fields: str) -> tuple[int, str]:
    """Send the form: the status, and where it leads."""
    client = node.app.test_client()
    page = client.get("/chats/login").text
    token = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert token
    answer = client.post("/chats/login", data={"csrf_token": token[1], "key": key, **fields})
    return answer.status_code, answer.headers.get("Location", "")


def test_where_a_login_leads(archive: SimulatedNode) -> None:
    """To the search or the message that was asked for, and never elsewhere."""
    key = keys.add(archive.parts, "reader", Scope(everything=True), may_import=False)
    assert log_in(archive, key, q="pie") == (303, "/chats?q=pie")
    assert log_in(archive, key, message="77", q="x") == (303, "/chats/messages/77?q=x#m77")
    assert log_in(archive, key, message="//evil.example")[0] == 400
    assert log_in(archive, "dsck_wrong")[0] == 403


def test_a_removed_key_opens_nothing(make_node: Maker, tmp_path: Path) -> None:
    """From the next page on; and a session ends by itself."""
    node = make_node()
    bring(node, tmp_path, "a secret")
    key = keys.add(node.parts, "reader", Scope(everything=True), may_import=False)
    with node.app.test_client() as client:
        with client.session_transaction(path="/chats") as session:
            session[sessions.KEY_HASH] = keys.hash_of(key).hex()
            session["since"] = node.clock()
        assert "a secret" in client.get("/chats").text
        keys.remove(node.parts, "reader")
        assert "These chats are private" in client.get("/chats").text


def test_the_example_has_what_the_document_prints() -> None:
    """Ids, texts and dates of its six messages, and the channel."""
    path = Path(__file__).parents[2] / "downstream_node/chats/assets/example-export.json"
    document = json.loads(path.read_text())
    found = [one for one in document["messages"] if "pie" in one["content"].lower()]
    assert document["channel"]["id"] == "1165030189714129000"
    assert [(one["id"], one["timestamp"][:10]) for one in found] == [
        ("1232782017872138200", "2024-04-24"),
        ("1232782050931769300", "2024-04-24"),
        ("1233571560565112800", "2024-04-26"),
        ("1233571669289730000", "2024-04-26"),
        ("1233571790580617200", "2024-04-26"),
        ("1233571991882305500", "2024-04-26"),
    ]
