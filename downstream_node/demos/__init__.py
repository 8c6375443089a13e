"""Game recordings: streamed in by players' clients, kept as files, looked at by analysts."""
