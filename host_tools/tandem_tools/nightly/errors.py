"""Why a night could not be run, or its results not be read. Each message says what to do."""

from __future__ import annotations


class NightlyError(Exception):
    """The night did not take place, or what was asked for cannot be shown."""


class StandIsBusy(NightlyError):
    """Another run holds the stand."""
