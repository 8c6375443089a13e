"""The network as web pages: for who passes by, and for the volunteer."""
