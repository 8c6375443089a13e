"""Run and administer a node: `python runapp.py --help`."""

from downstream_node.cli import main

main()
