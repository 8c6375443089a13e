"""The pool of chunks that farmers keep, and the stream of bytes that they are made of."""
