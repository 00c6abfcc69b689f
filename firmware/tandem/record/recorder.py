"""The journal as the rest of the controller uses it while it runs: what fails becomes an event, and raises nothing."""

from tandem.record.journal import Journal, ShotMemoryError
from tandem.safety import faults
from tandem.safety.inputs import raising


class Recorder:
    """Keeps records in `journal`. `event`: the fault of a shot memory that failed, until the reader sets it to 0."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        self.event = 0
        self.tick = journal.tick

    def note(self, kind: int, text: str) -> None:
        """Keep a record with a text of `key=value` words."""
        try:
            self.journal.note(kind, text)
        except ShotMemoryError:
            self._failed()

    def shot(self, step: int, laser: int, verdict: int, number: int, energy_uj: int) -> None:
        """Keep a shot; see `Journal.shot`. Allocates nothing."""
        try:
            self.journal.shot(step, laser, verdict, number, energy_uj)
        except ShotMemoryError:
            self._failed()

    def change(self, before: int, after: int) -> None:
        """Keep a change of the inputs. Allocates nothing."""
        try:
            self.journal.change(before, after)
        except ShotMemoryError:
            self._failed()

    def _failed(self) -> None:
        self.event = raising(faults.SHOT_MEMORY_FAILED)

    def flush(self) -> bool:
        """Move a piece into flash; True when nothing is left to do. Blocks, may raise: see `Journal.flush`."""
        try:
            return self.journal.flush()
        except ShotMemoryError:
            self._failed()
            return True

    @property
    def seq(self) -> int:
        """Number of the next record."""
        return self.journal.seq

    @property
    def waiting(self) -> int:
        """Bytes that wait to be moved into flash."""
        return self.journal.waiting

    @property
    def volatile(self) -> bool:
        """Tell whether what waits is lost with the power."""
        return not self.journal.memory.lasting

    @property
    def low(self) -> bool:
        """Tell whether less than a tenth of the room is free."""
        return self.journal.low

    def fits(self, records: int) -> bool:
        """Tell whether that many shots can be kept."""
        return self.journal.fits(records)
