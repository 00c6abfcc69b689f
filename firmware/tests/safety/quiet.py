"""A plugin for runs of these tests inside another run: figures go nowhere, generated inputs are always the same."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import settings

settings.register_profile("same", derandomize=True, database=None, deadline=None)
settings.load_profile("same")

SLOWEST = ("hypothesis", "random", "no_run_of_inputs", "short_way", "bouncing_pedal", "test_safety_supervisor")


@pytest.fixture
def figure() -> Callable[..., None]:
    """Take a figure and forget it."""
    return lambda *_, **__: None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the quick ones come first: they find most of what is wrong."""
    items.sort(key=lambda item: sum(word in item.nodeid for word in SLOWEST))
