"""A stand that is not right is refused with what is wrong and what is allowed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tandem_tools.bench import Bench, BenchError

WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "no board": ({"boards": []}, "needs at least one board"),
    "same name": ({"boards": [{"name": "a"}, {"name": "a"}]}, "board name a is used twice"),
    "kind": ({"boards": [{"name": "a", "kind": "esp32"}]}, "kind esp32; there is rp2040_pico"),
    "flash times": ({"boards": [{"name": "a", "flash_times": "slow"}]}, "allowed: typical, worst, instant"),
    "image": ({"boards": [{"name": "a", "image": "/nowhere/x.bin"}]}, "image /nowhere/x.bin of board a cannot be read"),
    "pin": ({"boards": [{"name": "a"}], "nets": {"N": ["a.GP30"]}}, "net N: board a has no pin GP30"),
    "two nets": ({"boards": [{"name": "a"}], "nets": {"N": ["a.GP1"], "M": ["a.GP1"]}}, "a.GP1 is already on net N"),
    "owner": ({"boards": [{"name": "a"}], "nets": {"N": ["b.GP1"]}}, "names b, which is neither a board nor a part"),
    "part kind": (
        {"boards": [{"name": "a"}], "parts": [{"name": "p", "kind": "x"}]},
        "part p is of kind x; there are ",
    ),
    "option": (
        {
            "boards": [{"name": "a"}],
            "nets": {"N": ["p.line"]},
            "parts": [{"name": "p", "kind": "filter", "options": {"x": 1}}],
        },
        "x is not an option; allowed: ",
    ),
    "input": ({"boards": [{"name": "a"}], "analog": {"a.ADC7": 1}}, "analogue input a.ADC7 is not of the form"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_stand_is_refused(name: str) -> None:
    stand, message = WRONG[name]
    with pytest.raises(BenchError, match=message), Bench(stand):
        pass


def test_an_official_uf2_is_loaded_as_well_as_bare_flash(image: Path) -> None:
    from tandem_tools.image import pico_uf2

    with Bench({"boards": [{"name": "a", "image": str(pico_uf2())}]}) as bench:
        assert "Raspberry Pi Pico" in bench.board().wait_for_repl()
        first = bench.board().memory(0x10000000, 4096)
    assert first == image.read_bytes()[:4096]
