"""The client that volunteers run: it keeps chunks and proves again and again that it does."""
