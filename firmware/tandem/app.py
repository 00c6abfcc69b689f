"""The one place that puts the parts together, on an RP2040 board."""

import gc

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tandem.safety.supervisor import Supervisor
    from tandem.timing.rp2.sequencer import Rp2Sequencer

gc.threshold(16384)  # collecting often while modules are loaded keeps the free memory in large pieces

PS_NJ_PER_COUNT = 145_728  # integrator: 596.9 mJ gives 1.65 V; sum of two 12-bit samples at 3.3 V
CO2_NJ_PER_COUNT = 469  # detector: 240 W gives 1.65 V; a sample every 4 us


def run() -> None:
    """Run the controller until Ctrl-C comes over the console. Leaves the outputs to `make_everything_safe`.

    The sequencer comes first: its memory must be in one piece, and the self-test asks what an earlier run left.
    """
    from tandem import planner
    from tandem.timing.rp2 import sequencer as rp2

    clean = not rp2.started_before()
    sequencer = rp2.Rp2Sequencer()
    planner.acquaint()
    try:
        _assemble(sequencer, clean).run()
    finally:
        sequencer.make_safe()


def _assemble(sequencer: "Rp2Sequencer", clean: bool) -> "Supervisor":
    import board
    import machine

    from tandem import VERSION, planner
    from tandem.console.session import Console
    from tandem.controller import Tandem
    from tandem.delivery import Delivery
    from tandem.energy.photodiode import Channel
    from tandem.io.rp2_board import Rp2Board
    from tandem.io.terminal import Terminal
    from tandem.safety import faults, states
    from tandem.safety.inputs import CLEAN_START, Inputs, LaserLines, Lines, raising
    from tandem.safety.supervisor import Supervisor

    lines = Lines(board.SAFE, board.FOOT_NO, board.FOOT_NC, board.PS_READY, board.CO2_READY, board.SCAN_OK)
    inputs = Inputs(lines, LaserLines(), LaserLines())
    inputs.give(CLEAN_START, clean)
    hardware = Rp2Board(sequencer)
    state = states.State(hardware.millis())
    supervisor = Supervisor(hardware, inputs, state)
    channels = Channel(PS_NJ_PER_COUNT), Channel(CO2_NJ_PER_COUNT)
    supervisor.delivery = Delivery(sequencer, channels[0], channels[1], inputs, supervisor.breathe)
    supervisor.console = console = Console(Tandem(supervisor), Terminal())
    console.remark("Tandem {} on {}: research and bench controller, not a medical device".format(VERSION, board.NAME))
    if machine.freq() != board.CLOCK_HZ:
        supervisor.selftest = raising(faults.CLOCK_WRONG)
    planner.make_room()
    gc.collect()
    gc.threshold(-1)
    return supervisor
