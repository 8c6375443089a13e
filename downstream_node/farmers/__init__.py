"""Farmers: who they are, their tokens, where they farm from."""
