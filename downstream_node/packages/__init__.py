"""Packages: what a service keeps of a person, made into statistics that are theirs alone."""
