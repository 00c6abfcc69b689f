// A fast Cortex-M0+ for rp2040js.
//
// `installFastCore(rp2040)` gives the package's core object two ways to execute, which share one interpreter:
//
//   core.executeInstruction()   one instruction or one exception entry; returns its cycles
//   core.run(maxCycles)         many, until core.stopReason says why it stopped; returns the cycles used:
//       'budget'     maxCycles are used up; the last instruction may end after them
//       'io'         the next instruction touches the world outside core and memory, or (if it was the first of this run) just has.
//                    So the caller first brings all hardware to the cycle of the access and then calls again.
//       'wait'       WFE or WFI: core.waiting is set
//       'interrupt'  an exception was entered; its first instruction comes with the next call
//       'break'      BKPT or UDF: as with 'io' it stops before one, unless it is the first of this run; then rp2040.onBreak was called
//
// Between calls everything is where the package keeps it (core.registers, N Z C V, PM, IPSR, pendingInterrupts ...).
// Reads and writes outside flash and SRAM go through rp2040.readUint8/16/32 and writeUint8/16/32 as in the package.
// Opcodes are read from memory each time, so code that is written or programmed anew needs no invalidation; only when the
// arrays rp2040.flash, rp2040.sram or rp2040.bootrom are replaced must core.memoryRestored() be called.
//
// Not the world, hence executed in the middle of a run: ROM reads, the XIP address range's reads, and in SIO the divider, the
// interpolators, the spinlocks (0xd0000060 up) and CPUID: only the one core that is modelled can see them. Breakpoints that
// options.localBreak answers with a number of cycles (a ROM function on registers and memory alone) do not stop a run either.
//
// Where it differs from rp2040js 1.4.1, following the Cortex-M0+ TRM (r0p1) and the ARMv6-M reference manual:
//   cycles      PUSH with LR and POP with PC count LR and PC as elements (1 + N, 3 + N); exception entry takes 15 cycles and
//               core.irqCostCycles on top (stands for flash cache misses), exception return 8 (estimate: eight words; the TRM has no figure)
//   flags       V of ADCS and SBCS when the operand plus carry wraps its sign; C of LSLS by more than 32, of LSRS, ASRS and RORS by 0
//   BLX LR      jumps to the old LR
//   STMIA       always writes back its base, also when that is in the list
//   PC          bit 0 of a vector does not stay in the PC
//   SEV         sets the event register; WFI ends on a pending interrupt even if that came before it or PRIMASK masks it, and then
//               does not take it while masked; WFE ends only for one that can be taken; neither preempts a handler of equal priority;
//               SysTick and PendSV end them too
//   NVIC        an interrupt is latched: it stays pending when its line falls, entry clears it, return sets it again if the
//               line is still high; ICPR clears it. NMI does not interrupt NMI or HardFault
//   special     MSR to IPSR is ignored and to xPSR sets only flags; MRS reads EPSR as 0 and knows all combinations
// As in the package there are no faults: unaligned and undefined accesses are logged. core.blTaken is not called.
// Not modelled: tail-chaining and late arrival (each entry and return is paid in full), the abandoning of LDM and STM, bus contention,
// SEVONPEND, SLEEPONEXIT.

const FLASH_BASE = 0x10000000;
const SRAM_BASE = 0x20000000;
const SIO_BASE = 0xd0000000;
const SIO_LOCAL_OFFSET = 0x60;
const XIP_END = 0x14000000;

export const EXCEPTION_ENTRY_CYCLES = 15;
export const EXCEPTION_RETURN_CYCLES = 8;

const NVIC_ICPR = 0x280;
const POP_PC = 0xbd00;
const LOAD_BIT = 0x0800;
const LOWEST_PRIORITY = 4;
const NMI = 2;
const SVCALL = 11;
const PENDSV = 14;
const SYSTICK = 15;
const IRQ_0 = 16;

// [mask, pattern, handler]; the first match counts. Handler 0 is the package's own decoder. Numbers as in `interpret`.
const DECODER = [
  [0xffc0, 0x0000, 2], [0xf800, 0x0000, 1], [0xf800, 0x0800, 3], [0xf800, 0x1000, 4],
  [0xfe00, 0x1800, 5], [0xfe00, 0x1a00, 6], [0xfe00, 0x1c00, 7], [0xfe00, 0x1e00, 8],
  [0xf800, 0x2000, 9], [0xf800, 0x2800, 10], [0xf800, 0x3000, 11], [0xf800, 0x3800, 12],
  [0xffc0, 0x4000, 13], [0xffc0, 0x4040, 14], [0xffc0, 0x4080, 15], [0xffc0, 0x40c0, 16],
  [0xffc0, 0x4100, 17], [0xffc0, 0x4140, 18], [0xffc0, 0x4180, 19], [0xffc0, 0x41c0, 20],
  [0xffc0, 0x4200, 21], [0xffc0, 0x4240, 22], [0xffc0, 0x4280, 23], [0xffc0, 0x42c0, 24],
  [0xffc0, 0x4300, 25], [0xffc0, 0x4340, 26], [0xffc0, 0x4380, 27], [0xffc0, 0x43c0, 28],
  [0xff78, 0x4478, 32], [0xff87, 0x4485, 32], [0xff87, 0x4487, 32], [0xff00, 0x4400, 29],
  [0xff78, 0x4578, 0], [0xff87, 0x4587, 0], [0xff00, 0x4500, 30],
  [0xff78, 0x4678, 33], [0xff87, 0x4685, 33], [0xff87, 0x4687, 33], [0xff00, 0x4600, 31],
  [0xffff, 0x4778, 0], [0xffff, 0x47f8, 0], [0xff87, 0x4700, 34], [0xff87, 0x4780, 35],
  [0xf800, 0x4800, 36], [0xfe00, 0x5000, 37], [0xfe00, 0x5200, 38], [0xfe00, 0x5400, 39], [0xfe00, 0x5600, 40],
  [0xfe00, 0x5800, 41], [0xfe00, 0x5a00, 42], [0xfe00, 0x5c00, 43], [0xfe00, 0x5e00, 44],
  [0xf800, 0x6000, 45], [0xf800, 0x6800, 46], [0xf800, 0x7000, 47], [0xf800, 0x7800, 48],
  [0xf800, 0x8000, 49], [0xf800, 0x8800, 50], [0xf800, 0x9000, 51], [0xf800, 0x9800, 52],
  [0xf800, 0xa000, 53], [0xf800, 0xa800, 54], [0xff80, 0xb000, 55], [0xff80, 0xb080, 56],
  [0xffc0, 0xb200, 57], [0xffc0, 0xb240, 58], [0xffc0, 0xb280, 59], [0xffc0, 0xb2c0, 60],
  [0xfe00, 0xb400, 61], [0xff00, 0xbc00, 62], [0xff00, 0xbd00, 63],
  [0xffc0, 0xba00, 64], [0xffc0, 0xba40, 65], [0xffc0, 0xbac0, 66],
  [0xffff, 0xbf00, 67], [0xffff, 0xbf10, 67], [0xf800, 0xc000, 68], [0xf800, 0xc800, 69],
  [0xff00, 0xd000, 70], [0xff00, 0xd100, 71], [0xff00, 0xd200, 72], [0xff00, 0xd300, 73], [0xff00, 0xd400, 74],
  [0xff00, 0xd500, 75], [0xff00, 0xd600, 76], [0xff00, 0xd700, 77], [0xff00, 0xd800, 78], [0xff00, 0xd900, 79],
  [0xff00, 0xda00, 80], [0xff00, 0xdb00, 81], [0xff00, 0xdc00, 82], [0xff00, 0xdd00, 83],
  [0xf800, 0xe000, 84], [0xf800, 0xf000, 85], [0xff00, 0xbe00, 86], [0xff00, 0xde00, 86],
  [0xffff, 0xbf20, 87], [0xffff, 0xbf30, 88], [0xffff, 0xbf40, 89], [0xffff, 0xb662, 90], [0xffff, 0xb672, 91],
];

const HANDLER = Uint8Array.from({ length: 0x10000 }, (_, opcode) => {
  const row = DECODER.find(([mask, pattern]) => (opcode & mask) === pattern);
  return row ? row[2] : 0;
});

const BIT_COUNT = Uint8Array.from({ length: 512 }, (_, bits) => bits.toString(2).replaceAll('0', '').length);

// Kinds of single access, for the slow path.
const LDR = 0;
const LDRH = 1;
const LDRB = 2;
const LDRSH = 3;
const LDRSB = 4;
const STR = 5;
const STRH = 6;
const STRB = 7;

/** Views on one board's memory; rebuilt when the arrays themselves are replaced. */
class MemoryViews {
  constructor(rp2040) {
    const { flash, sram, bootrom } = rp2040;
    this.flash = flash;
    this.sram = sram;
    this.bootrom = bootrom;
    this.flash16 = new Uint16Array(flash.buffer, flash.byteOffset, flash.length >>> 1);
    this.flash32 = new Int32Array(flash.buffer, flash.byteOffset, flash.length >>> 2);
    this.sram16 = new Uint16Array(sram.buffer, sram.byteOffset, sram.length >>> 1);
    this.sram32 = new Int32Array(sram.buffer, sram.byteOffset, sram.length >>> 2);
    this.rom16 = new Uint16Array(bootrom.buffer, bootrom.byteOffset, bootrom.length * 2);
    this.rom32 = new Int32Array(bootrom.buffer, bootrom.byteOffset, bootrom.length);
  }
}

/**
 * Makes the package's core fast, see the head of this file.
 * options.irqCostCycles: cycles charged to each interrupt on top of its entry.
 * options.localBreak(code): called for a breakpoint in the middle of a run with all state written back. Returns the cycles it took
 * if it did the work on registers and memory alone, or -1, having changed nothing, if rp2040.onBreak must do it.
 */
export function installFastCore(rp2040, { irqCostCycles = 0, localBreak = null } = {}) {
  const { core } = rp2040;
  core.irqCostCycles = irqCostCycles;
  core.stopReason = 'budget';
  core.waitingForEvent = false;
  core.interruptLines = core.pendingInterrupts;
  define(core, {
    _localBreak: localBreak,
    _packageExecute: core.executeInstruction,
    _packageExceptionReturn: core.exceptionReturn,
    _packageReadSpecialRegister: core.readSpecialRegister,
    _packageWriteSpecialRegister: core.writeSpecialRegister,
    ...METHODS,
  });
  core.memoryRestored();
  const packageWrite = rp2040.ppb.writeUint32;
  define(rp2040.ppb, {
    writeUint32(offset, value) {
      if (offset === NVIC_ICPR) core.clearPendingInterrupts(value);
      else packageWrite.call(this, offset, value);
    },
  });
  return core;
}

/** Adds functions and caches as properties that a walk over an object's state does not see. */
function define(object, members) {
  for (const [name, value] of Object.entries(members)) {
    Object.defineProperty(object, name, { value, writable: true, configurable: true, enumerable: false });
  }
}

const METHODS = {
  /** To be called when rp2040.flash, sram or bootrom, or core.registers, were replaced by other arrays. */
  memoryRestored() {
    const { registers } = this;
    define(this, {
      _memory: new MemoryViews(this.rp2040),
      _signedRegisters: new Int32Array(registers.buffer, registers.byteOffset, registers.length),
    });
  },

  executeInstruction() {
    return this.run(1);
  },

  run(maxCycles) {
    if (this.waiting && !this.wakes()) {
      this.stopReason = 'wait';
      return 0;
    }
    this.waiting = false;
    if (this.interruptsUpdated && this.checkForInterrupts()) {
      const used = EXCEPTION_ENTRY_CYCLES + this.irqCostCycles;
      this.cycles += used;
      this.stopReason = 'interrupt';
      return used;
    }
    return interpret(this, this._memory, maxCycles);
  },

  /** Whether something pending ends the wait that WFE or WFI began. */
  wakes() {
    return this.pendingException(this.waitingForEvent ? this.executionPriority() : this.exceptionPriority(this.IPSR)) !== 0;
  },

  executionPriority() {
    return Math.min(this.exceptionPriority(this.IPSR), this.PM ? 0 : LOWEST_PRIORITY);
  },

  /** Number of the exception to take next among those of a priority below `limit`, 0 if none. Equal priorities: lowest number. */
  pendingException(limit) {
    if (this.pendingNMI && limit > -2) return NMI;
    const { svCallPriority, pendSVPriority, systickPriority } = this;
    const interrupts = this.pendingInterrupts & this.enabledInterrupts;
    for (let priority = 0; priority < limit; priority++) {
      if (this.pendingSVCall && svCallPriority === priority) return SVCALL;
      if (this.pendingPendSV && pendSVPriority === priority) return PENDSV;
      if (this.pendingSystick && systickPriority === priority) return SYSTICK;
      const level = interrupts & this.interruptPriorities[priority];
      if (level) return IRQ_0 + 31 - Math.clz32(level & -level);
    }
    return 0;
  },

  /** Enters the most urgent exception if one can be taken now; true if so. */
  checkForInterrupts() {
    const exception = this.pendingException(this.executionPriority());
    if (exception === 0) {
      this.interruptsUpdated = false;
      return false;
    }
    if (exception === NMI) this.pendingNMI = false;
    else if (exception === SVCALL) this.pendingSVCall = false;
    else if (exception === PENDSV) this.pendingPendSV = false;
    else if (exception === SYSTICK) this.pendingSystick = false;
    else this.pendingInterrupts &= ~(1 << (exception - IRQ_0));
    this.exceptionEntry(exception);
    this.PC &= ~1;
    return true;
  },

  exceptionReturn(excReturn) {
    const left = this.IPSR;
    this._packageExceptionReturn(excReturn);
    this.PC &= ~1;
    if (left >= IRQ_0) this.pendingInterrupts |= this.interruptLines & (1 << (left - IRQ_0));
  },

  /** Sets the level of an interrupt line; a rising one is latched as pending. */
  setInterrupt(irq, value) {
    const bit = 1 << irq;
    if (!value) {
      this.interruptLines &= ~bit;
    } else if (!(this.interruptLines & bit)) {
      this.interruptLines |= bit;
      this.pendingInterrupts |= bit;
      this.interruptsUpdated = true;
      if (this.waiting && this.wakes()) this.waiting = false;
    }
  },

  /** What a write to NVIC_ICPR does: a line that is still high is pending again at once, unless its handler runs. */
  clearPendingInterrupts(mask) {
    const active = this.IPSR >= IRQ_0 ? 1 << (this.IPSR - IRQ_0) : 0;
    this.pendingInterrupts = (this.pendingInterrupts & ~mask) | (this.interruptLines & mask & ~active);
  },

  // SYSm below 8 is any combination of APSR (bit 2 clear), EPSR (bit 1) and IPSR (bit 0). EPSR reads as 0, only flags can be written.
  readSpecialRegister(sysm) {
    if (sysm > 7) return this._packageReadSpecialRegister(sysm);
    return (sysm & 4 ? 0 : this.APSR) | (sysm & 1 ? this.IPSR : 0);
  },

  writeSpecialRegister(sysm, value) {
    if (sysm <= 3) this.APSR = value;
    else if (sysm > 7) this._packageWriteSpecialRegister(sysm, value);
  },
};

// What the interpreter leaves to its rare path.
const SINGLE = 0;
const MULTIPLE = 1;
const RETURN = 2;
const PACKAGE = 3;
const BREAK = 4;
const WAIT_FOR_EVENT = 5;
const WAIT_FOR_INTERRUPT = 6;
const CHANGED_MASK = 7;
const MRS = 8;
const MSR = 9;
const BARRIER = 10;

/** Whether a single access, or LDMIA, STMIA, PUSH or POP, can be made in the middle of a run: only this core can notice it. */
function isLocal(memory, kindOrOpcode, address, rare) {
  if (rare === SINGLE) return isLocalWord(memory, address >>> 0, kindOrOpcode >= STR);
  if ((kindOrOpcode & 0xff00) === POP_PC) return false;
  const write = (kindOrOpcode & LOAD_BIT) === 0;
  const last = (address + 4 * Math.max(listLength(kindOrOpcode) - 1, 0)) >>> 0;
  return isLocalWord(memory, address >>> 0, write) && isLocalWord(memory, last, write);
}

function isLocalWord(memory, address, write) {
  if (address >= SRAM_BASE) {
    if (address - SRAM_BASE < memory.sram.length) return true;
    return address >= SIO_BASE && address < SIO_BASE + 0x1000 && (address === SIO_BASE || address >= SIO_BASE + SIO_LOCAL_OFFSET);
  }
  return !write && (address < memory.bootrom.length * 4 || (address >= FLASH_BASE && address < XIP_END));
}

function isStackOperation(opcode) {
  return (opcode & 0xf000) === 0xb000;
}

function listLength(opcode) {
  return BIT_COUNT[opcode & (isStackOperation(opcode) ? 0x1ff : 0xff)];
}

/** Executes what the interpreter does not; core's state is saved, its PC after the first halfword. Returns the cycles. */
function executeRare(core, rare, opcode, kind, address, target) {
  switch (rare) {
    case SINGLE:
      executeSingle(core, kind, address >>> 0, target);
      return 1 + core.cyclesIO(address, kind >= STR);
    case MULTIPLE:
      return executeMultiple(core, opcode, address >>> 0);
    case RETURN:
      core.exceptionReturn(address & 0x0fffffff);
      return EXCEPTION_RETURN_CYCLES;
    case PACKAGE:
      core.PC -= 2;
      return packageExecute(core);
    case WAIT_FOR_EVENT:
    case WAIT_FOR_INTERRUPT:
      core.waitingForEvent = rare === WAIT_FOR_EVENT;
      if (core.waitingForEvent && core.eventRegistered) core.eventRegistered = false;
      else core.waiting = !core.wakes();
      return 2;
    case MRS:
      core.registers[(target >> 8) & 15] = core.readSpecialRegister(target & 0xff);
      core.PC += 2;
      return 3;
    case MSR:
      core.writeSpecialRegister(target & 0xff, core.registers[opcode & 15]);
      core.PC += 2;
      return 3;
    case BARRIER:
      core.PC += 2;
      return 3;
    default: // CPSIE
      return 1;
  }
}

/** Lets the package execute the instruction at PC; the caller accounts for the cycles. */
function packageExecute(core) {
  const cycles = core._packageExecute();
  core.cycles -= cycles;
  return cycles;
}

function executeSingle(core, kind, address, target) {
  const { rp2040, registers } = core;
  switch (kind) {
    case LDR: registers[target] = rp2040.readUint32(address); break;
    case LDRH: registers[target] = rp2040.readUint16(address); break;
    case LDRB: registers[target] = rp2040.readUint8(address); break;
    case LDRSH: registers[target] = (rp2040.readUint16(address) << 16) >> 16; break;
    case LDRSB: registers[target] = (rp2040.readUint8(address) << 24) >> 24; break;
    case STR: rp2040.writeUint32(address, registers[target]); break;
    case STRH: rp2040.writeUint16(address, registers[target]); break;
    case STRB: rp2040.writeUint8(address, registers[target]); break;
  }
}

/** LDMIA, STMIA, PUSH, POP word by word. */
function executeMultiple(core, opcode, address) {
  const { rp2040, registers } = core;
  const load = (opcode & LOAD_BIT) !== 0;
  const base = isStackOperation(opcode) ? 13 : (opcode >> 8) & 7;
  let next = address;
  for (let register = 0; register < 8; register++) {
    if (opcode & (1 << register)) {
      if (load) registers[register] = rp2040.readUint32(next);
      else rp2040.writeUint32(next, registers[register]);
      next = (next + 4) >>> 0;
    }
  }
  const cycles = 1 + listLength(opcode);
  if (!isStackOperation(opcode)) {
    if (!load || !(opcode & (1 << base))) registers[base] = next;
  } else if (!load) {
    if (opcode & 0x100) rp2040.writeUint32(next, registers[14]);
    registers[13] = address;
  } else if (opcode & 0x100) {
    registers[13] = next + 4;
    const target = rp2040.readUint32(next);
    const returns = target >>> 28 === 15 && core.currentMode !== 0;
    core.BXWritePC(target);
    return cycles + 2 + (returns ? EXCEPTION_RETURN_CYCLES : 0);
  } else {
    registers[13] = next;
  }
  return cycles;
}

/** Closes a run whose state is saved. */
function stop(core, cycles, reason) {
  core.cycles += cycles;
  core.stopReason = reason;
  return cycles;
}

function saveState(core, pc, n, z, c, v) {
  core._signedRegisters[15] = pc;
  core.N = n < 0;
  core.Z = z === 0;
  core.C = c !== 0;
  core.V = v < 0;
}

/**
 * Executes instructions until one of the reasons of `run`. The flags live in integers: N is the sign of n, Z says z is 0, C is c,
 * V the sign of v.
 */
function interpret(core, memory, maxCycles) {
  const R = core._signedRegisters;
  const { flash, flash16, flash32, sram, sram16, sram32, rom16, rom32 } = memory;
  const flashWords = flash32.length;
  const sramWords = sram32.length;
  let code16 = flash16;
  let code32 = flash32;
  let codeBase = FLASH_BASE;
  let codeLength = flash16.length;
  let pc = R[15] & ~1;
  let n = core.N ? -1 : 0;
  let z = core.Z ? 0 : 1;
  let c = core.C ? 1 : 0;
  let v = core.V ? -1 : 0;
  let cycles = 0;
  let reason = 'budget';

  while (cycles < maxCycles) {
    let at = (pc - codeBase) >>> 1;
    if (at >= codeLength) {
      if ((pc - SRAM_BASE) >>> 0 < sram.length) {
        code16 = sram16;
        code32 = sram32;
        codeBase = SRAM_BASE;
      } else if ((pc - FLASH_BASE) >>> 0 < flash.length) {
        code16 = flash16;
        code32 = flash32;
        codeBase = FLASH_BASE;
      } else if (pc >>> 0 < rom16.length * 2) {
        code16 = rom16;
        code32 = rom32;
        codeBase = 0;
      } else {
        // code that does not lie in memory is fetched and executed by the package
        reason = cycles === 0 ? 'outside' : 'io';
        break;
      }
      codeLength = code16.length;
      at = (pc - codeBase) >>> 1;
    }
    const op = code16[at];
    pc = (pc + 2) | 0;
    let rare = SINGLE;
    let kind = LDR;
    let address = 0;
    let target = 0;

    switch (HANDLER[op]) {
      case 1: { // LSLS Rd, Rm, #imm5
        const a = R[(op >> 3) & 7];
        const shift = op >> 6;
        n = z = R[op & 7] = a << shift;
        c = (a >>> (32 - shift)) & 1;
        cycles++;
        continue;
      }
      case 2: // MOVS Rd, Rm
        n = z = R[op & 7] = R[(op >> 3) & 7];
        cycles++;
        continue;
      case 3: { // LSRS Rd, Rm, #imm5
        const a = R[(op >> 3) & 7];
        const shift = (op >> 6) & 31;
        n = z = R[op & 7] = shift ? a >>> shift : 0;
        c = (a >>> (shift - 1)) & 1; // shift 0 means 32
        cycles++;
        continue;
      }
      case 4: { // ASRS Rd, Rm, #imm5
        const a = R[(op >> 3) & 7];
        const shift = (op >> 6) & 31;
        n = z = R[op & 7] = shift ? a >> shift : a >> 31;
        c = (a >>> (shift - 1)) & 1;
        cycles++;
        continue;
      }
      case 5: { // ADDS Rd, Rn, Rm
        const a = R[(op >> 3) & 7];
        const b = R[(op >> 6) & 7];
        const r = (a + b) | 0;
        n = z = R[op & 7] = r;
        c = ((a & b) | ((a | b) & ~r)) >>> 31;
        v = (a ^ r) & (b ^ r);
        cycles++;
        continue;
      }
      case 6: { // SUBS Rd, Rn, Rm
        const a = R[(op >> 3) & 7];
        const b = R[(op >> 6) & 7];
        const r = (a - b) | 0;
        n = z = R[op & 7] = r;
        c = ((a & ~b) | ((a | ~b) & ~r)) >>> 31;
        v = (a ^ b) & (a ^ r);
        cycles++;
        continue;
      }
      case 7: { // ADDS Rd, Rn, #imm3
        const a = R[(op >> 3) & 7];
        const r = (a + ((op >> 6) & 7)) | 0;
        n = z = R[op & 7] = r;
        c = (a & ~r) >>> 31;
        v = ~a & r;
        cycles++;
        continue;
      }
      case 8: { // SUBS Rd, Rn, #imm3
        const a = R[(op >> 3) & 7];
        const r = (a - ((op >> 6) & 7)) | 0;
        n = z = R[op & 7] = r;
        c = (a | ~r) >>> 31;
        v = a & ~r;
        cycles++;
        continue;
      }
      case 9: // MOVS Rd, #imm8
        n = z = R[(op >> 8) & 7] = op & 0xff;
        cycles++;
        continue;
      case 10: { // CMP Rn, #imm8
        const a = R[(op >> 8) & 7];
        const r = (a - (op & 0xff)) | 0;
        n = z = r;
        c = (a | ~r) >>> 31;
        v = a & ~r;
        cycles++;
        continue;
      }
      case 11: { // ADDS Rdn, #imm8
        const a = R[(op >> 8) & 7];
        const r = (a + (op & 0xff)) | 0;
        n = z = R[(op >> 8) & 7] = r;
        c = (a & ~r) >>> 31;
        v = ~a & r;
        cycles++;
        continue;
      }
      case 12: { // SUBS Rdn, #imm8
        const a = R[(op >> 8) & 7];
        const r = (a - (op & 0xff)) | 0;
        n = z = R[(op >> 8) & 7] = r;
        c = (a | ~r) >>> 31;
        v = a & ~r;
        cycles++;
        continue;
      }
      case 13: // ANDS Rdn, Rm
        n = z = R[op & 7] &= R[(op >> 3) & 7];
        cycles++;
        continue;
      case 14: // EORS Rdn, Rm
        n = z = R[op & 7] ^= R[(op >> 3) & 7];
        cycles++;
        continue;
      case 15: { // LSLS Rdn, Rm
        const shift = R[(op >> 3) & 7] & 0xff;
        const a = R[op & 7];
        if (shift !== 0) c = shift <= 32 ? (a >>> (32 - shift)) & 1 : 0;
        n = z = R[op & 7] = shift < 32 ? a << shift : 0;
        cycles++;
        continue;
      }
      case 16: { // LSRS Rdn, Rm
        const shift = R[(op >> 3) & 7] & 0xff;
        const a = R[op & 7];
        if (shift !== 0) c = shift <= 32 ? (a >>> (shift - 1)) & 1 : 0;
        n = z = R[op & 7] = shift < 32 ? (a >>> shift) | 0 : 0;
        cycles++;
        continue;
      }
      case 17: { // ASRS Rdn, Rm
        const shift = R[(op >> 3) & 7] & 0xff;
        const a = R[op & 7];
        if (shift !== 0) c = shift <= 32 ? (a >>> (shift - 1)) & 1 : a >>> 31;
        n = z = R[op & 7] = shift < 32 ? a >> shift : a >> 31;
        cycles++;
        continue;
      }
      case 18: { // ADCS Rdn, Rm
        const a = R[op & 7];
        const b = R[(op >> 3) & 7];
        const r = (a + b + c) | 0;
        n = z = R[op & 7] = r;
        c = ((a & b) | ((a | b) & ~r)) >>> 31;
        v = (a ^ r) & (b ^ r);
        cycles++;
        continue;
      }
      case 19: { // SBCS Rdn, Rm
        const a = R[op & 7];
        const b = R[(op >> 3) & 7];
        const r = (a - b - 1 + c) | 0;
        n = z = R[op & 7] = r;
        c = ((a & ~b) | ((a | ~b) & ~r)) >>> 31;
        v = (a ^ b) & (a ^ r);
        cycles++;
        continue;
      }
      case 20: { // RORS Rdn, Rm
        const shift = R[(op >> 3) & 7] & 0xff;
        const a = R[op & 7];
        const r = (a >>> shift) | (a << (32 - shift));
        if (shift !== 0) c = r >>> 31;
        n = z = R[op & 7] = r;
        cycles++;
        continue;
      }
      case 21: // TST Rn, Rm
        n = z = R[op & 7] & R[(op >> 3) & 7];
        cycles++;
        continue;
      case 22: { // RSBS Rd, Rn, #0
        const b = R[(op >> 3) & 7];
        const r = -b | 0;
        n = z = R[op & 7] = r;
        c = r === 0 ? 1 : 0;
        v = b & r;
        cycles++;
        continue;
      }
      case 23: { // CMP Rn, Rm
        const a = R[op & 7];
        const b = R[(op >> 3) & 7];
        const r = (a - b) | 0;
        n = z = r;
        c = ((a & ~b) | ((a | ~b) & ~r)) >>> 31;
        v = (a ^ b) & (a ^ r);
        cycles++;
        continue;
      }
      case 24: { // CMN Rn, Rm
        const a = R[op & 7];
        const b = R[(op >> 3) & 7];
        const r = (a + b) | 0;
        n = z = r;
        c = ((a & b) | ((a | b) & ~r)) >>> 31;
        v = (a ^ r) & (b ^ r);
        cycles++;
        continue;
      }
      case 25: // ORRS Rdn, Rm
        n = z = R[op & 7] |= R[(op >> 3) & 7];
        cycles++;
        continue;
      case 26: // MULS Rdm, Rn
        n = z = R[op & 7] = Math.imul(R[op & 7], R[(op >> 3) & 7]);
        cycles++;
        continue;
      case 27: // BICS Rdn, Rm
        n = z = R[op & 7] &= ~R[(op >> 3) & 7];
        cycles++;
        continue;
      case 28: // MVNS Rd, Rm
        n = z = R[op & 7] = ~R[(op >> 3) & 7];
        cycles++;
        continue;
      case 29: { // ADD Rdn, Rm, neither PC, not onto SP
        const d = ((op >> 4) & 8) | (op & 7);
        R[d] = R[d] + R[(op >> 3) & 15];
        cycles++;
        continue;
      }
      case 30: { // CMP Rn, Rm, any but PC
        const a = R[((op >> 4) & 8) | (op & 7)];
        const b = R[(op >> 3) & 15];
        const r = (a - b) | 0;
        n = z = r;
        c = ((a & ~b) | ((a | ~b) & ~r)) >>> 31;
        v = (a ^ b) & (a ^ r);
        cycles++;
        continue;
      }
      case 31: // MOV Rd, Rm, neither PC, not to SP
        R[((op >> 4) & 8) | (op & 7)] = R[(op >> 3) & 15];
        cycles++;
        continue;
      case 32: // ADD Rdn, Rm, with PC or onto SP
      case 33: { // MOV Rd, Rm, with PC or to SP
        const d = ((op >> 4) & 8) | (op & 7);
        const m = (op >> 3) & 15;
        let value = m === 15 ? pc + 2 : R[m];
        if (HANDLER[op] === 32) value = (value + (d === 15 ? pc + 2 : R[d])) | 0;
        cycles++;
        if (d === 15) {
          pc = value & ~1;
          cycles++;
        } else {
          R[d] = d === 13 ? value & ~3 : value;
        }
        continue;
      }
      case 34: // BX Rm
        address = R[(op >> 3) & 15];
        cycles += 2;
        if (address >>> 28 !== 15 || core.currentMode === 0) {
          pc = address & ~1;
          continue;
        }
        rare = RETURN;
        break;
      case 35: // BLX Rm
        address = R[(op >> 3) & 15];
        R[14] = pc | 1;
        pc = address & ~1;
        cycles += 2;
        continue;
      case 36: { // LDR Rt, [PC, #imm8]
        address = ((pc + 2) & ~3) + ((op & 0xff) << 2);
        const word = (address - codeBase) >>> 2;
        if (word < codeLength >>> 1) {
          R[(op >> 8) & 7] = code32[word];
          cycles += 2;
          continue;
        }
        target = (op >> 8) & 7;
        break;
      }
      case 37: { // STR Rt, [Rn, Rm]
        address = (R[(op >> 3) & 7] + R[(op >> 6) & 7]) | 0;
        const word = ((address - SRAM_BASE) >>> 2) | (address << 30);
        if (word >>> 0 < sramWords) {
          sram32[word] = R[op & 7];
          cycles += 2;
          continue;
        }
        kind = STR;
        target = op & 7;
        break;
      }
      case 38: { // STRH Rt, [Rn, Rm]
        address = (R[(op >> 3) & 7] + R[(op >> 6) & 7]) | 0;
        const half = ((address - SRAM_BASE) >>> 1) | (address << 31);
        if (half >>> 0 < sramWords * 2) {
          sram16[half] = R[op & 7];
          cycles += 2;
          continue;
        }
        kind = STRH;
        target = op & 7;
        break;
      }
      case 39: { // STRB Rt, [Rn, Rm]
        address = (R[(op >> 3) & 7] + R[(op >> 6) & 7]) | 0;
        const byte = (address - SRAM_BASE) >>> 0;
        if (byte < sramWords * 4) {
          sram[byte] = R[op & 7];
          cycles += 2;
          continue;
        }
        kind = STRB;
        target = op & 7;
        break;
      }
      case 40: { // LDRSB Rt, [Rn, Rm]
        address = (R[(op >> 3) & 7] + R[(op >> 6) & 7]) | 0;
        const byte = (address - SRAM_BASE) >>> 0;
        if (byte < sramWords * 4) {
          R[op & 7] = (sram[byte] << 24) >> 24;
          cycles += 2;
          continue;
        }
        const flashByte = (address - FLASH_BASE) >>> 0;
        if (flashByte < flashWords * 4) {
          R[op & 7] = (flash[flashByte] << 24) >> 24;
          cycles += 2;
          continue;
        }
        kind = LDRSB;
        target = op & 7;
        break;
      }
      case 41: { // LDR Rt, [Rn, Rm]
        address = (R[(op >> 3) & 7] + R[(op >> 6) & 7]) | 0;
        const word = ((address - SRAM_BASE) >>> 2) | (address << 30);
        if (word >>> 0 < sramWords) {
          R[op & 7] = sram32[word];
          cycles += 2;
          continue;
        }
        const flashWord = ((address - FLASH_BASE) >>> 2) | (address << 30);
        if (flashWord >>> 0 < flashWords) {
          R[op & 7] = flash32[flashWord];
          cycles += 2;
          continue;
        }
        target = op & 7;
        break;
      }
      case 42: { // LDRH Rt, [Rn, Rm]
        address = (R[(op >> 3) & 7] + R[(op >> 6) & 7]) | 0;
        const half = ((address - SRAM_BASE) >>> 1) | (address << 31);
        if (half >>> 0 < sramWords * 2) {
          R[op & 7] = sram16[half];
          cycles += 2;
          continue;
        }
        const flashHalf = ((address - FLASH_BASE) >>> 1) | (address << 31);
        if (flashHalf >>> 0 < flashWords * 2) {
          R[op & 7] = flash16[flashHalf];
          cycles += 2;
          continue;
        }
        kind = LDRH;
        target = op & 7;
        break;
      }
      case 43: { // LDRB Rt, [Rn, Rm]
        address = (R[(op >> 3) & 7] + R[(op >> 6) & 7]) | 0;
        const byte = (address - SRAM_BASE) >>> 0;
        if (byte < sramWords * 4) {
          R[op & 7] = sram[byte];
          cycles += 2;
          continue;
        }
        const flashByte = (address - FLASH_BASE) >>> 0;
        if (flashByte < flashWords * 4) {
          R[op & 7] = flash[flashByte];
          cycles += 2;
          continue;
        }
        kind = LDRB;
        target = op & 7;
        break;
      }
      case 44: { // LDRSH Rt, [Rn, Rm]
        address = (R[(op >> 3) & 7] + R[(op >> 6) & 7]) | 0;
        const half = ((address - SRAM_BASE) >>> 1) | (address << 31);
        if (half >>> 0 < sramWords * 2) {
          R[op & 7] = (sram16[half] << 16) >> 16;
          cycles += 2;
          continue;
        }
        const flashHalf = ((address - FLASH_BASE) >>> 1) | (address << 31);
        if (flashHalf >>> 0 < flashWords * 2) {
          R[op & 7] = (flash16[flashHalf] << 16) >> 16;
          cycles += 2;
          continue;
        }
        kind = LDRSH;
        target = op & 7;
        break;
      }
      case 45: { // STR Rt, [Rn, #imm5]
        address = (R[(op >> 3) & 7] + ((op >> 4) & 0x7c)) | 0;
        const word = ((address - SRAM_BASE) >>> 2) | (address << 30);
        if (word >>> 0 < sramWords) {
          sram32[word] = R[op & 7];
          cycles += 2;
          continue;
        }
        kind = STR;
        target = op & 7;
        break;
      }
      case 46: { // LDR Rt, [Rn, #imm5]
        address = (R[(op >> 3) & 7] + ((op >> 4) & 0x7c)) | 0;
        const word = ((address - SRAM_BASE) >>> 2) | (address << 30);
        if (word >>> 0 < sramWords) {
          R[op & 7] = sram32[word];
          cycles += 2;
          continue;
        }
        const flashWord = ((address - FLASH_BASE) >>> 2) | (address << 30);
        if (flashWord >>> 0 < flashWords) {
          R[op & 7] = flash32[flashWord];
          cycles += 2;
          continue;
        }
        target = op & 7;
        break;
      }
      case 47: { // STRB Rt, [Rn, #imm5]
        address = (R[(op >> 3) & 7] + ((op >> 6) & 31)) | 0;
        const byte = (address - SRAM_BASE) >>> 0;
        if (byte < sramWords * 4) {
          sram[byte] = R[op & 7];
          cycles += 2;
          continue;
        }
        kind = STRB;
        target = op & 7;
        break;
      }
      case 48: { // LDRB Rt, [Rn, #imm5]
        address = (R[(op >> 3) & 7] + ((op >> 6) & 31)) | 0;
        const byte = (address - SRAM_BASE) >>> 0;
        if (byte < sramWords * 4) {
          R[op & 7] = sram[byte];
          cycles += 2;
          continue;
        }
        const flashByte = (address - FLASH_BASE) >>> 0;
        if (flashByte < flashWords * 4) {
          R[op & 7] = flash[flashByte];
          cycles += 2;
          continue;
        }
        kind = LDRB;
        target = op & 7;
        break;
      }
      case 49: { // STRH Rt, [Rn, #imm5]
        address = (R[(op >> 3) & 7] + ((op >> 5) & 0x3e)) | 0;
        const half = ((address - SRAM_BASE) >>> 1) | (address << 31);
        if (half >>> 0 < sramWords * 2) {
          sram16[half] = R[op & 7];
          cycles += 2;
          continue;
        }
        kind = STRH;
        target = op & 7;
        break;
      }
      case 50: { // LDRH Rt, [Rn, #imm5]
        address = (R[(op >> 3) & 7] + ((op >> 5) & 0x3e)) | 0;
        const half = ((address - SRAM_BASE) >>> 1) | (address << 31);
        if (half >>> 0 < sramWords * 2) {
          R[op & 7] = sram16[half];
          cycles += 2;
          continue;
        }
        const flashHalf = ((address - FLASH_BASE) >>> 1) | (address << 31);
        if (flashHalf >>> 0 < flashWords * 2) {
          R[op & 7] = flash16[flashHalf];
          cycles += 2;
          continue;
        }
        kind = LDRH;
        target = op & 7;
        break;
      }
      case 51: { // STR Rt, [SP, #imm8]
        address = (R[13] + ((op & 0xff) << 2)) | 0;
        const word = ((address - SRAM_BASE) >>> 2) | (address << 30);
        if (word >>> 0 < sramWords) {
          sram32[word] = R[(op >> 8) & 7];
          cycles += 2;
          continue;
        }
        kind = STR;
        target = (op >> 8) & 7;
        break;
      }
      case 52: { // LDR Rt, [SP, #imm8]
        address = (R[13] + ((op & 0xff) << 2)) | 0;
        const word = ((address - SRAM_BASE) >>> 2) | (address << 30);
        if (word >>> 0 < sramWords) {
          R[(op >> 8) & 7] = sram32[word];
          cycles += 2;
          continue;
        }
        target = (op >> 8) & 7;
        break;
      }
      case 53: // ADR Rd, label
        R[(op >> 8) & 7] = ((pc + 2) & ~3) + ((op & 0xff) << 2);
        cycles++;
        continue;
      case 54: // ADD Rd, SP, #imm8
        R[(op >> 8) & 7] = R[13] + ((op & 0xff) << 2);
        cycles++;
        continue;
      case 55: // ADD SP, #imm7
        R[13] = R[13] + ((op & 0x7f) << 2);
        cycles++;
        continue;
      case 56: // SUB SP, #imm7
        R[13] = R[13] - ((op & 0x7f) << 2);
        cycles++;
        continue;
      case 57: // SXTH Rd, Rm
        R[op & 7] = (R[(op >> 3) & 7] << 16) >> 16;
        cycles++;
        continue;
      case 58: // SXTB Rd, Rm
        R[op & 7] = (R[(op >> 3) & 7] << 24) >> 24;
        cycles++;
        continue;
      case 59: // UXTH Rd, Rm
        R[op & 7] = R[(op >> 3) & 7] & 0xffff;
        cycles++;
        continue;
      case 60: // UXTB Rd, Rm
        R[op & 7] = R[(op >> 3) & 7] & 0xff;
        cycles++;
        continue;
      case 61: { // PUSH {list, LR}
        const count = BIT_COUNT[op & 0x1ff];
        address = (R[13] - 4 * count) | 0;
        let word = (address - SRAM_BASE) >>> 2;
        if (word + count > sramWords) {
          rare = MULTIPLE;
          break;
        }
        R[13] = address;
        for (let list = op & 0xff; list !== 0; list &= list - 1) sram32[word++] = R[31 - Math.clz32(list & -list)];
        if (op & 0x100) sram32[word] = R[14];
        cycles += 1 + count;
        continue;
      }
      case 62: { // POP {list}
        const count = BIT_COUNT[op & 0xff];
        address = R[13];
        let word = (address - SRAM_BASE) >>> 2;
        if (word + count > sramWords) {
          rare = MULTIPLE;
          break;
        }
        for (let list = op & 0xff; list !== 0; list &= list - 1) R[31 - Math.clz32(list & -list)] = sram32[word++];
        R[13] = address + 4 * count;
        cycles += 1 + count;
        continue;
      }
      case 63: { // POP {list, PC}
        const count = BIT_COUNT[op & 0x1ff];
        address = R[13];
        let word = (address - SRAM_BASE) >>> 2;
        if (word + count > sramWords) {
          rare = MULTIPLE;
          break;
        }
        for (let list = op & 0xff; list !== 0; list &= list - 1) R[31 - Math.clz32(list & -list)] = sram32[word++];
        R[13] = address + 4 * count;
        cycles += 3 + count;
        address = sram32[word];
        if (address >>> 28 !== 15 || core.currentMode === 0) {
          pc = address & ~1;
          continue;
        }
        rare = RETURN;
        break;
      }
      case 64: { // REV Rd, Rm
        const a = R[(op >> 3) & 7];
        R[op & 7] = (a << 24) | ((a & 0xff00) << 8) | ((a >>> 8) & 0xff00) | (a >>> 24);
        cycles++;
        continue;
      }
      case 65: { // REV16 Rd, Rm
        const a = R[(op >> 3) & 7];
        R[op & 7] = ((a & 0x00ff00ff) << 8) | ((a >>> 8) & 0x00ff00ff);
        cycles++;
        continue;
      }
      case 66: { // REVSH Rd, Rm
        const a = R[(op >> 3) & 7];
        R[op & 7] = ((a << 24) >> 16) | ((a >>> 8) & 0xff);
        cycles++;
        continue;
      }
      case 67: // NOP, YIELD
        cycles++;
        continue;
      case 68: { // STMIA Rn!, {list}
        const count = BIT_COUNT[op & 0xff];
        address = R[(op >> 8) & 7];
        let word = ((address - SRAM_BASE) >>> 2) | (address << 30);
        if ((word >>> 0) + count > sramWords) {
          rare = MULTIPLE;
          break;
        }
        for (let list = op & 0xff; list !== 0; list &= list - 1) sram32[word++] = R[31 - Math.clz32(list & -list)];
        R[(op >> 8) & 7] = address + 4 * count;
        cycles += 1 + count;
        continue;
      }
      case 69: { // LDMIA Rn!, {list}
        const count = BIT_COUNT[op & 0xff];
        address = R[(op >> 8) & 7];
        let word = ((address - SRAM_BASE) >>> 2) | (address << 30);
        if ((word >>> 0) + count <= sramWords) {
          R[(op >> 8) & 7] = address + 4 * count;
          for (let list = op & 0xff; list !== 0; list &= list - 1) R[31 - Math.clz32(list & -list)] = sram32[word++];
          cycles += 1 + count;
          continue;
        }
        word = ((address - FLASH_BASE) >>> 2) | (address << 30);
        if ((word >>> 0) + count <= flashWords) {
          R[(op >> 8) & 7] = address + 4 * count;
          for (let list = op & 0xff; list !== 0; list &= list - 1) R[31 - Math.clz32(list & -list)] = flash32[word++];
          cycles += 1 + count;
          continue;
        }
        rare = MULTIPLE;
        break;
      }
      case 70: // BEQ
        cycles++;
        if (z === 0) {
          pc = (pc + 2 + ((op << 24) >> 23)) | 0;
          cycles++;
        }
        continue;
      case 71: // BNE
        cycles++;
        if (z !== 0) {
          pc = (pc + 2 + ((op << 24) >> 23)) | 0;
          cycles++;
        }
        continue;
      case 72: // BCS
        cycles++;
        if (c !== 0) {
          pc = (pc + 2 + ((op << 24) >> 23)) | 0;
          cycles++;
        }
        continue;
      case 73: // BCC
        cycles++;
        if (c === 0) {
          pc = (pc + 2 + ((op << 24) >> 23)) | 0;
          cycles++;
        }
        continue;
      case 74: // BMI
        cycles++;
        if (n < 0) {
          pc = (pc + 2 + ((op << 24) >> 23)) | 0;
          cycles++;
        }
        continue;
      case 75: // BPL
        cycles++;
        if (n >= 0) {
          pc = (pc + 2 + ((op << 24) >> 23)) | 0;
          cycles++;
        }
        continue;
      case 76: // BVS
        cycles++;
        if (v < 0) {
          pc = (pc + 2 + ((op << 24) >> 23)) | 0;
          cycles++;
        }
        continue;
      case 77: // BVC
        cycles++;
        if (v >= 0) {
          pc = (pc + 2 + ((op << 24) >> 23)) | 0;
          cycles++;
        }
        continue;
      case 78: // BHI
        cycles++;
        if (c !== 0 && z !== 0) {
          pc = (pc + 2 + ((op << 24) >> 23)) | 0;
          cycles++;
        }
        continue;
      case 79: // BLS
        cycles++;
        if (c === 0 || z === 0) {
          pc = (pc + 2 + ((op << 24) >> 23)) | 0;
          cycles++;
        }
        continue;
      case 80: // BGE
        cycles++;
        if ((n ^ v) >= 0) {
          pc = (pc + 2 + ((op << 24) >> 23)) | 0;
          cycles++;
        }
        continue;
      case 81: // BLT
        cycles++;
        if ((n ^ v) < 0) {
          pc = (pc + 2 + ((op << 24) >> 23)) | 0;
          cycles++;
        }
        continue;
      case 82: // BGT
        cycles++;
        if (z !== 0 && (n ^ v) >= 0) {
          pc = (pc + 2 + ((op << 24) >> 23)) | 0;
          cycles++;
        }
        continue;
      case 83: // BLE
        cycles++;
        if (z === 0 || (n ^ v) < 0) {
          pc = (pc + 2 + ((op << 24) >> 23)) | 0;
          cycles++;
        }
        continue;
      case 84: // B
        pc = (pc + 2 + ((op << 21) >> 20)) | 0;
        cycles += 2;
        continue;
      case 85: { // BL, MRS, MSR, barriers
        const op2 = at + 1 < codeLength ? code16[at + 1] : 0;
        if ((op2 & 0xd000) !== 0xd000) {
          if (op === 0xf3ef && (op2 & 0xf000) === 0x8000) rare = MRS;
          else if ((op & 0xfff0) === 0xf380 && (op2 & 0xff00) === 0x8800) rare = MSR;
          else if (op === 0xf3bf && op2 >= 0x8f40 && op2 <= 0x8f6f) rare = BARRIER;
          else rare = PACKAGE;
          target = op2;
          break;
        }
        // J1 and J2 are kept as the inverse exclusive or with the sign
        const sign = (op << 21) >> 31;
        const i1 = ~((op2 >> 13) ^ sign) & 1;
        const i2 = ~((op2 >> 11) ^ sign) & 1;
        R[14] = (pc + 2) | 1;
        pc = (pc + 2 + ((sign << 24) | (i1 << 23) | (i2 << 22) | ((op & 0x3ff) << 12) | ((op2 & 0x7ff) << 1))) | 0;
        cycles += 3;
        continue;
      }
      case 86: // BKPT, UDF
        rare = BREAK;
        break;
      case 87: // WFE
        rare = WAIT_FOR_EVENT;
        break;
      case 88: // WFI
        rare = WAIT_FOR_INTERRUPT;
        break;
      case 89: // SEV
        core.eventRegistered = true;
        cycles++;
        continue;
      case 90: // CPSIE i
        core.PM = false;
        core.interruptsUpdated = true;
        rare = CHANGED_MASK;
        break;
      case 91: // CPSID i
        core.PM = true;
        cycles++;
        continue;
      default:
        rare = PACKAGE;
    }

    // What remains is rare. What the world can notice is executed alone in its run, and ends it.
    if (rare === PACKAGE || (rare <= MULTIPLE && !isLocal(memory, rare === SINGLE ? kind : op, address, rare))) {
      reason = rare === PACKAGE ? 'break' : 'io';
      if (cycles !== 0) {
        pc = (pc - 2) | 0;
        break;
      }
      saveState(core, pc, n, z, c, v);
      return stop(core, executeRare(core, rare, op, kind, address, target), reason);
    }
    saveState(core, pc, n, z, c, v);
    if (rare === BREAK) {
      const local = core._localBreak === null ? -1 : core._localBreak(op & 0xff);
      if (local < 0) {
        reason = 'break';
        if (cycles !== 0) {
          pc = (pc - 2) | 0;
          break;
        }
        core.breakRewind = 2;
        core.rp2040.onBreak(op & 0xff);
        return stop(core, 1, reason);
      }
      cycles += local;
    } else {
      cycles += executeRare(core, rare, op, kind, address, target);
      if (core.waiting) return stop(core, cycles, 'wait');
    }
    if (core.interruptsUpdated && cycles < maxCycles && core.checkForInterrupts()) {
      return stop(core, cycles + EXCEPTION_ENTRY_CYCLES + core.irqCostCycles, 'interrupt');
    }
    pc = R[15] & ~1;
    n = core.N ? -1 : 0;
    z = core.Z ? 0 : 1;
    c = core.C ? 1 : 0;
    v = core.V ? -1 : 0;
  }

  saveState(core, pc, n, z, c, v);
  if (reason === 'outside') return stop(core, packageExecute(core), 'io');
  return stop(core, cycles, reason);
}
