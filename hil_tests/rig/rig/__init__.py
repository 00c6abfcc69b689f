"""The rig's program: it plays the lasers and the room around a controller, and stamps what the controller does."""

VERSION = "0.1.0"
