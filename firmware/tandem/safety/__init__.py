"""Whether it may fire: validated inputs, states, numbered faults, indicators. Pure: time and inputs are passed in.

Time is a count of milliseconds that wraps at 2**30, as `time.ticks_ms()` gives it on the board. MicroPython keeps
integers of 31 bits without allocating; the helpers below never leave that range, so they may be used in every turn.
Two moments can be compared when they are less than 2**29 ms (6.2 days) apart.
"""

try:
    from micropython import const  # pyright: ignore[reportAssignmentType]
except ImportError:

    def const(value: int) -> int:
        """Mark a constant that the MicroPython compiler inlines; elsewhere the value itself."""
        return value


TICKS_MASK = const(0x3FFFFFFF)
TICKS_HALF = const(0x20000000)


def elapsed(now_ms: int, then_ms: int) -> int:
    """Return the milliseconds from `then_ms` to a later `now_ms`, 0 to 2**30 - 1. Does not allocate."""
    return (now_ms - then_ms) & TICKS_MASK


def later(now_ms: int, delay_ms: int) -> int:
    """Return the moment `delay_ms` (0 to 2**29 - 1) after `now_ms` (0 to 2**30 - 1). Does not allocate."""
    return ((now_ms - TICKS_HALF + delay_ms) ^ TICKS_HALF) & TICKS_MASK


def reached(now_ms: int, due_ms: int) -> bool:
    """Tell whether `now_ms` is at or after `due_ms`. Does not allocate."""
    return not (now_ms - due_ms) & TICKS_HALF
