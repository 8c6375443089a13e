"""The public status of the network: reads only."""
