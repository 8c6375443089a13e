"""`python -m downstream_node` is the same as `python runapp.py`."""

from downstream_node.cli import main

main()
