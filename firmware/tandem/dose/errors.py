"""What the dose package raises: numbered errors whose message says what was asked, what is allowed and what to do."""

BAD_FORMAT = 401
BAD_TYPE = 402
OUT_OF_RANGE = 403
UNKNOWN_FIELD = 404
MISSING_FIELD = 405
CONFLICT = 406
LASER_CANNOT = 411
HANDPIECE_CANNOT = 412
BOARD_CANNOT = 413
SCANNER_CANNOT = 414
TOO_FAST = 415

MEANINGS = {
    BAD_FORMAT: "the text is not a recipe, profile or handpiece entry",
    BAD_TYPE: "a field holds the wrong kind of value",
    OUT_OF_RANGE: "a value is outside its range",
    UNKNOWN_FIELD: "a field that does not exist",
    MISSING_FIELD: "a field that is needed is missing",
    CONFLICT: "two fields do not go together",
    LASER_CANNOT: "the laser's profile does not allow it",
    HANDPIECE_CANNOT: "the handpiece does not offer it",
    BOARD_CANNOT: "the board cannot time it",
    SCANNER_CANNOT: "the scanner cannot reach it",
    TOO_FAST: "the period is too short for what has to happen in it",
}
"""The closed list of numbers, with what each means; console, documents and host tools show these."""


class DoseError(ValueError):
    """A recipe, profile, entry or plan that is refused. ``number`` is one of `MEANINGS`; the text is for people."""

    def __init__(self, number: int, message: str) -> None:
        super().__init__(message)
        self.number = number


class DataError(DoseError):
    """The data themselves are wrong: a field's type, range, presence, or two fields against each other."""


class PlanError(DoseError):
    """The recipe is sound, but this laser, handpiece, scanner or board cannot do it; the text says what they can."""
