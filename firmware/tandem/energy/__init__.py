"""How much came out: photodiode channels and verdicts."""
