"""Measures: numbers collected from many, given out only as aggregates that expose nobody."""
