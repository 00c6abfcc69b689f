"""The journal as the rest of the controller uses it while it runs: what fails becomes an event, and raises nothing."""

from tandem.record.journal import APPEND_BYTES, Journal, ShotMemoryError
from tandem.record.layout import SHOT_BYTES
from tandem.safety import faults
from tandem.safety.inputs import raising


class Recorder:
    """Keeps records in `journal`. `event`: the fault of a shot memory that failed, until the reader sets it to 0.

    `urgent`: something waits that is to go into flash soon. A change of the inputs is not: writing flash may make one.
    """

    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        self.event = 0
        self.urgent = False
        self.tick = journal.tick

    def note(self, kind: int, text: str) -> None:
        """Keep a record with a text of `key=value` words."""
        self.urgent = True
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
        self.urgent = False
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

    def full(self, records: int) -> bool:
        """Tell whether flash has no room for that many shots."""
        return records > self.journal.room

    def too_long(self, records: int) -> bool:
        """Tell whether memory, even when nothing waits in it, has no room for that many shots of one burst."""
        return records * SHOT_BYTES + APPEND_BYTES > self.journal.memory.size

    def fits(self, records: int) -> bool:
        """Tell whether that many shots can be kept."""
        return self.journal.fits(records)
