"""Starts the controller. However it ends, the outputs are made safe, and only a hard reset can arm again."""

try:
    from tandem import app

    app.run()
finally:
    import micropython

    micropython.kbd_intr(3)
    from tandem.timing.rp2 import sequencer

    sequencer.make_everything_safe()
