"""The one place that puts the parts together, on an RP2040 board."""

import gc

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tandem.delivery import Delivery
    from tandem.energy.photodiode import Channel
    from tandem.io.rp2_board import Rp2Board
    from tandem.io.rp2_selftest import SelfTest
    from tandem.record.journal import Journal
    from tandem.record.settings import Settings
    from tandem.safety.states import State
    from tandem.safety.supervisor import Supervisor
    from tandem.timing.rp2.sequencer import Rp2Sequencer

_UNCLOSED = "the burst of record {} was cut off when the power was lost; {} of its shots are on record"
RAM_RECORDS = 24_576  # bytes for records where there is no shot memory: a burst of 700 shots at most


def run() -> None:
    """Run the controller until Ctrl-C comes over the console. Leaves the outputs to `make_everything_safe`.

    The sequencer comes first: its memory must be in one piece, and the self-test asks what an earlier run left.
    """
    from tandem import memory, planner
    from tandem.timing.rp2 import sequencer as rp2

    memory.collect(often=True)
    clean = not rp2.started_before()
    sequencer = rp2.Rp2Sequencer()
    planner.Planner(gc.collect).acquaint()
    try:
        _assemble(sequencer, clean).run()
    finally:
        sequencer.make_safe()


def _assemble(sequencer: "Rp2Sequencer", clean: bool) -> "Supervisor":
    import board

    from tandem import VERSION, planner
    from tandem.console.session import Console
    from tandem.controller import Tandem
    from tandem.delivery import Delivery
    from tandem.energy.photodiode import Channel
    from tandem.io.rp2_board import Rp2Board
    from tandem.io.terminal import Terminal
    from tandem.record.recorder import Recorder
    from tandem.record.settings import FileSlots, Settings
    from tandem.safety import faults, states
    from tandem.safety.inputs import NO_RECIPE, SOFT_RESET, Inputs, LaserLines, Lines
    from tandem.safety.supervisor import Supervisor

    lines = Lines(board.SAFE, board.FOOT_NO, board.FOOT_NC, board.PS_READY, board.CO2_READY, board.SCAN_OK)
    inputs = Inputs(lines, LaserLines(), LaserLines())
    inputs.hold(NO_RECIPE, True)
    inputs.hold(SOFT_RESET, not clean)
    hardware = Rp2Board(sequencer)
    settings = Settings(FileSlots("/settings"))
    settings.open()
    journal = _journal(hardware)
    state = states.State(hardware.millis())
    supervisor = Supervisor(hardware, inputs, state, Recorder(journal))
    if settings.lost:
        supervisor.found = faults.SETTINGS_LOST
    ps, co2 = Channel(1), Channel(1)
    delivery = Delivery(sequencer, ps, co2, inputs, supervisor.journal, supervisor.breathe)
    supervisor.delivery = delivery

    def apply() -> None:
        _apply(settings, state, delivery, ps, co2)

    apply()
    supervisor.console = console = Console(Tandem(supervisor, settings, apply), Terminal())
    console.remark("Tandem {} on {}: research and bench controller, not a medical device".format(VERSION, board.NAME))
    _open_journal(journal, supervisor, settings, clean)
    supervisor.selftest = _selftest(hardware, sequencer, clean)
    gc.collect()
    planner.make_room()
    return supervisor


def _apply(settings: "Settings", state: "State", delivery: "Delivery", ps: "Channel", co2: "Channel") -> None:
    """Bring settings into use."""
    values = settings.values
    state.set_times(int(values["arming_ms"]), int(values["idle_s"]), int(values["service_s"]))
    delivery.testfire = values["testfire"] == 1
    delivery.test_due = delivery.test_due and delivery.testfire
    ps.calibrate(int(values["ps_nj_per_count"]))
    co2.calibrate(int(values["co2_nj_per_count"]))


def _journal(hardware: "Rp2Board") -> "Journal":
    """Return the journal, in the shot memory and flash; without shot memory in RAM and flash."""
    from tandem.io import rp2_crc
    from tandem.record.journal import Folder, Journal

    hardware.flash_begins()  # the first start makes the journal's folder
    memory = hardware.shot_memory()
    if not memory.present():
        from tandem.record.ram import RamMemory

        memory = RamMemory(RAM_RECORDS)
    return Journal(Folder("/journal"), memory, rp2_crc)


def _open_journal(journal: "Journal", supervisor: "Supervisor", settings: "Settings", clean: bool) -> None:
    """Find what is on record, begin the record of this start, and tell of a burst that was cut off."""
    from tandem.controller import program_hash
    from tandem.io.rp2_selftest import reset_cause
    from tandem.memory import forget
    from tandem.record import layout
    from tandem.record.journal import JournalError, ShotMemoryError
    from tandem.safety import faults
    from tandem.safety.inputs import JOURNAL_CLOSED

    try:
        for _ in journal.open():
            supervisor.board.alive()
    except JournalError as error:
        supervisor.found = faults.JOURNAL_FAILED
        supervisor.inputs.hold(JOURNAL_CLOSED, True)
        supervisor.delivery.message = str(error)
    except ShotMemoryError as error:
        supervisor.found = faults.SHOT_MEMORY_FAILED
        supervisor.delivery.message = str(error)
    forget(("record.recovery",))
    text = "cause={} program={} memory={} settings={}".format(
        reset_cause(clean),
        program_hash(),
        "fram" if journal.memory.lasting else "ram",
        "lost" if settings.lost else "damaged" if settings.damaged else "whole",
    )
    if journal.unclosed is not None:
        number, kept, _ = journal.unclosed
        text += " unclosed={} kept={}".format(number, kept)
        supervisor.console.remark(_UNCLOSED.format(number, kept))
    supervisor.journal.note(layout.START, text)


def _selftest(hardware: "Rp2Board", sequencer: "Rp2Sequencer", clean: bool) -> "SelfTest":
    """Return the self-test, whose code no module keeps: once it has run, its memory is free again."""
    from tandem.io import rp2_selftest
    from tandem.memory import forget

    test = rp2_selftest.SelfTest(hardware, sequencer, clean)
    forget(("io.rp2_selftest",))
    return test
