"""Contracts: a farmer holds a chunk and answers one challenge an interval."""
