// Runs scripts of register accesses and input changes against the PIO block, for the tests. One JSON request a line on
// standard input, one JSON answer a line on standard output.
//
// A script is a list of operations with rising cycles:
//   ["w", offset, value, cycle]   register write        ["r", offset, cycle]  register read, answered in `reads`
//   ["i", levels, cycle]          pad levels from outside   ["t", cycle]      advance
//   ["o", cycle]                  observe all registers, also those the bus cannot read, answered in `observed`
//   ["p", machine, fields, {array: {index: value}}]   set fields of a machine (registers the bus cannot write)
//   ["alias", offset, merged, raw, cycle]   write through an XOR, SET or CLR alias        ["reset"]   block reset

import { createInterface } from 'node:readline';

const FIELDS = ['pc', 'x', 'y', 'isr', 'osr', 'isrCount', 'osrCount', 'delay', 'latchKind', 'latchStalled', 'irqWaiting',
  'enabled', 'tick', 'phase', 'txLevel', 'rxLevel', 'stickyMask', 'stickyLevels'];

const { PioBlock } = await import(process.argv[2]);

class Run {
  // how: 'plain' steps every cycle; 'jump' advances straight to each operation; 'event' in steps of nextEvent().
  constructor(how, readBack) {
    this.how = how;
    this.readBack = readBack;
    this.outside = 0;
    this.floor = 0;
    this.early = null;
    this.pins = [];
    this.irq = [];
    this.dreq = [];
    this.reads = [];
    this.observed = [];
    this.block = new PioBlock({
      index: 0,
      skip: how !== 'plain',
      onPins: (values, directions, cycle) => this.pinsChanged(values, directions, cycle),
      onIrq: (line, level, cycle) => this.note(this.irq, [line, level, cycle], cycle),
      onDreq: (kind, machine, level, cycle) => this.note(this.dreq, [kind, machine, level, cycle], cycle),
    });
  }

  note(list, entry, cycle) {
    if (cycle < this.floor && this.early === null) this.early = { entry, promised: this.floor };
    list.push(entry);
  }

  levels() {
    const driven = this.block.oe & this.readBack;
    return (this.block.out & driven) | (this.outside & ~driven);
  }

  pinsChanged(values, directions, cycle) {
    this.note(this.pins, [values, directions, cycle], cycle);
    if (this.readBack !== 0) this.block.setInputs(this.levels(), cycle);
  }

  advance(cycle) {
    this.floor = this.block.nextEvent();
    if (this.how === 'event') {
      while (this.block.cycle < cycle) {
        this.floor = this.block.nextEvent();
        this.block.advanceTo(Math.min(cycle, Math.max(this.floor, this.block.cycle + 1)));
      }
    } else {
      this.block.advanceTo(cycle);
    }
    this.floor = 0;
  }

  observe(cycle) {
    const block = this.block;
    return block.machines.map((m) => {
      if (m.wake >= cycle) m.catchUp(cycle);
      const state = {};
      for (const field of FIELDS) state[field] = typeof m[field] === 'number' && m[field] < 0 ? m[field] >>> 0 : m[field];
      state.tx = Array.from({ length: m.txLevel }, (_, i) => m.tx[(m.txHead + i) & 7] >>> 0);
      state.rx = Array.from({ length: m.rxLevel }, (_, i) => m.rx[(m.rxHead + i) & 7] >>> 0);
      if (m.latchKind !== 0) state.latch = m.latch;
      return state;
    });
  }

  perform(operation) {
    const [what, a, b, c] = operation;
    if (what === 'p') {
      Object.assign(this.block.machines[a], b);
      for (const [name, values] of Object.entries(c ?? {})) Object.assign(this.block.machines[a][name], values);
      return;
    }
    if (what === 'reset') {
      this.block.reset();
      return;
    }
    if (what === 'alias') {
      this.advance(operation[4]);
      this.block.write(a, b, operation[4], c);
      return;
    }
    const cycle = what === 'w' ? c : what === 't' || what === 'o' ? a : b;
    if (cycle < this.block.cycle) throw new Error(`operation ${JSON.stringify(operation)} comes after cycle ${this.block.cycle}`);
    if (what !== 'i' || this.how !== 'jump' || this.readBack !== 0) this.advance(cycle);
    if (what === 'w') this.block.write(a, b, cycle, b);
    else if (what === 'r') this.reads.push(this.block.read(a, cycle));
    else if (what === 'o') this.observed.push(this.observe(cycle));
    else if (what === 'i') {
      this.outside = a;
      this.block.setInputs(this.levels(), cycle);
    }
  }

  result() {
    return { pins: this.pins, irq: this.irq, dreq: this.dreq, reads: this.reads, observed: this.observed, early: this.early };
  }
}

function run({ script, how = 'jump', readBack = 0 }) {
  const it = new Run(how, readBack);
  for (const operation of script) it.perform(operation);
  return it.result();
}

function firstDifference(a, b) {
  for (const key of ['pins', 'irq', 'dreq', 'reads', 'observed']) {
    for (let i = 0; i < Math.max(a[key].length, b[key].length); i++) {
      const left = JSON.stringify(a[key][i]);
      const right = JSON.stringify(b[key][i]);
      if (left !== right) return { key, index: i, left: a[key][i] ?? null, right: b[key][i] ?? null };
    }
  }
  return null;
}

// Runs one script the plain way and both skipping ways; null when all agree and no event came before it was promised.
function compare(request) {
  const plain = run({ ...request, how: 'plain' });
  for (const how of ['jump', 'event']) {
    const skipped = run({ ...request, how });
    const difference = firstDifference(plain, skipped);
    if (difference !== null) return { how, difference };
    if (skipped.early !== null) return { how, early: skipped.early };
  }
  return { same: true, pins: plain.pins.length, irq: plain.irq.length, reads: plain.reads.length };
}

// Wall time of advancing a prepared block, in ns a call: `calls` times by `step` cycles.
function speed({ script, step, calls, how = 'jump', readBack = 0 }) {
  const it = new Run(how, readBack);
  for (const operation of script) it.perform(operation);
  let cycle = it.block.cycle;
  const began = process.hrtime.bigint();
  for (let i = 0; i < calls; i++) {
    cycle += step;
    it.block.advanceTo(cycle);
  }
  const ns = Number(process.hrtime.bigint() - began);
  return { nsPerCall: ns / calls, nsPerCycle: ns / calls / step, pins: it.pins.length, irq: it.irq.length };
}

// How often a prepared block asks to be looked at (`nextEvent`) before cycle `until`, and the wall time it takes.
function wakes({ script, until, readBack = 0 }) {
  const it = new Run('jump', readBack);
  for (const operation of script) it.perform(operation);
  let count = 0;
  const began = process.hrtime.bigint();
  for (let next = it.block.nextEvent(); next < until; next = it.block.nextEvent()) {
    it.block.advanceTo(next);
    count++;
  }
  return { count, ns: Number(process.hrtime.bigint() - began), pins: it.pins.length };
}

// Copies everything that can be reached through plain properties, and returns a function that puts it back.
function save(root) {
  const kept = [];
  const seen = new Set();
  const visit = (object) => {
    if (object === null || typeof object !== 'object' || seen.has(object)) return;
    seen.add(object);
    if (ArrayBuffer.isView(object)) {
      kept.push([object, object.slice()]);
      return;
    }
    kept.push([object, { ...object }]);
    Object.values(object).forEach(visit);
  };
  visit(root);
  return () => {
    for (const [object, copy] of kept) {
      if (ArrayBuffer.isView(object)) object.set(copy);
      else Object.assign(object, copy);
    }
  };
}

// Runs a script to its end, goes back to the state after its first `split` operations, and runs the rest again.
function resume({ script, split, how = 'jump', readBack = 0 }) {
  const it = new Run(how, readBack);
  for (const operation of script.slice(0, split)) it.perform(operation);
  const restore = save(it.block);
  const outside = it.outside;
  const results = [];
  for (let i = 0; i < 2; i++) {
    for (const list of [it.pins, it.irq, it.dreq, it.reads, it.observed]) list.length = 0;
    for (const operation of script.slice(split)) it.perform(operation);
    results.push(structuredClone(it.result()));
    restore();
    it.outside = outside;
  }
  return { difference: firstDifference(...results), compared: results[0].observed.length + results[0].pins.length };
}

const commands = { run, compare, speed, wakes, resume };
for await (const line of createInterface({ input: process.stdin })) {
  const { command, ...request } = JSON.parse(line);
  let answer;
  try {
    answer = { ok: commands[command](request) };
  } catch (error) {
    answer = { error: `${error.stack}` };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
