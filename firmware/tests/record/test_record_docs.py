"""docs/journal.md tells the bytes, kinds and verdicts that there are, and the figures that the firmware uses."""

from __future__ import annotations

import re
from pathlib import Path

from tandem.record import journal, layout, text

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "journal.md").read_text()


def test_the_table_of_kinds_is_that_of_the_firmware() -> None:
    rows = re.findall(r"^\| (\d+) \| `(\w+)` \| ([^|]+) \|", PAGE, re.MULTILINE)
    told = [(int(number), name) for number, name, _ in rows]
    assert told == list(enumerate(text.KINDS))[1:]
    assert len(text.KINDS) == layout.LAST_KIND + 1
    for number, _, payload in rows:
        names = re.findall(r"`(\w+)`", payload)
        assert tuple(names) == text.WORDS.get(int(number), ())
        assert payload.startswith("words") == (int(number) in text.WORDS)


def test_each_kind_has_its_own_number() -> None:
    for number, name in list(enumerate(text.KINDS))[1:]:
        assert getattr(layout, name.upper()) == number


def test_the_verdicts_are_those_of_the_firmware() -> None:
    told = re.findall(r"(\d) (\w+)", PAGE[PAGE.index("verdict below") : PAGE.index("its number in the burst")])
    assert [(int(number), name) for number, name in told] == list(enumerate(text.VERDICTS))


def test_the_sizes_are_those_of_the_firmware() -> None:
    squeezed = " ".join(PAGE.split())
    assert f"{journal.SEGMENT_BYTES:,} bytes each" in squeezed
    assert f"and {journal.MOST_SEGMENTS} of them" in squeezed
    assert f"length of the payload, 0 to {layout.MAX_PAYLOAD}" in squeezed
    assert f"the first {layout.MAX_PAYLOAD - 3} bytes" in squeezed
    assert f"at most {journal.CHANGES} `input` records" in squeezed
    assert f"A shot is {layout.SHOT_BYTES} bytes whole" in squeezed
