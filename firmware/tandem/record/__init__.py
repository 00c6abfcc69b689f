"""What happened, and what is set: the journal and the settings, which outlive a loss of power at any instant. Pure."""
