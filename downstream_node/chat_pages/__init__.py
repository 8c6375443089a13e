"""The chat archive as web pages: search, results in context, one channel read through."""
