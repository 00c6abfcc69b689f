"""What to deliver: recipes, laser profiles, handpiece entries, scan patterns, and their compilation into a plan.

Pure Python that imports nothing of the board and runs unchanged under CPython and MicroPython. All quantities are
integers in small units (see `tandem.units`), so a plan's figures are the same, to the last digit, on board and host.

Read in the order of the data: `optics`, `fields`, `recipe`, `laser`, `handpiece`, `scan`, `board`, `plan`, `summary`.
"""
