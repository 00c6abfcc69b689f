"""The contract between the plan and a board's sequencer: what a board can keep, and why a burst ended.

A sequencer loads one pass, starts it, and from then on fires by itself: one permit, one shot.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from array import array

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
PS_UNEXPECTED = "ps_unexpected"
CO2_UNEXPECTED = "co2_unexpected"
SYNC_MISSING = "sync_missing"
SYNC_EARLY = "sync_early"
SYNC_DOUBLE = "sync_double"


NOT_MEASURED = -0x80000000
"""Stands in the results for a shot whose energy was not measured."""


class RegisterDiffers(Exception):
    """A register of the firing path does not hold what was written: nothing may fire."""


class Burst:
    """One pass as a sequencer takes it: integers only, times in system-clock cycles.

    `kind` 'ps', 'co2' or 'pair'; `count` slots; `period_cycles`; `ps_first_cycles` lamp-to-Q-switch delay or trigger
    width; `ps_second_cycles` Q-switch width, 0 with one trigger; `gate_cycles`; `pair_delay_cycles` from the ps trigger
    or its sync; `verified` the ps energy has to pass before the CO2 permit; `codes` scanner words, two for each shot,
    or None; `stepped` a scanner that goes a step after every `pulses_per_spot` shots; `input_mask`, `input_want` GPIO
    levels that a permit asks for; `ps_settle_cycles`, `co2_window_cycles` from trigger to verdict; `sync_open_cycles`,
    `sync_close_cycles` when the ps laser's sync is valid, from its trigger (both 0: no sync); energy limits in summed
    counts.
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
        self.codes: array[int] | None = None
        self.stepped = False
        self.pulses_per_spot = 1
        self.input_mask = 0
        self.input_want = 0
        self.ps_limits = (0, 0)
        self.co2_limits = (0, 0)
        self.ps_settle_cycles = 0
        self.co2_window_cycles = 0
        self.sync_open_cycles = 0
        self.sync_close_cycles = 0


class Sequencer:
    """What every board's sequencer can do. Only `arm`, `load` and `start` allocate; only `stop` blocks, 2.5 ms at most.

    `load` -> `start` -> (`state` RUNNING until `reason` or DONE) -> `stop`; `arm` once before the first `start`, in
    ARMING. `ps_results`, `co2_results` hold the summed counts of the shots judged so far, NOT_MEASURED for others.
    `withheld`: the last `stop` came between lamp and Q-switch, and the Q-switch did not come.
    """

    ps_results: "array[int]"
    co2_results: "array[int]"
    withheld: bool

    def arm(self) -> None:
        """Write every program anew, release the guard, read everything back. Raises RegisterDiffers."""
        raise NotImplementedError

    def load(self, burst: Burst) -> None:
        """Take one pass. ValueError for what the board's words cannot hold; nothing is loaded then."""
        raise NotImplementedError

    def unload(self) -> None:
        """Give up the memory of the loaded pass; `load` another before `start`. Not while RUNNING."""
        raise NotImplementedError

    def place(self, index: int) -> None:
        """Move the scanner to the position of shot `index` (from 0) of the loaded pass."""
        raise NotImplementedError

    def start(self) -> None:
        """Start the loaded pass: its first slot is one period away. Raises RegisterDiffers; nothing fires then."""
        raise NotImplementedError

    def stop(self) -> None:
        """Take every permit back. A gate that is open ends on its cycle; a Q-switch that is due never comes.

        A shot on its way is measured to its end: that may take 2.5 ms.
        """
        raise NotImplementedError

    def make_safe(self) -> None:
        """Leave nothing behind that could fire, for the end of the program."""
        raise NotImplementedError

    @property
    def state(self) -> int:
        """RUNNING, DONE when every shot was judged, 0 when idle, or another number when it stopped: see `reason`."""
        raise NotImplementedError

    @property
    def reason(self) -> str:
        """Why it stopped, one of the words above; '' when it did not."""
        raise NotImplementedError

    @property
    def permitted(self) -> int:
        """Slots that were given a permit."""
        raise NotImplementedError

    @property
    def stop_inputs(self) -> int:
        """GPIO levels at the moment of the stop."""
        raise NotImplementedError

    def judged(self, laser: str) -> int:
        """Return the number of shots of 'ps' or 'co2' that passed."""
        raise NotImplementedError

    def guard_tripped(self) -> bool:
        """Return True when the guard has latched since `arm`."""
        raise NotImplementedError
