"""Starts the rig. It ends with Ctrl-C, which gives the port to the interpreter; the room stays as it is."""

from rig import app

app.run()
