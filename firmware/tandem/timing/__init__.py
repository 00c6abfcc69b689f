"""When it fires: programs and sequencers."""
