"""Proof schemes: pure functions over bytes that show whether a farmer still holds a file."""
