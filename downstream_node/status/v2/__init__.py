"""The status API for new readers: clean shapes, filters, cursors, CSV."""
