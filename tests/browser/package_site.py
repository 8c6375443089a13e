"""A running node that takes packages: a server, a worker, a shop on loopback with packages."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from browser.site import served
from packages.journey import Shop, open_shop

COMMAND = [sys.executable, "-m", "downstream_node"]


@dataclass
class PackageSite:
    """The running node."""

    url: str
    shop: Shop
    environment: dict[str, str]
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start_worker(self) -> None:
        """A process that takes packages."""
        self.workers.append(subprocess.Popen([*COMMAND, "packages", "work"], env=self.environment))

    def stop_workers(self) -> None:
        """End them in order."""
        while self.workers:
            worker = self.workers.pop()
            worker.terminate()
            worker.wait(30)


@contextmanager
def package_site(folder: Path) -> Iterator[PackageSite]:
    """A node in *folder*, with a worker."""
    with open_shop() as shop:
        values = {
            "SQLALCHEMY_DATABASE_URI": f"sqlite:///{folder / 'node.db'}",
            "MASTER_KEY_PATH": str(folder / "master.key"),
            "FILES_PATH": str(folder / "files"),
            "PACKAGES_PATH": str(folder / "packages"),
            "PACKAGES_ALLOWED_HOSTS": shop.origin,
            "PACKAGES_SUBMIT_LIMIT": "0",
            "PACKAGES_RATE_LIMIT": "0",
        }
        environment = {f"DOWNSTREAM_{name}": value for name, value in values.items()}
        environment = {**os.environ, **environment, "DOWNSTREAM_CONFIG": os.devnull}
        subprocess.run([*COMMAND, "db", "init"], env=environment, check=True)
        with served(environment) as url:
            site = PackageSite(url, shop, environment)
            site.start_worker()
            try:
                yield site
            finally:
                site.stop_workers()
