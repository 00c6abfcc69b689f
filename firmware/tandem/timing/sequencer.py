"""The contract between the plan and a board's sequencer: what a board can keep, and why a burst ended.

A sequencer loads one pass, starts it, and from then on fires by itself: one permit, one shot. Methods of every
sequencer: `arm()`, `load(burst)`, `start()`, `alive(now)`, `stop()`, `poll()`, `make_safe()`.
"""

RUNNING = 1
DONE = 2

GUARD = "guard"
LOCKED = "locked"
VERDICT_LATE = "verdict_late"
INPUTS = "inputs"
SUPERVISOR = "supervisor"
SCANNER = "scanner"
PS_ENERGY = "ps_energy"
CO2_ENERGY = "co2_energy"
PS_SATURATED = "ps_saturated"
CO2_SATURATED = "co2_saturated"


class RegisterDiffers(Exception):
    """A register of the firing path does not hold what was written: nothing may fire."""


class Burst:
    """One pass as a sequencer takes it: integers only, times in system-clock cycles.

    `kind` 'ps', 'co2' or 'pair'; `count` slots; `period_cycles`; `ps_first_cycles` lamp-to-Q-switch delay or trigger
    width; `ps_second_cycles` Q-switch width, 0 with one trigger; `gate_cycles`; `pair_delay_cycles` from the ps trigger
    or its sync; `verified` the ps energy has to pass before the CO2 permit; `codes` scanner words, two for each shot, or
    None; `ps_settle_cycles`, `co2_window_cycles` from trigger to verdict; energy limits in summed counts.
    """

    def __init__(self) -> None:
        self.kind = "co2"
        self.count = 0
        self.period_cycles = 0
        self.lamp_qswitch = False
        self.ps_first_cycles = 0
        self.ps_second_cycles = 0
        self.gate_cycles = 0
        self.pair_delay_cycles = 0
        self.pair_from_sync = False
        self.verified = True
        self.codes = None
        self.stepped = False
        self.input_mask = 0
        self.input_want = 0
        self.ps_limits = (0, 0)
        self.co2_limits = (0, 0)
        self.ps_settle_cycles = 0
        self.co2_window_cycles = 0
