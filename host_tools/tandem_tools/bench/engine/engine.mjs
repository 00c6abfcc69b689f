// What the requests of the control channel do.

import fs from 'node:fs';

import { ConstantVoltage } from './kernel.mjs';
import { PortLink } from './port_link.mjs';
import { Snapshot } from './snapshot.mjs';
import { StandError, buildWorld } from './stand.mjs';

const SLICE_MS = 4;
const SLICE_PS = 1e9;
const FIRST_SLICE_PS = 1e8;
// Free running at 'max' is still bound, so that programs on the host that wait with a timeout can keep pace with sleeping boards.
const SPEEDS = { max: 10, real: 1 };
const SRAM_BASE = 0x20000000;
const FLASH_BASE = 0x10000000;

class BenchError extends Error {
  constructor(message) {
    super(message);
    this.kind = 'BenchError';
  }
}

function base64(view) {
  return Buffer.from(view.buffer, view.byteOffset, view.byteLength).toString('base64');
}

export class Engine {
  constructor(serialFds, notify) {
    this.serialFds = serialFds;
    this.notify = notify;
    this.world = null;
    this.links = [];
    this.snapshots = new Map();
    this.snapshotCount = 0;
    this.free = null;
  }

  async handle(name, args) {
    const action = ACTIONS[name];
    if (action === undefined) throw new BenchError(`there is no request ${name}; there are ${Object.keys(ACTIONS).join(', ')}`);
    if (this.world === null && name !== 'init') throw new BenchError('the first request must be init');
    return action.call(this, args);
  }

  board(name) {
    const board = this.world.boards.find((each) => each.name === name);
    if (board === undefined) throw new BenchError(`there is no board ${name}; there are ${this.world.boards.map((b) => b.name).join(', ')}`);
    return board;
  }

  linkOf(board) {
    return this.links[this.world.boards.indexOf(board)] ?? null;
  }

  net(name) {
    const net = this.world.nets.get(name);
    if (net === undefined) throw new BenchError(`there is no net ${name}; there are ${[...this.world.nets.keys()].join(', ')}`);
    return net;
  }

  part(name) {
    const part = this.world.parts.get(name);
    if (part === undefined) throw new BenchError(`there is no part ${name}; there are ${[...this.world.parts.keys()].join(', ') || 'none'}`);
    return part;
  }

  /** The name of something that stores: a board (its flash) or a FRAM. */
  memoryName(name, kinds = ['flash', 'fram']) {
    const names = kinds.includes('flash') ? this.world.boards.map((each) => each.name) : [];
    for (const part of this.world.parts.values()) if (part.constructor.kind === 'fram') names.push(part.name);
    if (!names.includes(name)) throw new BenchError(`${name} is not a ${kinds.join(' or ')}; there are ${names.join(', ') || 'none'}`);
    return name;
  }

  /** Time of a request's at_ps, or at_cycle of a board; null for now. */
  when({ at_ps: ps = null, at_cycle: cycle = null, board = null }) {
    if (ps === null && cycle === null) return null;
    const at = ps ?? this.board(board).psOfCycle(cycle);
    if (at < this.world.now) throw new BenchError(`time ${at} ps is before now, ${this.world.now} ps`);
    return at;
  }

  status() {
    const { world } = this;
    const boards = {};
    for (const board of world.boards) {
      boards[board.name] = {
        cycle: board.clockCycle, frequency_hz: board.frequency, powered: board.powered, halted: board.halted, stopped: board.dead,
        sleeping: board.sleeping, usb: board.usb.host.state, port_open: board.usb.portOpen, dtr: board.usb.host.dtr, serial_waiting: board.serial.length,
        pc: board.core.PC, in_exception: board.core.IPSR, flash_operations: board.flash.count,
      };
    }
    return { now_ps: world.now, boards };
  }

  targetPs({ for_ps: ps = null, to_ps: until = null, for_cycles: cycles = null, board = null }) {
    const { world } = this;
    if (until !== null) return until;
    if (cycles !== null) {
      const timed = this.board(board);
      return timed.psOfCycle(timed.clockCycle + cycles);
    }
    return world.now + (ps ?? 0);
  }

  run(args) {
    if (this.free !== null) throw new BenchError('the bench runs freely; stop that first');
    const { world } = this;
    const target = this.targetPs(args);
    this.await(args);
    let reason = null;
    let netCount = 0;
    try {
      reason = this.alreadyThere(args) ?? world.run(target);
      for (const wanted of world.awaitedNets.values()) netCount = wanted.count;
    } finally {
      world.awaitedNets.clear();
      world.awaitedMemories.clear();
      world.awaitedBytes = null;
      for (const board of world.boards) board.awaitedText = null;
    }
    return { reason, target_ps: target, net_count: netCount, ...this.status() };
  }

  await({ net = null, serial = null, operations = [], stored = null }) {
    const { world } = this;
    for (const name of operations) world.awaitedMemories.add(this.memoryName(name));
    if (stored !== null) world.awaitedBytes = { memory: this.memoryName(stored.memory, ['fram']), bytes: stored.bytes, stored: 0 };
    if (net !== null) world.awaitedNets.set(this.net(net.name), { level: net.level ?? null, count: net.count ?? 1 });
    if (serial !== null) {
      const board = this.board(serial.board);
      this.linkOf(board)?.useDirectly();
      board.awaitedText = new Uint8Array(Buffer.from(serial.text, 'base64')).slice();
      board.serialSearched = 0;
    }
  }

  /** A wait for a level that the net has already, or for text that is there, ends at once. */
  alreadyThere({ net = null, serial = null }) {
    if (net !== null && !net.edge && net.level !== undefined && net.level !== null && this.net(net.name).level === net.level) {
      return { net: net.name, level: net.level };
    }
    this.world.stopReason = null; // of the last run
    if (serial === null || !this.board(serial.board).searchText()) return null;
    const reason = this.world.stopReason;
    this.world.stopReason = null;
    return reason;
  }

  // --- running by itself

  startFree({ speed = 'max' }) {
    if (SPEEDS[speed] === undefined) throw new BenchError(`speed ${speed} is not known; allowed: ${Object.keys(SPEEDS).join(', ')}`);
    if (this.free !== null) throw new BenchError('the bench runs freely already');
    this.free = { speed: SPEEDS[speed], startPs: this.world.now, startMs: performance.now(), slicePs: FIRST_SLICE_PS, timer: null };
    this.freeSlice();
  }

  freeSlice() {
    const { free, world } = this;
    if (free === null) return;
    const begun = performance.now();
    const allowedPs = free.startPs + (begun - free.startMs) * 1e9 * free.speed;
    const target = Math.min(world.now + free.slicePs, allowedPs);
    if (target > world.now) world.run(target);
    const took = performance.now() - begun;
    if (took > SLICE_MS) free.slicePs = Math.max(1e6, free.slicePs / 2);
    else if (took < SLICE_MS / 2) free.slicePs = Math.min(50 * SLICE_PS, free.slicePs * 1.5);
    if (target === allowedPs) free.timer = setTimeout(() => this.freeSlice(), 1);
    else free.timer = setImmediate(() => this.freeSlice());
  }

  stopFree() {
    if (this.free === null) return;
    clearTimeout(this.free.timer);
    clearImmediate(this.free.timer);
    this.free = null;
  }

  // --- edges

  edges({ nets = null, since_ps: since = -1, before_ps: before = Infinity, board = null, limit = 5_000_000 }) {
    const { recorder, boards } = this.world;
    const wanted = nets === null ? null : new Set(nets.map((name) => this.net(name).recorderIndex));
    const timed = board === null ? boards[0] : this.board(board);
    const picked = [];
    for (let i = 0; i < recorder.count; i++) {
      const ps = recorder.times[i];
      if (ps < since || ps >= before || (wanted !== null && !wanted.has(recorder.nets[i]))) continue;
      picked.push(i);
      if (picked.length >= limit) break;
    }
    const times = Float64Array.from(picked, (i) => recorder.times[i]);
    return {
      names: recorder.names, count: picked.length, dropped: recorder.dropped, times: base64(times),
      cycles: base64(Float64Array.from(times, (ps) => timed.cycleAtPs(ps))),
      nets: base64(Int16Array.from(picked, (i) => recorder.nets[i])), levels: base64(Uint8Array.from(picked, (i) => recorder.levels[i])),
      levels_at_start: recorder.levelAtStart,
    };
  }

  drive({ net, level, ps = null }) {
    if (ps === null) this.net(net).drive('bench', level, 'strong');
    else this.world.at(ps, this.net(net), 'driveFromBench', level);
  }

  readMemory({ board, address, length }) {
    const { chip } = this.board(board);
    const data = new Uint8Array(length);
    const inSram = address >= SRAM_BASE && address + length <= SRAM_BASE + chip.sram.length;
    const inFlash = address >= FLASH_BASE && address + length <= FLASH_BASE + chip.flash.length;
    if (inSram) data.set(chip.sram.subarray(address - SRAM_BASE, address - SRAM_BASE + length));
    else if (inFlash) data.set(chip.flash.subarray(address - FLASH_BASE, address - FLASH_BASE + length));
    else for (let i = 0; i < length; i += 4) {
      const word = chip.readUint32(address + i);
      for (let j = 0; j < 4 && i + j < length; j++) data[i + j] = word >>> (8 * j);
    }
    return data;
  }

  writeMemory({ board, address, data }) {
    const { chip } = this.board(board);
    Buffer.from(data, 'base64').forEach((byte, i) => chip.writeUint8(address + i, byte));
  }
}

const ACTIONS = {
  async init({ stand }) {
    if (this.world !== null) throw new BenchError('init was already done');
    try {
      this.world = await buildWorld(stand);
    } catch (error) {
      if (error instanceof StandError) error.kind = 'BenchError';
      throw error;
    }
    this.world.boards.forEach((board, i) => {
      this.links.push(this.serialFds[i] === undefined ? null : new PortLink(board, this.serialFds[i]));
    });
    return { ...this.status(), nets: [...this.world.nets.keys()], parts: [...this.world.parts.keys()] };
  },

  status() {
    return this.status();
  },

  run(args) {
    return this.run(args);
  },

  free(args) {
    this.startFree(args);
  },

  stop() {
    this.stopFree();
    return this.status();
  },

  drive(args) {
    this.drive({ ...args, ps: this.when(args) });
  },

  levels({ nets = null }) {
    const names = nets ?? [...this.world.nets.keys()];
    return Object.fromEntries(names.map((name) => [name, this.net(name).level]));
  },

  analog({ input, volts }) {
    const [, boardName, channel] = /^(.+)\.(?:ADC([0-3])|ADC_VREF)$/.exec(input) ?? [];
    if (boardName === undefined) throw new BenchError(`${input} is not an analogue input; write board.ADC0 to board.ADC3, or board.ADC_VREF`);
    const board = this.board(boardName);
    if (channel === undefined) {
      if (!(volts >= 1 && volts <= 3.63)) throw new BenchError(`${volts} V on ${input}; allowed: 1 to 3.63 V`);
      board.adc.reference = volts;
      return;
    }
    if (!(volts >= 0 && volts <= 3.63)) throw new BenchError(`${volts} V on ${input}; allowed: 0 to 3.63 V`);
    this.world.setAnalog(boardName, Number(channel), new ConstantVoltage(volts));
  },

  part_set(args) {
    const { name, values } = args;
    const ps = this.when(args);
    if (ps !== null) {
      this.world.at(ps, this.part(name), 'set', values);
      return;
    }
    try {
      this.part(name).set(values);
    } catch (error) {
      throw new BenchError(error.message);
    }
  },

  part_probe({ name }) {
    return this.part(name).probe();
  },

  log({ name = null, since_ps: since = -1 }) {
    return this.world.logbook.entries.filter((entry) => (name === null || entry.name === name) && entry.time_ps >= since);
  },

  record({ nets = null }) {
    if (nets !== null) nets.forEach((name) => this.net(name));
    this.world.recorder.choose(nets);
  },

  clear_edges() {
    this.world.recorder.clear([...this.world.nets.values()].map((net) => net.level));
  },

  edges(args) {
    return this.edges(args);
  },

  conflicts() {
    return this.world.conflicts;
  },

  warnings() {
    return Object.fromEntries(this.world.warnings);
  },

  serial_write({ board, data }) {
    const target = this.board(board);
    this.linkOf(target)?.useDirectly();
    target.usb.send(Buffer.from(data, 'base64'));
  },

  serial_read({ board, count = 1e9 }) {
    const { serial } = this.board(board);
    return base64(serial.shift(count));
  },

  /** The host's side of a board's USB: plugged, reading (false: IN packets wait), dtr. */
  usb({ board, plugged = null, reading = null, dtr = null }) {
    const { usb } = this.board(board);
    if (plugged !== null) usb.plug(plugged);
    if (reading !== null) usb.setReading(reading);
    if (dtr !== null) usb.setDtr(dtr);
  },

  /** The port of a board was opened or closed by somebody. */
  port({ board, open, at_once: atOnce = false }) {
    const target = this.board(board);
    const link = this.linkOf(target);
    if (!link) throw new BenchError(`board ${board} has no serial socket`);
    link.setOpen(open, atOnce);
  },

  halt({ board, halted }) {
    this.board(board).halt(halted);
  },

  reset({ board, how }) {
    const target = this.board(board);
    if (how === 'run_pin') target.pulseRunPin();
    else if (how === 'power') {
      target.setPower(false);
      target.setPower(true);
    } else throw new BenchError(`a board is reset by run_pin or power, not by ${how}`);
  },

  power(args) {
    const { board, on } = args;
    const ps = this.when(args);
    if (ps === null) this.board(board).setPower(on);
    else this.world.at(ps, this.board(board), 'setPower', on);
  },

  cut_power_in_flash({ board, operation, fraction }) {
    const { flash } = this.board(board);
    flash.cut = { operation: flash.count + operation, fraction };
  },

  flash_times({ board, times }) {
    if (!['typical', 'worst', 'instant'].includes(times)) throw new BenchError(`flash times ${times}; allowed: typical, worst, instant`);
    this.board(board).flash.times = times;
  },

  flash_log({ board }) {
    return this.board(board).flash.log.map(({ kind, offset, length, number, time_ps: ps, duration_ps: duration }) => (
      { kind, offset, length, number, time_ps: ps, duration_ps: duration }));
  },

  save_flash({ board, path }) {
    fs.writeFileSync(path, this.board(board).chip.flash);
  },

  memory(args) {
    return base64(this.readMemory(args));
  },

  write_memory(args) {
    this.writeMemory(args);
  },

  irq_cost({ board, cycles }) {
    this.board(board).core.irqCostCycles = cycles;
  },

  uart_feed({ board, index, data }) {
    this.board(board).uarts[index].feed([...Buffer.from(data, 'base64')]);
  },

  uart_read({ board, index }) {
    const { sent } = this.board(board).uarts[index];
    return Buffer.from(sent.splice(0)).toString('base64');
  },

  save() {
    const begun = performance.now();
    this.snapshotCount++;
    this.snapshots.set(this.snapshotCount, new Snapshot(this.world));
    return { snapshot: this.snapshotCount, took_ms: performance.now() - begun, objects: this.snapshots.get(this.snapshotCount).objects.length };
  },

  restore({ snapshot }) {
    const kept = this.snapshots.get(snapshot);
    if (kept === undefined) throw new BenchError(`there is no saved state ${snapshot}`);
    const begun = performance.now();
    kept.restore();
    for (const link of this.links) link?.afterRestore();
    return { took_ms: performance.now() - begun, ...this.status() };
  },

  drop({ snapshot }) {
    this.snapshots.delete(snapshot);
  },
};
