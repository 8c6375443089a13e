"""A folder for PYTHONPATH: programs written after the document import `api.servers`."""
