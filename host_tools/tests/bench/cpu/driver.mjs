// A fast core and the package's own, side by side, behind JSON lines on stdin and stdout: {"do": name, ...} -> {"ok": ...} or {"error": ...}.
// Flash is 64 KiB here. Everything that is neither flash, SRAM nor boot ROM is a stand-in that logs each access and gives reads a
// value made of the address and their number, so that a missing, extra or misplaced access shows.

import readline from 'node:readline';
import { installFastCore } from '../../../tandem_tools/bench/engine/cpu.mjs';
import { RP2040 } from '../../../tandem_tools/bench/engine/node_modules/rp2040js/dist/esm/index.js';

const FLASH_SIZE = 0x10000;
const QUIET = { debug() {}, info() {}, warn() {}, error() {} };
const FLAGS = ['N', 'Z', 'C', 'V'];
const STATE = [...FLAGS, 'PM', 'IPSR', 'SPSEL', 'bankedSP', 'currentMode', 'nPRIV', 'eventRegistered', 'waiting', 'pendingSVCall'];

function mulberry32(seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return (t ^ (t >>> 14)) >>> 0;
  };
}

class StandIn {
  constructor(machine, base) {
    this.machine = machine;
    this.base = base;
  }
  readUint32(offset) {
    return this.machine.read((this.base + offset) >>> 0);
  }
  writeUint32(offset, value) {
    this.machine.write((this.base + offset) >>> 0, value, 0);
  }
  writeUint32Atomic(offset, value, type) {
    this.machine.write((this.base + offset) >>> 0, value, type);
  }
}

class Machine {
  constructor(fast) {
    this.rp = new RP2040();
    this.rp.logger = QUIET;
    this.rp.flash = new Uint8Array(FLASH_SIZE);
    this.rp.flash16 = new Uint16Array(this.rp.flash.buffer);
    this.rp.flashView = new DataView(this.rp.flash.buffer);
    this.core = this.rp.core;
    this.localBreaks = {};
    for (const page of Object.keys(this.rp.peripherals)) this.rp.peripherals[page] = new StandIn(this, page * 0x1000);
    this.rp.sio = new StandIn(this, 0xd0000000);
    this.rp.ppb = new StandIn(this, 0xe000e000);
    this.rp.usbCtrl = { DPRAMUpdated: (offset, value) => this.write(0x50100000 + offset, value, 0) };
    this.rp.onBreak = (code) => this.log.push(['break', code, this.core.PC & ~1]);
    if (fast) installFastCore(this.rp, { localBreak: (code) => this.localBreaks[code] ?? -1 });
    this.initial = Object.fromEntries([...STATE, 'enabledInterrupts', 'pendingInterrupts', 'interruptsUpdated', 'VTOR', 'SHPR2', 'SHPR3',
      'pendingNMI', 'pendingPendSV', 'pendingSystick'].map((key) => [key, this.core[key]]));
    this.reset(0);
  }

  reset(seed) {
    const random = mulberry32(seed);
    const words = new Uint32Array(0x1000);
    for (let i = 0; i < words.length; i++) words[i] = random();
    const bytes = new Uint8Array(words.buffer);
    for (let at = 0; at < FLASH_SIZE; at += bytes.length) this.rp.flash.set(bytes, at);
    for (let at = 0; at < this.rp.sram.length; at += bytes.length) this.rp.sram.set(bytes.subarray(0, Math.min(bytes.length, this.rp.sram.length - at)), at);
    this.rp.bootrom.set(words);
    Object.assign(this.core, this.initial, { SPSEL: 0, IPSR: 0, currentMode: 0, waitingForEvent: false, interruptLines: 0, irqCostCycles: 0 });
    this.core.interruptPriorities = [-1, 0, 0, 0];
    this.core.registers.fill(0);
    this.log = [];
    this.reads = 0;
    this.localBreaks = {};
  }

  read(address) {
    this.reads++;
    const value = Math.imul(address ^ this.reads, 0x9e3779b1) >>> 0;
    this.log.push(['read', address, value]);
    return value;
  }

  write(address, value, type) {
    this.log.push(['write', address, value >>> 0, type]);
  }

  /** Registers by number, memory by address, the answers of local breakpoints by code, and any properties of the core. */
  set({ registers = {}, words = {}, halfwords = {}, localBreaks = {}, ...properties }) {
    for (const [address, values] of Object.entries(words)) values.forEach((value, i) => this.poke32(Number(address) + 4 * i, value));
    for (const [address, values] of Object.entries(halfwords)) values.forEach((value, i) => this.poke16(Number(address) + 2 * i, value));
    for (const [index, value] of Object.entries(registers)) this.core.registers[index] = value;
    Object.assign(this.localBreaks, localBreaks);
    Object.assign(this.core, properties);
  }

  /** SRAM and registers as other arrays with the same contents, as after a state that was restored by replacing them. */
  replaceArrays() {
    this.rp.sram = this.rp.sram.slice();
    this.rp.sramView = new DataView(this.rp.sram.buffer);
    this.core.registers = this.core.registers.slice();
    this.core.memoryRestored();
  }

  place(address) {
    return address >= 0x20000000 ? [this.rp.sramView, address - 0x20000000] : [this.rp.flashView, address - 0x10000000];
  }

  poke32(address, value) {
    const [view, offset] = this.place(address);
    view.setUint32(offset, value, true);
  }

  poke16(address, value) {
    const [view, offset] = this.place(address);
    view.setUint16(offset, value, true);
  }

  state() {
    const { core } = this;
    return { registers: [...core.registers], pending: core.pendingInterrupts >>> 0, log: this.log, ...Object.fromEntries(STATE.map((key) => [key, core[key]])) };
  }

  /** The two halfwords at an address, or null where there is no memory; not an access. */
  codeAt(address) {
    const views = [[0, new DataView(this.rp.bootrom.buffer)], [0x10000000, this.rp.flashView], [0x20000000, this.rp.sramView]];
    const found = views.find(([base, view]) => address >= base && address + 3 < base + view.byteLength);
    return found ? [0, 2].map((step) => found[1].getUint16(address - found[0] + step, true)) : null;
  }

  memoryHash() {
    let hash = 0;
    for (const array of [this.rp.sram, this.rp.flash]) {
      const words = new Int32Array(array.buffer, array.byteOffset, array.length >>> 2);
      for (let i = 0; i < words.length; i++) hash = (Math.imul(hash, 31) + words[i]) | 0;
    }
    return hash;
  }
}

const fast = new Machine(true);
const runner = new Machine(true);
const reference = new Machine(false);

/** Where the package does otherwise than the architecture in this instruction: there the fast core's value holds. */
function known(opcode, opcode2) {
  const group = opcode & 0xffc0;
  if (group === 0x4140 || group === 0x4180) return ['V'];
  if (group === 0x4080 || group === 0x40c0 || group === 0x4100 || group === 0x41c0) return ['C'];
  if (opcode === 0x47f0) return [15];
  if (opcode === 0xbf40) return ['eventRegistered'];
  if (opcode === 0xbf30 || opcode === 0xbf20) return ['waiting'];
  if ((opcode & 0xf800) === 0xc000 && opcode & (1 << ((opcode >> 8) & 7))) return [(opcode >> 8) & 7];
  if (opcode === 0xf3ef && (opcode2 & 0xf0f8) === 0x8000) return [(opcode2 >> 8) & 15];
  if ((opcode & 0xfff0) === 0xf380 && (opcode2 & 0xfff8) === 0x8800) return [...FLAGS, 'IPSR'];
  return [];
}

function copyKnown(keys) {
  for (const key of keys) {
    if (typeof key === 'number') reference.core.registers[key] = fast.core.registers[key];
    else reference.core[key] = fast.core[key];
  }
  // the package leaves bit 0 of a popped address in its PC
  if ((reference.core.PC & ~1) >>> 0 === fast.core.PC) reference.core.PC = fast.core.PC;
}

function difference(left, right) {
  for (let i = 0; i < 16; i++) {
    const [is, not] = [left.core.registers[i], right.core.registers[i]];
    if (is !== not) return `r${i} ${is.toString(16)}, not ${not.toString(16)}`;
  }
  for (const key of STATE) {
    if (left.core[key] !== right.core[key]) return `${key} ${left.core[key]}, not ${right.core[key]}`;
  }
  const [is, not] = [left.log, right.log].map((log) => JSON.stringify([log.length, ...log.slice(-2)]));
  return is === not ? null : `accesses ${is}, not ${not}`;
}

// The package wraps addresses of words alone at 32 bits; this matters for unaligned halfwords, which fault on the real core.
for (const name of ['readUint16', 'readUint8', 'writeUint16', 'writeUint8']) {
  const original = reference.rp[name];
  reference.rp[name] = function wrapped(address, value) {
    return original.call(this, address >>> 0, value);
  };
}

/** How often each group of 64 opcodes was executed. */
const executed = new Uint32Array(1024);
let exceptionReturns = 0;
let allReturns = 0;
const packageReturn = reference.core.exceptionReturn;
reference.core.exceptionReturn = function exceptionReturn(code) {
  exceptionReturns++;
  allReturns++;
  packageReturn.call(this, code);
};

/**
 * Steps the fast core and the package's by one instruction, and an exception entry before it. Returns [cycles, what differs]. A vector
 * that points outside memory is not followed; the next step then finds no code.
 */
function stepBoth() {
  fast.core.waiting = reference.core.waiting = false;
  let at = fast.core.PC;
  let code = fast.codeAt(at);
  let used = fast.core.run(1);
  let total = used;
  if (fast.core.stopReason === 'interrupt') {
    if (used !== 15) return [total, `exception entry of ${used} cycles`];
    at = fast.core.PC;
    code = fast.codeAt(at);
    if (!code) {
      reference.core.checkForInterrupts();
      return [total, null];
    }
    used = fast.core.run(1);
    total += used;
  }
  const [opcode, opcode2] = code;
  executed[opcode >> 6]++;
  exceptionReturns = 0;
  const packageUsed = reference.core.executeInstruction();
  copyKnown(known(opcode, opcode2));
  const linked = (opcode & 0xff00) === 0xb500 || (opcode & 0xff00) === 0xbd00 ? 1 : 0;
  let found = difference(fast, reference);
  if (used !== packageUsed + linked + 8 * exceptionReturns) found = `${used} cycles, not ${packageUsed}`;
  return [total, found && `${at.toString(16)}: ${opcode.toString(16)} ${opcode2.toString(16)}: ${found}`];
}

/**
 * One program: on the fast core instruction by instruction, on the package's, and on a third, fast one in runs of `budget` cycles.
 * Ends early when it leaves memory. Returns {instructions, cycles, difference}; difference is null if all three did the same.
 */
function compare({ seed = 0, steps, budget, ...setup }) {
  for (const machine of [fast, runner, reference]) {
    machine.reset(seed);
    machine.set(setup);
  }
  let cycles = 0;
  let instructions = 0;
  while (instructions < steps && fast.codeAt(fast.core.PC)) {
    instructions++;
    const [used, found] = stepBoth();
    cycles += used;
    if (found) return { instructions, cycles, difference: found };
  }
  let left = cycles;
  while (left > 0) {
    runner.core.waiting = false;
    const used = runner.core.run(Math.min(budget, left));
    left -= used;
    if (used === 0) return { instructions, cycles, difference: `a run of ${runner.core.stopReason} used no cycles` };
  }
  let found = difference(runner, fast);
  if (!found && JSON.stringify(runner.log) !== JSON.stringify(fast.log)) found = 'order of accesses';
  const hashes = [runner, fast, reference].map((machine) => machine.memoryHash());
  if (!found && (hashes[0] !== hashes[1] || hashes[1] !== hashes[2])) found = `memory ${hashes}`;
  return { instructions, cycles, difference: found && `run against steps: ${found}` };
}

const SPECIAL_REGISTERS = [0, 8, 9, 16, 20];

function randomCode(random, length) {
  const code = [];
  while (code.length < length) {
    const choice = random() % 32;
    if (choice === 0) code.push(0xf000 | (random() % 2), 0xf800 | (random() % 0x40));
    else if (choice === 1) code.push(0xf3ef, 0x8000 | (random() % 8 << 8) | SPECIAL_REGISTERS[random() % 5]);
    else if (choice === 2) code.push(0xf380 | random() % 8, 0x8800 | SPECIAL_REGISTERS[random() % 5]);
    else if (choice === 3) code.push(0xf3bf, 0x8f40 | (random() % 3 << 4) | 15);
    else if (choice < 12) code.push([0x4000, 0x4400, 0x5000, 0xb000, 0xb400, 0xbc00, 0xc000, 0xc800][choice - 4] | random() % 0x400);
    else code.push(random() % 0xe800);
  }
  return code;
}

function randomRegister(random) {
  switch (random() % 16) {
    case 0: return random();
    case 1: return random() % 64;
    case 2: return [0, 0xffffffff, 0x7fffffff, 0x80000000, 31, 32, 33, 255][random() % 8];
    case 3: return 0x10000000 + random() % 0x10000;
    case 4: return 0x10000000 + (random() % 0x4000) * 4;
    case 5: return [0x40054000, 0x50100000, 0xd0000000, 0xd0000060, 0xe000e100, 0x18000000, 0x20041ff0][random() % 7] + (random() % 16) * 4;
    case 6: return [0xfffffff1, 0xfffffff9, 0xfffffffd][random() % 3];
    case 7: return random() % 0x4000;
    case 8: return 0x20000000 + random() % 0x2000;
    default: return 0x20000000 + (random() % 0x800) * 4;
  }
}

/** A random program in flash or RAM in a random state, as arguments of `compare`. */
function randomCase(random) {
  const base = random() % 3 === 0 ? 0x20001000 : 0x10001000;
  // bit 0, which the package would leave in its PC, is tested elsewhere
  const handler = 0x10002000 + (random() % 64) * 2;
  const setup = { seed: random(), steps: 48, budget: 1 + random() % 100, halfwords: { [base]: randomCode(random, 400) }, registers: {} };
  for (let i = 0; i < 15; i++) setup.registers[i] = randomRegister(random);
  setup.registers[13] = 0x20000000 + (random() % 0x800) * 4;
  setup.registers[15] = base + 2 * (random() % 200);
  for (const flag of FLAGS) setup[flag] = random() % 2 === 1;
  setup.PM = random() % 4 === 0;
  setup.bankedSP = 0x20002000 + (random() % 64) * 4;
  setup.currentMode = random() % 3 === 0 ? 1 : 0;
  setup.IPSR = setup.currentMode ? 16 + random() % 26 : 0;
  setup.SPSEL = !setup.currentMode && random() % 4 === 0 ? 1 : 0;
  setup.VTOR = 0x10004000;
  setup.words = { [0x10004000 + 4 * 11]: [handler] };
  return setup;
}

function soak({ seed, programs }) {
  const random = mulberry32(seed);
  let instructions = 0;
  for (let program = 0; program < programs; program++) {
    const result = compare(randomCase(random));
    instructions += result.instructions;
    if (result.difference) return { instructions, difference: `program ${program}: ${result.difference}` };
  }
  return { instructions, difference: null, executed: [...executed], exception_returns: allReturns };
}

const COMMANDS = {
  compare,
  soak,
  reset: ({ seed = 0 }) => fast.reset(seed),
  set: (values) => fast.set(values),
  run: ({ max }) => ({ cycles: fast.core.run(max), reason: fast.core.stopReason, ...fast.state() }),
  interrupt: ({ irq, level }) => fast.core.setInterrupt(irq, level),
  clear_pending: ({ mask }) => fast.core.clearPendingInterrupts(mask),
  replace_arrays: () => fast.replaceArrays(),
  words: ({ address, count }) => Array.from({ length: count }, (_, i) => fast.rp.readUint32(address + 4 * i)),
};

for await (const line of readline.createInterface({ input: process.stdin })) {
  const { do: name, ...args } = JSON.parse(line);
  let reply;
  try {
    reply = { ok: COMMANDS[name](args) ?? null };
  } catch (error) {
    reply = { error: error.stack };
  }
  process.stdout.write(`${JSON.stringify(reply)}\n`);
}
