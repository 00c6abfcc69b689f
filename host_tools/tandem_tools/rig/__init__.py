"""The rig: a second board that plays the room and the lasers around a controller, and stamps what it does."""
