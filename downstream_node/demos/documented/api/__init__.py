"""Names of the document."""
