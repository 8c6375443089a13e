"""Custody: real files, kept whole under their SHA-256 for as long as somebody claims them."""
