"""Downstream: a community keeps its data with volunteers and proves that they still hold it."""

__version__ = "0.1.0"
