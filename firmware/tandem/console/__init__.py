"""Talking to people and to programs over the serial port. Pure: bytes come in and go out through what is passed in."""
