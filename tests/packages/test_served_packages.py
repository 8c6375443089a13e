"""A served node with worker processes: the document's requests as printed, and what is hidden."""

import base64
import hashlib
import json
import signal
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from packages.journey import MARK, Shop, opened, owner_name, small_package
from packages.processes import Site, Visitor, running, until
from sqlalchemy import MetaData, create_engine, select

from downstream_node.clock import pause
from downstream_node.packages.links import allowed_origins, read_link
from downstream_node.packages.sealing import unseal

Maker = Callable[..., Site]


@pytest.fixture
def make_site(database_uri: str, master_key: Path, tmp_path: Path, shop: Shop) -> Iterator[Maker]:
    """Makes the site of the test; its processes end with the test."""
    made: list[Site] = []

    def make(**settings: object) -> Site:
        places = {
            "SQLALCHEMY_DATABASE_URI": database_uri,
            "MASTER_KEY_PATH": master_key,
            "FILES_PATH": tmp_path / "files",
            "PACKAGES_PATH": tmp_path / "packages",
            "PACKAGES_ALLOWED_HOSTS": shop.origin,
            "PACKAGES_LEASE": 2,
            "PACKAGES_SUBMIT_LIMIT": 0,
            "PACKAGES_RATE_LIMIT": 0,
        }
        made.append(Site(tmp_path, places | settings))
        return made[-1]

    yield make
    for site in made:
        site.stop()


def visitor(site: Site, shop: Shop, name: str = "ada") -> Visitor:
    """Somebody whose package is in the shop."""
    link = shop.put(f"/secret-of-{name}/package-{'x' * 40}.zip", small_package(name))
    return Visitor(site, link, read_link(link, allowed_origins(shop.origin)).secret)


def test_the_documents_requests_as_printed(make_site: Maker, shop: Shop) -> None:
    """Each with the fields of the document, against processes."""
    with running(make_site()) as site:
        site.start_node()
        site.start_worker()
        ada = visitor(site, shop)
        shop.hold.clear()
        accepted = ada.submit()
        assert accepted == {
            "isAccepted": True,
            "packageId": ada.secret.package_id,
            "errorMessageCode": None,
        }
        until(lambda: ada.status()["processingStep"] == "DOWNLOADING")
        status = ada.status()
        documented = {
            "isDataAvailable": False,
            "isUpgraded": False,
            "errorMessageCode": None,
            "isProcessing": True,
            "processingStep": "DOWNLOADING",
        }
        assert documented.items() <= status.items()
        position = status["processingQueuePosition"]
        assert {"user", "total", "userWhenStarted", "totalWhenStarted"} <= position.keys()
        shop.hold.set()
        events = ada.ask("GET", f"{ada.path}/events", stream=True)
        *_, last = [line for line in events.iter_lines() if line.startswith(b"data: ")]
        assert json.loads(last[6:])["isDataAvailable"]
        data = ada.ask("GET", f"{ada.path}/data")
        assert data.status_code == 200
        with opened(data.content) as database:
            query = (
                "SELECT SUM(occurence_count) FROM activity "
                "WHERE day > '2021' AND event_name = 'message_sent'"
            )
            assert database.execute(query).fetchone() == (3,)
        database.close()
        blob = ada.ask("GET", f"{ada.path}/blob").json()
        sealed = ada.ask("GET", blob["url"], headers={}).content
        assert b"".join(unseal([sealed], ada.secret)) == data.content
        deleted = ada.ask("DELETE", ada.path)
        assert deleted.json() == {"isDeleted": True, "errorMessageCode": None}
        assert ada.ask("GET", f"{ada.path}/data").status_code == 404
        assert ada.status()["errorMessageCode"] == "UNKNOWN_PACKAGE_ID"


def test_everything_is_restarted(make_site: Maker, shop: Shop) -> None:
    """In the middle of a download. The owner's next question gives the secret to new workers."""
    site = make_site()
    with running(site):
        site.start_node()
        site.start_worker()
        ada = visitor(site, shop)
        shop.hold.clear()
        ada.submit()
        until(lambda: ada.status()["processingDetail"] == "downloading" and len(shop.asked) == 1)
        site.stop(signal.SIGKILL)
        shop.hold.set()
        site.start_node()
        # The dead worker counts as alive until its lease is over.
        until(lambda: site.alive() == 0)
        site.start_worker()
        status = ada.wait()
        assert (status["isDataAvailable"], status["errorMessageCode"]) == (True, None)


def test_an_upload_survives_a_restart(make_site: Maker, shop: Shop) -> None:
    """Half is sent, everything is killed, the other half is sent."""
    site = make_site()
    content = small_package("bea")
    half = len(content) // 2
    tus = {"Tus-Resumable": "1.0.0", "Content-Type": "application/offset+octet-stream"}
    with running(site):
        site.start_node()
        bea = visitor(site, shop, "bea")
        bea.secret = type(bea.secret)(hashlib.sha256(b"bea").hexdigest())
        headers = bea.headers | tus
        made = bea.ask(
            "POST",
            "/packages/uploads",
            headers=headers | {"Upload-Length": str(len(content))},
            data=content[:half],
        )
        assert (made.status_code, made.headers["Upload-Offset"]) == (201, str(half))
        site.stop(signal.SIGKILL)
        site.start_node()
        site.start_worker()
        place = made.headers["Location"]
        sent = bea.ask(
            "PATCH", place, headers=headers | {"Upload-Offset": str(half)}, data=content[half:]
        )
        assert sent.status_code == 204
        assert bea.wait()["isDataAvailable"]
        assert owner_name(bea.ask("GET", f"{bea.path}/data").content) == "bea"


def test_a_worker_that_is_stopped_finishes(make_site: Maker, shop: Shop) -> None:
    """SIGTERM in the middle: the package is done, and the process ends with status 0."""
    with running(make_site()) as site:
        site.start_node()
        worker = site.start_worker()
        ada = visitor(site, shop)
        shop.hold.clear()
        ada.submit()
        until(lambda: len(shop.asked) == 1)
        worker.send_signal(signal.SIGTERM)
        shop.hold.set()
        assert worker.wait(30) == 0
        assert ada.status()["isDataAvailable"]


def test_a_worker_that_is_told_twice_gives_back(make_site: Maker, shop: Shop) -> None:
    """At once; another one, which was given the secret, does the package. It counts as no try."""
    with running(make_site()) as site:
        site.start_node()
        worker = site.start_worker()
        ada = visitor(site, shop)
        shop.hold.clear()
        ada.submit()
        until(lambda: len(shop.asked) == 1)
        site.start_worker()
        for _ in range(2):
            worker.send_signal(signal.SIGTERM)
            pause(0.5)  # two signals that wait at once would be one
        assert worker.wait(10) == 0
        shop.hold.set()
        assert ada.wait()["isDataAvailable"]


# Nothing secret anywhere


def forms_of(ada: Visitor) -> dict[str, bytes]:
    """What must be found nowhere: the secret in all its forms, and what the package says."""
    secret = ada.secret.text.encode()
    return {
        "secret": secret,
        "link": ada.link.encode(),
        "path of the link": ada.link.rpartition("/")[2].encode(),
        "base64": base64.b64encode(secret).rstrip(b"="),
        "base64 of the link": base64.b64encode(ada.link.encode()).rstrip(b"="),
        "MD5": hashlib.md5(secret, usedforsecurity=False).hexdigest().encode(),
        "MD5 in bytes": hashlib.md5(secret, usedforsecurity=False).digest(),
        "SHA-256": hashlib.sha256(secret).hexdigest().encode(),
        "SHA-256 in bytes": hashlib.sha256(secret).digest(),
        "key": ada.secret.key,
        "key in hex": ada.secret.key.hex().encode(),
        "upload key": ada.secret.upload_key,
        "name and e-mail": MARK.encode(),
        "database": b"SQLite format 3\0CREATE",
        "table": b"dm_channels_data",
    }


def dumped(uri: str) -> bytes:
    """All rows of all tables, and for SQLite the files themselves."""
    engine, tables = create_engine(uri), MetaData()
    tables.reflect(engine)
    with engine.connect() as connection:
        rows = [row for table in tables.sorted_tables for row in connection.execute(select(table))]
    engine.dispose()
    values = [value for row in rows for value in row]
    found = b"\n".join(v if isinstance(v, bytes) else str(v).encode() for v in values)
    if uri.startswith("sqlite"):
        path = Path(uri.removeprefix("sqlite:///"))
        found += b"".join(one.read_bytes() for one in path.parent.glob(f"{path.name}*"))
    return found


def seen(site: Site) -> dict[str, bytes]:
    """All that an operator, or somebody who broke in, can read without a debugger."""
    found = {"database": dumped(str(site.settings["SQLALCHEMY_DATABASE_URI"]))}
    for path in site.folder.rglob("*"):
        if path.is_file():
            found[str(path)] = path.read_bytes()
    for pid in site.processes():
        for name in ("cmdline", "environ"):
            found[f"{pid} {name}"] = Path(f"/proc/{pid}/{name}").read_bytes()
        for opened_file in Path(f"/proc/{pid}/fd").iterdir():
            target = str(opened_file.readlink())
            if target.startswith(str(site.folder)) and "(deleted)" in target:
                found[f"{pid} {target}"] = opened_file.read_bytes()
    return found


def assert_hidden(site: Site, ada: Visitor) -> dict[str, bytes]:
    """Nothing of it is anywhere. What was looked at."""
    places = seen(site)
    leaks = [
        f"{name} in {place}"
        for name, form in forms_of(ada).items()
        for place, content in places.items()
        if form in content
    ]
    assert leaks == []
    return places


def test_s3_s4_nothing_secret_anywhere(make_site: Maker, shop: Shop) -> None:
    """Neither while it waits, is fetched, is done, nor after an attempt that failed."""
    site = make_site()
    with running(site):
        site.start_node()
        site.start_worker()
        ada = visitor(site, shop)
        shop.hold.clear()
        ada.submit()
        until(lambda: len(shop.asked) == 1 and ada.status()["processingDetail"] == "downloading")
        until(lambda: any("(deleted)" in name for name in seen(site)))
        while_fetched = assert_hidden(site, ada)
        assert (
            sum("cmdline" in name for name in while_fetched) >= 4
        )  # node, its child, worker, reader
        shop.hold.set()
        assert ada.wait()["isDataAvailable"]
        assert owner_name(ada.ask("GET", f"{ada.path}/data").content) == "ada"
        blob = ada.ask("GET", f"{ada.path}/blob").json()
        assert ada.ask("GET", blob["url"], headers={}).ok
        assert ada.ask("POST", "/process", data=ada.link.encode(), headers={}).status_code == 400
        broken = visitor(site, shop, "eve")
        shop.goods[broken.link.removeprefix(shop.origin)] = b"PK" + MARK.encode()
        broken.submit()
        assert broken.wait()["errorMessageCode"] == "BROKEN_ARCHIVE"
        places = assert_hidden(site, ada)
        assert_hidden(site, broken)
        logs = site.logs()
        assert ada.secret.package_id[:8].encode() in logs  # the logs are of this journey
        assert b"DEBUG" in logs
        assert any("/files/" in name for name in places)
        assert ada.secret.package_id.encode() in places["database"]
        ada.ask("DELETE", ada.path)
        assert_hidden(site, ada)
        assert ada.secret.package_id.encode() not in dumped_rows(site)


def dumped_rows(site: Site) -> bytes:
    """The rows alone: a database file keeps deleted ones for a while, as they were stored."""
    uri = str(site.settings["SQLALCHEMY_DATABASE_URI"])
    engine, tables = create_engine(uri), MetaData()
    tables.reflect(engine)
    with engine.connect() as connection:
        names = ("packages", "package_boxes", "package_uploads", "package_segments")
        rows = [str(row) for n in names for row in connection.execute(select(tables.tables[n]))]
    engine.dispose()
    return "\n".join(rows).encode()


# Many


@pytest.mark.slow
def test_a_hundred_packages_on_two_workers(make_site: Maker, shop: Shop) -> None:
    """All finish, the oldest first, and nobody's position ever grows."""
    site = make_site(PACKAGES_LEASE=30)
    with running(site):
        site.start_node()
        for _ in range(2):
            site.start_worker()
        people = [visitor(site, shop, str(number)) for number in range(100)]
        for one in people:
            assert one.submit()["isAccepted"]
        watched = people[::10]
        places: dict[str, list[int]] = {one.link: [] for one in watched}

        def all_done() -> bool:
            states = [one.status() for one in watched]
            for one, status in zip(watched, states, strict=True):
                places[one.link].append(status["processingQueuePosition"]["user"])
            return not any(status["isProcessing"] for status in states)

        until(all_done, 280)
        for one in people:
            assert one.wait(60)["isDataAvailable"]
        assert not [found for found in places.values() if found != sorted(found, reverse=True)]
        assert all(found[-1] == 0 for found in places.values())
        asked = [shop.asked.index(one.link.removeprefix(shop.origin)) for one in people]
        # Two at a time: neighbours may overtake each other, and nobody else.
        assert all(abs(place - number) <= 2 for number, place in enumerate(asked))


def test_what_is_searched_for_would_be_found(tmp_path: Path, shop: Shop) -> None:
    """The search of this file finds a leak of each kind where there is one."""
    uri = f"sqlite:///{tmp_path / 'leaky.db'}"
    site = Site(tmp_path, {"SQLALCHEMY_DATABASE_URI": uri})
    ada = visitor(site, shop)
    database = sqlite3.connect(tmp_path / "leaky.db")
    with database:
        database.execute("CREATE TABLE dm_channels_data (key BLOB)")
        database.execute("INSERT INTO dm_channels_data VALUES (?)", (ada.secret.key,))
    database.close()
    (tmp_path / "leak.log").write_bytes(b"".join(forms_of(ada).values()))
    with pytest.raises(AssertionError):
        assert_hidden(site, ada)
    found = seen(site)
    assert ada.secret.key in found["database"]
    assert all(form in found[str(tmp_path / "leak.log")] for form in forms_of(ada).values())
