"""Power may fail at any instant: what was acknowledged is there, nothing is torn or invented, and the board goes on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest
from keeper import Expected, Keeper, boot
from stores import Slots, Store
from tandem.record import layout
from tandem.record.settings import Settings

Figure = Callable[..., None]
MEMORY_BYTES = 1500
Cut = tuple[str, Store, Expected]


def session(keeper: Keeper) -> None:
    """What may happen to a journal: bursts, changes of segment, pulling, removal of what was pulled, a restart."""
    keeper.note(layout.SETTING, "key=idle_s before=120 after=60")
    keeper.burst(6)
    keeper.change(5, 4)
    keeper.flush()
    keeper.burst(12)
    keeper.flush(calls=2)
    keeper.note(layout.NOTE, "in the middle of a flush: " + "x" * 150)
    keeper.flush()
    keeper.pulled(keeper.journal.seq - 1)
    keeper.burst(24)
    keeper.flush()
    keeper.reboot()
    keeper.burst(24)
    keeper.flush()
    keeper.burst(24)
    keeper.overwrite()
    keeper.flush()
    keeper.burst(20)
    keeper.flush()
    keeper.burst(4, closed=False)


def afterwards(keeper: Keeper) -> None:
    """What happens after a loss of power."""
    keeper.note(layout.NOTE, "power is back")
    keeper.flush()
    keeper.shot(1, 1)


def cuts_of(store: Store, expected: Expected, ram: bool, script: Callable[[Keeper], None]) -> list[Cut]:
    """Boot, run a script; return the store, and what may be expected of it, at every point at which power may fail."""
    cuts: list[Cut] = []

    def watch(operation: str) -> None:
        cuts.append((operation, store.copy(), expected.copy()))

    store.watch = watch
    script(Keeper(store, expected, ram))
    watch("end")
    store.watch = lambda _: None
    return cuts


def went_on(cut: Cut, ram: bool) -> None:
    """Boot after a cut, compare, let the journal go on, and compare again after one more boot."""
    _, store, expected = cut
    expected.verify(boot(store.copy(), ram))
    keeper = Keeper(store, expected, ram)
    afterwards(keeper)
    assert (layout.NOTE, "power is back") in expected.verify(boot(store, ram)).values()


@pytest.mark.proves("R-JRN-5")
@pytest.mark.slow
@pytest.mark.parametrize("atomic", [True, False], ids=["littlefs", "torn files"])
@pytest.mark.parametrize("ram", [False, True], ids=["shot memory", "RAM"])
def test_power_may_fail_at_every_step_of_a_session(atomic: bool, ram: bool, figure: Figure) -> None:
    store = Store(bytearray(MEMORY_BYTES), atomic=atomic)
    cuts = cuts_of(store, Expected(), ram, session)
    for cut in cuts:
        went_on(cut, ram)
    counted = Counter(operation for operation, _, _ in cuts)
    assert {"file close, before", "file create, after", "file remove, after"} <= set(counted)
    assert ram or counted["fram byte"] > 3000
    assert atomic or counted["file write, in the middle"] > 15
    name = f"{'RAM' if ram else 'shot memory'}, {'littlefs' if atomic else 'files that tear'}"
    figure(f"power cuts without a record lost, torn or invented, {name}", len(cuts), "cuts")


@pytest.mark.proves("R-JRN-5")
@pytest.mark.slow
@pytest.mark.parametrize("atomic", [True, False], ids=["littlefs", "torn files"])
def test_power_may_fail_again_at_every_step_after_a_loss_of_power(atomic: bool, figure: Figure) -> None:
    store = Store(bytearray(MEMORY_BYTES), atomic=atomic)
    first = cuts_of(store, Expected(), False, session)
    some = [cut for i, cut in enumerate(first) if i % (61 if cut[0] == "fram byte" else 3) == 0]
    count = 0
    for _, cut_store, expected in some:
        again = cuts_of(cut_store, expected, False, afterwards)
        for _, second_store, second_expected in again:
            second_expected.verify(boot(second_store))
        count += len(again)
    assert count > 20 * len(some) > 1000
    name = "littlefs" if atomic else "files that tear"
    figure(f"second power cuts without a record lost, torn or invented, {name}", count, "cuts")


def test_a_file_system_that_was_lost_brings_no_record_of_an_old_epoch_back(figure: Figure) -> None:
    """The shot memory still holds old epochs, whose numbers begin anew and whose records stand at the same places."""
    store = Store(bytearray(MEMORY_BYTES))
    old_epochs = Keeper(store)
    for count in (20, 3, 0):
        old_epochs.burst(count)
        old_epochs.flush()
    store.files = {}
    cuts = cuts_of(store, Expected(), False, lambda keeper: keeper.burst(25))
    for _, cut_store, expected in cuts:
        expected.verify(boot(cut_store))
    assert len(cuts) > 900
    figure("power cuts after the file system was lost, no old record back", len(cuts), "cuts")


@pytest.mark.proves("R-SET-1")
@pytest.mark.parametrize("atomic", [True, False], ids=["littlefs", "torn files"])
def test_power_may_fail_at_every_step_of_changes_of_settings(atomic: bool, figure: Figure) -> None:
    store = Store(bytearray(), atomic=atomic)
    cuts: list[tuple[Store, int, int]] = []
    before, after = 120, 120
    store.watch = lambda _: cuts.append((store.copy(), before, after))
    settings = Settings(Slots(store))
    settings.open()
    for after in (60, 61, 62, 63):
        settings.change("idle_s", str(after))
        before = after
    seen = set()
    for cut_store, old, new in cuts:
        found = Settings(Slots(cut_store))
        found.open()
        assert found.values["idle_s"] in (old, new)
        assert not found.lost or (old == 120 and not atomic), "nothing that was acknowledged is lost"
        seen.add((old, found.values["idle_s"] == new))
        found.change("idle_s", "99")
        found = Settings(Slots(cut_store))
        found.open()
        assert (found.values["idle_s"], found.lost) == (99, "")
    assert len(seen) == 8, "each change was met before and after it counted"
    figure(f"power cuts in changes of settings, {'littlefs' if atomic else 'files that tear'}", len(cuts), "cuts")
