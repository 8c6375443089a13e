"""Measures over HTTP beyond the document: batches, pages of results, definitions."""
