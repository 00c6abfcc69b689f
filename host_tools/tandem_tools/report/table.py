"""The session as a table in the terminal."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from .measure import NAMES, Measured, measure, miss_um, mj_text, ms_text, spacing_text
from .record import GOOD_VERDICTS, SessionRecord


def shot_rows(record: SessionRecord) -> list[dict[str, str]]:
    """Return one row of texts for each shot that the controller judged; times count from the first trigger."""
    rows = []
    first = record.triggers[0].cycle if record.triggers else 0
    triggers = {laser: [t for t in record.triggers if t.laser == laser] for laser in NAMES}
    pulses = {laser: [p for p in record.pulses if p.laser == laser] for laser in NAMES}
    for shot in record.shots:
        planned = record.pass_of(shot)
        nth = sum(1 for s in record.shots[: record.shots.index(shot)] if s.laser == shot.laser)
        trigger = triggers[shot.laser][nth] if nth < len(triggers[shot.laser]) else None
        pulse = pulses[shot.laser][nth] if nth < len(pulses[shot.laser]) else None
        spot = planned.positions[shot.index - 1] if shot.index <= len(planned.positions) else None
        rows.append(
            {
                "number": str(shot.number),
                "laser": NAMES[shot.laser],
                "shot": f"{shot.index} of {planned.count}",
                "time": ms_text(trigger.cycle - first, record.clock_hz) if trigger else "-",
                "energy": mj_text(shot.energy_uj),
                "emitted": mj_text(pulse.energy_uj) if pulse else "-",
                "window": f"{planned.stop_low_uj / 1000:.1f} to {mj_text(planned.stop_high_uj)}",
                "deviation": f"{shot.deviation_permille / 10:+.1f} %",
                "verdict": shot.verdict,
                "good": "yes" if shot.verdict in GOOD_VERDICTS else "",
                "spot": f"{spot[0]:+d}, {spot[1]:+d}" if spot else "",
                "landed": f"{pulse.x_um:+.1f}, {pulse.y_um:+.1f}" if pulse and pulse.x_um is not None else "",
                "missed": f"{miss_um(pulse, spot):.1f}" if pulse and spot else "",
            }
        )
    return rows


def print_session(record: SessionRecord, console: Console) -> Measured:
    """Print the shots, what was measured, and how it ended; return the measurement."""
    measured = measure(record)
    title = f"{record.plan_name} on the emulated bench"
    table = Table(title=title, title_justify="left", box=None, pad_edge=False, header_style="dim")
    for heading in ("shot", "at ms", "mJ", "window mJ", "off %", "verdict", "spot um", "miss"):
        table.add_column(heading, justify="left" if heading in ("shot", "verdict") else "right", no_wrap=True)
    for row in shot_rows(record):
        table.add_row(
            f"{row['laser']} {row['shot'].replace(' of ', '/')}",
            row["time"].removesuffix(" ms"),
            row["energy"].removesuffix(" mJ"),
            row["window"].removesuffix(" mJ").replace(" to ", "-"),
            row["deviation"].removesuffix(" %"),
            f"[green]{row['verdict']}" if row["good"] else f"[bold red]{row['verdict']}",
            row["spot"],
            row["missed"],
        )
    console.print(table)
    for laser, name in NAMES.items():
        spacings = measured.spacings_cycles[laser]
        if spacings:
            cycles = ", ".join(str(c) for c in sorted(set(spacings)))
            console.print(
                f"{name}: {measured.triggers[laser]} triggers; all {len(spacings)} spacings are {cycles} cycles = "
                f"{spacing_text(spacings, record.clock_hz)}",
                highlight=False,
            )
    for problem in measured.problems:
        console.print(f"[red]not as planned:[/] {problem}", highlight=False, soft_wrap=True)
    console.print(
        f"[bold {'green' if measured.delivered else 'red'}]{measured.sentence}", highlight=False, soft_wrap=True
    )
    return measured
