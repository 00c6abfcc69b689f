"""Hardware at the edge: what reads and drives the slow signals of a board."""
