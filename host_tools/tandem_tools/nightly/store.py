"""The nights in SQLite: every figure, every outcome, with versions and verdict.

A night is written in one transaction when it is over, so one that was killed leaves nothing. A file of an older schema
is brought up to the present one when it is opened; one of a newer schema is refused.
"""

from __future__ import annotations

import json
import sqlite3
import zlib
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from tandem_tools.nightly.errors import NightlyError
from tandem_tools.nightly.figures import HilFigure
from tandem_tools.nightly.judge import Judgement, Reading
from tandem_tools.nightly.night import JudgedFigure, JudgedOutcome, Night
from tandem_tools.nightly.recording import Outcome

FILE = "nights.sqlite"
BUSY_S = 60.0
SAMPLE_DIGITS = 7

# Each entry brings a file from the schema version before it (its index) to the next. Entries are only ever added.
SCHEMAS = (
    """
    CREATE TABLE nights (
        id INTEGER PRIMARY KEY AUTOINCREMENT, stand TEXT NOT NULL, started TEXT NOT NULL, seconds REAL NOT NULL,
        "commit" TEXT NOT NULL, dirty INTEGER NOT NULL, versions TEXT NOT NULL, verdict TEXT NOT NULL,
        cut TEXT NOT NULL, remarks TEXT NOT NULL
    );
    CREATE TABLE figures (
        night INTEGER NOT NULL REFERENCES nights(id), name TEXT NOT NULL, value REAL NOT NULL, unit TEXT NOT NULL,
        low REAL NOT NULL, high REAL NOT NULL, uncertainty REAL NOT NULL, truth REAL, test TEXT NOT NULL,
        samples BLOB NOT NULL, kind TEXT NOT NULL, nights INTEGER NOT NULL, median REAL, allowed REAL,
        said TEXT NOT NULL, since INTEGER, PRIMARY KEY (night, name)
    );
    CREATE INDEX figures_by_name ON figures (name, night);
    CREATE TABLE outcomes (
        night INTEGER NOT NULL REFERENCES nights(id), test TEXT NOT NULL, outcome TEXT NOT NULL, message TEXT NOT NULL,
        seconds REAL NOT NULL, known_until TEXT, reason TEXT NOT NULL, PRIMARY KEY (night, test)
    );
    """,
    """
    CREATE TABLE accepted (
        stand TEXT NOT NULL, figure TEXT NOT NULL, night INTEGER NOT NULL REFERENCES nights(id), reason TEXT NOT NULL,
        at TEXT NOT NULL
    );
    """,
)
CALLED_REGRESSION = "kind IN ('jump', 'drift', 'creep')"


@dataclass(frozen=True)
class TrendPoint:
    """A figure of one night, for drawing."""

    night: int
    value: float
    good: bool


class Store:
    """The nights of all stands. Use as `with Store(folder) as store`."""

    def __init__(self, folder: Path) -> None:
        """Open or make the file in a folder. NightlyError when it cannot be read, or is of a newer Tandem."""
        self._path = folder / FILE
        folder.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(self._path, timeout=BUSY_S, isolation_level=None)
        self._db.row_factory = sqlite3.Row
        try:
            self._bring_up_to_date()
        except sqlite3.DatabaseError as error:
            self._db.close()
            raise NightlyError(f"{self._path} cannot be read: {error}; move it away, or give --state") from None
        except NightlyError:
            self._db.close()
            raise

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self._db.close()

    @contextmanager
    def _transaction(self) -> Generator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def _bring_up_to_date(self) -> None:
        with self._transaction():
            version = self._db.execute("PRAGMA user_version").fetchone()[0]
            if version > len(SCHEMAS):
                raise NightlyError(
                    f"{self._path} is of schema {version}, this Tandem knows up to {len(SCHEMAS)}: use a newer one"
                )
            for schema in SCHEMAS[version:]:
                for statement in filter(str.strip, schema.split(";")):
                    self._db.execute(statement)
            self._db.execute(f"PRAGMA user_version = {len(SCHEMAS)}")

    def keep(self, night: Night) -> Night:
        """Keep a night, all of it or nothing; returns it with its number."""
        with self._transaction():
            number = self._db.execute(
                "INSERT INTO nights VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    night.stand, night.started.astimezone(UTC).isoformat(timespec="seconds"), night.seconds,
                    night.commit, night.dirty, json.dumps(dict(night.versions)), night.verdict, night.cut,
                    json.dumps(list(night.remarks)),
                ),
            ).lastrowid or 0  # fmt: skip
            self._db.executemany(_into("figures", 16), [_figure_row(number, f) for f in night.figures])
            self._db.executemany(_into("outcomes", 7), [_outcome_row(number, o) for o in night.outcomes])
        return night.numbered(number)

    def numbers(self, stand: str) -> list[int]:
        """Return the numbers of a stand's nights, the oldest first."""
        return [row["id"] for row in self._db.execute("SELECT id FROM nights WHERE stand = ? ORDER BY id", (stand,))]

    def night(self, stand: str, number: int) -> Night:
        """Return a night as it was kept. NightlyError when there is none of that number."""
        row = self._db.execute("SELECT * FROM nights WHERE id = ? AND stand = ?", (number, stand)).fetchone()
        if row is None:
            kept = self.numbers(stand)
            there_are = f"nights {kept[0]} to {kept[-1]} are kept" if kept else "none is kept yet"
            raise NightlyError(f"no night {number} of stand {stand}: {there_are} in {self._path}")
        figures = self._db.execute("SELECT * FROM figures WHERE night = ? ORDER BY rowid", (number,))
        outcomes = self._db.execute("SELECT * FROM outcomes WHERE night = ? ORDER BY rowid", (number,))
        return Night(
            stand, datetime.fromisoformat(row["started"]), row["seconds"], row["commit"], bool(row["dirty"]),
            json.loads(row["versions"]), [_figure(r) for r in figures], [_outcome(r) for r in outcomes],
            json.loads(row["remarks"]), row["cut"], number,
        )  # fmt: skip

    def readings(self, stand: str) -> dict[str, list[Reading]]:
        """Return the good nights of each figure, the oldest first.

        Good is a night on which the figure kept its bounds and was not called a regression; nights before the one on
        which the figure was last accepted do not count, that one does.
        """
        rows = self._db.execute(
            f"""
            SELECT f.name, f.value, f.uncertainty FROM figures f JOIN nights n ON n.id = f.night
            LEFT JOIN (SELECT figure, MAX(night) AS night FROM accepted WHERE stand = :stand GROUP BY figure) a
                ON a.figure = f.name
            WHERE n.stand = :stand AND f.value BETWEEN f.low AND f.high
                AND (f.night = a.night OR (f.night > COALESCE(a.night, 0) AND NOT f.{CALLED_REGRESSION}))
            ORDER BY f.night
            """,
            {"stand": stand},
        )
        found: dict[str, list[Reading]] = {}
        for row in rows:
            found.setdefault(row["name"], []).append(Reading(row["value"], row["uncertainty"]))
        return found

    def regressed_since(self, stand: str) -> dict[str, int]:
        """Return the figures called a regression when they were last measured, with the first night in a row of it."""
        rows = self._db.execute(
            f"""
            SELECT f.name, f.night, f.since FROM figures f JOIN nights n ON n.id = f.night
            WHERE n.stand = :stand AND f.{CALLED_REGRESSION} AND f.night = (
                SELECT MAX(g.night) FROM figures g JOIN nights m ON m.id = g.night
                WHERE m.stand = :stand AND g.name = f.name
            )
            """,
            {"stand": stand},
        )
        return {row["name"]: row["since"] or row["night"] for row in rows}

    def trends(self, stand: str, upto: int, nights: int) -> dict[str, list[TrendPoint]]:
        """Return each figure's values on the last nights up to a given one, the oldest first."""
        rows = self._db.execute(
            f"""
            SELECT f.name, f.night, f.value, f.value BETWEEN f.low AND f.high AND NOT f.{CALLED_REGRESSION} AS good
            FROM figures f WHERE f.night IN (
                SELECT id FROM nights WHERE stand = ? AND id <= ? ORDER BY id DESC LIMIT ?
            ) ORDER BY f.night
            """,
            (stand, upto, nights),
        )
        found: dict[str, list[TrendPoint]] = {}
        for row in rows:
            found.setdefault(row["name"], []).append(TrendPoint(row["night"], row["value"], bool(row["good"])))
        return found

    def accept(self, stand: str, figure: str, reason: str) -> int:
        """Let a figure's past begin with the last night that measured it; returns that night's number.

        NightlyError for a figure that no night has measured, and without a reason.
        """
        if not reason.strip():
            raise NightlyError(f"why {figure} may change has to be said: give --because")
        with self._transaction():
            night = self._db.execute(
                "SELECT MAX(f.night) FROM figures f JOIN nights n ON n.id = f.night WHERE n.stand = ? AND f.name = ?",
                (stand, figure),
            ).fetchone()[0]
            if night is None:
                raise NightlyError(f"no night of stand {stand} has measured a figure called {figure!r}")
            now = datetime.now(UTC).isoformat(timespec="seconds")
            self._db.execute(_into("accepted", 5), (stand, figure, night, reason.strip(), now))
        return night

    def accepted(self, stand: str, upto: int) -> list[str]:
        """Return which changes were accepted, up to a night, the newest first, in words."""
        rows = self._db.execute(
            "SELECT * FROM accepted WHERE stand = ? AND night <= ? ORDER BY rowid DESC", (stand, upto)
        )
        return [f"{r['figure']}, from night {r['night']} on: {r['reason']} ({r['at'][:10]})" for r in rows]


def _into(table: str, columns: int) -> str:
    return f"INSERT INTO {table} VALUES ({', '.join('?' * columns)})"


def _figure_row(night: int, judged: JudgedFigure) -> tuple[object, ...]:
    f, j = judged.figure, judged.judgement
    samples = zlib.compress(json.dumps([_compact(s) for s in f.samples]).encode())
    return (
        night, f.name, f.value, f.unit, f.low, f.high, f.uncertainty, f.truth, f.test, samples, j.kind, j.nights,
        j.median, j.allowed, j.text, judged.since,
    )  # fmt: skip


def _compact(sample: float) -> float:
    """Return a sample with seven digits, whole ones with all of them: enough for a histogram, and half the room."""
    return sample if float(sample).is_integer() else float(format(sample, f".{SAMPLE_DIGITS}g"))


def _figure(row: sqlite3.Row) -> JudgedFigure:
    samples = tuple(json.loads(zlib.decompress(row["samples"])))
    names = ("name", "value", "unit", "low", "high", "uncertainty", "truth", "test")
    figure = HilFigure(**{name: row[name] for name in names}, samples=samples)
    judgement = Judgement(row["kind"], row["nights"], row["median"], row["allowed"], row["said"])
    return JudgedFigure(figure, judgement, row["since"])


def _outcome_row(night: int, judged: JudgedOutcome) -> tuple[object, ...]:
    o = judged.outcome
    until = judged.known_until.isoformat() if judged.known_until else None
    return night, o.test, o.outcome, o.message, o.seconds, until, judged.reason


def _outcome(row: sqlite3.Row) -> JudgedOutcome:
    until = date.fromisoformat(row["known_until"]) if row["known_until"] else None
    return JudgedOutcome(Outcome(row["test"], row["outcome"], row["message"], row["seconds"]), until, row["reason"])
