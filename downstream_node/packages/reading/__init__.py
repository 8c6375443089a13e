"""From a data package, a zip file, to its statistics, an SQLite database. No network, no node."""
