"""Organisations and apps that send measures to a node over HTTP, and ask for results."""

from typing import Any

from simulator import START, SimulatedNode
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from downstream_node.measures import aggregating, redefining, tokens
from downstream_node.measures.models import RawMeasure

API = "/api/measures/v1"
DAILY = {
    "name": "connection-count-daily",
    "org": "grandlyon",
    "createdBy": "ecolyo",
    "executionFrequency": "day",
    "aggregationPeriod": "day",
    "aggregationThreshold": 2,
    "group1Key": "device",
}
KONNECTOR = {
    "name": "konnector-event-daily",
    "org": "grandlyon",
    "createdBy": "ecolyo",
    "group1Key": "slug",
    "group2Key": "event_type",
    "group3Key": "status",
}
MEASURE = {
    "measureName": "connection-count-daily",
    "value": 1,
    "startDate": "2022-01-01",
    "createdBy": "ecolyo",
    "group1": {"device": "desktop"},
}
DOCUMENTED = {
    "measureName": "konnector-event-daily",
    "value": 1,
    "startDate": "2022-01-01",
    "createdBy": "ecolyo",
    "group1": {"slug": "enedis"},
    "group2": {"event_type": "connection"},
    "group3": {"status": "success"},
}
"""The document's own example."""
YEAR = {"startDate": "2022-01-01", "endDate": "2023-01-01"}


def new_token(node: SimulatedNode, org: str) -> str:
    """A token of *org*."""
    return str(node.parts.database.write(lambda connection: tokens.create(connection, org, START)))


def define(node: SimulatedNode, *described: dict[str, Any]) -> tuple[int, int]:
    """Load definitions."""
    inserted, updated = node.parts.database.write(
        lambda connection: redefining.load(connection, list(described))
    )
    return inserted, updated


class Sender:
    """One organisation or app, with a token of its own."""

    def __init__(self, node: SimulatedNode, org: str) -> None:
        self.node = node
        self.token = new_token(node, org)
        self.client = node.app.test_client()

    def ask(self, method: str, path: str, **options: Any) -> TestResponse:
        """The answer to one request, in which the token is shown."""
        headers = {"Authorization": f"Bearer {self.token}"} | options.pop("headers", {})
        return self.client.open(path, method=method, headers=headers, **options)

    def send(self, *, key: str | None = None, **changes: Any) -> TestResponse:
        """Send MEASURE with *changes*; a field that is changed to ... is left out."""
        body = {name: value for name, value in (MEASURE | changes).items() if value is not ...}
        headers = {} if key is None else {"Idempotency-Key": key}
        return self.ask("POST", "/measure", json=body, headers=headers)

    def send_all(self, *measures: Any) -> TestResponse:
        """Send a batch."""
        return self.ask("POST", f"{API}/measures", json={"measures": measures})

    def results(self, **changes: Any) -> TestResponse:
        """Ask for results of the measure of MEASURE in 2022."""
        body = {"measureName": MEASURE["measureName"]} | YEAR | changes
        return self.ask("GET", "/aggregate", json=body)

    def page(self, **query: Any) -> TestResponse:
        """One page of the results of the measure of MEASURE."""
        name = MEASURE["measureName"]
        headers = query.pop("headers", {})
        path = f"{API}/measures/{name}/aggregates"
        return self.ask("GET", path, query_string=query, headers=headers)


def stored(node: SimulatedNode) -> int:
    """How many measures are there."""
    query = select(func.count()).select_from(RawMeasure)
    return int(node.parts.database.read(lambda connection: connection.execute(query).scalar_one()))


def aggregate(node: SimulatedNode) -> None:
    """Count all that has come."""
    aggregating.aggregate_all(node.parts, force=True)
