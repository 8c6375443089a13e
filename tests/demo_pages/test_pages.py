"""What the pages of recordings show, and to whom."""

import re
from collections.abc import Callable

import pytest
from conftest import NodeMaker
from custody.keeping import damage
from demo_pages.conftest import SignedIn
from demo_pages.visiting import Visitor
from demos.journey import ANALYST, LATE_BYTES, UPLOADER, recording
from demos.kept import BOT, CHEATER, REVIEWER, change, closed, detections, kept, known, opened
from msgspec import json
from simulator import SimulatedNode

from downstream_node.clock import WallTime, iso
from downstream_node.custody import service as custody
from downstream_node.dashboard import words
from downstream_node.demos import analysis, reports
from downstream_node.demos.listing import Demo
from downstream_node.demos.states import End, Reason, Scope, Verdict

OTHER = 76561198000000009
CONTENT = recording(20_000, ticks=6600)
HOSTILE = '<script>document.title="x"</script>'


def text_of(page: str, element: str) -> str:
    """What stands in the element with this id, without tags."""
    found = re.search(rf'id="{element}"[^>]*>(.*?)</(?:dd|p|code|span|div|table)>', page, re.DOTALL)
    assert found, f"the page has {element}"
    return re.sub(r"<[^>]+>", "", found[1]).strip()


def report(node: SimulatedNode, demo: Demo, target: int, reason: Reason) -> None:
    """Put a report into the database; whom Steam knows is not the point here."""
    values = {"reason": reason, "reporter": UPLOADER, "now": node.parts.wall_clock()}
    node.parts.database.write(lambda found: reports.put(found, demo.id, target, **values))


# Everybody


def test_the_entrance(demo_node: SimulatedNode, stranger: Visitor) -> None:
    """It says what this is, and how to sign in; nobody's demos are on it."""
    kept(demo_node, CONTENT, name="secret name.dem")
    page = stranger.get()
    assert page.status_code == 200
    assert words.demos.LEAD in page.text
    assert 'href="http://localhost/recordings/sign-in"' in page.text
    assert 'id="no-stream"' in page.text
    assert "secret name" not in page.text


def test_live_streams_name_nobody(demo_node: SimulatedNode, stranger: Visitor) -> None:
    """Their number, maps and figures are for everybody; sessions and people are not."""
    session_id = opened(demo_node, b"x" * 1000, map_name="cp_dustbowl", name="secret.dem")
    demo = known(demo_node, session_id)
    change(demo_node, demo, size=4096, bytes_per_second=2048)
    page = stranger.get().text
    assert text_of(page, "stream-count") == "1 stream, 2 KiB/s in all"
    assert "cp_dustbowl" in page
    assert "4 KiB" in page
    for secret in (session_id, "secret.dem", str(UPLOADER), "169.254.1.2"):
        assert secret not in page


def test_where_nobody_can_sign_in(make_node: NodeMaker) -> None:
    """A node that does not know its address says so; a key is enough all the same."""
    visitor = Visitor(make_node())
    page = visitor.client.get("/recordings", base_url="http://demos.example").text
    assert 'id="no-steam"' in page
    assert "with-steam" not in page
    node = make_node(DEMOS_URL="https://demos.example/")
    page = Visitor(node).client.get("/recordings", base_url="http://10.0.0.1").text
    assert 'href="https://demos.example/recordings/sign-in"' in page


@pytest.mark.parametrize("on", [True, False])
def test_the_setting(make_node: NodeMaker, on: bool) -> None:
    """Pages and the link to them are there if recordings are."""
    visitor = Visitor(make_node(DEMOS=on))
    assert (visitor.get("/recordings").status_code == 200) is on
    front = visitor.get("/", Accept="text/html")
    assert ('href="/recordings"' in front.text) is on


def test_one_recording(demo_node: SimulatedNode, stranger: Visitor) -> None:
    """Everybody sees what the header says, the hash, and what custody knows of the file."""
    demo = kept(demo_node, CONTENT, name="secret.dem")
    assert demo.sha256
    path = f"/recordings/{demo.session_id}"
    page = stranger.get(path).text
    assert "Recording of pl_badwater" in page
    assert text_of(page, "sha256") == demo.sha256.hex()
    assert text_of(page, "size") == "19.5 KiB (20,000 bytes)"
    assert text_of(page, "ticks") == "6,600 (6,600 frames)"
    assert text_of(page, "playback") == "1 min 40 s"
    assert text_of(page, "copies") == "3 copies"
    assert text_of(page, "verified") == words.demos.NOT_VERIFIED
    assert words.demos.STANDINGS_TOLD["filed"] in page
    for secret in ("secret.dem", str(UPLOADER), "player1", "download", "found-section"):
        assert secret not in page
    custody.verify(demo_node.parts, demo.sha256)
    assert "UTC" in text_of(stranger.get(path).text, "verified")


def test_a_broken_header_is_told(demo_node: SimulatedNode, stranger: Visitor) -> None:
    """With why, and the map that the client said."""
    demo = kept(demo_node, b"no demo")
    page = stranger.get(f"/recordings/{demo.session_id}").text
    assert text_of(page, "header-problem") == demo.header_problem
    assert text_of(page, "ticks") == words.demos.NOT_KNOWN
    assert text_of(page, "map") == "pl_badwater"


def live(node: SimulatedNode) -> str:
    """A session that streams."""
    return opened(node)


def empty(node: SimulatedNode) -> str:
    """A session that was closed without a byte."""
    return closed(node, b"")


def filed(node: SimulatedNode) -> str:
    """A recording in custody."""
    return kept(node).session_id


def damaged(node: SimulatedNode) -> str:
    """One whose file has changed on the disk, which was found out."""
    demo = kept(node)
    assert demo.sha256
    stored = custody.find(node.parts, demo.sha256)
    assert stored
    damage(node, stored, 0)
    assert custody.verify(node.parts, demo.sha256)
    return demo.session_id


def pruned(node: SimulatedNode) -> str:
    """One that was let go by rule."""
    demo = kept(node)
    change(node, demo, pruned=node.parts.wall_clock(), prune_reason="It was too old.")
    return demo.session_id


def removed(node: SimulatedNode) -> str:
    """One whose file an operator removed."""
    demo = kept(node)
    assert demo.sha256
    custody.remove(node.parts, demo.sha256, "It was too old.")
    return demo.session_id


MADE: dict[str, tuple[Callable[[SimulatedNode], str], str, int]] = {
    "live": (live, "live", 409),
    "closed": (closed, "closed", 200),
    "empty": (empty, "empty", 404),
    "filed": (filed, "filed", 200),
    "damaged": (damaged, "damaged", 500),
    "pruned": (pruned, "gone", 410),
    "removed": (removed, "gone", 410),
}


@pytest.mark.parametrize(("make", "standing", "status"), MADE.values(), ids=MADE)
def test_where_a_recording_stands(
    demo_node: SimulatedNode,
    signed_in: SignedIn,
    make: Callable[[SimulatedNode], str],
    standing: str,
    status: int,
) -> None:
    """Its page and its owner's list say it, and its file is there or it is said why not."""
    session_id = make(demo_node)
    owner = signed_in()
    page = owner.get(f"/recordings/{session_id}").text
    assert words.demos.STANDINGS_TOLD[standing] in page
    assert ('id="download"' in page) is (status == 200)
    assert ("It was too old." in page) is (standing == "gone")
    # A list does not look into each file.
    listed = "filed" if standing == "damaged" else standing
    assert f'data-standing="{listed}"' in owner.get().text
    assert owner.get(f"/recordings/{session_id}/file").status_code == status


@pytest.mark.parametrize(
    "wrong",
    ["0", "1", "01", "-1", "x", "1e3", "9" * 39, "9" * 40, "\N{SUPERSCRIPT TWO}", "%00", "..%2fx"],
)
def test_ids_of_nothing(stranger: Visitor, wrong: str) -> None:
    """Are a page that says so, whatever they are."""
    answer = stranger.get(f"/recordings/{wrong}")
    assert answer.status_code == 404
    assert answer.mimetype == ("text/html" if "%2f" not in wrong else "application/json")


@pytest.mark.parametrize("path", ["/recordings?after=x", "/recordings/all?after=1-x"])
def test_cursors_of_nothing(signed_in: SignedIn, path: str) -> None:
    """Are a 400 that says so."""
    answer = signed_in(ANALYST).get(path)
    assert (answer.status_code, answer.mimetype) == (400, "text/html")
    assert "Invalid after" in answer.text


# Who records


def test_my_demos(demo_node: SimulatedNode, signed_in: SignedIn) -> None:
    """One's own, the newest first; nobody else's."""
    mine = [kept(demo_node, CONTENT, name=f"match {number}.dem") for number in range(2)]
    kept(demo_node, b"other", by=OTHER, name="not mine.dem")
    mine.append(known(demo_node, opened(demo_node, name="match 2.dem")))
    page = signed_in().get().text
    assert re.findall(r'data-session="(\d+)"', page) == [one.session_id for one in reversed(mine)]
    assert "match 1.dem" in page
    assert "not mine" not in page
    assert f'<a href="/recordings/{mine[0].session_id}">' in page
    assert mine[0].sha256
    assert f">{mine[0].sha256.hex()[:8]}</code>" in page


def test_my_demos_in_pages(
    demo_node: SimulatedNode, signed_in: SignedIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each is on one of them."""
    monkeypatch.setattr("downstream_node.demo_pages.routes.MINE", 2)
    made = [kept(demo_node, b"%d" % number).session_id for number in range(5)]
    owner, path, seen = signed_in(), "/recordings", []
    while path:
        page = owner.get(path).text
        seen += re.findall(r'data-session="(\d+)"', page)
        more = re.search(r'id="pager-on" href="\?([^#"]+)', page)
        path = f"/recordings?{more[1]}" if more else ""
    assert seen == made[::-1]
    assert 'id="pager-back" href="?#mine-heading"' in page


def test_names_are_escaped(demo_node: SimulatedNode, signed_in: SignedIn) -> None:
    """Nothing of what a client or a file says is markup."""
    head = CONTENT.replace(b"pl_badwater".ljust(260, b"\0"), HOSTILE.encode().ljust(260, b"\0"))
    names = {"name": HOSTILE, "map_name": HOSTILE, "address": HOSTILE}
    demo = kept(demo_node, head, **names)
    assert demo.header_map == HOSTILE
    for path in ("/recordings", f"/recordings/{demo.session_id}", "/recordings/all?map=" + HOSTILE):
        page = signed_in(ANALYST if "all" in path else UPLOADER).get(path).text
        assert "<script>document" not in page
        assert "&lt;script&gt;document" in page


def test_fetching(demo_node: SimulatedNode, signed_in: SignedIn) -> None:
    """The owner gets the very bytes, whole or in part, and only the owner's browser keeps them."""
    demo = kept(demo_node, CONTENT)
    owner, path = signed_in(), f"/recordings/{demo.session_id}/file"
    answer = owner.get(path)
    assert answer.data == CONTENT
    assert answer.headers["Cache-Control"] == "private, no-cache"
    assert f'filename="{demo.session_id}.dem"' in answer.headers["Content-Disposition"]
    part = owner.get(path, Range="bytes=5-9")
    assert (part.status_code, part.data) == (206, CONTENT[5:10])
    beyond = owner.get(path, Range="bytes=99999-")
    assert (beyond.status_code, beyond.mimetype) == (416, "text/html")
    assert owner.get(path, **{"If-None-Match": answer.headers["ETag"]}).status_code == 304


def test_late_bytes_are_in_the_file(demo_node: SimulatedNode, signed_in: SignedIn) -> None:
    """What is fetched is what was closed: by whoever comes first, it is filed."""
    session_id = closed(demo_node, CONTENT)
    change(demo_node, known(demo_node, session_id), late_bytes=LATE_BYTES)
    data = signed_in().get(f"/recordings/{session_id}/file").data
    assert data[0x420:0x430] == LATE_BYTES
    assert len(data) == len(CONTENT)


@pytest.mark.parametrize(
    ("steam_id", "status"),
    [(None, 401), (OTHER, 403), (REVIEWER, 403), (UPLOADER, 200), (ANALYST, 200)],
)
def test_who_may_fetch(
    demo_node: SimulatedNode, signed_in: SignedIn, steam_id: int | None, status: int
) -> None:
    """Who recorded it, and analysts."""
    demo = kept(demo_node, CONTENT)
    visitor = Visitor(demo_node) if steam_id is None else signed_in(steam_id)
    answer = visitor.get(f"/recordings/{demo.session_id}/file")
    assert answer.status_code == status
    assert (answer.data == CONTENT) is (status == 200)
    page = visitor.get(f"/recordings/{demo.session_id}").text
    assert ('id="download"' in page) is (status == 200)
    # Reviewers see the list of all, and so its name.
    assert ("match.dem" in page) is (status == 200 or steam_id == REVIEWER)


# Analysts and reviewers


@pytest.fixture
def judged(demo_node: SimulatedNode) -> str:
    """A recording with a report, a detection and a score; its id."""
    demo = kept(demo_node, CONTENT)
    report(demo_node, demo, BOT, Reason.BOT)
    found = json.encode(detections(CHEATER, CHEATER))
    analysis.ingest(demo_node.parts, demo.session_id, found, demo_node.parts.wall_clock())
    change(demo_node, demo, score=0.00031, zero_run=17)
    return demo.session_id


@pytest.mark.parametrize("steam_id", [ANALYST, REVIEWER])
def test_what_is_said_of_players(judged: str, signed_in: SignedIn, steam_id: int) -> None:
    """Reports, detections, the score and the job, for analysts and reviewers."""
    page = signed_in(steam_id).get(f"/recordings/{judged}").text
    assert f'data-player="{BOT}"' in page
    assert f'data-player="{CHEATER}"' in page
    assert "viewangles: 2" in page
    assert text_of(page, "job") == "done"
    assert text_of(page, "score") == "0.00031; longest run of zeros: 17"
    assert ("verdict-form" in page) is (steam_id == REVIEWER)
    assert str(UPLOADER) not in page


@pytest.mark.parametrize("steam_id", [None, OTHER, UPLOADER])
def test_others_do_not_see_it(
    demo_node: SimulatedNode, judged: str, signed_in: SignedIn, steam_id: int | None
) -> None:
    """Not even who recorded it: they may have reported somebody who would learn of it."""
    visitor = Visitor(demo_node) if steam_id is None else signed_in(steam_id)
    page = visitor.get(f"/recordings/{judged}").text
    for secret in (str(BOT), str(CHEATER), "viewangles", "0.00031", "found-section", "player1"):
        assert secret not in page


def test_a_verdict(judged: str, signed_in: SignedIn) -> None:
    """A reviewer's verdict is shown to others; a later one replaces it."""
    path, reviewer = f"/recordings/{judged}", signed_in(REVIEWER)
    for verdict in ("benign", "confirmed"):
        fields = {"player": str(CHEATER), "verdict": verdict}
        answer = reviewer.send(f"{path}/verdict", path, **fields)
        assert (answer.status_code, answer.headers["Location"]) == (303, f"{path}#found")
    assert "confirmed cheater (you)" in reviewer.get(path).text
    seen = signed_in(ANALYST).get(path).text
    assert "confirmed cheater" in seen
    assert "<div>benign" not in seen
    assert "(you)" not in seen


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"player": "7", "verdict": "benign"}, "no Steam ID of a player"),
        ({"player": '"><b>', "verdict": "benign"}, "no Steam ID of a player"),
        ({"verdict": "benign"}, "no Steam ID of a player"),
        ({"player": str(CHEATER), "verdict": "hang"}, "Choose one of the verdicts"),
        ({"player": str(CHEATER)}, "Choose one of the verdicts"),
    ],
)
def test_verdicts_that_make_no_sense(
    judged: str, signed_in: SignedIn, fields: dict[str, str], expected: str
) -> None:
    """Are refused with what is wrong, and change nothing."""
    path, reviewer = f"/recordings/{judged}", signed_in(REVIEWER)
    answer = reviewer.send(f"{path}/verdict", path, **fields)
    assert answer.status_code == 400
    assert expected in answer.text
    assert "<b>" not in answer.text
    assert "(you)" not in reviewer.get(path).text


@pytest.mark.parametrize(("steam_id", "status"), [(None, 401), (UPLOADER, 403), (ANALYST, 403)])
def test_who_may_judge(
    demo_node: SimulatedNode, judged: str, signed_in: SignedIn, steam_id: int | None, status: int
) -> None:
    """Reviewers alone."""
    visitor = Visitor(demo_node) if steam_id is None else signed_in(steam_id)
    fields = {"player": str(CHEATER), "verdict": "confirmed"}
    assert visitor.send(f"/recordings/{judged}/verdict", **fields).status_code == status
    number = known(demo_node, judged).id
    assert analysis.reviews_of(demo_node.parts, number) == []


# The analysts' list


@pytest.mark.parametrize(
    ("steam_id", "status"), [(None, 401), (UPLOADER, 403), (ANALYST, 200), (REVIEWER, 200)]
)
def test_who_sees_all(
    demo_node: SimulatedNode, signed_in: SignedIn, steam_id: int | None, status: int
) -> None:
    """Analysts and reviewers, and the entrance leads only them there."""
    demo = kept(demo_node)
    visitor = Visitor(demo_node) if steam_id is None else signed_in(steam_id)
    answer = visitor.get("/recordings/all")
    assert answer.status_code == status
    assert (demo.session_id in answer.text) is (status == 200)
    assert ("/recordings/all" in visitor.get().text) is (status == 200)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", [2, 1, 0]),
        ("map=cp_dustbowl", [2]),
        ("map=dustbowl", []),
        ("server=10.0.0.2", [1]),
        ("server=127.0.0.1", [2, 1, 0]),
        ("reported=yes", [1, 0]),
        ("reported=no", [2]),
        ("reason=cheater", [1]),
        ("reason=cheater&map=cp_dustbowl", []),
        ("from=2000-01-01", [2, 1, 0]),
        ("from=2100-01-01", []),
        ("to=2100-01-01", [2, 1, 0]),
        ("to=2000-01-01", []),
        ("map=&server=&from=&to=&reported=&reason=", [2, 1, 0]),
        ("unknown=1", [2, 1, 0]),
    ],
)
def test_filters(
    demo_node: SimulatedNode, signed_in: SignedIn, query: str, expected: list[int]
) -> None:
    """Each leaves what it says."""
    made = [kept(demo_node, CONTENT), kept(demo_node, CONTENT, by=OTHER, address="10.0.0.2:27015")]
    made.append(kept(demo_node, CONTENT, map_name="cp_dustbowl"))
    report(demo_node, made[0], BOT, Reason.BOT)
    report(demo_node, made[1], CHEATER, Reason.CHEATER)
    page = signed_in(ANALYST).get(f"/recordings/all?{query}").text
    found = re.findall(r'data-session="(\d+)"', page)
    assert found == [made[number].session_id for number in expected]


def test_the_day_that_is_named_belongs_to_the_choice(
    demo_node: SimulatedNode, signed_in: SignedIn
) -> None:
    """From and up to the same day is that day."""
    demo = kept(demo_node)
    day = iso(WallTime(demo.started))[:10]
    page = signed_in(ANALYST).get(f"/recordings/all?from={day}&to={day}").text
    assert demo.session_id in page


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("from=yesterday", "Invalid from"),
        ("to=2026-13-01", "Invalid to"),
        ("reported=perhaps", "Invalid reported"),
        ("reason=ugly", "Invalid reason"),
        ("map=" + "x" * 256, "Invalid map"),
    ],
)
def test_filters_that_make_no_sense(signed_in: SignedIn, query: str, expected: str) -> None:
    """Are told beside the form, which still says what was asked for."""
    answer = signed_in(ANALYST).get(f"/recordings/all?{query}")
    assert answer.status_code == 400
    assert expected in answer.text
    assert 'id="choice"' in answer.text


def test_the_list_in_pages(
    demo_node: SimulatedNode, signed_in: SignedIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The way to the next one keeps the choice."""
    monkeypatch.setattr("downstream_node.demo_pages.routes.ALL", 2)
    made = [kept(demo_node, CONTENT, by=UPLOADER + number).session_id for number in range(3)]
    analyst = signed_in(ANALYST)
    page = analyst.get("/recordings/all?map=pl_badwater").text
    more = re.search(r'id="pager-on" href="\?([^#"]+)', page)
    assert more
    assert "map=pl_badwater" in more[1]
    following = analyst.get("/recordings/all?" + more[1].replace("&amp;", "&")).text
    seen = [re.findall(r'data-session="(\d+)"', one) for one in (page, following)]
    assert seen == [[made[2], made[1]], [made[0]]]


def test_nothing_is_inline(judged: str, signed_in: SignedIn) -> None:
    """The policy would refuse inline scripts and styles, so there are none."""
    visitor = signed_in(REVIEWER)
    for path in ("/recordings", "/recordings/all", f"/recordings/{judged}"):
        answer = visitor.get(path)
        assert "script-src 'self';" in answer.headers["Content-Security-Policy"]
        assert answer.headers["Cache-Control"] == "no-store"
        assert not re.search(r"<script>|style=|onclick", answer.text)


def test_every_word_is_told() -> None:
    """Of states, ends, verdicts and scopes."""
    assert set(words.demos.ENDS) == set(End)
    assert set(words.demos.VERDICT_NAMES) == set(Verdict)
    assert set(words.demos.REASONS) == set(Reason)
    assert set(words.demos.SCOPES) == set(Scope) - {Scope.BLOCKED}
    assert set(words.demos.STANDINGS) == set(words.demos.STANDINGS_TOLD)
