"""RP2040: PIO programs, interrupt handlers in machine code, the sequencer."""
