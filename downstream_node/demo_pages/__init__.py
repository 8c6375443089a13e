"""The pages of recordings: what streams now, one's own demos, one demo, the analysts' list."""
