"""The stores that an archive can have."""
