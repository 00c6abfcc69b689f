"""What people touch and see: pedal, buttons, handpiece, aiming beam, panel."""

from __future__ import annotations

import pytest
from parts_harness import MS, US, PartError, Table


def pedal(table: Table, **options: float) -> Table:
    table.build([("pedal", "pedal", options)], {"NO": ["pedal.no"], "NC": ["pedal.nc"]})
    table.run_to(10 * MS)
    return table


def contacts(table: Table) -> tuple[int, int]:
    return table.level("NO"), table.level("NC")


def test_a_pedal_opens_one_contact_before_it_closes_the_other(table: Table) -> None:
    pedal(table, bounce_ms=0)
    assert contacts(table) == (0, 1)
    table.set("pedal", pressed=1)
    table.run(5 * MS)
    assert contacts(table) == (1, 0)
    assert (table.edges("NC")[-1], table.edges("NO")[-1]) == ((10 * MS, 0), (12 * MS, 1))
    table.set("pedal", release=True)
    table.run(5 * MS)
    assert (table.edges("NO")[-1], table.edges("NC")[-1]) == ((15 * MS, 0), (17 * MS, 1))


def test_a_pedal_bounces_within_its_time_repeats_by_seed_and_ends_pressed(table: Table) -> None:
    def edges(seed: int) -> list[tuple[int, int]]:
        pedal(table, seed=seed, bounce_changes=5)
        table.set("pedal", pressed=1)
        table.run(20 * MS)
        assert contacts(table) == (1, 0)
        return table.edges("NO")

    first = edges(5)
    assert len(first) == 11
    assert all(12 * MS <= ps <= 15 * MS for ps, _ in first)
    assert first == edges(5)
    assert first != edges(6)


def test_a_scripted_bounce_is_played_as_written(table: Table) -> None:
    pedal(table)
    script = {"no": [[1000, 1], [1200, 0], [1900, 1]], "nc": [[0, 0]]}
    table.set("pedal", pressed=1, script=script)
    table.run(20 * MS)
    start = 10 * MS
    assert table.edges("NO") == [(start + 1000 * US, 1), (start + 1200 * US, 0), (start + 1900 * US, 1)]
    assert table.edges("NC")[1:] == [(start, 0)]


def test_a_script_that_ends_at_the_wrong_level_is_refused_and_nothing_moves(table: Table) -> None:
    pedal(table)
    with pytest.raises(PartError, match="script of no: the script has to end at level 1"):
        table.set("pedal", pressed=1, script={"no": [[0, 1], [5, 0]]})
    table.run(20 * MS)
    assert contacts(table) == (0, 1)


def test_a_pedal_released_while_it_bounces_ends_released(table: Table) -> None:
    pedal(table, bounce_changes=8)
    table.set("pedal", pressed=1)
    table.run(1 * MS)
    table.set("pedal", pressed=0)
    table.run(20 * MS)
    assert contacts(table) == (0, 1)


@pytest.mark.parametrize(
    ("fault", "released", "pressed"),
    [
        ("disconnected", (0, 0), (0, 0)),
        ("weld_no", (1, 1), (1, 0)),
        ("weld_nc", (0, 1), (1, 1)),
        ("both_closed", (1, 1), (1, 1)),
    ],
)
def test_pedal_faults_show_on_its_contacts(
    table: Table, fault: str, released: tuple[int, int], pressed: tuple[int, int]
) -> None:
    pedal(table)
    table.set("pedal", **{fault: 1})
    assert contacts(table) == released
    table.set("pedal", pressed=1)
    table.run(20 * MS)
    assert contacts(table) == pressed
    table.set("pedal", **{fault: 0})
    assert contacts(table) == (1, 0)


def test_a_button_is_pressed_for_its_time(table: Table) -> None:
    table.build([("buttons", "buttons", {"bounce_ms": 0})], {"ARM": ["buttons.ARM"], "NEXT": ["buttons.NEXT"]})
    table.set("buttons", press=["ARM", 100])
    table.run(500 * MS)
    assert table.edges("ARM") == [(0, 1), (100 * MS, 0)]
    assert table.edges("NEXT") == []
    table.set("buttons", NEXT=1)
    assert table.level("NEXT") == 1


def test_a_button_bounces_and_ends_where_it_should(table: Table) -> None:
    table.build([("buttons", "buttons", {})], {"ARM": ["buttons.ARM"]})
    table.set("buttons", press=["ARM", 50])
    table.run(50 * MS - 1)
    assert table.level("ARM") == 1
    assert len(table.edges("ARM")) == 5
    table.run(50 * MS)
    assert table.level("ARM") == 0
    assert table.edges("ARM")[-1][0] <= 51 * MS


def test_a_button_let_go_early_and_pressed_anew_is_held_for_its_new_time(table: Table) -> None:
    table.build([("buttons", "buttons", {"bounce_ms": 0})], {"ARM": ["buttons.ARM"]})
    with pytest.raises(PartError, match=r"press was given \"FIRE\"; allowed: \"ARM\", \"STANDBY\", \"NEXT\""):
        table.set("buttons", press=["FIRE", 10])
    table.set("buttons", press=["ARM", 10])
    table.run(5 * MS)
    table.set("buttons", ARM=0)
    table.set("buttons", press=["ARM", 20])
    table.run(100 * MS)
    assert table.edges("ARM") == [(0, 1), (5 * MS, 0), (5 * MS, 1), (25 * MS, 0)]


def test_a_handpiece_shows_the_voltage_of_its_entry(table: Table) -> None:
    volts = {"none": 3.3, "tip": 1.2}
    table.build([("handpiece", "handpiece", {"volts": volts, "entry": "tip"})], {})
    assert table.volts("handpiece.id") == 1.2
    table.set("handpiece", entry="none")
    assert table.volts("handpiece.id") == 3.3
    table.set("handpiece", id_volts=0.05)
    assert table.volts("handpiece.id") == 0.05
    with pytest.raises(PartError, match=r"entry was given \"other\"; allowed: \"none\", \"tip\""):
        table.set("handpiece", entry="other")


def test_the_aim_monitor_sees_the_beam_and_its_failures(table: Table) -> None:
    table.build([("aim", "aim_monitor", {})], {"AIM": ["aim.aim"], "SEEN": ["aim.out"]})
    table.pulse("AIM", 10 * MS, 50 * MS)
    table.run(100 * MS)
    assert table.edges("SEEN") == [(11 * MS, 1), (61 * MS, 0)]
    table.drive("AIM", 1)
    table.run(5 * MS)
    table.set("aim", dark=1)
    table.run(5 * MS)
    assert table.level("SEEN") == 0
    table.set("aim", dark=0, bright=1)
    table.drive("AIM", 0)
    table.run(5 * MS)
    assert table.level("SEEN") == 1


def test_the_panel_records_lamps_with_their_times(table: Table) -> None:
    table.build([("panel", "panel", {"names": ["READY", "BUZZER"]})], {"R": ["panel.READY"], "B": ["panel.BUZZER"]})
    table.pulse("B", 5 * MS, 1 * MS)
    table.drive_at(8 * MS, "R", 1)
    table.run(10 * MS)
    probe = table.probe("panel")
    assert (probe["READY"], probe["BUZZER"]) == (1, 0)
    assert [(c["ps"], c["lamp"], c["level"]) for c in probe["changes"]] == [
        (5 * MS, "BUZZER", 1),
        (6 * MS, "BUZZER", 0),
        (8 * MS, "READY", 1),
    ]


def test_a_pull_decides_a_net_only_while_nobody_drives_it(table: Table) -> None:
    table.build([("pulls", "pulls", {"levels": {"UP": 1, "DOWN": 0}})], {"U": ["pulls.UP"], "D": ["pulls.DOWN"]})
    assert (table.level("U"), table.level("D")) == (1, 0)
    table.drive("U", 0)
    table.drive("D", 1)
    assert (table.level("U"), table.level("D")) == (0, 1)
    table.drive("U", None)
    table.drive("D", None)
    assert (table.level("U"), table.level("D")) == (1, 0)
