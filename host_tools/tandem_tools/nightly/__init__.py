"""`tandem nightly`: run the tests on a stand every night, and say what failed and what has changed.

In the order of the data: `recording` is in the test run and records figures (`figures`); `follow` runs it with a
deadline and shows progress; `known` lets some tests fail until a date; `judge` compares each figure with the nights
before; `night` holds what that gives; `store` keeps it; `junit` and `page` show it. `run` does one night, `lock` keeps
two from using a stand at once. What is called a regression, and why: docs/nightly.md.
"""

from .errors import NightlyError, StandIsBusy
from .night import EXIT_CODES, Night
from .progress import NightProgress
from .run import Plan, accept, default_state, run_night, show_night

__all__ = [
    "EXIT_CODES",
    "Night",
    "NightProgress",
    "NightlyError",
    "Plan",
    "StandIsBusy",
    "accept",
    "default_state",
    "run_night",
    "show_night",
]
