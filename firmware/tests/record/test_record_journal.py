"""The journal keeps what happens, in order, with its time; it says what it could not keep, and when it gets full."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keeper import MOST_SEGMENTS, Expected, Keeper, boot, contents
from stores import CAPACITY, Files, Fram, Store
from tandem.record import crc, layout, reading, text
from tandem.record.journal import CHANGES, Folder, Journal, JournalError, ShotMemoryError
from tandem.record.ram import RamMemory

Figure = Callable[..., None]


def lines(journal: Journal, number: int = 1) -> list[str]:
    """Return the journal as text."""
    return [text.line(*place) for place in reading.records(journal, number) if place]


ROOMY = 8000
"""Bytes of a segment where room matters: what is left for a burst's other records is 2 KB."""


@pytest.fixture
def store() -> Store:
    """An empty store with a shot memory of 4 KB."""
    return Store(bytearray(4096))


# --- what is kept


@pytest.mark.proves("R-JRN-3")
def test_a_record_tells_number_boot_uptime_and_time(store: Store) -> None:
    journal = boot(store)
    journal.tick(12_034)
    journal.note(layout.START, "reset=power hash=0011223344")
    journal.set_clock(194_054_399)
    journal.tick(13_034)
    journal.shot(1, 0, 3, 7, -5)
    assert lines(journal) == [
        "seq=1 boot=1 uptime_s=12.034 time=unset kind=start reset=power hash=0011223344",
        "seq=2 boot=1 uptime_s=12.034 time=2026-02-23T23:59:59Z kind=clock before_s=0 after_s=194054399",
        "seq=3 boot=1 uptime_s=13.034 time=2026-02-24T00:00:00Z kind=shot "
        "pass=1 laser=ps number=7 verdict=high energy_uj=-5",
    ]


def test_a_shot_takes_32_bytes(store: Store) -> None:
    journal = boot(store)
    journal.shot(1, 0, 0, 1, 596_900)
    assert journal.waiting == layout.SHOT_BYTES == 32


def test_uptime_goes_on_over_the_wrap_of_the_milliseconds(store: Store) -> None:
    journal = boot(store)
    now_ms = 0
    for _ in range(40):  # 13 days
        now_ms += 28_080_007
        journal.tick(now_ms & 0x3FFFFFFF)
    journal.note(layout.NOTE, "")
    assert f"uptime_s={now_ms // 1000}.{now_ms % 1000:03d} " in lines(journal)[0]
    assert now_ms > 1 << 30


@pytest.mark.parametrize("seconds", [0, -1, 1 << 30])
def test_a_clock_that_cannot_be_is_refused(store: Store, seconds: int) -> None:
    journal = boot(store)
    with pytest.raises(ValueError, match="1 to 1073741823 s"):
        journal.set_clock(seconds)
    assert journal.seq == 1


def test_boot_numbers_go_on(store: Store) -> None:
    for number in range(1, 5):
        journal = boot(store)
        assert journal.boot == number
        journal.note(layout.START, "")
        if number % 2:
            while not journal.flush():
                pass


@pytest.mark.parametrize("left", [b"\xff", b"\x09\x08", b"\x09\x08\0\0\xff\xff\xff\x7f", bytes(range(256))])
def test_whatever_a_new_shot_memory_holds_is_no_record(left: bytes) -> None:
    store = Store(bytearray((left * 4096)[:4096]))
    journal = boot(store)
    assert (journal.seq, journal.boot, journal.damaged, store.memory[0]) == (1, 1, 0, 0)
    Keeper(store).burst(3)
    assert list(contents(boot(store))) == list(range(1, 7))


def test_a_text_that_is_too_long_ends_in_dots(store: Store) -> None:
    journal = boot(store)
    journal.note(layout.NOTE, "ä" * 101)
    journal.note(layout.NOTE, "x" * 200)
    assert [body for _, body in contents(journal).values()] == ["ä" * 98 + "...", "x" * 200]


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.tuples(
                st.just("note"),
                st.sampled_from([k for k in range(1, layout.LAST_KIND + 1) if k not in (*text.WORDS, layout.SHOT)]),
                st.text(max_size=60),
            ),
            st.tuples(
                st.just("shot"),
                st.integers(0, 255),
                st.integers(0, 1),
                st.integers(0, len(text.VERDICTS) - 1),
                st.integers(0, 65535),
                st.integers(-(1 << 31), (1 << 31) - 1),
            ),
            st.tuples(st.just("change"), st.integers(0, (1 << 30) - 1), st.integers(0, (1 << 30) - 1)),
        ),
        max_size=30,
    )
)
def test_what_is_put_in_comes_out(records: list[tuple[Any, ...]]) -> None:
    journal = boot(Store(bytearray(12_000)))
    wanted = []
    for what, *values in records:
        assert getattr(journal, what)(*values) == len(wanted) + 1
        if what == "note":
            wanted.append((values[0], values[1]))
        elif what == "change":
            wanted.append((layout.INPUT, "before={} after={} left_out=0".format(*values)))
        else:
            step, laser, verdict, number, energy_uj = values
            body = f"laser={('ps', 'co2')[laser]} number={number} verdict={text.VERDICTS[verdict]}"
            wanted.append((layout.SHOT, f"pass={step} {body} energy_uj={energy_uj}"))
    assert list(contents(journal).values()) == wanted
    while not journal.flush():
        pass
    assert list(contents(journal).values()) == wanted


@pytest.mark.proves("R-JRN-1")
@settings(max_examples=150, deadline=None)
@given(st.data())
def test_any_order_of_what_may_happen_loses_nothing(data: st.DataObject) -> None:
    """Records, flushes, losses of power at any step, pulling and overwriting in any order."""
    store = Store(bytearray(1500), atomic=data.draw(st.booleans()))
    keeper = Keeper(store)
    cut: dict[str, Any] = {}
    for _ in range(data.draw(st.integers(1, 12))):
        what = data.draw(st.sampled_from(["burst", "flush", "piece", "cut", "pull", "overwrite"]))
        if what == "cut":
            at = data.draw(st.integers(0, 400))

            def watch(_: str, at: int = at, keeper: Keeper = keeper) -> None:
                cut["steps"] += 1
                if cut["steps"] == at:
                    cut["found"] = keeper.store.copy(), keeper.expected.copy()

            cut.update(steps=0, found=None)
            store.watch = watch
        elif what == "burst" and store.memory and keeper.journal.memory.size - keeper.journal.end > 900:
            keeper.burst(data.draw(st.integers(0, 20)), closed=data.draw(st.booleans()))
        elif what == "flush":
            keeper.flush()
        elif what == "piece":
            keeper.flush(calls=1)
        elif what == "pull":
            keeper.pulled(data.draw(st.integers(1, keeper.journal.seq - 1)))
        elif what == "overwrite" and keeper.journal.memory.size - keeper.journal.end > 100:
            keeper.overwrite()
        if cut.get("found"):
            store, expected = cut.pop("found")
            expected.verify(boot(store.copy()))
            keeper = Keeper(store, expected)
        keeper.expected.verify(keeper.journal)
        keeper.expected.verify(boot(store.copy()))


# --- bursts


@pytest.mark.proves("R-JRN-6")
def test_a_burst_that_was_never_closed_is_told_at_the_next_start_with_its_shots(store: Store) -> None:
    keeper = Keeper(store)
    keeper.burst(5)
    keeper.flush()
    keeper.burst(7, closed=False)
    keeper.flush(calls=1)
    opening = keeper.journal.seq - 8
    journal = boot(store)
    assert journal.unclosed == (opening, 7, "plan=0011223344 count=7")
    shots = [body for kind, body in contents(journal, opening).values() if kind == layout.SHOT]
    assert len(shots) == 7
    journal.note(layout.START, "unclosed=1")
    assert boot(store).unclosed is None


def test_a_burst_that_was_closed_is_not_told(store: Store) -> None:
    Keeper(store).burst(5)
    assert boot(store).unclosed is None


# --- room


@pytest.mark.proves("R-JRN-8")
def test_below_a_tenth_it_is_low_and_it_says_what_still_fits() -> None:
    keeper = Keeper(Store(bytearray(12_000)), segment_bytes=ROOMY)
    journal = keeper.journal
    assert not journal.low
    while not journal.low:
        assert journal.fits(5)
        keeper.burst(5)
        keeper.flush(2048)
    assert journal.free_permille < 100
    assert journal.room * 32 < ROOMY * MOST_SEGMENTS // 10 + 2048
    assert not journal.fits(journal.room + 1)
    assert journal.fits(journal.room)


def fill(keeper: Keeper) -> None:
    """Write until flash takes no more."""
    while keeper.flush() and not keeper.journal.waiting:
        keeper.burst(3)


@pytest.mark.proves("R-JRN-8")
def test_a_full_journal_removes_nothing_until_it_was_pulled(store: Store) -> None:
    keeper = Keeper(store, segment_bytes=ROOMY)
    fill(keeper)
    first, *_ = contents(keeper.journal)
    assert (first, keeper.journal.room) == (1, 0)
    segments = len(store.files)
    keeper.pulled(keeper.journal.firsts[2] - 1)
    assert keeper.journal.room > 0
    assert len(store.files) == segments, "what was pulled stays as long as there is room"
    assert keeper.flush()
    assert not keeper.journal.waiting
    assert next(iter(contents(keeper.journal))) > 1
    keeper.expected.verify(boot(store, segment_bytes=ROOMY))
    fill(keeper)
    assert next(iter(contents(keeper.journal))) == keeper.journal.firsts[0] <= keeper.expected.let_go + 1


@pytest.mark.proves("R-JRN-8")
def test_overwriting_the_oldest_can_be_acknowledged(store: Store) -> None:
    keeper = Keeper(store, segment_bytes=ROOMY)
    fill(keeper)
    keeper.overwrite()
    fill(keeper)
    found = keeper.expected.verify(boot(store, segment_bytes=ROOMY))
    assert min(found) > 1
    assert "up_to=" in [body for kind, body in found.values() if kind == layout.OVERWRITE][-1]


@pytest.mark.parametrize("number", [0, 9])
def test_a_number_that_nobody_can_have_pulled_is_refused(store: Store, number: int) -> None:
    journal = boot(store)
    journal.note(layout.NOTE, "")
    with pytest.raises(ValueError, match="records 1 to 1 can have been pulled"):
        journal.pulled(number)


def test_what_cannot_be_kept_is_counted_and_told(store: Store) -> None:
    journal = boot(store, segment_bytes=ROOMY)
    kept = 0
    while journal.shot(1, 0, 0, kept, 0):
        kept += 1
    assert journal.shot(1, 0, 0, 0, 0) == journal.note(layout.FAULT, "fault=41") == 0
    assert journal.lost == 3
    while not journal.flush():
        pass
    journal.note(layout.NOTE, "room again")
    assert journal.lost == 0
    assert list(contents(journal).values())[-2:] == [(layout.LOST, "count=3"), (layout.NOTE, "room again")]
    assert len(contents(journal)) == kept + 2


def test_a_bouncing_contact_does_not_fill_the_journal(store: Store, figure: Figure) -> None:
    journal = boot(store)
    for i in range(10_000):
        journal.tick(i)
        journal.change(i & 1, ~i & 1)
    journal.tick(11_000)
    changes = [body for kind, body in contents(journal).values() if kind == layout.INPUT]
    figure("records of a contact that bounces 10,000 times in 10 s", len(changes), "records", f"<= {CHANGES + 11}")
    assert len(changes) <= CHANGES + 11
    left_out = sum(int(body.rsplit("=", 1)[1]) for body in changes)
    assert len(changes) + left_out == 10_000, "each one is kept or counted"
    assert changes[-1].startswith(f"before={changes[-2].split()[1][6:]} after={~9999 & 1} ")


# --- what fails


class Broken(Fram):
    """A shot memory of which one byte does not change."""

    def __init__(self, store: Store, stuck: int) -> None:
        super().__init__(store)
        self._kept = store
        self._stuck = stuck

    def append(self, at: int, buffer: bytearray, length: int) -> bool:
        super().append(at, buffer, length)
        self._kept.memory[self._stuck] = 0xA5
        return self._kept.memory[at : at + length + 1] == buffer[: length + 1]


def test_a_shot_memory_that_does_not_give_back_a_shot_is_an_error(store: Store) -> None:
    journal = Journal(Files(store), Broken(store, 100), crc)
    for _ in journal.open():
        pass
    for number in range(3):
        journal.shot(1, 0, 0, number, 0)
    with pytest.raises(ShotMemoryError, match="did not give back record 4"):
        journal.shot(1, 0, 0, 3, 0)
    assert journal.acknowledged == 3


def test_a_record_that_changed_in_the_shot_memory_does_not_get_into_flash(store: Store) -> None:
    journal = boot(store)
    for number in range(5):
        journal.shot(1, 0, 0, number, 0)
    store.memory[2 * 32 + 25] ^= 1
    with pytest.raises(ShotMemoryError, match="record 3"):
        while not journal.flush():
            pass
    assert list(contents(journal)) == [1, 2]
    while not journal.flush():
        pass
    assert list(contents(journal)) == [1, 2, 4, 5]
    journal = boot(Store(bytearray(4096), store.files))
    assert [*contents(journal)] == [1, 2, 4, 5]
    assert (journal.seq, journal.damaged) == (6, 0)


@pytest.mark.proves("R-JRN-1")
def test_damage_in_the_shot_memory_is_told_at_the_next_start(store: Store) -> None:
    journal = boot(store)
    for number in range(5):
        journal.shot(1, 0, 0, number, 0)
    store.memory[2 * 32 + 25] ^= 1
    journal = boot(store)
    assert journal.damaged == 1
    assert list(contents(journal)) == [1, 2]


def test_a_full_file_system_is_an_error_and_nothing_is_lost(store: Store) -> None:
    keeper = Keeper(store)
    keeper.burst(5)
    keeper.flush()
    keeper.burst(10)
    store.files["other"] = bytes(CAPACITY - 500)
    with pytest.raises(JournalError, match="could not be written"):
        keeper.journal.free = CAPACITY  # somebody else took the room since the journal looked
        keeper.flush()
    keeper.expected.verify(keeper.journal)
    keeper.expected.verify(boot(store.copy()))
    del store.files["other"]
    assert keeper.flush()
    assert not keeper.journal.waiting
    found = keeper.expected.verify(boot(store))
    assert len(found) == 1 + 7 + 12


@pytest.mark.parametrize("closes", [0, 1, 2])
def test_a_write_that_fails_after_it_was_made_doubles_nothing(store: Store, closes: int) -> None:
    """The file system reports an error though everything, or a part of it, got there."""
    keeper = Keeper(store)
    keeper.burst(4)
    assert keeper.flush()
    keeper.burst(20)
    done = 0

    def watch(operation: str) -> None:
        nonlocal done
        if operation == "file close, after":
            done += 1
            if done == closes + 1:
                raise OSError(5, "input/output error")

    store.watch = watch
    with pytest.raises(JournalError):
        keeper.flush()
    assert keeper.flush()
    found = keeper.expected.verify(boot(store))
    assert len(found) == 1 + 6 + 22


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path: Any) -> None:
    journal = Journal(Folder(str(tmp_path / "none" / "journal")), RamMemory(4096), crc)
    with pytest.raises(JournalError, match="could not be"):
        list(journal.open())


@pytest.mark.proves("R-JRN-1")
def test_a_damaged_segment_is_told_and_the_others_are_read(store: Store) -> None:
    keeper = Keeper(store)
    for _ in range(6):
        keeper.burst(10)
        keeper.flush()
    names = sorted(store.files)
    data = bytearray(store.files[names[1]])
    data[500] ^= 0x40
    store.files[names[1]] = bytes(data)
    journal = boot(store)
    assert journal.damaged == 1
    found = contents(journal)
    assert set(found) >= set(range(journal.firsts[2], journal.seq))
    assert set(found) >= set(range(1, journal.firsts[1] + 10))
    assert all(record == keeper.expected.asked[number] for number, record in found.items())


def test_files_of_others_in_the_folder_are_left_alone(tmp_path: Any) -> None:
    (tmp_path / "zzzzzzzz.rec").write_bytes(b"x")
    (tmp_path / "note.txt").write_bytes(b"x")
    (tmp_path / "1.rec").write_bytes(b"x")
    journal = Journal(Folder(str(tmp_path)), RamMemory(4096), crc)
    for _ in journal.open():
        pass
    journal.note(layout.NOTE, "one")
    assert journal.flush()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["00000001.rec", "1.rec", "note.txt", "zzzzzzzz.rec"]


# --- reading


def test_reading_goes_on_while_records_are_kept_flushed_and_removed(store: Store) -> None:
    keeper = Keeper(store)
    fill(keeper)
    keeper.overwrite()
    got: list[int] = []
    for place in reading.records(keeper.journal):
        if place is None:
            continue
        got.append(layout.seq(*place))
        assert (place[0][place[1]], text.body(*place)) == keeper.expected.asked[got[-1]]
        if keeper.journal.seq < 400:
            keeper.shot(1, 2)
            keeper.overwrite()
            keeper.flush(calls=4)
    assert got == sorted(set(got))
    assert got[-1] == keeper.journal.seq - 1 >= 399
    assert set(got) >= set(range(keeper.journal.firsts[0], keeper.journal.seq))
    assert len(got) < 390, "some were removed before they were read"


def test_reading_from_a_number_gives_the_rest(store: Store) -> None:
    keeper = Keeper(store)
    for _ in range(4):
        keeper.burst(12)
        keeper.flush(calls=3)
    every = list(contents(keeper.journal))
    assert every == list(range(1, keeper.journal.seq))
    for number in (1, 2, 17, 30, keeper.journal.flashed, keeper.journal.flashed + 1, keeper.journal.seq - 1):
        assert list(contents(keeper.journal, number)) == every[number - 1 :]
    assert not contents(keeper.journal, keeper.journal.seq)


@pytest.mark.proves("R-JRN-9")
def test_a_day_of_ten_thousand_shots_reads_back_complete(tmp_path: Any, figure: Figure) -> None:
    folder = Folder(str(tmp_path / "journal"))
    memory = Fram(Store(bytearray(65536)))
    expected = Expected()
    shots = 0
    journal = Journal(folder, memory, crc)
    for _ in journal.open():
        pass
    for burst in range(40):
        journal.tick(burst * 720_000)
        expected.asked[journal.seq] = (layout.OPEN, f"plan=00aa count=250 burst={burst}")
        journal.note(*expected.asked[journal.seq])
        for i in range(250):
            body = f"pass=2 laser=co2 number={i + 1} verdict=pass energy_uj={90_000 + shots}"
            expected.asked[journal.seq] = (layout.SHOT, body)
            assert journal.shot(2, 1, 0, i + 1, 90_000 + shots)
            shots += 1
        expected.asked[journal.seq] = (layout.CLOSE, "count=250 reason=done")
        journal.note(*expected.asked[journal.seq])
        while not journal.flush():
            pass
        expected.acknowledged = journal.acknowledged
    again = Journal(folder, Fram(Store(bytearray(65536))), crc)
    for _ in again.open():
        pass
    found = expected.verify(again)
    figure("shots of a day in the journal, read back", sum(kind == layout.SHOT for kind, _ in found.values()), "shots")
    figure("room that a day of 10,000 shots takes", 1000 - again.free_permille, "permille")
    assert len(found) == 10_080
    assert max(size for _, size in folder.list()) <= 32_512
