"""Chats over HTTP beyond the document: one search, facets, context, uploads."""
