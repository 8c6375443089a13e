"""The page of packages: hand one in, watch, and read its statistics in the browser alone."""
