"""How `pip install .` builds Downstream."""

import re
from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).parent


def version() -> str:
    """The version that the package states, read as text: importing needs its dependencies."""
    text = (HERE / "downstream_node" / "__init__.py").read_text(encoding="utf-8")
    found = re.search(r'^__version__ = "(.+)"$', text, re.MULTILINE)
    if found is None:
        raise ValueError("downstream_node/__init__.py states no __version__.")
    return found[1]


def requirements() -> list[str]:
    """The pins of requirements.txt as minimums.

    `pip install -r requirements.txt .` gives exactly what was tested; `pip install .` alone
    takes later releases too, so that a security fix never has to wait for ours.
    """
    lines = (HERE / "requirements.txt").read_text(encoding="utf-8").splitlines()
    pins = (line.partition("#")[0].strip() for line in lines)
    return [pin.replace("==", ">=") for pin in pins if pin]


setup(
    name="downstream-node",
    version=version(),
    description="A community keeps its data with volunteers and proves that they still hold it",
    long_description=(HERE / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    author="The Downstream developers",
    license="MIT",
    license_files=["LICENSE"],
    python_requires=">=3.11",
    install_requires=requirements(),
    extras_require={
        "mysqlclient": ["mysqlclient>=2.2"],  # a driver in C in place of PyMySQL
        "gmpy2": ["gmpy2>=2.2"],  # faster arithmetic for the Swizzle scheme
        "numpy": ["numpy>=2"],  # scores of recordings; faster imports of chats into PostgreSQL
        "privacy": ["opendp>=0.16"],  # noise in the results of measures (47 MB)
    },
    packages=find_packages(include=["downstream_node*"]),
    package_data={
        "": ["templates/**/*", "static/**/*", "assets/**/*"],  # each feature keeps its own
        "downstream_node": ["config.py.template", "migrations/**/*", "chats/migrations/**/*"],
    },
    exclude_package_data={"": ["*.pyc"]},
    entry_points={"console_scripts": ["downstream = downstream_node.cli:main"]},
)
