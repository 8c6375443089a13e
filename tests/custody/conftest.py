"""One node for many tests, in which the disk or HTTP is the point."""

import shutil
from collections.abc import Iterator

import pytest
from simulator import SimulatedNode
from sqlalchemy import delete

from downstream_node.custody import storage
from downstream_node.custody.models import File, FileClaim


@pytest.fixture
def light(lite: SimulatedNode) -> Iterator[SimulatedNode]:
    """The node of the file, on SQLite, without any file; its clock goes on from test to test."""
    yield lite
    with lite.parts.database.writing() as connection:
        connection.execute(delete(FileClaim))
        connection.execute(delete(File))
    shutil.rmtree(storage.root_of(lite.parts), ignore_errors=True)
