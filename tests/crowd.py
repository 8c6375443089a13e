"""A node with many farmers in forty countries, for the dashboard's browser tests and pictures.

    python tests/crowd.py FOLDER [--farmers 1000]

writes the node's database, key, whitelist and GeoIP file to FOLDER and prints the environment
with which a server shows it. Farmers join, take chunks and answer over v1, each from an address
of its country; only the past before now is written into the database, since nobody can wait for
it. The same seed gives the same crowd.
"""

import argparse
import random
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmdb_writer import MMDBWriter
from netaddr import IPSet
from simulator import FarmerSimulator, ManualClock, SimulatedNode
from sqlalchemy import insert, select, update

from downstream_node import schema, settings
from downstream_node.app import build
from downstream_node.clock import WallTime, system_clock
from downstream_node.farmers.history import CORRUPTED, DAY, INVALID, MINUTE, UNANSWERED
from downstream_node.farmers.models import Failure, Farmer, FarmerDay, Stretch
from downstream_node.measures import aggregating, telemetry
from downstream_node.service_time import BeatRow, Outage
from downstream_node.status.models import NetworkHour

HOUR = 3_600_000
CHUNK = 1024
DAYS = 95
MEASURED_DAYS = 35
CLIENTS = ("downstream-farmer/0.1.8", "downstream-farmer/0.1.8", "downstream-node-farmer/0.1.0")
TAKES = 2
"""Most chunks of one farmer."""
OUTAGE = 25 * MINUTE

# (country, city, latitude, longitude): capitals, by hand.
PLACES = (
    ("Argentina", "Buenos Aires", -34.6, -58.4),
    ("Australia", "Canberra", -35.3, 149.1),
    ("Austria", "Vienna", 48.2, 16.4),
    ("Bangladesh", "Dhaka", 23.8, 90.4),
    ("Belgium", "Brussels", 50.8, 4.4),
    ("Brazil", "Brasília", -15.8, -47.9),
    ("Canada", "Ottawa", 45.4, -75.7),
    ("Chile", "Santiago", -33.5, -70.7),
    ("China", "Beijing", 39.9, 116.4),
    ("Colombia", "Bogotá", 4.7, -74.1),
    ("Czechia", "Prague", 50.1, 14.4),
    ("Denmark", "Copenhagen", 55.7, 12.6),
    ("Egypt", "Cairo", 30.0, 31.2),
    ("Ethiopia", "Addis Ababa", 9.0, 38.7),
    ("Finland", "Helsinki", 60.2, 24.9),
    ("France", "Paris", 48.9, 2.4),
    ("Germany", "Berlin", 52.5, 13.4),
    ("Ghana", "Accra", 5.6, -0.2),
    ("Greece", "Athens", 38.0, 23.7),
    ("Iceland", "Reykjavík", 64.1, -21.9),
    ("India", "New Delhi", 28.6, 77.2),
    ("Indonesia", "Jakarta", -6.2, 106.8),
    ("Italy", "Rome", 41.9, 12.5),
    ("Japan", "Tokyo", 35.7, 139.7),
    ("Kenya", "Nairobi", -1.3, 36.8),
    ("Mexico", "Mexico City", 19.4, -99.1),
    ("Morocco", "Rabat", 34.0, -6.8),
    ("Netherlands", "Amsterdam", 52.4, 4.9),
    ("New Zealand", "Wellington", -41.3, 174.8),
    ("Nigeria", "Abuja", 9.1, 7.5),
    ("Norway", "Oslo", 59.9, 10.8),
    ("Peru", "Lima", -12.0, -77.0),
    ("Philippines", "Manila", 14.6, 121.0),
    ("Poland", "Warsaw", 52.2, 21.0),
    ("Portugal", "Lisbon", 38.7, -9.1),
    ("South Africa", "Pretoria", -25.7, 28.2),
    ("South Korea", "Seoul", 37.6, 127.0),
    ("Spain", "Madrid", 40.4, -3.7),
    ("United Kingdom", "London", 51.5, -0.1),
    ("United States", "Washington", 38.9, -77.0),
)


class RunningClock(ManualClock):
    """The real clock."""

    def __call__(self) -> WallTime:
        """The wall time now."""
        return system_clock()


@dataclass(frozen=True)
class Crowd:
    """Where the crowd's node is."""

    folder: Path

    @property
    def values(self) -> dict[str, Any]:
        """The settings of its node."""
        return {
            "SQLALCHEMY_DATABASE_URI": f"sqlite:///{self.folder / 'node.db'}",
            "MASTER_KEY_PATH": str(self.folder / "master.key"),
            "MMDB_PATH": str(self.folder / "places.mmdb"),
            "MAX_TOKENS_PER_IP": 1000,
            "DEFAULT_INTERVAL": 600,
            "STATUS_MAX_AGE": 1,
            "NODE_NAME": "community.example",
            # Nobody answers for the crowd: its contracts would expire while one looks.
            "JOBS": False,
        }

    @property
    def environment(self) -> dict[str, str]:
        """The same for a server."""
        return {f"DOWNSTREAM_{name}": str(value) for name, value in self.values.items()}

    def write(self, farmers: int, seed: int = 1) -> "Crowd":
        """Make the node and its farmers."""
        choose = random.Random(seed)  # noqa: S311 - a picture, no secret
        self.folder.mkdir(parents=True, exist_ok=True)
        write_places(self.folder / "places.mmdb")
        self.write_outage()
        node = SimulatedNode(RunningClock(), **self.values)
        node.fill_pool(farmers * TAKES, CHUNK)
        for number in range(farmers):
            farm(node, number, choose)
            # Nobody else beats for the node; without a beat it would count as down.
            node.parts.clock.beat()
        write_past(node, choose)
        write_telemetry(node)
        node.close()
        return self

    def join(self, name: str) -> str:
        """One more farmer, with a contract that it answers; its id."""
        node = SimulatedNode(RunningClock(), **self.values)
        farmer = FarmerSimulator(node.fill_pool(1, CHUNK), name, ip="80.0.9.9").join()
        farmer.take(1, CHUNK).answer_all()
        node.close()
        return farmer.farmer_id

    def write_outage(self) -> None:
        """Make the database, with an outage of the node 40 hours ago."""
        app = build(settings.checked(self.values), system_clock)
        node = app.extensions["downstream"]
        schema.migrate(app, node)
        wall = system_clock()
        outage = {"began": wall - 40 * HOUR, "milliseconds": OUTAGE}
        with node.database.writing() as connection:
            connection.execute(insert(Outage).values(service=wall - 40 * HOUR, **outage))
            connection.execute(insert(BeatRow).values(id=1, wall=wall, service=wall - OUTAGE))
        node.close()


def write_places(path: Path) -> None:
    """A GeoIP file with one network a place: 80.N.0.0/16 is place N."""
    writer = MMDBWriter(6, "GeoLite2-City", ["en"], ipv4_compatible=True)
    for number, (country, city, lat, lon) in enumerate(PLACES):
        record = {
            "country": {"names": {"en": country}},
            "city": {"names": {"en": city}},
            "location": {"latitude": lat, "longitude": lon},
        }
        writer.insert_network(IPSet([f"80.{number}.0.0/16"]), record)
    writer.to_db_file(str(path))


def farm(node: SimulatedNode, number: int, choose: random.Random) -> None:
    """One farmer joins from its place; nine of ten take chunks, and nearly all of those answer."""
    # A few places have most of the farmers, as in life.
    place = int(len(PLACES) * choose.random() ** 2)
    if number < len(PLACES):
        place = number
    ip = f"80.{place}.{number // 250}.{number % 250 + 1}"
    farmer = FarmerSimulator(node, f"farmer {number}", ip=ip).join()
    if choose.random() < 0.9:
        farmer.take(choose.randint(1, TAKES), CHUNK)
    if farmer.held and choose.random() < 0.93:
        farmer.answer_all()


def write_past(node: SimulatedNode, choose: random.Random) -> None:
    """What the farmers and the node did in the last DAYS days."""
    now = node.parts.clock.now()
    with node.parts.database.writing() as connection:
        rows = list(connection.execute(select(Farmer.__table__)))
        for row in rows:
            write_farmer(connection, row, now, choose)
        write_network(connection, len(rows), node.parts.wall_clock(), choose)


def write_farmer(connection: Any, row: Any, now: int, choose: random.Random) -> None:
    """The past of one farmer: most are there nearly always, some come and go."""
    began = now - choose.randint(3, DAYS) * DAY
    reliability = choose.choice((1.0, 1.0, 1.0, 0.9999, 0.999, 0.999, 0.99, 0.98, 0.95))
    stretches = list(stretches_between(began, now, reliability, choose))
    if row.first_answer is None:
        ended, current = stretches, None
    else:
        ended, current = stretches[:-1], stretches[-1]
    lapsed = list(ended)
    covered = sum(end - begin for begin, end in stretches)
    beats = covered // (600_000 // max(1, row.contracts))
    values = {
        "joined": began - HOUR,
        "heartbeats": beats,
        "waited": beats * choose.randint(500, 90_000),
        "client": choose.choice(CLIENTS),
    }
    if current is not None:
        covered += row.covered_until - now
        values |= {"first_answer": stretches[0][0], "covered": covered, "stretch_began": current[0]}
    elif choose.random() < 0.7 and stretches:
        last = {"covered_until": stretches[-1][1], "last_answer": stretches[-1][1] - 700_000}
        values |= {"first_answer": stretches[0][0], "covered": covered, **last}
        values["stretch_began"] = ended.pop()[0]
    else:
        values |= {"heartbeats": 0, "waited": 0}
        ended = lapsed = []
    connection.execute(update(Farmer).where(Farmer.id == row.id).values(values))
    keep(connection, Stretch, [{"farmer": row.id, "began": a, "ended": b} for a, b in ended])
    write_days(connection, row, stretches if values["heartbeats"] else [], now)
    write_failures(connection, row, lapsed, choose)


def stretches_between(
    began: int, now: int, reliability: float, choose: random.Random
) -> "list[tuple[int, int]]":
    """Stretches of coverage with gaps in between, the last one up to *now*."""
    found, at = [], began
    while at < now:
        if reliability == 1.0:
            end = now
        else:
            end = min(now, at + round(choose.expovariate(1 / (9 * DAY * reliability**8))) + HOUR)
        found.append((at, end))
        at = end + round(choose.expovariate(1 / (9 * DAY * (1.001 - reliability)))) + MINUTE
    if found[-1][1] < now:
        found.append((min(at, now - HOUR) if at < now else now - HOUR, now))
        if found[-2][1] >= found[-1][0]:
            found[-2:] = [(found[-2][0], now)]
    return found


def write_days(connection: Any, row: Any, stretches: list[tuple[int, int]], now: int) -> None:
    """Heartbeats by day, as many as the coverage of the day allows."""
    per_millisecond = max(1, row.contracts) / 600_000
    today = now // DAY
    days = []
    for day in range(today - DAYS, today):
        begin, end = day * DAY, (day + 1) * DAY
        covered = sum(max(0, min(b, end) - max(a, begin)) for a, b in stretches)
        if covered:
            beats = int(covered * per_millisecond)
            wait = 20_000 + row.id * 7919 % 60_000 + day % 7 * 2000
            days.append({"farmer": row.id, "day": day, "heartbeats": beats, "waited": beats * wait})
    keep(connection, FarmerDay, days)


def write_failures(
    connection: Any, row: Any, ended: list[tuple[int, int]], choose: random.Random
) -> None:
    """Each gap began with an unanswered challenge; a few proofs were refused besides."""
    failures = [(UNANSWERED, end) for _, end in ended]
    if ended and choose.random() < 0.2:
        failures.append((choose.choice((INVALID, CORRUPTED)), ended[-1][1] - HOUR))
    keep(
        connection,
        Failure,
        [
            {
                "farmer": row.id,
                "minute": at // MINUTE,
                "kind": kind,
                "last": at,
                "count": max(1, row.contracts),
                "contract": choose.randbytes(32),
            }
            for kind, at in failures
        ],
    )


def write_telemetry(node: SimulatedNode) -> None:
    """What the node has measured of itself in the last MEASURED_DAYS days."""
    today = node.parts.wall_clock() // DAY
    known = node.parts.database.write(telemetry.install)
    for day in range(today - MEASURED_DAYS, today):
        for first in telemetry.ranges(node.parts):
            telemetry.record_range(node.parts, known, day, first)
    for name in known:
        aggregating.aggregate(node.parts, name, force=True)


def write_network(connection: Any, farmers: int, now: int, choose: random.Random) -> None:
    """The network by hour: it grows, and breathes with the day."""
    last = now // HOUR
    first = last - 24 * DAYS
    rows, through = [], 0
    for hour in range(first, last + 1):
        share = 0.3 + 0.7 * (hour - first) / (last - first)
        there = max(1, round(farmers * share))
        beats = there * 11 + choose.randint(0, there)
        through += beats
        rows.append(
            {
                "hour": hour,
                "samples": 60,
                "online_sum": round(60 * there * (0.86 + 0.02 * choose.random())),
                "farmers": there,
                "contracts": 2 * there,
                "size": 2 * there * CHUNK,
                "heartbeats": beats,
                "heartbeats_through": through,
            }
        )
    keep(connection, NetworkHour, rows)


def keep(connection: Any, model: Any, rows: list[dict[str, Any]]) -> None:
    """Insert *rows*, if there are any."""
    if rows:
        connection.execute(insert(model), rows)


def main() -> None:
    """Write a crowd."""
    parser = argparse.ArgumentParser(description="Write a node with many farmers.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--farmers", type=int, default=1000)
    options = parser.parse_args()
    crowd = Crowd(options.folder.resolve()).write(options.farmers)
    for name, value in crowd.environment.items():
        sys.stdout.write(f"export {name}='{value}'\n")


if __name__ == "__main__":
    main()
