"""Settings are whole or the safe defaults; what is not allowed is refused with what is; older files are taken over."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stores import Files, Slots, Store
from tandem.record import settings as s

KEYS = [row[0] for row in s.SETTINGS]
NUMBERS = [row for row in s.SETTINGS if isinstance(row[1], int)]


def opened(store: Store) -> s.Settings:
    """Return the settings of a store."""
    settings = s.Settings(Slots(store))
    settings.open()
    return settings


@pytest.fixture
def store() -> Store:
    """A new board."""
    return Store(bytearray())


def test_a_new_board_has_the_defaults_and_reports_no_loss(store: Store) -> None:
    settings = opened(store)
    assert settings.values == {row[0]: row[1] for row in s.SETTINGS}
    assert (settings.lost, settings.damaged, store.files) == ("", False, {})


def test_every_default_is_allowed_and_every_value_has_a_meaning() -> None:
    for key, default, least, most, _, meaning in s.SETTINGS:
        assert s.checked(key, str(default)) == default
        assert least <= most and len(meaning) > 20
    assert {row[0]: row[1:4] for row in s.SETTINGS} == {
        "arming_ms": (2000, 2000, 30_000),
        "idle_s": (120, 10, 600),
        "testfire": (1, 0, 1),
        "service_pin": ("0000", 4, 8),
        "service_s": (300, 30, 1800),
        "ps_nj_per_count": (145_728, 1, 10_000_000),
        "co2_nj_per_count": (469, 1, 10_000_000),
    }


def test_a_change_is_there_after_the_next_start_and_only_that_one(store: Store) -> None:
    assert opened(store).change("idle_s", "60") == ("120", "60")
    assert opened(store).change("arming_ms", "3000") == ("2000", "3000")
    settings = opened(store)
    assert (settings.values["idle_s"], settings.values["arming_ms"]) == (60, 3000)
    assert settings.values["service_s"] == 300
    assert len(store.files) == 2


@pytest.mark.proves("R-SET-3")
@pytest.mark.parametrize("row", NUMBERS, ids=lambda row: row[0])
def test_a_number_out_of_range_is_refused_and_nothing_changes(store: Store, row: tuple[Any, ...]) -> None:
    key, default, least, most, unit, _ = row
    settings = opened(store)
    for value in (least - 1, most + 1):
        with pytest.raises(s.Refused, match=f"{key} takes {least} to {most} ?{unit}, not '{value}'"):
            settings.change(key, str(value))
    for value in (least, most):
        settings.change(key, str(value))
        assert opened(store).values[key] == value
    settings.change(key, str(default))


@pytest.mark.parametrize(
    "value", ["", " 60", "60 ", "+60", "-1", "6e1", "0x3c", "sixty", "6_0", "60.0", "٦٠", "9" * 30]
)
def test_what_is_no_number_is_refused(store: Store, value: str) -> None:
    with pytest.raises(s.Refused, match="idle_s takes 10 to 600 s, not"):
        opened(store).change("idle_s", value)
    assert store.files == {}


@pytest.mark.parametrize("value", ["123", "123456789", "12a4", "", "٠٨١٥"])
def test_a_pin_has_four_to_eight_digits(store: Store, value: str) -> None:
    with pytest.raises(s.Refused, match="service_pin takes 4 to 8 digits"):
        opened(store).change("service_pin", value)


def test_the_pin_is_never_shown(store: Store) -> None:
    settings = opened(store)
    assert settings.shown("service_pin") == "default"
    assert settings.change("service_pin", "0815") == ("default", "set")
    assert opened(store).values["service_pin"] == "0815"


def test_an_unknown_key_is_refused_with_those_that_there_are(store: Store) -> None:
    with pytest.raises(s.Refused, match=f"there are: {', '.join(KEYS)}"):
        opened(store).change("idle", "60")
    with pytest.raises(s.Refused, match="there is no setting 'idle'"):
        opened(store).shown("idle")


# --- damage


def changed_twice(store: Store) -> None:
    """Set idle_s to 60, then to 61: both files are there."""
    settings = opened(store)
    settings.change("idle_s", "60")
    settings.change("idle_s", "61")


@given(st.data())
def test_one_damaged_file_leaves_the_other_one_in_use(data: st.DataObject) -> None:
    store = Store(bytearray())
    changed_twice(store)
    name = data.draw(st.sampled_from(sorted(store.files)))
    kept = bytearray(store.files[name])
    at = data.draw(st.integers(0, len(kept) - 1))
    kept[at] ^= data.draw(st.integers(1, 255))
    store.files[name] = bytes(kept)
    settings = opened(store)
    assert (settings.lost, settings.damaged) == ("", True)
    assert settings.values["idle_s"] == (60 if name == max(store.files) else 61), "the second change is in file 1"


@pytest.mark.proves("R-SET-2")
def test_two_damaged_files_give_the_safe_defaults_and_are_reported_until_they_are_set_again(store: Store) -> None:
    changed_twice(store)
    for name in store.files:
        store.files[name] = store.files[name][:-3] + b"\n"
    assert opened(store).lost == opened(store).lost == "file 0: its CRC is wrong; file 1: its CRC is wrong"
    settings = opened(store)
    assert settings.values["idle_s"] == 120
    settings.restore()
    assert (settings.lost, opened(store).lost, opened(store).values["idle_s"]) == ("", "", 120)


def test_the_only_file_damaged_is_reported(store: Store) -> None:
    opened(store).change("idle_s", "60")
    (name,) = store.files
    store.files[name] = b"\xff" + store.files[name][1:]
    assert opened(store).lost


def test_a_file_that_cannot_be_written_is_an_error_and_changes_nothing(store: Store) -> None:
    changed_twice(store)

    class Full(Slots):
        def write(self, slot: int, data: bytes) -> None:
            raise OSError(28, "no space")

    class Forgetful(Slots):
        def write(self, slot: int, data: bytes) -> None:
            super().write(slot, data[:-9])

    for slots in (Full(store), Forgetful(store)):
        settings = s.Settings(slots)
        settings.open()
        with pytest.raises(s.SettingsError):
            settings.change("idle_s", "99")
        assert settings.values["idle_s"] == 61
        assert opened(store).values["idle_s"] == 61


# --- older and later forms


def made_up_older_file(store: Store, **words: str) -> None:
    """Write a file as a program before version 1 might have: seconds where there are milliseconds now, on and off."""
    text = "version=-1 generation=7 " + " ".join(f"{key}={value}" for key, value in words.items())
    with Files(store).anew("settings0") as file:
        file.write(f"{text} crc={s.crc32(text.encode()):08x}\n".encode())


def arming_in_ms(words: dict[str, str]) -> dict[str, str]:
    """Take a made-up version -1 to version 0."""
    return {**words, "arming_ms": words["arming_s"] + "000"}


def number_for_testfire(words: dict[str, str]) -> dict[str, str]:
    """Take a made-up version 0 to version 1."""
    return {**words, "testfire": {"on": "1", "off": "0"}[words["testfire"]]}


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two steps from forms that never were."""
    monkeypatch.setattr(s, "MIGRATIONS", {-1: arming_in_ms, 0: number_for_testfire})


@pytest.mark.proves("R-SET-2")
@pytest.mark.usefixtures("steps")
def test_an_older_file_is_taken_over_step_by_step_and_written_anew_at_the_next_change(store: Store) -> None:
    made_up_older_file(store, arming_s="4", testfire="off", idle_s="77")
    settings = opened(store)
    assert (settings.lost, settings.damaged) == ("", False)
    values = settings.values
    assert (values["arming_ms"], values["testfire"], values["idle_s"]) == (4000, 0, 77)
    assert values["service_s"] == 300, "what the older form did not have takes its default"
    settings.change("service_s", "200")
    assert store.files["settings1"].startswith(b"version=1 generation=8 arming_ms=4000 ")
    assert opened(store).values == {**values, "service_s": 200}


@pytest.mark.usefixtures("steps")
@pytest.mark.parametrize("words", [{"arming_s": "31", "testfire": "on"}, {"arming_s": "4", "testfire": "maybe"}, {}])
def test_an_older_file_whose_values_are_not_allowed_any_more_is_lost_with_the_reason(
    store: Store, words: dict[str, str]
) -> None:
    made_up_older_file(store, **words)
    settings = opened(store)
    assert settings.lost.startswith("file 0: ")
    assert settings.values["arming_ms"] == 2000


def test_a_later_programs_file_is_not_guessed_at(store: Store) -> None:
    text = f"version={s.VERSION + 1} generation=3 idle_s=60"
    store.files["settings0"] = f"{text} crc={s.crc32(text.encode()):08x}\n".encode()
    assert "of a later program" in opened(store).lost


@pytest.mark.parametrize("words", ["", "generation=3", "version=x generation=3", "version=1 generation=", "version=-7"])
def test_a_file_that_is_whole_but_no_settings_is_lost(store: Store, words: str) -> None:
    store.files["settings0"] = f"{words} crc={s.crc32(words.encode()):08x}\n".encode()
    assert opened(store).lost
