"""The operator's side of the dashboard: keys, login, and what is failing now."""
