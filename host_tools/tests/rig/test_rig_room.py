"""The room around a controller, as a pure function of time and levels."""

from __future__ import annotations

import pytest
from rig import pins, room
from rig.room import IDLE, Room

WRAP = 1 << 30
CONTACTS = ("PS_SHUTTER_CLOSED", "PS_SHUTTER_OPEN", "CO2_SHUTTER_CLOSED", "CO2_SHUTTER_OPEN")


def bits(*names: str) -> int:
    return sum(room.mask_of(name) for name in names)


def on(outputs: int, names: tuple[str, ...] = pins.OUT_NAMES) -> set[str]:
    return {name for name in names if outputs & room.mask_of(name)}


class Life:
    """A room whose time passes in steps of 100 us."""

    def __init__(self, begins_us: int = 0) -> None:
        self.now_us = begins_us % WRAP
        self.room = Room(self.now_us)
        self.inputs = 0
        self.safe = 1

    def run(self, us: int) -> int:
        for _ in range(us // 100):
            self.now_us = (self.now_us + 100) % WRAP
            self.room.step(self.now_us, self.inputs, self.safe)
        return self.room.outputs


def test_the_rooms_bits_are_those_of_the_pins() -> None:
    for name in ("ESTOP_CLOSED", "DOOR_CLOSED", "KEY_ON", "FOOT_NO", "FOOT_NC", "PS_READY", "CO2_READY", "SCAN_OK",
                 "PS_FAULT", "CO2_FAULT", *CONTACTS, "AIM_MONITOR", "RUN_LOW", "SUPPLY_OFF"):  # fmt: skip
        assert getattr(room, name) == room.mask_of(name), name
    assert room.mask_of("HANDPIECE_0") == 1 << room.HANDPIECE_SHIFT
    assert pins.IN_NAMES[:3] == ("PS_SHUTTER", "CO2_SHUTTER", "AIM")
    assert tuple(f"BUTTON_{name}" for name in room.BUTTONS) == pins.OUT_NAMES[15:18]
    assert (1 << len(pins.OUT_NAMES)) - 1 == room.ALL


def test_the_quiet_room_lets_a_treatment_begin_and_leaves_the_controller_alone() -> None:
    chain = {"ESTOP_CLOSED", "DOOR_CLOSED", "KEY_ON"}
    lasers = {"PS_READY", "CO2_READY", "SCAN_OK", "PS_FAULT", "CO2_FAULT"}
    closed = {"PS_SHUTTER_CLOSED", "CO2_SHUTTER_CLOSED"}
    assert on(Life().run(1000)) == chain | lasers | closed | {"FOOT_NC", "HANDPIECE_1"}


@pytest.mark.parametrize("begins_us", [0, WRAP - 20_000])
def test_a_shutter_opens_30_ms_after_coil_and_safe_and_closes_in_20_ms(begins_us: int) -> None:
    life = Life(begins_us)
    life.safe = 0
    life.inputs = room.COIL_PS
    assert on(life.run(50_000), CONTACTS) == {"PS_SHUTTER_CLOSED", "CO2_SHUTTER_CLOSED"}
    life.safe = 1
    assert on(life.run(100), CONTACTS) == {"CO2_SHUTTER_CLOSED"}
    assert on(life.run(29_900), CONTACTS) == {"CO2_SHUTTER_CLOSED"}
    assert on(life.run(100), CONTACTS) == {"PS_SHUTTER_OPEN", "CO2_SHUTTER_CLOSED"}
    life.safe = 0
    assert on(life.run(20_000), CONTACTS) == {"CO2_SHUTTER_CLOSED"}
    assert on(life.run(100), CONTACTS) == {"PS_SHUTTER_CLOSED", "CO2_SHUTTER_CLOSED"}


def test_a_shutter_turned_round_travels_back_only_what_it_has_gone() -> None:
    life = Life()
    life.inputs = room.COIL_CO2
    life.run(15_100)  # half of the way
    life.inputs = 0
    assert "CO2_SHUTTER_CLOSED" not in on(life.run(10_000))
    assert "CO2_SHUTTER_CLOSED" in on(life.run(200))


def test_the_aim_monitor_follows_the_beam() -> None:
    life = Life()
    life.inputs = room.AIM
    assert "AIM_MONITOR" in on(life.run(100))
    life.inputs = 0
    assert "AIM_MONITOR" not in on(life.run(100))


def test_the_pedals_leaving_contact_opens_first_and_the_other_closes_2_ms_later() -> None:
    life = Life()
    contacts = ("FOOT_NO", "FOOT_NC")
    for pressed, closes in ((True, {"FOOT_NO"}), (False, {"FOOT_NC"})):
        life.room.pedal(pressed)
        assert on(life.run(2000), contacts) == set()
        assert on(life.run(100), contacts) == closes
        life.room.pedal(pressed)
        assert on(life.run(100), contacts) == closes, "pressed once more it stays"


def test_a_pedal_let_go_on_its_way_never_closes_the_other_contact() -> None:
    life = Life()
    life.room.pedal(True)
    life.run(1000)
    life.room.pedal(False)
    seen = [on(life.run(100), ("FOOT_NO", "FOOT_NC")) for _ in range(30)]
    assert {"FOOT_NO"} not in seen
    assert seen[-1] == {"FOOT_NC"}


def test_a_button_is_pressed_for_its_time_and_the_others_are_not() -> None:
    life = Life(WRAP - 5000)
    life.room.button("STANDBY", 20)
    life.room.button("NEXT", 10)
    buttons = ("BUTTON_ARM", "BUTTON_STANDBY", "BUTTON_NEXT")
    assert on(life.run(10_000), buttons) == {"BUTTON_STANDBY", "BUTTON_NEXT"}
    assert on(life.run(100), buttons) == {"BUTTON_STANDBY"}
    assert on(life.run(9900), buttons) == {"BUTTON_STANDBY"}
    assert on(life.run(100), buttons) == set()


@pytest.mark.parametrize("code", range(8))
def test_a_handpiece_shows_its_code(code: int) -> None:
    life = Life()
    life.room.handpiece(code)
    assert life.run(100) >> room.HANDPIECE_SHIFT & 7 == code


def test_a_forced_output_is_moved_by_nothing_until_it_is_given_back() -> None:
    life = Life()
    mask = bits("PS_SHUTTER_OPEN", "PS_SHUTTER_CLOSED")
    life.room.force(mask, bits("PS_SHUTTER_CLOSED"))
    life.inputs = room.COIL_PS
    assert on(life.run(50_000), CONTACTS) == {"PS_SHUTTER_CLOSED", "CO2_SHUTTER_CLOSED"}
    life.room.give_back(mask)
    assert on(life.run(100), CONTACTS) == {"PS_SHUTTER_OPEN", "CO2_SHUTTER_CLOSED"}


def test_a_later_command_about_a_forced_output_counts() -> None:
    life = Life()
    every = room.ALL
    life.room.force(every, 0)
    assert life.run(100) == 0
    life.room.pedal(False)
    life.room.button("ARM", 10)
    life.room.handpiece(5)
    life.room.run_low(True)
    life.room.supply(False)
    assert on(life.run(3000)) == {"FOOT_NC", "BUTTON_ARM", "HANDPIECE_0", "HANDPIECE_2", "RUN_LOW", "SUPPLY_OFF"}


def test_a_room_that_is_off_lets_nothing_follow_and_on_makes_it_quiet() -> None:
    life = Life()
    life.room.still()
    life.inputs = room.COIL_PS | room.AIM
    assert life.run(50_000) == IDLE
    life.room.pedal(True)
    life.room.force(bits("DOOR_CLOSED"), 0)
    assert on(life.run(5000), ("FOOT_NO", "FOOT_NC", "DOOR_CLOSED")) == {"FOOT_NO"}
    life.room.idle()
    life.inputs = 0
    assert life.run(50_000) == IDLE
    assert life.room.forced == 0


def test_what_a_script_moved_stays_as_it_left_it() -> None:
    life = Life()
    life.room.play(bits("FOOT_NO", "FOOT_NC"), IDLE | bits("FOOT_NO"))
    assert life.room.outputs == IDLE | bits("FOOT_NO"), "at once, before the next step"
    assert life.run(5000) == IDLE | bits("FOOT_NO")


def test_run_and_supply_stay_as_they_are_when_the_room_is_made_quiet() -> None:
    life = Life()
    life.room.run_low(True)
    life.room.supply(False)
    life.room.idle()
    assert on(life.run(100), ("RUN_LOW", "SUPPLY_OFF")) == {"RUN_LOW", "SUPPLY_OFF"}
    life.room.run_pulse(10)
    assert "RUN_LOW" in on(life.run(10_000))
    assert "RUN_LOW" not in on(life.run(100))
    life.room.supply(True)
    assert life.run(100) == IDLE


def test_the_room_knows_whether_the_next_step_could_change_something() -> None:
    life = Life()
    life.run(100)
    assert not life.room.busy(0, 1)
    assert life.room.busy(room.AIM, 1)
    assert life.room.busy(room.COIL_PS, 1)
    assert not life.room.busy(room.COIL_PS, 0)
    life.inputs = room.COIL_PS
    changes = []
    for _ in range(400):
        busy = life.room.busy(life.inputs, life.safe)
        before = life.room.outputs
        changes.append((busy, life.run(100) != before))
    assert (False, True) not in changes
    assert changes.count((True, True)) == 2
    assert not life.room.busy(life.inputs, life.safe)
