"""The hardware chain: contacts, supervisor, filter, drivers, one-shot, shutters."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from parts_harness import MS, NS, US, PartError, Table

SUPERVISOR = {"min_ms": 2, "max_ms": 100, "good_toggles": 4, "grace_ms": 10, "tolerance": 0.1}


def chain_table(table: Table, **supervisor: float) -> Table:
    return table.build(
        [
            ("chain", "chain", {}),
            ("supervisor", "supervisor", {**SUPERVISOR, **supervisor}),
            ("filter", "filter", {}),
            ("driver", "driver", {"lines": ["A", "B"]}),
        ],
        {
            "CHAIN": ["chain.out", "supervisor.in"],
            "DOOR": ["chain.door"],
            "HEARTBEAT": ["supervisor.heartbeat"],
            "HEALTHY": ["supervisor.out", "filter.in"],
            "SAFE": ["filter.out", "driver.safe"],
            "A": ["driver.in_A"],
            "B": ["driver.in_B"],
            "A_DRV": ["driver.out_A"],
            "B_DRV": ["driver.out_B"],
        },
    )


def beat(table: Table, start: float, period: float, count: int, first: int = 1) -> float:
    """Schedule toggles of HEARTBEAT, the first to level `first`, and return the time of the last."""
    for i in range(count):
        table.drive_at(start + i * period, "HEARTBEAT", (i + first) % 2)
    return start + (count - 1) * period


def test_safe_closes_at_the_toggle_that_completes_the_good_ones(table: Table) -> None:
    chain_table(table)
    beat(table, 20 * MS, 10 * MS, 8)
    table.run_to(90 * MS)
    assert table.edges("HEALTHY") == [(60 * MS, 1)]
    assert table.edges("SAFE") == [(60 * MS + 10 * US, 1)]


def test_toggles_while_the_supervisor_itself_starts_count_for_nothing(table: Table) -> None:
    chain_table(table, grace_ms=50)
    beat(table, 20 * MS, 10 * MS, 10)
    table.run_to(110 * MS)
    assert table.edges("HEALTHY") == [(90 * MS, 1)]


@pytest.mark.proves("R-SUP-1")
@pytest.mark.parametrize(("corner", "limit_ms"), [(-1, 90), (0, 100), (1, 110)])
def test_a_heartbeat_that_stops_opens_at_the_upper_limit(table: Table, corner: int, limit_ms: int) -> None:
    chain_table(table, corner=corner)
    last = beat(table, 20 * MS, 10 * MS, 8)
    table.run_to(400 * MS)
    assert table.edges("HEALTHY")[1:] == [(last + limit_ms * MS, 0)]
    assert table.probe("supervisor")["trips"] == {"too_slow": 1, "too_fast": 0}


def test_a_heartbeat_just_inside_the_window_keeps_it_closed(table: Table) -> None:
    chain_table(table)
    beat(table, 20 * MS, 2 * MS, 10)
    beat(table, 138 * MS, 100 * MS, 5)
    table.run_to(560 * MS)
    assert [level for _, level in table.edges("HEALTHY")] == [1]


def test_a_heartbeat_that_is_too_fast_opens_at_once_and_good_toggles_close_again(table: Table) -> None:
    chain_table(table)
    last = beat(table, 20 * MS, 10 * MS, 8)
    table.drive_at(last + 1.9 * MS, "HEARTBEAT", 1)
    beat(table, last + 12 * MS, 10 * MS, 5, first=0)
    table.run_to(last + 60 * MS)
    assert table.edges("HEALTHY")[1:] == [(last + round(1.9 * MS), 0), (last + 42 * MS, 1)]
    assert table.log("supervisor")[1]["data"]["reason"] == "too_fast"


def test_a_free_running_heartbeat_never_closes_it(table: Table) -> None:
    chain_table(table)
    beat(table, 20 * MS, 1 * MS, 200)
    table.run_to(250 * MS)
    assert table.edges("HEALTHY") == []


def test_a_power_cut_of_the_supervisor_opens_and_starts_anew(table: Table) -> None:
    chain_table(table)
    beat(table, 20 * MS, 10 * MS, 8)
    table.run_to(90 * MS)
    table.power("supervisor", False)
    assert table.level("HEALTHY") == 0
    table.power("supervisor", True)
    beat(table, 101 * MS, 10 * MS, 6)
    table.run_to(160 * MS)
    assert table.edges("HEALTHY")[1:] == [(90 * MS, 0), (141 * MS, 1)]


def ready_chain(table: Table) -> Table:
    chain_table(table, max_ms=10_000)
    beat(table, 20 * MS, 10 * MS, 5)
    table.run_to(100 * MS)
    assert table.level("SAFE") == 1
    return table


@pytest.mark.proves("R-STP-1")
@pytest.mark.parametrize("contact", ["estop", "door", "key"])
def test_each_contact_opens_the_chain_and_the_drivers(table: Table, contact: str, figure: Callable[..., None]) -> None:
    ready_chain(table)
    table.drive("A", 1)
    table.run(1 * US)
    opened = table.now
    table.set("chain", **{contact: 0})
    table.run(1 * MS)
    assert table.edges("SAFE")[-1] == (opened + 10 * US, 0)
    assert table.edges("A_DRV")[-1] == (opened + 10 * US + 25 * NS, 0)
    took_us = (table.edges("A_DRV")[-1][0] - opened) / US
    figure(f"chain contact {contact} opens to driver low, parts alone", took_us, "us", limit="filter 10 + driver 0.025")
    table.set("chain", **{contact: 1})
    table.run(1 * MS)
    assert table.level("A_DRV") == 1


def test_a_chain_dip_shorter_than_the_filter_leaves_no_trace(table: Table) -> None:
    ready_chain(table)
    for gap_us, opens in ((9.99, False), (10.0, True)):
        before = len(table.edges("SAFE"))
        table.set("chain", door=0)
        table.run(gap_us * US)
        table.set("chain", door=1)
        table.run(100 * US)
        assert (len(table.edges("SAFE")) > before) is opens


def test_safe_can_be_forced_low_for_exactly_as_long_as_wanted(table: Table) -> None:
    ready_chain(table)
    start = table.now
    table.set("filter", force=0)
    table.run(24 * NS)
    table.set("filter", force=None)
    table.run(1 * MS)
    assert table.edges("SAFE")[-2:] == [(start, 0), (start + 24 * NS, 1)]


def filter_table(table: Table, **options: object) -> Table:
    return table.build([("filter", "filter", options)], {"IN": ["filter.in"], "OUT": ["filter.out"]})


def test_an_rc_filter_takes_its_delay_for_a_full_swing_both_ways(table: Table) -> None:
    filter_table(table, model="rc")
    table.pulse("IN", 1 * MS, 1 * MS)
    table.run(3 * MS)
    assert table.edges("OUT") == [(1 * MS + 10 * US, 1), (2 * MS + 10 * US, 0)]


def test_dips_add_up_in_an_rc_filter_and_not_in_a_logic_filter(table: Table) -> None:
    for model, expected in (("rc", True), ("logic", False)):
        filter_table(table, model=model)
        table.drive("IN", 1)
        table.run(1 * MS)
        for i in range(10):
            table.drive_at(table.now + i * 7 * US, "IN", 0)
            table.drive_at(table.now + (i * 7 + 6) * US, "IN", 1)
        table.run(80 * US)
        assert (0 in [level for _, level in table.edges("OUT")]) is expected


@pytest.mark.proves("R-STP-1")
def test_a_driver_output_is_low_without_safe_and_without_anyone_on_its_input(table: Table) -> None:
    chain_table(table)
    assert (table.level("A"), table.level("A_DRV")) == (0, 0)
    table.drive("A", 1)
    table.run(1 * MS)
    assert table.edges("A_DRV") == []
    ready_chain(table)
    assert table.level("A_DRV") == 0
    table.drive("A", 1)
    table.run(1 * US)
    assert table.level("A_DRV") == 1
    table.drive("A", None)
    table.run(1 * US)
    assert table.level("A_DRV") == 0


def test_a_driver_passes_each_edge_after_its_delay_and_keeps_short_pulses(table: Table) -> None:
    ready_chain(table)
    start = table.now + 1 * US
    table.pulse("B", start, 8 * NS)
    table.run(2 * US)
    assert table.edges("B_DRV") == [(start + 25 * NS, 1), (start + 33 * NS, 0)]


def test_with_the_gate_removed_a_driver_ignores_safe(table: Table) -> None:
    chain_table(table)
    table.drive("A", 1)
    table.set("driver", gate_removed=True)
    table.run(1 * US)
    assert table.level("A_DRV") == 1
    table.set("driver", gate_removed=False)
    table.run(1 * US)
    assert table.level("A_DRV") == 0


def one_shot_table(table: Table) -> Table:
    return table.build([("one_shot", "one_shot", {})], {"IN": ["one_shot.in"], "OUT": ["one_shot.out"]})


@pytest.mark.proves("R-PER-8")
def test_the_one_shot_ends_a_gate_after_1200_us_and_waits_for_a_low_input(table: Table) -> None:
    one_shot_table(table)
    table.pulse("IN", 10 * US, 5 * MS)
    table.pulse("IN", 6 * MS, 1 * MS)
    table.pulse("IN", 8 * MS, 1.3 * MS)
    table.run(12 * MS)
    cut = 10 * US + 1200 * US
    gates = [(10 * US, 1), (cut, 0), (6 * MS, 1), (7 * MS, 0), (8 * MS, 1), (9.2 * MS, 0)]
    assert table.edges("OUT") == gates
    assert table.probe("one_shot")["cuts"] == 2


def shutter_table(table: Table, **options: float) -> Table:
    table.build(
        [("shutter", "shutter", options)],
        {"COIL": ["shutter.coil"], "SAFE": ["shutter.safe"], "CLOSED": ["shutter.closed"], "OPEN": ["shutter.open"]},
    )
    table.drive("SAFE", 1)
    table.run(1 * MS)
    return table


def test_a_shutter_opens_and_closes_in_its_times_with_both_contacts_low_between(table: Table) -> None:
    shutter_table(table)
    table.pulse("COIL", 10 * MS, 100 * MS)
    table.run_to(200 * MS)
    assert table.edges("CLOSED")[1:] == [(10 * MS, 0), (130 * MS, 1)]
    assert table.edges("OPEN") == [(40 * MS, 1), (110 * MS, 0)]


@pytest.mark.proves("R-OPT-4")
def test_a_shutter_drops_out_with_safe_and_needs_both(table: Table) -> None:
    shutter_table(table)
    table.drive("COIL", 1)
    table.run_to(100 * MS)
    assert table.level("OPEN") == 1
    table.drive("SAFE", 0)
    table.run_to(200 * MS)
    assert table.edges("CLOSED")[-1] == (120 * MS, 1)
    assert table.edges("OPEN")[-1] == (100 * MS, 0)


def test_a_shutter_turned_round_on_its_way_travels_only_what_is_left(table: Table) -> None:
    shutter_table(table)
    table.pulse("COIL", 10 * MS, 15 * MS)
    table.run_to(100 * MS)
    assert table.edges("OPEN") == []
    assert table.edges("CLOSED")[-1] == (35 * MS, 1)


@pytest.mark.parametrize(("stuck", "contacts"), [("closed", (1, 0)), ("open", (0, 1)), ("moving", (0, 0))])
def test_a_stuck_shutter_stays_where_it_is(table: Table, stuck: str, contacts: tuple[int, int]) -> None:
    shutter_table(table)
    table.set("shutter", stuck=stuck)
    table.pulse("COIL", 10 * MS, 100 * MS)
    for at in (5 * MS, 60 * MS, 300 * MS):
        table.run_to(at)
        assert (table.level("CLOSED"), table.level("OPEN")) == contacts
    table.set("shutter", stuck=False)
    table.run(100 * MS)
    assert (table.level("CLOSED"), table.level("OPEN")) == (1, 0)


def test_a_broken_contact_wire_shows_while_the_shutter_moves_on(table: Table) -> None:
    shutter_table(table)
    table.set("shutter", closed_contact=0)
    assert table.level("CLOSED") == 0
    assert table.probe("shutter")["state"] == "closed"
    table.set("shutter", closed_contact=None)
    assert table.level("CLOSED") == 1


def test_an_unknown_option_or_control_is_refused_with_what_is_allowed(table: Table) -> None:
    with pytest.raises(PartError, match=r"filter.*delay.*is not an option; allowed: delay_us, model"):
        filter_table(table, delay=3)
    filter_table(table)
    with pytest.raises(PartError, match=r"model was given \"ideal\"; allowed: \"logic\", \"rc\""):
        table.set("filter", model="ideal")
    with pytest.raises(PartError, match="allowed: a number from 0"):
        table.set("filter", delay_us=-1)
