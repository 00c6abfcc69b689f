"""The documentation says what the firmware does: its tables are made of the same lists, its examples are tried."""

from __future__ import annotations

import re

import pages
import pytest
from consoles import Desk

CONSOLE = (pages.DOCS / "console.md").read_text()
HOW = "run python firmware/tests/console/pages.py"


@pytest.mark.proves("R-FLT-2")
def test_the_page_of_faults_is_current() -> None:
    assert (pages.DOCS / "faults.md").read_text() == pages.faults_page(), HOW


@pytest.mark.proves("R-FLT-2", "R-STA-2")
def test_the_page_of_states_is_current() -> None:
    assert (pages.DOCS / "states.md").read_text() == pages.states_page(), HOW


def test_the_page_of_settings_is_current() -> None:
    assert (pages.DOCS / "settings.md").read_text() == pages.settings_page(), HOW


@pytest.mark.proves("R-FLT-2")
def test_the_tables_of_commands_and_errors_are_current() -> None:
    assert pages.with_made_parts(CONSOLE) == CONSOLE, HOW


@pytest.mark.parametrize("name", [name for name, _ in pages.commands.COMMANDS] + ["fire"])
def test_every_command_has_an_example(name: str) -> None:
    assert re.search(rf"^> {name}\b", CONSOLE, re.MULTILINE)


def _examples() -> list[tuple[str, list[str]]]:
    found = []
    for block in re.findall(r"```text\n(.*?)```", CONSOLE, re.DOTALL):
        for part in re.split(r"^> ", block, flags=re.MULTILINE)[1:]:
            command, *reply = part.strip().split("\n")
            found.append((command, reply))
    return found


@pytest.mark.parametrize(("command", "reply"), _examples(), ids=lambda value: value if isinstance(value, str) else "")
def test_every_example_has_the_form_of_a_reply(command: str, reply: list[str]) -> None:
    codes = {code for code, _, _, _ in pages.errors.ERRORS}
    last = reply[-1]
    if last.startswith("ERROR "):
        number = re.fullmatch(r'ERROR (\d+) "[^"]*"', last)
        assert number and int(number[1]) in codes
    else:
        form = Desk().reply(command)[-1]
        assert last.split()[:1] == form.split()[:1] == ["OK"]
        counted = re.fullmatch(r"OK .* lines=(\d+)", last)
        if counted and "# ..." not in reply:
            assert int(counted[1]) == len(reply) - 1
    assert all(line.startswith("# ") for line in reply[:-1])
