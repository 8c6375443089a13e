"""Bitcoin addresses: who a farmer is, how a farmer proves it, and who may join."""
