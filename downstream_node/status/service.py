"""What the public can ask about farmers and the network: reads only.

Everything comes from the farmers' rows and their history. Only `farmer` looks at contracts, at
the open ones of that one farmer, to say when its next challenge is due.
"""

import datetime as dt
from collections.abc import Sequence
from typing import Any, Literal

from sqlalchemy import Connection, Row, case, func, select

from downstream_node.clock import SECOND, Instant, WallTime, calendar
from downstream_node.contracts.queries import next_due
from downstream_node.errors import UnknownFarmer
from downstream_node.farmers import history as past
from downstream_node.farmers.coverage import NEVER, Coverage, Timeline
from downstream_node.farmers.models import Failure, Farmer
from downstream_node.farmers.queries import is_farmer_id, is_online
from downstream_node.node import Node
from downstream_node.service_time import Outage as OutageRow
from downstream_node.status import reports
from downstream_node.status.listing import FarmerListing, find_page
from downstream_node.status.models import NetworkHour
from downstream_node.status.network import HOUR, sums
from downstream_node.status.reasons import reason_of, rules_of
from downstream_node.status.uptime import Periods

BARS = 24
DAYS = 90
POSITION_DIGITS = 1
"""A tenth of a degree."""
PERCENT_DIGITS = 4
Step = Literal["hour", "day"]


def totals(node: Node) -> reports.Totals:
    """The network in one line."""
    now = node.clock.now()
    online_country = case((is_online(now), Farmer.country))
    with node.database.reading() as connection:
        seen = sums(connection, now)
        query = select(func.count(online_country.distinct()))
        countries = connection.execute(query).scalar_one()
    return reports.Totals(
        as_of=calendar(node.clock.to_wall(now)),
        node=node.settings.NODE_NAME,
        farmers=seen.farmers,
        online=seen.online,
        contracts=seen.contracts,
        size=seen.size,
        heartbeats=seen.heartbeats,
        countries=countries,
    )


def farmers(node: Node, listing: FarmerListing) -> reports.FarmerPage:
    """One page of farmers. Raises InvalidRequest if its cursor is of another list."""
    now = node.clock.now()
    with node.database.reading() as connection:
        page = find_page(connection, listing, now)
    found = [summary(node, row, page.moment) for row in page.rows]
    return reports.FarmerPage(farmers=found, total=page.total, next=page.next)


def ids_that_begin(node: Node, beginning: str, limit: int) -> list[str]:
    """Up to *limit* ids of farmers that begin with these hex digits, as pages shorten them."""
    query = select(Farmer.farmer_id).where(Farmer.farmer_id.startswith(beginning)).limit(limit)
    with node.database.reading() as connection:
        return list(connection.execute(query).scalars())


def bars(node: Node, farmer_ids: Sequence[str]) -> dict[str, list[reports.Bar]]:
    """By farmer: BARS bars of one hour each, oldest first; the last one is this hour."""
    periods = Periods(node.clock)
    begins = periods.hours(BARS)
    with node.database.reading() as connection:
        query = select(Farmer.__table__).where(Farmer.farmer_id.in_(farmer_ids))
        rows = list(connection.execute(query))
        ended = past.stretches_of(connection, [row.id for row in rows], begins[0].begin)
    found = {}
    for row in rows:
        timeline = timeline_of(row, ended[row.id], periods.now)
        measured = [periods.measure(timeline, row.first_answer, period) for period in begins]
        found[row.farmer_id] = [
            reports.Bar(
                begin=calendar(period.wall),
                seconds=period.seconds,
                uptime=one.uptime,
                node_down=one.node_down,
            )
            for period, one in zip(begins, measured, strict=True)
        ]
    return found


def farmer(node: Node, farmer_id: str) -> reports.FarmerDetail:
    """Everything about one farmer. Raises UnknownFarmer."""
    periods = Periods(node.clock)
    days = periods.days(DAYS)
    with node.database.reading() as connection:
        row = row_of(connection, farmer_id)
        ended = past.stretches_of(connection, [row.id], days[0].begin)[row.id]
        heartbeats = past.days_of(connection, row.id, days[0].wall // past.DAY)
        due = next_due(connection, row.id)
        last = failure_rows(connection, row.id, 1, 0)
    if row.day is not None:
        heartbeats[row.day] = heartbeats.get(row.day, 0) + row.day_heartbeats
    timeline = timeline_of(row, ended, periods.now)
    return reports.FarmerDetail(
        farmer=summary(node, row, periods.now),
        as_of=calendar(periods.wall),
        next_due=date(node, due),
        online_until=date(node, row.covered_until or None),
        windows=[
            *(
                periods.window(timeline, row.first_answer, name, length)
                for name, length in periods.WINDOWS.items()
            ),
            periods.life(coverage_of(row)),
        ],
        days=periods.daily(timeline, row, heartbeats, days),
        last_failure=failure(node, last[0]) if last else None,
        rules=rules_of(node.settings),
    )


def failures(node: Node, farmer_id: str, limit: int, page: int) -> list[reports.Failure]:
    """Failures of one farmer, newest first. Raises UnknownFarmer."""
    with node.database.reading() as connection:
        row = row_of(connection, farmer_id)
        rows = failure_rows(connection, row.id, limit, page)
    return [failure(node, one) for one in rows]


def history(node: Node, step: Step, points: int) -> list[reports.HistoryPoint]:
    """The network in the last *points* hours or days for which there are samples, oldest first."""
    width = HOUR if step == "hour" else past.DAY
    per_point = width // HOUR
    first = (node.wall_clock() // width - points + 1) * per_point
    query = select(NetworkHour.__table__).where(NetworkHour.hour >= first)
    with node.database.reading() as connection:
        rows = list(connection.execute(query.order_by(NetworkHour.hour)))
    by_point: dict[int, list[Row[Any]]] = {}
    for row in rows:
        by_point.setdefault(row.hour // per_point, []).append(row)
    return [history_point(WallTime(at * width), hours) for at, hours in by_point.items()]


def history_point(begin: WallTime, hours: list[Row[Any]]) -> reports.HistoryPoint:
    """*hours*, in order, as one point that begins at *begin*."""
    last = hours[-1]
    return reports.HistoryPoint(
        begin=calendar(begin),
        farmers=last.farmers,
        online=sum(row.online_sum for row in hours) / sum(row.samples for row in hours),
        contracts=last.contracts,
        size=last.size,
        heartbeats=sum(row.heartbeats for row in hours),
    )


def places(node: Node) -> reports.Places:
    """Where farmers are."""
    now = node.clock.now()
    online = func.sum(case((is_online(now), 1), else_=0))
    count = func.count(Farmer.id)
    by_country = select(Farmer.country, count, online).group_by(Farmer.country)
    # In whole tenths: to round a floating point number is another function on each database.
    by_point = (
        select(Farmer.lat, Farmer.lon, count, online)
        .where(Farmer.lat.is_not(None), Farmer.lon.is_not(None))
        .group_by(Farmer.lat, Farmer.lon)
    )
    with node.database.reading() as connection:
        countries = list(connection.execute(by_country))
        exact = list(connection.execute(by_point))
    points: dict[tuple[float, float], list[int]] = {}
    for lat, lon, farmers_there, online_there in exact:
        both = points.setdefault((tenth(lat), tenth(lon)), [0, 0])
        both[0] += int(farmers_there)
        both[1] += int(online_there)
    return reports.Places(
        countries=[
            reports.Country(country=name, farmers=all_, online=int(up))
            for name, all_, up in sorted(countries, key=lambda row: (-row[1], row[0] or ""))
        ],
        points=[
            reports.Point(lat=lat, lon=lon, farmers=all_, online=up)
            for (lat, lon), (all_, up) in sorted(points.items(), key=lambda item: -item[1][0])
        ],
    )


def outages(node: Node, limit: int, page: int = 0) -> list[reports.Outage]:
    """The node's own outages, newest first."""
    query = select(OutageRow.began, OutageRow.milliseconds).order_by(OutageRow.id.desc())
    with node.database.reading() as connection:
        rows = list(connection.execute(query.limit(limit).offset(limit * page)))
    return [
        reports.Outage(begin=calendar(WallTime(row.began)), seconds=row.milliseconds / SECOND)
        for row in rows
    ]


def summary(node: Node, row: Row[Any], now: Instant) -> reports.FarmerSummary:
    """A row of farmers as lists show it at *now*."""
    coverage = coverage_of(row)
    state: reports.State = "online" if coverage.online(now) else "offline"
    return reports.FarmerSummary(
        id=row.farmer_id,
        address=row.address,
        country=row.country,
        city=row.city,
        lat=None if row.lat is None else tenth(row.lat),
        lon=None if row.lon is None else tenth(row.lon),
        state="new" if row.first_answer is None else state,
        uptime=round(coverage.uptime(now), PERCENT_DIGITS),
        heartbeats=row.heartbeats,
        contracts=row.contracts,
        size=row.size,
        joined=calendar(node.clock.to_wall(row.joined)),
        last_answer=date(node, row.last_answer),
        mean_wait=row.waited / row.heartbeats / SECOND if row.heartbeats else None,
    )


def coverage_of(row: Row[Any]) -> Coverage:
    """The coverage in a row of farmers."""
    return Coverage(row.first_answer, row.covered, row.covered_until, row.stretch_began)


def timeline_of(row: Row[Any], ended: list[tuple[int, int]], now: Instant) -> Timeline:
    """All coverage of a farmer up to *now*: stretches that ended, and the current one."""
    if row.stretch_began is None or row.stretch_began >= now:
        return Timeline(ended)
    return Timeline([*ended, (row.stretch_began, min(row.covered_until, now))])


def row_of(connection: Connection, farmer_id: str) -> Row[Any]:
    """The row of the farmer with this id. Raises UnknownFarmer."""
    query = select(Farmer.__table__).where(Farmer.farmer_id == farmer_id)
    row = connection.execute(query).one_or_none() if is_farmer_id(farmer_id) else None
    if row is None:
        raise UnknownFarmer
    return row


def failure_rows(connection: Connection, farmer_row: int, limit: int, page: int) -> list[Row[Any]]:
    """Rows of failures of one farmer, newest first."""
    times = Failure.count.label("times")  # a row has a method named count
    query = select(Failure.kind, Failure.last, times, Failure.contract)
    query = query.where(Failure.farmer == farmer_row)
    query = query.order_by(Failure.minute.desc(), Failure.id.desc())
    return list(connection.execute(query.limit(limit).offset(limit * page)))


def failure(node: Node, row: Row[Any]) -> reports.Failure:
    """A row of failures, with its reason."""
    return reports.Failure(
        at=calendar(node.clock.to_wall(row.last)),
        kind=row.kind,
        count=row.times,
        contract=None if row.contract is None else row.contract.hex(),
        reason=reason_of(node.settings, row.kind),
    )


def date(node: Node, instant: int | None) -> dt.datetime | None:
    """An instant as a date."""
    return None if instant is None or instant == NEVER else calendar(node.clock.to_wall(instant))


def tenth(degrees: float) -> float:
    """*degrees* rounded to a tenth; never -0.0."""
    return round(degrees, POSITION_DIGITS) + 0.0
