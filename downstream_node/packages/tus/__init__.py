"""Uploads over HTTP as tus 1.0 has them, so that clients that exist work."""
