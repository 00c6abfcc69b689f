// A boot ROM of the bench's own. Every function is `BKPT #n; BX LR`; the breakpoint does the work on registers and memory.
//
// Layout and codes: RP2040 datasheet 2.8. What pico-sdk 2.1.1 and MicroPython ask for is there: bit functions, memory
// functions, flash functions and the single and double precision tables. Cycles charged follow the figures of the datasheet
// (2.8.3.1.5 for floating point), rounded. Work that takes long is done in slices, between which interrupts are taken.

const FUNCTIONS_AT = 0x200;
const FUNCTION_TABLE_AT = 0x800;
const DATA_TABLE_AT = 0x900;
const SINGLE_TABLE_AT = 0x1000;
const DOUBLE_TABLE_AT = 0x1200;
const TABLE_WORDS = 32;
const ROM_VERSION = 3;
const INITIAL_SP = 0x20041f00;
const SLICE_BYTES = 64;
const SLICE_CYCLES = 64;
const SRAM_BASE = 0x20000000;
const BKPT = 0xbe00;
const BX_LR = 0x4770;
const MOVS_R3_0 = 0x2300;

const TWO_63 = 2 ** 63;
const TWO_64 = 2 ** 64;

const scratch = new DataView(new ArrayBuffer(8));

function toFloat(bits) {
  scratch.setUint32(0, bits, true);
  return scratch.getFloat32(0, true);
}

function fromFloat(value) {
  scratch.setFloat32(0, value, true);
  return scratch.getUint32(0, true);
}

function code(name) {
  return name.charCodeAt(0) | (name.charCodeAt(1) << 8);
}

function clampSigned(x) {
  if (Number.isNaN(x)) return 0;
  return Math.max(-0x80000000, Math.min(0x7fffffff, x));
}

function clampUnsigned(x) {
  if (Number.isNaN(x)) return 0;
  return Math.max(0, Math.min(0xffffffff, x));
}

function clampBig(x, low, high) {
  if (Number.isNaN(x)) return 0n;
  if (x >= high) return BigInt(high) - 1n;
  if (x <= low) return BigInt(low);
  return BigInt(Math.trunc(x));
}

function compare(a, b) {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Operands and results in registers, for one precision. */
class Precision {
  constructor(registers, double) {
    this.registers = registers;
    this.double = double;
  }

  get(index) {
    const R = this.registers;
    if (!this.double) return toFloat(R[index]);
    scratch.setUint32(0, R[2 * index], true);
    scratch.setUint32(4, R[2 * index + 1], true);
    return scratch.getFloat64(0, true);
  }

  put(index, value) {
    const R = this.registers;
    if (!this.double) {
      R[index] = fromFloat(value);
      return;
    }
    scratch.setFloat64(0, value, true);
    R[2 * index] = scratch.getUint32(0, true);
    R[2 * index + 1] = scratch.getUint32(4, true);
  }

  /** The integer argument that follows the floating point one. */
  get places() {
    return this.registers[this.double ? 2 : 1] | 0;
  }
}

export class Rom {
  constructor(board) {
    this.board = board;
    this.functions = [];
    this.costs = [];
    this.local = [];
    this.memory = new DataView(new ArrayBuffer(16 * 1024));
    this.at = FUNCTIONS_AT;
    this.build();
    board.chip.bootrom.set(new Uint32Array(this.memory.buffer));
  }

  get registers() {
    return this.board.core.registers;
  }

  /** Adds a function that charges `cycles`; returns its address for a table. Local: registers and memory only. */
  add(cycles, work, { local = true, clearR3 = false } = {}) {
    const id = this.functions.length;
    if (id > 255) throw new Error('the boot ROM holds 256 functions');
    this.functions.push(work);
    this.costs.push(cycles);
    this.local.push(local);
    const entry = this.at;
    if (clearR3) this.emit(MOVS_R3_0);
    this.emit(BKPT | id);
    this.emit(BX_LR);
    return entry | 1;
  }

  emit(halfword) {
    this.memory.setUint16(this.at, halfword, true);
    this.at += 2;
  }

  build() {
    const { memory } = this;
    memory.setUint32(0, INITIAL_SP, true);
    memory.setUint32(4, FUNCTIONS_AT | 1, true);
    memory.setUint32(0x10, 0x4d | (0x75 << 8) | (1 << 16) | (ROM_VERSION << 24), true);
    const lookup = this.add(40, () => this.lookUp());
    this.table(0x14, FUNCTION_TABLE_AT, this.codedFunctions());
    const single = this.floatTable(SINGLE_TABLE_AT, false);
    const double = this.floatTable(DOUBLE_TABLE_AT, true);
    this.table(0x16, DATA_TABLE_AT, { SF: single, SD: double });
    memory.setUint16(0x18, lookup, true);
  }

  table(pointer, at, entries) {
    this.memory.setUint16(pointer, at, true);
    let p = at;
    for (const [name, value] of Object.entries(entries)) {
      this.memory.setUint16(p, code(name), true);
      this.memory.setUint16(p + 2, value, true);
      p += 4;
    }
  }

  lookUp() {
    const R = this.registers;
    for (let p = R[0]; p < 0x4000; p += 4) {
      const key = this.memory.getUint16(p, true);
      if (key === 0) break;
      if (key === (R[1] & 0xffff)) {
        R[0] = this.memory.getUint16(p + 2, true);
        return;
      }
    }
    R[0] = 0;
  }

  codedFunctions() {
    const R = this.registers;
    const outside = { local: false };
    const nothing = () => {};
    const set = this.add(0, () => this.fill(), { local: false, clearR3: true });
    const copy = this.add(0, () => this.copy(), { local: false, clearR3: true });
    return {
      P3: this.add(18, () => { R[0] = bitCount(R[0]); }),
      R3: this.add(18, () => { R[0] = reverse(R[0]); }),
      L3: this.add(14, () => { R[0] = Math.clz32(R[0]); }),
      T3: this.add(14, () => { R[0] = R[0] === 0 ? 32 : 31 - Math.clz32(R[0] & -R[0]); }),
      MS: set,
      S4: set,
      MC: copy,
      C4: copy,
      IF: this.add(200, nothing),
      EX: this.add(4000, nothing),
      FC: this.add(500, nothing),
      CX: this.add(200, nothing),
      RE: this.add(100, () => this.eraseFlash(), outside),
      RP: this.add(100, () => this.programFlash(), outside),
      UB: this.add(0, () => this.board.enterBootLoader(), outside),
      WV: this.add(0, () => this.board.stopForGood('waits for a debugger (_wait_for_vector)'), outside),
      DT: this.add(0, () => this.board.stopForGood('stopped for a debugger (_debug_trampoline)'), outside),
    };
  }

  /** Another slice of the same call: run the breakpoint again, so that an interrupt can come in between. */
  again() {
    this.registers[15] -= 2;
  }

  fill() {
    const R = this.registers;
    const done = R[3];
    const bytes = Math.min(SLICE_BYTES, R[2] - done);
    const target = this.ram(R[0] + done, bytes);
    if (target !== null) target.fill(R[1] & 0xff);
    else for (let i = 0; i < bytes; i++) this.board.chip.writeUint8(R[0] + done + i, R[1] & 0xff);
    R[3] = done + bytes;
    this.board.charge((done === 0 ? 20 : 0) + (R[0] % 4 === 0 ? Math.ceil((bytes * 7) / 16) : bytes * 3));
    if (R[3] < R[2]) this.again();
  }

  copy() {
    const R = this.registers;
    const done = R[3];
    const bytes = Math.min(SLICE_BYTES, R[2] - done);
    const target = this.ram(R[0] + done, bytes);
    const source = this.ram(R[1] + done, bytes) ?? this.board.flashView(R[1] + done, bytes);
    if (target !== null && source !== null) target.set(source);
    else {
      const { chip } = this.board;
      for (let i = 0; i < bytes; i++) chip.writeUint8(R[0] + done + i, chip.readUint8(R[1] + done + i));
    }
    R[3] = done + bytes;
    const aligned = ((R[0] | R[1]) & 3) === 0;
    this.board.charge((done === 0 ? 20 : 0) + (aligned ? Math.ceil((bytes * 12) / 16) : bytes * 6));
    if (R[3] < R[2]) this.again();
  }

  ram(address, length) {
    const { sram } = this.board.chip;
    const offset = address - SRAM_BASE;
    return offset >= 0 && offset + length <= sram.length ? sram.subarray(offset, offset + length) : null;
  }

  eraseFlash() {
    const R = this.registers;
    this.board.flashOperation('erase', R[0], R[1], null);
  }

  programFlash() {
    const R = this.registers;
    const data = new Uint8Array(R[2]);
    for (let i = 0; i < data.length; i++) data[i] = this.board.chip.readUint8(R[1] + i);
    this.board.flashOperation('program', R[0], data.length, data);
  }

  floatTable(at, double) {
    const entries = this.floatFunctions(new Precision(this.registers, double), double);
    entries.forEach((work, i) => {
      const cost = (double ? DOUBLE_CYCLES : SINGLE_CYCLES)[i];
      this.memory.setUint32(at + 4 * i, this.add(cost > SLICE_CYCLES * 2 ? 0 : cost, this.sliced(work, cost)), true);
    });
    this.memory.setUint8(at - 2, TABLE_WORDS);
    return at;
  }

  /** Work that takes long burns its cycles first, in slices counted in R12, which a callee may use. */
  sliced(work, cost) {
    if (cost <= SLICE_CYCLES * 2) return work;
    const R = this.registers;
    const MARK = 0x51ce0000;
    return () => {
      const left = R[12] >>> 16 === MARK >>> 16 ? R[12] & 0xffff : cost;
      const burn = Math.min(SLICE_CYCLES, left);
      this.slice = burn;
      if (left > burn) {
        R[12] = (MARK | (left - burn)) >>> 0;
        this.again();
        return;
      }
      R[12] = 0;
      work();
    };
  }

  floatFunctions(p, double) {
    const R = this.registers;
    const binary = (op) => () => p.put(0, op(p.get(0), p.get(1)));
    const unary = (op) => () => p.put(0, op(p.get(0)));
    const scaled = (x) => Math.floor(x * 2 ** p.places);
    const low = () => BigInt(R[0]) | (BigInt(R[1]) << 32n);
    const big = (value) => {
      const bits = BigInt.asUintN(64, value);
      R[0] = Number(bits & 0xffffffffn);
      R[1] = Number(bits >> 32n);
    };
    const flags = () => {
      const order = compare(p.get(0), p.get(1));
      const { core } = this.board;
      core.N = order < 0;
      core.Z = order === 0;
      core.C = order >= 0;
      core.V = false;
    };
    // SDK 2.1.1 calls the sine entry also for sincos and takes the cosine from the second result.
    const sine = () => {
      const x = p.get(0);
      p.put(0, Math.sin(x));
      p.put(1, Math.cos(x));
    };
    const cosine = () => {
      const x = p.get(0);
      p.put(0, Math.cos(x));
      p.put(1, Math.sin(x));
    };
    const convert = () => {
      if (double) R[0] = fromFloat(p.get(0));
      else {
        scratch.setFloat64(0, p.get(0), true);
        R[0] = scratch.getUint32(0, true);
        R[1] = scratch.getUint32(4, true);
      }
    };
    const places64 = () => R[2] | 0;
    return [
      binary((a, b) => a + b), binary((a, b) => a - b), binary((a, b) => a * b), binary((a, b) => a / b),
      () => { R[0] = compare(p.get(0), p.get(1)); }, flags, unary(Math.sqrt),
      () => { R[0] = clampSigned(Math.floor(p.get(0))); }, () => { R[0] = clampSigned(scaled(p.get(0))); },
      () => { R[0] = clampUnsigned(Math.floor(p.get(0))); }, () => { R[0] = clampUnsigned(scaled(p.get(0))); },
      () => p.put(0, R[0] | 0), () => p.put(0, (R[0] | 0) / 2 ** (R[1] | 0)),
      () => p.put(0, R[0]), () => p.put(0, R[0] / 2 ** (R[1] | 0)),
      cosine, sine, unary(Math.tan), sine, unary(Math.exp), unary(Math.log),
      () => { R[0] = compare(p.get(0), p.get(1)); }, binary(Math.atan2),
      () => p.put(0, Number(BigInt.asIntN(64, low()))), () => p.put(0, Number(BigInt.asIntN(64, low())) / 2 ** places64()),
      () => p.put(0, Number(low())), () => p.put(0, Number(low()) / 2 ** places64()),
      () => big(clampBig(Math.floor(p.get(0)), -TWO_63, TWO_63)), () => big(clampBig(scaled(p.get(0)), -TWO_63, TWO_63)),
      () => big(clampBig(Math.floor(p.get(0)), 0, TWO_64)), () => big(clampBig(scaled(p.get(0)), 0, TWO_64)),
      convert,
    ];
  }

  /** For the fast core: the cycles of a local function after doing it, -1 (and nothing done) for the others. */
  runLocal(id) {
    if (!this.local[id] || this.registers[15] >= 0x4000) return -1;
    this.slice = 0;
    this.functions[id]();
    return this.costs[id] + this.slice;
  }

  /** Breakpoints that runLocal leaves over. */
  runOther(id) {
    this.slice = 0;
    this.functions[id]();
    this.board.charge(this.costs[id] + this.slice);
  }
}

function bitCount(value) {
  let count = 0;
  for (let v = value; v !== 0; v &= v - 1) count++;
  return count;
}

function reverse(value) {
  let result = 0;
  for (let i = 0; i < 32; i++) result = (result << 1) | ((value >>> i) & 1);
  return result >>> 0;
}

// In the order of the table: add sub mul div, cmp cmp_flags sqrt, 4 x to integer, 4 x from integer, cos sin tan sincos exp ln,
// cmp atan2, 4 x from 64 bit, 4 x to 64 bit, to the other precision.
const SINGLE_CYCLES = [71, 74, 69, 71, 25, 30, 63, 36, 40, 38, 42, 45, 48, 42, 46, 557, 567, 628, 600, 538, 608, 25, 600, 64, 68, 62, 66, 50,
  54, 50, 54, 34];
const DOUBLE_CYCLES = [91, 95, 155, 183, 39, 45, 169, 57, 62, 60, 65, 69, 72, 65, 70, 1617, 1618, 1891, 1720, 804, 428, 39, 2168, 57, 62, 55,
  60, 74, 78, 74, 78, 47];
