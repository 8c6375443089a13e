"""Chats: an archive of chat exports that finds everything in them."""
