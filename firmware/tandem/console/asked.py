"""What the console may ask of the controller. No board loads this: it is the contract for those who write one."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


class Controller:
    """What the console may ask of the controller. The application gives an object with these methods.

    No method blocks or prints. A method that cannot do what is asked raises `Refused(code, text)` with a code out of
    `errors.ERRORS`. Lines are given without the leading `# ` and without line ends, at most 330 characters each;
    long replies are best given as generators.
    """

    def status(self) -> "list[tuple[str, object]]":
        """Return (key, value) pairs; printed one a line. Keys are words of the command language, units in the name."""
        raise NotImplementedError

    def recipe_names(self) -> "Iterable[str]":
        """Return the names of all recipes."""
        raise NotImplementedError

    def recipe_lines(self, name: str) -> "Iterable[str]":
        """Return a recipe as lines of `key=value`. Refuses: `UNKNOWN_RECIPE`."""
        raise NotImplementedError

    def use(self, name: str) -> "list[tuple[str, object]]":
        """Compile a recipe and take it into use; return pairs for the `OK` line.

        Refuses: `UNKNOWN_RECIPE`, `RECIPE_REFUSED` (with the reason and the nearest that can be kept), `NOT_NOW`
        outside STANDBY.
        """
        raise NotImplementedError

    def plan_lines(self) -> "Iterable[str]":
        """Return the plan in use, one line of `key=value` for each pass and shot. Refuses: `NOTHING_LOADED`."""
        raise NotImplementedError

    def arm(self) -> None:
        """Ask for arming, as the button does. Refuses: `CANNOT_ARM` with all reasons, `NOT_NOW` outside STANDBY."""
        raise NotImplementedError

    def standby(self) -> None:
        """Ask for STANDBY, as the button does. Refuses: `NOT_NOW` in FAULT (`clear` leaves it) and before STANDBY."""
        raise NotImplementedError

    def fault_lines(self) -> "Iterable[str]":
        """Return the present fault, or the last one, as lines of `key=value`; no lines if there was none."""
        raise NotImplementedError

    def clear(self) -> None:
        """Acknowledge the fault. Refuses: `NO_FAULT`, `CAUSE_STANDS` with what still stands, `RESET_NEEDED`."""
        raise NotImplementedError

    def shot_lines(self) -> "Iterable[str]":
        """Return one line a shot: `shot= pass= laser= energy_uj= low_uj= high_uj= verdict= deviation_permille=`.

        CO2 shots of a scan add `x_um= y_um=`.
        """
        raise NotImplementedError

    def service(self, pin: str) -> None:
        """Go to SERVICE, or begin its time anew. Refuses: `WRONG_PIN`, `NOT_NOW`."""
        raise NotImplementedError

    def testfire(self) -> None:
        """Ask for arming a test fire. Refuses: as `arm`."""
        raise NotImplementedError

    def scope(self, output: str, count: str) -> None:
        """Begin to make pulses. Refuses: `BAD_VALUE`, `NOT_NOW`, `NOT_SAFE` with what keeps from it."""
        raise NotImplementedError

    def setting_lines(self) -> "Iterable[str]":
        """Return one line of `key=value` a setting."""
        raise NotImplementedError

    def set(self, name: str, text: str) -> "list[tuple[str, object]]":
        """Change a setting; return pairs for the `OK` line. Refuses: `BAD_VALUE`, `NOT_KEPT`, `NOT_NOW` elsewhere."""
        raise NotImplementedError

    def clock(self, text: str) -> "list[tuple[str, object]]":
        """Set the calendar time; return pairs for the `OK` line. Refuses: `BAD_VALUE`."""
        raise NotImplementedError

    def journal_status(self) -> "list[tuple[str, object]]":
        """Return pairs for the `OK` line: number of the newest record, of the newest in flash, room, store."""
        raise NotImplementedError

    def journal_lines(self, first: str) -> "Iterable[str]":
        """Return records, a line each. Refuses: `BAD_VALUE`, `NOT_NOW` while armed."""
        raise NotImplementedError

    def journal_pulled(self, last: str) -> None:
        """Take note that records were pulled. Refuses: `BAD_VALUE`, `NOT_NOW` while armed."""
        raise NotImplementedError

    def journal_overwrite(self) -> None:
        """Take note that the oldest records may be overwritten. Refuses: `NOT_NOW` while armed."""
        raise NotImplementedError

    def health(self) -> "list[tuple[str, object]]":
        """Return pairs for the `OK` line: counts of what has gone wrong since the start, zero on a sound board."""
        raise NotImplementedError

    def version(self) -> "list[tuple[str, object]]":
        """Return pairs for the `OK` line: at least `tandem`, `micropython` and `board`."""
        raise NotImplementedError

    def failed(self, error: Exception) -> None:
        """Take note of an error that is not a refusal: raise fault FIRMWARE_EXCEPTION. Must not raise itself."""
        raise NotImplementedError
