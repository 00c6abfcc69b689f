"""What the whole firmware puts on record: starts, states, shots, faults, inputs; and what a loss of power leaves."""

from __future__ import annotations

import re
from collections.abc import Iterator
from random import Random

import pytest
from moments import Press
from stage import SHOTS, Figure, Stage, stage
from tandem_tools.flash.program import build_program

RECIPE = "calcinosis-1-combined"
OPENED_CUT = r"the burst of record (\d+) was cut off when the power was lost; (\d+) of its shots are on record"


def records(found: Stage) -> list[dict[str, str]]:
    """Return every record that the console shows, as its words."""
    lines = [line[2:] for line in found.ok("journal show 1", timeout_ms=60_000) if line.startswith("# seq=")]
    return [{k: v.strip('"') for k, v in re.findall(r'(\w+)=("[^"]*"|\S+)', line)} for line in lines]


@pytest.fixture(scope="module")
def press(_session: Stage) -> Press:
    return Press(_session)


@pytest.fixture(scope="module")
def _without_memory() -> Iterator[Stage]:
    with stage() as found:
        found.bench.part("fram").set(present=0)
        found.board.reset("power")
        found.boot()
        found.use(RECIPE)
        found.arm()
        found.save("no memory")
        yield found


@pytest.fixture
def without_memory(_without_memory: Stage) -> Stage:
    """The published session in READY, on a board without shot memory."""
    return _without_memory.again("no memory")


@pytest.mark.proves("R-JRN-2", "R-JRN-3", "R-JRN-4", "R-SUP-9")
def test_a_session_is_on_record_from_the_start_to_standby(session: Stage) -> None:
    session.press()
    session.told("state READY", timeout_ms=4000)
    session.release()
    session.bench.run_for(ms=500)
    session.ok("clock 2026-11-26T09:30:00Z")
    session.bench.part("chain").set(door=0)
    session.told("fault 12")
    session.bench.part("chain").set(door=1)
    session.bench.run_for(ms=500)
    session.ok("clear")
    session.told("state STANDBY")
    shown = session.shots()
    found = records(session)
    assert [int(record["seq"]) for record in found] == list(range(1, len(found) + 1))
    assert {record["boot"] for record in found} == {"1"}
    assert found[0]["kind"] == "start"
    assert (found[0]["cause"], found[0]["program"]) == ("power_on", build_program().hash)
    steps = [record["to"] for record in found if record["kind"] == "state"]
    assert steps == ["SELFTEST", "STANDBY", "ARMING", "READY", "FIRING", "READY", "FAULT", "STANDBY"]
    shots = [record for record in found if record["kind"] == "shot"]
    assert [(s["laser"], s["energy_uj"], s["verdict"]) for s in shots] == [
        (s["laser"], s["energy_uj"], s["verdict"]) for s in shown
    ]
    assert [record["fault"] for record in found if record["kind"] == "fault"] == ["12"]
    clocked = [record["kind"] for record in found].index("clock")
    assert {record["time"] for record in found[:clocked]} == {"unset"}
    assert all(record["time"].startswith("2026-11-26T09:30") for record in found[clocked + 1 :])
    door = 1 << 2
    changes = [record for record in found[clocked:] if record["kind"] == "input"]
    assert any((int(c["before"]) ^ int(c["after"])) & door for c in changes)


@pytest.mark.proves("R-JRN-6")
def test_each_shot_is_in_the_shot_memory_before_the_next_one_is_due(press: Press, figure: Figure) -> None:
    longest_us = 0.0
    for rise in press.co2[2:6]:
        found = press.ahead(rise)
        before = found.bench.part("fram").probe()["writes"]
        found.run_to(rise + 1)
        while found.bench.part("fram").probe()["writes"] < before + 32:
            found.bench.run_for(us=50)
        longest_us = max(longest_us, (found.cycle - rise) / 125)
    figure("CO2 trigger to its shot in the shot memory, 4 shots", round(longest_us), "us", "< 5000")
    assert longest_us < 4000


@pytest.mark.proves("R-JRN-6", "R-SUP-8")
def test_a_burst_that_a_loss_of_power_cut_off_is_told_with_its_shots(press: Press, figure: Figure) -> None:
    random = Random(31)
    kept: list[str] = []
    for _ in range(4):
        moment = random.randrange(press.co2[1], press.co2[-2])
        found = press.at(moment)
        fired = sum(rise < moment for rise in press.co2)
        found.board.reset("power")
        told = re.search(OPENED_CUT, found.told("state STANDBY", timeout_ms=9000))
        assert told
        assert fired - int(told[2]) in (0, 1), "the last one may not have been judged"
        assert found.rises(SHOTS, moment + 60_000) == []
        lines = records(found)
        assert [r["number"] for r in lines if r["kind"] == "shot" and r["pass"] == "2"] == [
            str(i + 1) for i in range(int(told[2]))
        ]
        assert next(r for r in lines if r["boot"] == "2" and r["kind"] == "start")["unclosed"] == told[1]
        kept.append(f"{told[2]} of {fired}")
    figure("shots on record of those fired before the power was lost in the scan", ", ".join(kept), "shots")


@pytest.mark.proves("R-JRN-7")
def test_without_shot_memory_it_says_so_and_a_loss_of_power_in_a_burst_is_told(without_memory: Stage) -> None:
    found = without_memory
    assert "memory=ram" in found.ok("journal status")[-1]
    found.press()
    found.run_to_shot("CO2_GATE", 4)
    found.board.reset("power")
    told = re.search(OPENED_CUT, found.told("state STANDBY", timeout_ms=9000))
    assert told and told[2] == "0"
    starts = [record for record in records(found) if record["kind"] == "start"]
    assert starts[-1]["memory"] == "ram" and starts[-1]["unclosed"] == told[1]


@pytest.mark.proves("R-JRN-7")
def test_without_shot_memory_the_shots_of_a_burst_are_in_flash_in_standby(without_memory: Stage) -> None:
    found = without_memory
    found.press()
    found.told("state READY", timeout_ms=4000)
    found.release()
    found.ok("standby")
    found.told("state STANDBY")
    found.bench.run_for(ms=1500)
    found.board.reset("power")
    found.boot()
    assert sum(record["kind"] == "shot" for record in records(found)) == 16


@pytest.mark.proves("R-JRN-8")
def test_a_full_file_system_is_told_and_keeps_from_arming(session: Stage) -> None:
    session.ok("standby")
    session.told("state STANDBY")
    session.bench.run_for(ms=1000)
    session.board.write(b"\x03")
    session.told(">>> ")
    filling = (
        "b = bytes(4096)\ntry:\n    for n in range(999):\n        f = open('/fill%d' % n, 'wb')\n"
        "        for _ in range(8): f.write(b)\n        f.close()\nexcept OSError: pass"
    )
    session.board.exec(filling, timeout_ms=600_000)
    session.board.reset("power")
    session.boot()
    session.board.write(b"\r")
    session.bench.run_for(ms=200)
    session.board.read()
    session.use(RECIPE)
    session.bench.run_for(ms=1500)
    assert "the journal has no room" in session.board.command("arm", timeout_ms=2000)[-1]
