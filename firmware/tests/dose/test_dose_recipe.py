"""Recipes: what each field may hold, how a wrong one is refused, and the built-in recipes."""

from __future__ import annotations

import inspect
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tandem.dose import errors, fields, recipe
from tandem.dose.errors import DataError

CO2: dict[str, Any] = {
    "co2_energy_uj": 90000,
    "co2_spot_um": 120,
    "shape": "square",
    "size_um": 2000,
    "density_ppm": 30000,
    "rate_mhz": 200000,
    "pedal": "stamp",
}
PS: dict[str, Any] = {
    "wavelength_nm": 1064,
    "fluence_uj_cm2": 760000,
    "ps_spot_um": 10000,
    "ps_width_ps": 800,
    "pulses": 5,
    "rate_mhz": 5000,
    "pedal": "stamp",
}
PAIR: dict[str, Any] = {**PS, **CO2, "pedal": "combined", "delay_ns": 200000}
del PAIR["pulses"]
GOOD: dict[str, dict[str, Any]] = {"ps": PS, "co2": CO2, "pair": PAIR}

LIMITED = [
    (kind, field)
    for kind, step in sorted(recipe.KINDS.items())
    for field in step.FIELDS
    if isinstance(field, (fields.Quantity, fields.Count))
]


def make(kind: str, **changes: Any) -> recipe.Pass:
    """Return a good pass with some fields changed; None takes one out."""
    values = {**GOOD[kind], **changes}
    return recipe.KINDS[kind](**{name: value for name, value in values.items() if value is not None})


def companions(name: str) -> dict[str, Any]:
    """Return what other fields have to be for ``name`` to be allowed at all."""
    return {
        "repeat_every_us": {"pedal": "repeat"},
        "patterns_per_press": {"pedal": "repeat", "repeat_every_us": 2000000},
        "seed": {"order": "shuffle"},
        "period_us": {"rate_mhz": None},
        "warn_ppm": {"stop_ppm": 200000},
        "stop_ppm": {"warn_ppm": 10000},
    }.get(name, {})


@pytest.mark.proves("R-SET-3")
@pytest.mark.parametrize(("kind", "field"), LIMITED, ids=[f"{kind}-{field.key}" for kind, field in LIMITED])
def test_every_field_takes_its_limits_and_refuses_the_next_value_with_its_range(
    kind: str, field: fields.Quantity | fields.Count
) -> None:
    extra = companions(field.name)
    if not (kind == "pair" and "pedal" in extra):
        for value in (field.low, field.high):
            assert getattr(make(kind, **{**extra, field.name: value}), field.name) == value
    for value in (field.low - 1, field.high + 1):
        with pytest.raises(DataError) as refused:
            make(kind, **{**extra, field.name: value})
        assert refused.value.number == errors.OUT_OF_RANGE
        assert f"{kind} pass: {field.key} is " in str(refused.value)
        assert f"allowed: {field.show(field.low)} to {field.show(field.high)}" in str(refused.value)


@pytest.mark.parametrize(("kind", "field"), LIMITED, ids=[f"{kind}-{field.key}" for kind, field in LIMITED])
def test_a_value_of_another_type_is_refused(kind: str, field: fields.Field) -> None:
    for value in (1.0, 0.5, float("nan"), True, "5", [5], (5,), {}):
        with pytest.raises(DataError) as refused:
            make(kind, **{**companions(field.name), field.name: value})
        assert refused.value.number == errors.BAD_TYPE


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("pedal", "hold", "stamp, repeat, combined"),
        ("shape", "triangle", "point, square, circle, hexagon_corners, hexagon_flats"),
        ("order", "random", "raster, serpentine, shuffle, farthest"),
    ],
)
def test_a_word_that_is_no_choice_is_refused_with_the_choices(name: str, value: str, allowed: str) -> None:
    with pytest.raises(DataError, match=allowed) as refused:
        make("co2", **{name: value})
    assert refused.value.number == errors.OUT_OF_RANGE


@pytest.mark.parametrize("kind", sorted(GOOD))
def test_a_missing_field_is_refused_by_name_with_its_range(kind: str) -> None:
    for field in recipe.KINDS[kind].FIELDS:
        if field.default is fields.REQUIRED and field.name in GOOD[kind]:
            with pytest.raises(DataError) as refused:
                make(kind, **{field.name: None})
            assert refused.value.number == errors.MISSING_FIELD
            assert f"{field.key} is missing" in str(refused.value)
            assert field.allowed() in str(refused.value)


def test_an_unknown_field_is_refused_with_the_fields_there_are() -> None:
    with pytest.raises(DataError, match=r"no field 'energy_mj'.*co2_energy_uj") as refused:
        make("co2", energy_mj=90)
    assert refused.value.number == errors.UNKNOWN_FIELD


@pytest.mark.parametrize(
    ("kind", "changes", "says"),
    [
        ("ps", {"rate_mhz": None}, "either rate or period"),
        ("ps", {"period_us": 200000}, "either rate or period"),
        ("ps", {"pedal": "repeat"}, "repeat_every is missing"),
        ("ps", {"repeat_every_us": 1000000}, "repeat_every is only for pedal mode repeat"),
        ("ps", {"patterns_per_press": 2}, "patterns_per_press is 2"),
        ("ps", {"warn_ppm": 150000, "stop_ppm": 140000}, "warn 15 % is more than stop 14 %"),
        ("ps", {"not_in_source": ("shape",)}, "names 'shape', which is no field"),
        ("co2", {"shape": "point"}, "size has no meaning for shape point"),
        ("co2", {"density_ppm": None}, "density is missing, shape square needs it"),
        ("co2", {"order": "shuffle"}, "seed is missing, order shuffle needs it"),
        ("co2", {"seed": 1}, "seed is only for order shuffle"),
        ("pair", {"pedal": "stamp"}, "a pair uses both lasers; give combined"),
    ],
)
def test_fields_that_do_not_go_together_are_refused(kind: str, changes: dict[str, Any], says: str) -> None:
    with pytest.raises(DataError, match=says):
        make(kind, **changes)


@pytest.mark.proves("R-ENE-1")
def test_the_energy_window_cannot_be_opened_beyond_20_percent() -> None:
    with pytest.raises(DataError, match=r"stop is 20\.0001 %.*1 % to 20 %"):
        make("co2", stop_ppm=200001)


def test_repeat_interval_is_0_2_to_5_s_and_pair_delay_1_us_to_10_s() -> None:
    assert recipe.REPEAT_EVERY.allowed() == "0.2 s to 5 s"
    assert recipe.DELAY.allowed() == "1 us to 10000000 us"


@pytest.mark.proves("R-PLN-4")
@pytest.mark.parametrize("name", sorted(recipe.BUILT_IN))
def test_built_in_recipes_cite_their_source_and_mark_what_it_leaves_open(name: str) -> None:
    made = recipe.BUILT_IN[name]()
    assert made.name == name
    assert made.source == "Abrouk, Nousari, Waibel, JAAD Case Reports 2020;6:852-3"
    ps, co2 = made.passes
    assert {"pulses", "rate"} <= set(ps.not_in_source)
    assert "shape" in co2.not_in_source
    given_by_source = {"wavelength", "fluence", "ps_spot", "ps_width"}
    given_by_source |= {"co2_energy", "co2_spot", "size", "density", "pulses_per_spot"}
    assert not given_by_source & (set(ps.not_in_source) | set(co2.not_in_source))
    assert "rate" not in co2.not_in_source


@pytest.mark.proves("R-PLN-4")
def test_built_in_recipes_hold_the_published_settings() -> None:
    expected_ps = {"wavelength": "1064 nm", "fluence": "0.76 J/cm2", "ps_spot": "10 mm", "ps_width": "800 ps"}
    expected_co2 = {
        "co2_spot": "120 um",
        "size": "2 mm",
        "density": "3 %",
        "pulses_per_spot": 1,
        "rate": "200 Hz",
    }
    energies = {"calcinosis-1": "90 mJ", "calcinosis-1-combined": "90 mJ", "calcinosis-2": "130 mJ"}
    pedals = {
        "calcinosis-1": ["repeat", "stamp"],
        "calcinosis-1-combined": ["combined"] * 2,
        "calcinosis-2": ["repeat", "stamp"],
    }
    for name, build in recipe.BUILT_IN.items():
        ps, co2 = json.loads(recipe.dumps(build()))["passes"]
        assert expected_ps.items() <= ps.items()
        assert expected_co2.items() <= co2.items()
        assert co2["co2_energy"] == energies[name]
        assert [ps["pedal"], co2["pedal"]] == pedals[name]


@pytest.mark.parametrize("name", sorted(recipe.BUILT_IN))
def test_a_saved_recipe_loads_to_the_same_fields(name: str) -> None:
    made = recipe.BUILT_IN[name]()
    loaded = recipe.loads(recipe.dumps(made))
    for before, after in zip([made, *made.passes], [loaded, *loaded.passes], strict=True):
        assert [(f.name, v) for f, v in before.given()] == [(f.name, v) for f, v in after.given()]


@given(st.text(st.characters(max_codepoint=0xFFFF, exclude_categories=("Cc", "Cs")), max_size=200))
def test_any_source_text_survives_saving(text: str) -> None:
    made = recipe.Recipe((make("co2"),), name="x", source=text)
    assert recipe.loads(recipe.dumps(made)).source == text
    assert json.loads(recipe.dumps(made))["source"] == text


@pytest.mark.proves("R-PED-8", "R-OPT-1")
def test_one_press_runs_neighbouring_combined_passes_and_each_other_pass_alone() -> None:
    kinds = [make("ps"), make("ps", pedal="combined"), make("co2", pedal="combined"), make("co2"), make("pair")]
    assert recipe.Recipe(tuple(kinds), name="x").presses() == ((0,), (1, 2), (3,), (4,))


def test_a_lone_combined_pass_is_refused() -> None:
    with pytest.raises(DataError, match="pass 1 is combined but stands alone"):
        recipe.Recipe((make("co2", pedal="combined"),), name="x")


@pytest.mark.parametrize("count", [0, 9])
def test_a_recipe_has_1_to_8_passes(count: int) -> None:
    with pytest.raises(DataError, match=f"has {count} passes; allowed: 1 to 8"):
        recipe.Recipe((make("co2"),) * count, name="x")


def change(**changes: Any) -> str:
    """Return calcinosis-1 as JSON with fields of its CO2 pass changed; None takes one out."""
    data = json.loads(recipe.dumps(recipe.calcinosis_1()))
    data["passes"][1].update(changes)
    data["passes"][1] = {key: value for key, value in data["passes"][1].items() if value is not None}
    return json.dumps(data)


@pytest.mark.parametrize(
    ("text", "number", "says"),
    [
        ("", errors.BAD_FORMAT, "not JSON"),
        ("{", errors.BAD_FORMAT, "not JSON"),
        ("[]", errors.BAD_FORMAT, "not a JSON object"),
        ('"' + "x" * 20000 + '"', errors.BAD_FORMAT, "up to 16384"),
        ("{}", errors.BAD_FORMAT, "format is None; this firmware reads format 1"),
        ('{"format": true}', errors.BAD_FORMAT, "format is True"),
        ('{"format": 2}', errors.BAD_FORMAT, "format is 2"),
        ('{"format": 1, "name": "x"}', errors.BAD_FORMAT, "list of 1 to 8 passes"),
        ('{"format": 1, "name": "x", "passes": [5]}', errors.BAD_FORMAT, "pass 1 is not an object"),
        ('{"format": 1, "name": "x", "passes": [{"kind": "uv"}]}', errors.OUT_OF_RANGE, "kind is 'uv'"),
        ('{"format": 1, "name": "x", "passes": [{"kind": []}]}', errors.OUT_OF_RANGE, "kind is"),
        ('{"format": 1, "nam": "x"}', errors.UNKNOWN_FIELD, "no field 'nam'"),
        (change(co2_energy=90), errors.BAD_TYPE, "pass 2, co2 pass: co2_energy is 90, not text with a unit"),
        (change(co2_energy=0.09), errors.BAD_TYPE, "co2_energy is 0.09, not text"),
        (change(co2_energy="90"), errors.BAD_TYPE, "no unit that fits"),
        (change(co2_energy="90 um"), errors.BAD_TYPE, "no unit that fits; write a number and one of uJ, mJ, J"),
        (change(co2_energy="900 mJ"), errors.OUT_OF_RANGE, "co2_energy is 900 mJ.*allowed: 0.5 mJ to 300 mJ"),
        (change(density="3"), errors.BAD_TYPE, "ppm, %"),
        (change(pulses_per_spot="1"), errors.BAD_TYPE, "not a whole number"),
        (change(pulses_per_spot=1.0), errors.BAD_TYPE, "not a whole number"),
        (change(energy="90 mJ"), errors.UNKNOWN_FIELD, "no field 'energy'"),
        (change(co2_energy=None), errors.MISSING_FIELD, "co2_energy is missing"),
        (change(not_in_source="shape"), errors.BAD_TYPE, "not a list"),
        (change(not_in_source=[1]), errors.BAD_TYPE, "not a list of words"),
        (change(pedal=["stamp"]), errors.BAD_TYPE, "not a word"),
    ],
)
def test_wrong_recipe_text_is_refused_with_what_is_wrong(text: str, number: int, says: str) -> None:
    with pytest.raises(DataError, match=says) as refused:
        recipe.loads(text)
    assert refused.value.number == number


@pytest.mark.proves("R-CON-4")
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda x: st.lists(x) | st.dictionaries(st.text(), x),
    )
)
def test_any_json_is_either_a_recipe_or_a_numbered_error(value: Any) -> None:
    wrapped = {
        "format": 1,
        "name": "x",
        "passes": [{"kind": "co2", **json.loads(change())["passes"][1], "warn": value}],
    }
    for text in (json.dumps(value), json.dumps(wrapped)):
        with pytest.raises(DataError) as refused:
            recipe.loads(text)
        assert refused.value.number in errors.MEANINGS


@pytest.mark.parametrize("name", ["", "Upper", "with space", "x" * 33, "../x", "ä"])
def test_recipe_names_are_short_and_plain(name: str) -> None:
    with pytest.raises(DataError, match="name"):
        recipe.Recipe((make("co2"),), name=name)


def test_changing_a_recipe_gives_a_new_checked_one_and_leaves_the_old() -> None:
    made = recipe.calcinosis_1()
    other = made.changed(name="mine", passes=(made.passes[0].changed(pulses=8), made.passes[1]))
    assert (made.passes[0].pulses, other.passes[0].pulses) == (5, 8)  # type: ignore[attr-defined]
    with pytest.raises(DataError, match="pulses is 0"):
        made.passes[0].changed(pulses=0)


def test_the_table_names_every_field_with_range_and_meaning() -> None:
    lines = list(fields.table(recipe.FIELDS))
    assert len(lines) == len(recipe.FIELDS) == len({f.key for f in recipe.FIELDS})
    assert any(line.startswith("fluence ") and "0.01 J/cm2 to 20 J/cm2" in line for line in lines)
    used = {field for step in recipe.KINDS.values() for field in step.FIELDS}
    assert used == set(recipe.FIELDS)


@pytest.mark.parametrize("kind", sorted(recipe.KINDS))
def test_declared_attributes_are_the_tables_fields(kind: str) -> None:
    step = recipe.KINDS[kind]
    declared = {name for owner in step.__mro__ for name in inspect.get_annotations(owner)} - {"FIELDS", "BARE"}
    assert declared == {field.name for field in step.FIELDS}
