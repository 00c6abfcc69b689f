"""What there is to choose from: recipes, laser profiles and handpieces by name. Pure.

Nothing of the `dose` package is loaded by importing this, or stays loaded because of it: makers import what they need
when they are called, which is only while `planner` has the package loaded.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from tandem.dose.handpiece import Handpiece
    from tandem.dose.laser import Laser


def _built_in(name: str) -> "Callable[[], Any]":
    def make() -> "Any":
        from tandem.dose import recipe

        return recipe.BUILT_IN[name]()

    return make


RECIPES = {name: _built_in(name) for name in ("calcinosis-1", "calcinosis-1-combined", "calcinosis-2")}
"""A maker of each recipe, by name."""


def ps_laser() -> "Laser":
    """Return the profile of the picosecond laser."""
    from tandem.dose import laser

    return laser.generic_ps_1064()


def co2_laser() -> "Laser":
    """Return the profile of the CO2 laser."""
    from tandem.dose import laser

    return laser.generic_co2_240w()


def handpieces() -> "Iterator[Handpiece]":
    """Yield the entry of each handpiece that may be attached."""
    from tandem.dose import handpiece

    for make in handpiece.BUILT_IN.values():
        yield make()
