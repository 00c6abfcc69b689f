"""Tandem: firmware of a controller for a combined picosecond and CO2 laser handpiece."""

VERSION = "0.1.0"
