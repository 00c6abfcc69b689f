"""What a delivered session looked like: its record, what was measured in it, a page, a table, pictures."""

from __future__ import annotations

from .measure import Measured, measure
from .page import write_page
from .pictures import timing_svg
from .record import PlannedPass, Pulse, SessionRecord, Shot, Trigger, Wave
from .table import print_session

__all__ = [
    "Measured",
    "PlannedPass",
    "Pulse",
    "SessionRecord",
    "Shot",
    "Trigger",
    "Wave",
    "measure",
    "print_session",
    "timing_svg",
    "write_page",
]
