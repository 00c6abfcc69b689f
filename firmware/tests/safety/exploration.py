"""Every turn that the state machine can take, by running it on inputs whose bits are decided only when looked at.

A word of 28 conditions, events, a fault number, a record and a time are too many to write out one by one. But the code
under test looks at few bits in any one turn. So it is given a `Word` in place of an integer: the first time that a bit
is looked at, the run goes on with it clear, and later once more with it set, until no way is left. The *paths* found so
are all there are: they do not overlap, and every word of conditions and every set of events follows one of them. Bits
that nobody looked at on a path stand for both values. Nothing is taken from the table for this; what is looked at is
seen from the running code.

Time goes the same way: an `Age` notes what it is compared with, and every such deadline is tried one millisecond
before, at, and one after it. Fields of the record that a turn must not depend on are `Unread`: looking at them fails.
What an earlier fault left to be waited for is a free choice (`Needs`): "something else is not good yet", yes or no.

Breadth-first from power-up, until no new *node* (record without what is free) appears.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from tandem.safety import elapsed, faults, states
from tandem.safety import inputs as i

CONDITIONS = sum(bit for bit, _ in i.CONDITION_NAMES)
EVENTS = {name: bit for name, bit in vars(i).items() if name.startswith("EV_")}
ALL_EVENTS = sum(EVENTS.values())
NOT_LISTED = 99
NUMBERS = (0, *faults.NEEDS[::2], NOT_LISTED)
SETTINGS = {"arming_ms": 2500, "idle_s": 120, "shutter_ms": 250, "wait_ms": 5000, "service_s": 300}
TIGHT = {"arming_ms": 2000, "idle_s": 10, "shutter_ms": 2000, "wait_ms": 0, "service_s": 30}
"""All times as near to each other as the settings allow."""

_EVENT_SHIFT = 32
_OTHER = 1 << 62
_ANY = 1 << 63
_ENTERED_MS = (1 << 30) - 2
"""Every mode is entered just before the count of milliseconds wraps."""


class Choices:
    """The bits decided on the present path, and the way to the next one."""

    def __init__(self) -> None:
        self.plan: list[bool] = []
        self.depth = 0
        self.known = 0
        self.value = 0
        self.some = 0

    def begin(self) -> None:
        """Start a path: the plan's choices are made again, what is looked at beyond them is clear."""
        self.depth = self.known = self.value = self.some = 0

    def more(self) -> bool:
        """Turn to the next path; False when all are done."""
        plan = self.plan
        del plan[self.depth :]
        while plan and plan[-1]:
            plan.pop()
        if not plan:
            return False
        plan[-1] = True
        return True

    def decide(self, bit: int) -> bool:
        """Return the bit, decided now if it was not before."""
        if not self.known & bit:
            self.known |= bit
            if self.some & bit and not self.some & (self.value | ~self.known):
                # One of these bits is set, and none of the others is.
                self.value |= bit
                return True
            if self.depth == len(self.plan):
                self.plan.append(False)
            if self.plan[self.depth]:
                self.value |= bit
            self.depth += 1
        return bool(self.value & bit)

    def any(self, mask: int) -> bool:
        """Tell whether one of many bits is set, without deciding which."""
        if self.value & mask or self.some & mask == mask:
            return True
        free = mask & ~self.known
        if not free:
            return False
        if self.decide(_ANY):
            self.some = mask
            return True
        self.known |= free
        return False

    def ways(self) -> int:
        """Return how many words of conditions and sets of events, in all their combinations, follow this path."""
        events = ALL_EVENTS << _EVENT_SHIFT
        free = (events & ~self.known).bit_count()
        without = 1 if self.some and not self.value & events else 0
        others = 1 if self.known & _OTHER else 2
        return ((1 << free) - without) * others << (CONDITIONS & ~self.known).bit_count()

    def equal(self, mask: int, wanted: int) -> bool:
        """Tell whether the bits of a mask are as wanted, deciding no more of them than it takes."""
        if (self.value ^ wanted) & self.known & mask:
            return False
        rest = mask & ~self.known
        while rest:
            bit = rest & -rest
            rest ^= bit
            if self.decide(bit) != bool(wanted & bit):
                return False
        return True


class Word:
    """A word of bits that are decided when looked at: `(source & looked) ^ flip`. Only what integers do bit by bit."""

    __slots__ = ("choices", "flip", "looked", "shift")
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, choices: Choices, shift: int, looked: int, flip: int = 0) -> None:
        self.choices = choices
        self.shift = shift
        self.looked = looked
        self.flip = flip

    def __and__(self, other: Any) -> Any:
        if isinstance(other, Needs):
            return Blocked(self & other.known, self.choices)
        return Word(self.choices, self.shift, self.looked & other, self.flip & other)

    def __or__(self, other: int) -> Word:
        return Word(self.choices, self.shift, self.looked & ~other, self.flip | other)

    def __xor__(self, other: int) -> Word:
        return Word(self.choices, self.shift, self.looked, self.flip ^ other)

    __rand__ = __and__
    __ror__ = __or__
    __rxor__ = __xor__

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, int):
            return False
        wanted = self.flip ^ other
        if wanted & ~self.looked:
            return False
        return self.choices.equal(self.looked << self.shift, wanted << self.shift)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __bool__(self) -> bool:
        return self != 0


class Asked(Word):
    """Events: requests to be decided when looked at, and the fault that another part raises."""

    __slots__ = ("raised",)

    def __init__(self, choices: Choices, raised: int) -> None:
        super().__init__(choices, _EVENT_SHIFT, ALL_EVENTS)
        self.raised = raised

    def __bool__(self) -> bool:
        return bool(self.raised) or self.choices.any(ALL_EVENTS << _EVENT_SHIFT)

    def __rshift__(self, count: int) -> int:
        if count != i.FAULT_SHIFT:
            raise TypeError("only the number of the raised fault is read by shifting")
        return self.raised


class Needs:
    """What a fault waits for: `known` conditions, and whatever faults before it have left."""

    def __init__(self, known: int) -> None:
        self.known = known

    def __or__(self, other: int) -> Needs:
        return Needs(self.known | other)


class Blocked:
    """True while something that a fault waits for is not good."""

    def __init__(self, word: Word, choices: Choices) -> None:
        self.word = word
        self.choices = choices

    def __bool__(self) -> bool:
        return bool(self.word) or self.choices.decide(_OTHER)


class Unread:
    """A field that no turn may depend on."""

    __hash__ = None  # type: ignore[assignment]

    def _read(self, *_: object) -> Any:
        raise TypeError("a turn depends on a field of the record that it should not read")

    __bool__ = __eq__ = __and__ = __rand__ = __or__ = __lt__ = __sub__ = __rsub__ = __index__ = _read


class _Other:
    """Equal to no word of conditions: what was judged in the turn before."""


class Age(int):
    """Milliseconds since the mode was entered, which note what they are compared with."""

    compared: set[int]

    def __and__(self, mask: int) -> Age:
        return _age(int(self) & mask, self.compared)

    def __lt__(self, other: int) -> bool:
        self.compared.add(int(other))
        return int(self) < other

    def __gt__(self, other: int) -> bool:
        self.compared.add(int(other))
        return int(self) > other

    def __le__(self, other: int) -> bool:
        self.compared.add(int(other))
        return int(self) <= other

    def __ge__(self, other: int) -> bool:
        self.compared.add(int(other))
        return int(self) >= other


def _age(value: int, compared: set[int]) -> Age:
    age = Age(value)
    age.compared = compared
    return age


class Moment(int):
    """The present time: what is left when the moment of entering is taken from it is an `Age`."""

    compared: set[int]

    def __sub__(self, then: int) -> Age:
        return _age(int(self) - then, self.compared)


class Node(NamedTuple):
    """What a turn depends on beside inputs, events and age; and what happened before, as far as promises need it.

    `fault` 0 outside FAULT; `fresh`: in READY, the pedal was seen released and not pressed or unplugged since;
    `tested`: the self-test has passed since power-up.
    """

    mode: int
    pedal_seen: bool
    fault: int
    fresh: bool
    tested: bool


def needs_of(node: Node) -> int:
    """Return what the fault of a node waits for at least: a restart too, while the self-test has not passed."""
    return faults.needs(node.fault) | (0 if node.tested else faults.RESTART)


POWER_UP = Node(states.BOOT, False, 0, False, False)


class Turn:
    """One path through one turn: what was before, what went in, what came out."""

    def __init__(self, node: Node, word: Word, events: Asked, age_ms: int, settings: dict[str, int]) -> None:
        self.node = node
        self.before = node.mode
        self.word = word
        self.events = events
        self.raised = events.raised
        self.age_ms = age_ms
        self.settings = settings
        self.state: Any = None
        self.mode = -1
        self.now_ms = 0

    def has(self, conditions: int) -> bool:
        """Tell whether all of these conditions are present."""
        return self.word & conditions == conditions

    def others_wait(self) -> bool:
        """Tell whether something that a fault beside this one needs is not good yet."""
        return self.word.choices.decide(_OTHER)

    @property
    def fresh_after(self) -> bool:
        """Whether, after this turn, the pedal has been seen released in READY and not pressed or unplugged since."""
        if self.mode != states.READY:
            return False
        pedal = i.PEDAL_PRESSED | i.PEDAL_RELEASED | i.PEDAL_FAULT | i.PEDAL_DISCONNECTED
        if self.word & pedal == i.PEDAL_RELEASED:
            return True
        return self.before == states.READY and self.node.fresh and not self.word & (pedal & ~i.PEDAL_RELEASED)

    @property
    def tested_after(self) -> bool:
        """Whether, after this turn, the self-test has passed since power-up."""
        return self.node.tested or (self.before == states.SELFTEST and self.mode == states.STANDBY)

    @property
    def after(self) -> Node:
        """The node that follows."""
        return Node(self.mode, bool(self.state.pedal_seen), self.state.fault, self.fresh_after, self.tested_after)

    def asked(self, events: int) -> bool:
        """Tell whether one of these events came."""
        return bool(self.events & events)

    def __str__(self) -> str:
        choices = self.word.choices
        names = [(bit, name) for bit, name in i.CONDITION_NAMES if choices.known & bit]
        seen = [name if choices.value & bit else "no " + name for bit, name in names]
        seen += [name for name, bit in EVENTS.items() if choices.value & bit << _EVENT_SHIFT]
        seen += [f"fault {self.raised} raised"] if self.raised else []
        after = states.MODE_NAMES[self.mode] + (f" {self.state.fault}" if self.state.fault else "")
        return f"{states.MODE_NAMES[self.before]} after {self.age_ms} ms, {', '.join(seen)}: {after}"


Check = Callable[[Turn], None]


def _record(node: Node, settings: dict[str, int]) -> Any:
    record: Any = states.State(_ENTERED_MS, **settings)
    unread = Unread()
    for field in ("before", "because", "also", "last_fault", "incomplete", "refused", "refused_ms", "permit"):
        setattr(record, field, unread)
    record.inputs = _Other()
    record.mode = node.mode
    record.pedal_seen = node.pedal_seen
    record.fault = node.fault
    record.needs = Needs(needs_of(node)) if node.mode == states.FAULT else 0
    return record


class Explorer:
    """Takes every turn from every node that can be reached, and lets `check` look at each."""

    def __init__(
        self, check: Check, settings: dict[str, int] = SETTINGS, deadlines: dict[int, set[int]] | None = None
    ) -> None:
        self.check = check
        self.settings = settings
        known = deadlines or {}
        self.deadlines = {mode: set(known.get(mode, ())) for mode in range(len(states.MODE_NAMES))}
        self.edges: dict[Node, set[Node]] = {}
        self.turns = 0
        self.ways = 0
        self._choices = Choices()

    def run(self) -> Explorer:
        """Explore breadth-first from power-up until there is nothing new."""
        waiting = [POWER_UP]
        while waiting:
            node = waiting.pop(0)
            if node not in self.edges:
                self.edges[node] = self.from_node(node)
                waiting += sorted(self.edges[node] - self.edges.keys())
        return self

    def ages(self, mode: int) -> set[int]:
        """Return the ages of a mode that are tried: its first milliseconds and those about each deadline known yet."""
        return {0, 1, *(d + near for d in self.deadlines[mode] for near in (-1, 0, 1) if d + near > 0)}

    def probe(self, node: Node, conditions: int, events: int, age_ms: int) -> Turn:
        """Take one turn with everything decided."""
        choices = self._choices
        choices.begin()
        choices.known = ((1 << 62) - 1) | _OTHER
        choices.value = conditions | events << _EVENT_SHIFT
        turn = Turn(node, Word(choices, 0, CONDITIONS), Asked(choices, 0), age_ms, self.settings)
        self._take(turn)
        return turn

    def from_node(self, node: Node, numbers: tuple[int, ...] = NUMBERS) -> set[Node]:
        """Take every turn from one node; returns the nodes that follow."""
        done: set[int] = set()
        after: set[Node] = set()
        while todo := self.ages(node.mode) - done:
            for age_ms in sorted(todo):
                for raised in numbers:
                    for turn in self.paths(node, raised, age_ms):
                        after.add(turn.after)
            done |= todo
        return after

    def paths(self, node: Node, raised: int, age_ms: int) -> Iterator[Turn]:
        """Take every path of a turn of one node at one age with one raised fault (0: none)."""
        choices = self._choices
        choices.plan = []
        ways = 0
        word = Word(choices, 0, CONDITIONS)
        while True:
            choices.begin()
            turn = Turn(node, word, Asked(choices, raised), age_ms, self.settings)
            self._take(turn)
            self.turns += 1
            yield turn
            ways += choices.ways()
            if not choices.more():
                break
        if ways != 1 << (CONDITIONS.bit_count() + ALL_EVENTS.bit_count() + 1):
            raise AssertionError("the paths of a turn are not all that there are")
        self.ways += ways >> 1

    def _take(self, turn: Turn) -> None:
        state: Any = _record(turn.node, self.settings)
        now: Any = Moment((_ENTERED_MS + turn.age_ms) & 0x3FFFFFFF)
        now.compared = self.deadlines[turn.before]
        turn.mode = states.advance(state, turn.word, turn.events, now)  # type: ignore[arg-type]
        turn.state = state
        turn.now_ms = now
        self.check(turn)

    def again(self, turn: Turn) -> Turn:
        """Take the same path of the same turn once more: for what was changed meanwhile."""
        other = Turn(turn.node, turn.word, turn.events, turn.age_ms, self.settings)
        self._take(other)
        return other


def skipped_turns_change_nothing(turn: Turn) -> None:
    """Check the short way: a turn that `advance` skips until `due_ms` would have changed nothing, had it been taken."""
    state = turn.state
    wait_ms = elapsed(state.due_ms, turn.now_ms)
    if turn.mode != turn.before:
        if wait_ms:
            raise AssertionError(f"a mode just entered is not looked at in the next turn: {turn}")
        return
    if wait_ms < 2:
        return
    before = (state.mode, state.pedal_seen, state.fault, getattr(state.needs, "known", 0), state.permit)
    state.inputs = _Other()
    now: Any = Moment((turn.now_ms + wait_ms - 1) & 0x3FFFFFFF)
    now.compared = set()
    states.advance(state, turn.word, 0, now)  # type: ignore[arg-type]
    if before != (state.mode, state.pedal_seen, state.fault, getattr(state.needs, "known", 0), state.permit):
        raise AssertionError(f"a turn that is skipped would have led to {states.MODE_NAMES[state.mode]}: {turn}")
