"""What a board can time: the capabilities that a plan is compiled against. Integers only."""


class Board:
    """Capabilities of a board with its sequencer; the defaults are the RP2040's at 125 MHz.

    `plan` reads attributes only, so any object that has them will do. Arguments override the defaults by name;
    TypeError for a name that is none of them, or a value that is no integer.

    ``clock_hz`` system clock; all cycles are of it.
    ``gate_bits`` bits of a permit's first width (CO2 gate, single trigger, lamp to Q-switch); ``min_gate_cycles`` the
    shortest; ``gate_overhead_cycles`` what the program adds to the word.
    ``qsw_width_bits`` bits of the Q-switch trigger's width. ``qsw_delay_low_us``, ``qsw_delay_high_us`` bounds of the
    lamp-to-Q-switch delay.
    ``dead_cycles`` time after a shot in which no other can start; ``slot_cycles`` what a slot takes beside it.
    ``max_period_cycles`` longest period. ``max_burst`` most shots in a pattern. ``pattern_gap_us`` from a pattern's
    last slot to the next pattern's start.
    ``permit_lead_us`` how long before its slot a permit is decided.
    ps: ``energy_settle_us`` from light to a settled integrator, ``energy_sample_us`` taking the samples,
    ``decision_us`` from the last sample to the permit, ``energy_reset_us`` emptying the integrator. CO2, whose samples
    run over the whole pulse: ``co2_decision_us`` summing the longest pulse's, judging, telling the scanner.
    ``verify_margin_us`` kept free between that permit and the CO2 gate of a verified pair. ``sync_check_us`` judging a
    sync. ``step_wait_us`` until a stepped scanner is told to move: the supervisor's turn does it.
    ``pair_min_cycles``, ``pair_max_cycles`` bounds of the pair delay.
    """

    DEFAULTS = (
        ("clock_hz", 125000000),
        ("gate_bits", 17),
        ("min_gate_cycles", 3),
        ("gate_overhead_cycles", 2),
        ("qsw_width_bits", 12),
        ("qsw_delay_low_us", 100),
        ("qsw_delay_high_us", 999),
        ("dead_cycles", 1 << 19),
        ("slot_cycles", 64),
        ("max_period_cycles", 1 << 32),
        ("max_burst", 2000),
        ("pattern_gap_us", 20000),
        ("permit_lead_us", 1000),
        ("energy_settle_us", 20),
        ("energy_sample_us", 12),
        ("decision_us", 15),
        ("energy_reset_us", 100),
        ("co2_decision_us", 45),
        ("verify_margin_us", 5),
        ("sync_check_us", 5),
        ("step_wait_us", 4000),
        ("pair_min_cycles", 125),
        ("pair_max_cycles", 1250000000),
    )
    name: str
    clock_hz: int
    gate_bits: int
    min_gate_cycles: int
    gate_overhead_cycles: int
    qsw_width_bits: int
    qsw_delay_low_us: int
    qsw_delay_high_us: int
    dead_cycles: int
    slot_cycles: int
    max_period_cycles: int
    max_burst: int
    pattern_gap_us: int
    permit_lead_us: int
    energy_settle_us: int
    energy_sample_us: int
    decision_us: int
    energy_reset_us: int
    co2_decision_us: int
    verify_margin_us: int
    sync_check_us: int
    step_wait_us: int
    pair_min_cycles: int
    pair_max_cycles: int

    def __init__(self, name: str = "rp2040", **values: int) -> None:
        self.name = name
        for key, default in self.DEFAULTS:
            value = values.pop(key, default)
            if type(value) is not int or value < 0:
                raise TypeError(f"board {name}: {key} is {value!r}; give a whole number")
            setattr(self, key, value)
        if values:
            raise TypeError(f"board {name} has no capability {', '.join(sorted(values))}")

    @property
    def max_gate_cycles(self) -> int:
        """Return the longest first width of a permit, cycles."""
        return (1 << self.gate_bits) - 1 + self.gate_overhead_cycles
