// The world of a bench: one clock in picoseconds, nets, analogue sources, parts, and the order in which everything happens.
//
// Order. Hardware (timers, PIO blocks, DMA, parts) has events at known times; CPUs have the time of their next instruction.
// `run` always does whatever comes first. A CPU goes on alone only through instructions that touch nothing but its own
// memory (see cpu.mjs): it stops in front of every other access until all hardware and all other CPUs have come to the very
// cycle of that access. Hence a register read sees, and a write changes, the state of exactly its own cycle, on all boards.
//
// One thing is not exact to the cycle: an interrupt that the CPU of one board causes on another board by a direct register
// write may be taken up to LOOKAHEAD_PS late, since the other CPU may have run that far ahead. Edges made by PIO, timers or
// parts are not affected, nor is what PIO programs see.

import { Recorder } from './recorder.mjs';

export const LOOKAHEAD_PS = 256_000;
const LOG_LIMIT = 200_000;

const STRENGTH = { strong: 3, weak: 2, pull: 1 };

/** Something that will happen: target[method](arg) at ps. */
class Event {
  constructor(ps, order, target, method, arg) {
    this.ps = ps;
    this.order = order;
    this.target = target;
    this.method = method;
    this.arg = arg;
  }

  cancel() {
    this.target = null;
  }

  get pending() {
    return this.target !== null;
  }
}

function before(a, b) {
  return a.ps < b.ps || (a.ps === b.ps && a.order < b.order);
}

/** A binary heap of events; those at one time keep the order in which they were scheduled. */
class EventQueue {
  constructor() {
    this.heap = [];
    this.count = 0;
  }

  add(ps, target, method, arg) {
    const event = new Event(ps, this.count++, target, method, arg);
    const { heap } = this;
    let at = heap.length;
    heap.push(event);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!before(event, heap[parent])) break;
      heap[at] = heap[parent];
      at = parent;
    }
    heap[at] = event;
    return event;
  }

  /** Time of the next event that is not cancelled, Infinity if there is none. */
  nextPs() {
    const { heap } = this;
    while (heap.length > 0 && heap[0].target === null) this.removeFirst();
    return heap.length > 0 ? heap[0].ps : Infinity;
  }

  removeFirst() {
    const { heap } = this;
    const first = heap[0];
    const last = heap.pop();
    const size = heap.length;
    if (size > 0) {
      let at = 0;
      for (;;) {
        let child = 2 * at + 1;
        if (child >= size) break;
        if (child + 1 < size && before(heap[child + 1], heap[child])) child++;
        if (!before(heap[child], last)) break;
        heap[at] = heap[child];
        at = child;
      }
      heap[at] = last;
    }
    return first;
  }
}

/** A wire. Its level comes from the strongest drivers: 'strong' outputs, then 'weak' external resistors, then 'pull' of a pad. */
export class Net {
  constructor(world, name) {
    this.world = world;
    this.name = name;
    this.level = 0;
    this.drivers = new Map();
    this.watchers = [];
    this.conflict = null;
    this.recorderIndex = -1;
  }

  /** Sets what one driver does: value 0, 1 or null (high impedance). */
  drive(driver, value, strength = 'strong') {
    const entry = this.drivers.get(driver);
    if (entry === undefined) this.drivers.set(driver, { value, strength: STRENGTH[strength] });
    else {
      const rank = STRENGTH[strength];
      if (entry.value === value && entry.strength === rank) return;
      entry.value = value;
      entry.strength = rank;
    }
    this.resolve();
  }

  driveFromBench(level) {
    this.drive('bench', level, 'strong');
  }

  resolve() {
    let best = 0;
    let level = this.level;
    let differ = false;
    for (const { value, strength } of this.drivers.values()) {
      if (value === null || strength < best) continue;
      if (strength > best) {
        best = strength;
        level = value;
        differ = false;
      } else if (value !== level) differ = true;
    }
    if (differ) level = 0;
    if (differ && best === STRENGTH.strong) this.reportConflict();
    else if (this.conflict !== null) this.endConflict();
    if (level !== this.level) this.change(level);
  }

  change(level) {
    this.level = level;
    const { world } = this;
    if (this.recorderIndex >= 0) world.recorder.record(world.now, this.recorderIndex, level);
    if (world.awaitedNets.size > 0) world.netChanged(this);
    const { watchers } = this;
    for (let i = 0; i < watchers.length; i++) watchers[i].target[watchers[i].method](level, this);
  }

  /** target[method](level, net) is called at the instant of every change. */
  watch(target, method) {
    this.watchers.push({ target, method });
  }

  strongDrivers() {
    const strong = [...this.drivers].filter(([, entry]) => entry.strength === STRENGTH.strong && entry.value !== null);
    return strong.map(([driver, entry]) => `${driver.name ?? driver}=${entry.value}`);
  }

  reportConflict() {
    if (this.conflict !== null) {
      this.conflict.drivers = this.strongDrivers();
      return;
    }
    this.conflict = { net: this.name, drivers: this.strongDrivers(), time_ps: this.world.now, end_ps: null };
    this.world.conflicts.push(this.conflict);
  }

  /** A conflict that lasted no time at all was only two changes at one instant. */
  endConflict() {
    this.conflict.end_ps = this.world.now;
    if (this.conflict.time_ps === this.world.now) {
      const at = this.world.conflicts.lastIndexOf(this.conflict);
      if (at >= 0) this.world.conflicts.splice(at, 1);
    }
    this.conflict = null;
  }
}

/** A constant voltage, for an ADC input that no part drives. */
export class ConstantVoltage {
  constructor(volts = 0) {
    this.volts = volts;
  }

  voltage() {
    return this.volts;
  }
}

/** What parts and boards report, in order. Entries never change, so a saved state keeps only which there were. */
class Log {
  constructor() {
    this.entries = [];
  }

  add(entry) {
    if (this.entries.length < LOG_LIMIT) this.entries.push(entry);
  }

  saveState() {
    return this.entries.slice();
  }

  restoreState(entries) {
    this.entries = entries.slice();
  }
}

export class World {
  constructor() {
    this.now = 0;
    this.queue = new EventQueue();
    this.boards = [];
    this.pioSlots = [];
    this.nets = new Map();
    this.analogSources = new Map();
    this.parts = new Map();
    this.logbook = new Log();
    this.conflicts = [];
    this.recorder = new Recorder();
    this.awaitedNets = new Map();
    this.awaitedMemories = new Set();
    this.awaitedBytes = null;
    this.stopReason = null;
    this.warnings = new Map();
  }

  /** Schedules target[method](arg) at ps (not before now); returns a handle with cancel() and pending. */
  at(ps, target, method, arg) {
    return this.queue.add(ps < this.now ? this.now : ps, target, method, arg);
  }

  net(name) {
    let net = this.nets.get(name);
    if (net === undefined) {
      net = new Net(this, name);
      this.nets.set(name, net);
      net.recorderIndex = this.recorder.addNet(name);
    }
    return net;
  }

  /** The source of an ADC input ('controller', 0); a settable constant of 0 V unless the stand names another. */
  analog(boardName, channel) {
    const key = `${boardName}.ADC${channel}`;
    let source = this.analogSources.get(key);
    if (source === undefined) {
      source = new ConstantVoltage();
      this.analogSources.set(key, source);
    }
    return source;
  }

  setAnalog(boardName, channel, source) {
    this.analogSources.set(`${boardName}.ADC${channel}`, source);
    for (const board of this.boards) if (board.name === boardName) board.adc.sources[channel] = source;
  }

  get entries() {
    return this.logbook.entries;
  }

  log(name, event, data = null) {
    this.logbook.add({ name, time_ps: this.now, event, data });
  }

  /** Counts something that the emulation met and does not model. */
  warn(text) {
    if (this.warnings.has(text) || this.warnings.size < 1000) this.warnings.set(text, (this.warnings.get(text) ?? 0) + 1);
  }

  /** Makes `run` end after what happens now; the first reason counts. */
  stop(reason) {
    if (this.stopReason === null) this.stopReason = reason;
  }

  netChanged(net) {
    const wanted = this.awaitedNets.get(net);
    if (wanted === undefined) return;
    if (wanted.level === null || wanted.level === net.level) {
      wanted.count--;
      if (wanted.count <= 0) this.stop({ net: net.name, level: net.level });
    }
  }

  /** A memory (a board's flash, a FRAM) begins to change: {memory, kind, offset, number, ...}; nothing of it is done yet. */
  operationStarted(operation) {
    if (this.awaitedMemories.has(operation.memory)) this.stop({ operation });
  }

  /** A memory has stored one more byte of the operation under way, or the operation has ended. */
  bytesStored(memory, count, ended) {
    const wanted = this.awaitedBytes;
    if (wanted === null || wanted.memory !== memory) return;
    wanted.stored += count;
    if (ended || wanted.stored >= wanted.bytes) this.stop({ stored: wanted.stored, ended });
  }

  nextHardwarePs() {
    let next = this.queue.nextPs();
    const { pioSlots } = this;
    for (let i = 0; i < pioSlots.length; i++) {
      const slot = pioSlots[i];
      if (slot.stale) slot.refresh();
      if (slot.nextPs < next) next = slot.nextPs;
    }
    return next;
  }

  /** Does everything that hardware does at ps (the next hardware time). */
  processAt(ps) {
    this.now = ps;
    const { pioSlots, queue } = this;
    for (let i = 0; i < pioSlots.length; i++) {
      const slot = pioSlots[i];
      if (slot.stale) slot.refresh();
      if (slot.nextPs <= ps) slot.advance(slot.board.cycleOfPs(ps));
    }
    while (queue.nextPs() <= ps) {
      const event = queue.removeFirst();
      const { target } = event;
      event.target = null;
      target[event.method](event.arg);
    }
  }

  /** Runs until ps or until `stop` is called; returns the stop reason, or null when ps was reached. */
  run(targetPs) {
    const { boards } = this;
    this.stopReason = null;
    for (;;) {
      let first = null;
      let firstPs = Infinity;
      let otherPs = Infinity;
      for (let i = 0; i < boards.length; i++) {
        const board = boards[i];
        board.settle();
        if (!board.cpuRuns) continue;
        const ps = board.cpuPs;
        if (ps < firstPs) {
          otherPs = firstPs;
          firstPs = ps;
          first = board;
        } else if (ps < otherPs) otherPs = ps;
      }
      if (this.stopReason !== null) return this.stopReason;
      const hardwarePs = this.nextHardwarePs();
      if (hardwarePs <= firstPs) {
        if (hardwarePs > targetPs) break;
        this.processAt(hardwarePs);
        continue;
      }
      if (firstPs >= targetPs) break;
      this.now = firstPs;
      let limitPs = hardwarePs < targetPs ? hardwarePs : targetPs;
      if (otherPs + LOOKAHEAD_PS < limitPs) limitPs = otherPs + LOOKAHEAD_PS;
      first.runCpu(limitPs);
    }
    if (targetPs > this.now) this.now = targetPs;
    return null;
  }
}
