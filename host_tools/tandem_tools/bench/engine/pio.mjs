// One PIO block of an RP2040, exact to the system-clock cycle.
//
// Time. `cycle` is the first cycle not yet executed. In cycle t every enabled machine whose divider ticks executes one
// instruction with the inputs and flags as they are at the start of t; what it changes is visible from t + 1:
//   - pins: an instruction (or side-set) executing in t drives the pin from t + 1: one register stage on the way out;
//   - inputs: a level at the pad from cycle c on is seen by instructions executing in c + 3 and later (two synchroniser
//     flip-flops and one register stage), or in c + 1 and later where INPUT_SYNC_BYPASS is set. So a machine sees its own
//     output 4 cycles later, 2 with the bypass, as the chip's designer states (raspberrypi/pico-feedback issue 280);
//   - IRQ flags and FIFO levels changed by a machine in t are seen by other machines, interrupt and DREQ lines in t + 1;
//   - a register write with cycle c is seen by the instructions of cycle c; a word written to SMx_INSTR executes in cycle c;
//     only IRQ and IRQ_FORCE join the flag changes of cycle c and are seen from c + 1 on.
//
// Several writers of one pin in one cycle: machines in the order 0 to 3, and of each first its OUT/SET/MOV channel (or what
// OUT_STICKY repeats), then its side-set; the last one wins. An instruction that stalls repeats its side-set in every
// tick in which it stalls (seen on silicon: raspberrypi/pico-feedback issue 185), a delay does not.
// A flag set and cleared in the same cycle, by machines or the bus, ends up set (raspberrypi/pico-feedback issue 490).
//
// Speed. A machine is only looked at in the cycle `wake`. In between it sleeps: disabled, in a delay, stalled, or in a loop
// that only counts or polls (pio_skip.mjs). With `skip: false` every cycle is executed instead; both give the same results.
//
// Where the datasheet leaves a choice, this model does:
//   - divider: counts down and ticks when it reaches 1, so the first tick after CLKDIV_RESTART is CLKDIV_INT - 1 cycles
//     later; a new CLKDIV holds from the next tick on; a fractional carry lengthens the following period;
//   - a stalled word in SMx_INSTR is tried again in every system cycle, on a disabled machine too; it replaces a pending OUT
//     or MOV EXEC; a delay in progress goes on counting; EXEC_STALLED also shows a stalled OUT or MOV EXEC;
//   - an IRQ WAIT that was left by a forced jump still waits in the machine's next IRQ instruction (SM_RESTART clears it);
//   - OUT_STICKY repeats the last OUT/SET (levels or directions, one of them) in every system cycle, enabled or not, on the
//     pins that PINCTRL names now, until SM_RESTART, until OUT_STICKY is cleared, or an OUT or MOV with inline enable 0;
//   - INLINE_OUT_EN applies to OUT and MOV, not to SET; with both FJOIN bits set both FIFOs have no depth;
//   - autopull refills in delay and stall cycles too; PULL with autopull does nothing while the OSR is not exhausted.
//
// Not modelled: metastability, bus wait states, the DMA's own counting of DREQ credits (levels are given), undefined
// encodings of later chips, electrical behaviour of pads (setInputs takes what the input buffers give).

import { AWAKE, LATCH_EXEC, LATCH_FORCED, LATCH_NONE, LOOPING, Machine, STALLED } from './pio_machine.mjs';
import { DONE, RETRY, STALL, applySideSet, execute, hasSideSet, sideSetLevels } from './pio_execute.mjs';
import { skipLoop } from './pio_skip.mjs';

const BYPASS_CYCLES = 1;
const SYNC_CYCLES = 3;
const MACHINES = 4;

const CTRL = 0x000;
const FSTAT = 0x004;
const FDEBUG = 0x008;
const FLEVEL = 0x00c;
const TXF0 = 0x010;
const RXF0 = 0x020;
const IRQ = 0x030;
const IRQ_FORCE = 0x034;
const INPUT_SYNC_BYPASS = 0x038;
const DBG_PADOUT = 0x03c;
const DBG_PADOE = 0x040;
const DBG_CFGINFO = 0x044;
const INSTR_MEM0 = 0x048;
const SM0_CLKDIV = 0x0c8;
const INTR = 0x128;
const IRQ0_INTE = 0x12c;
const IRQ1_INTE = 0x138;
const END = 0x144;

const SM_STRIDE = 0x18;
const SM_CLKDIV = 0x00;
const SM_EXECCTRL = 0x04;
const SM_SHIFTCTRL = 0x08;
const SM_ADDR = 0x0c;
const SM_INSTR = 0x10;
const SM_PINCTRL = 0x14;

const CONFIGURATION = (32 << 16) | (4 << 8) | 4; // words of memory, machines, FIFO depth
const FDEBUG_TXOVER = 16;
const FDEBUG_RXUNDER = 8;
const FDEBUG_MASK = 0x0f0f0f0f;
const FJOIN_MASK = 0xc0000000 | 0;
const MAX_LOOP_HOLD = 15;

export class PioBlock {
  // index: 0 or 1. onPins(values, directions, cycle), onIrq(line, level, cycle), onDreq('tx'|'rx', machine, level, cycle):
  // called when something changes, with the cycle from which it holds. They may call setInputs.
  constructor({ index = 0, onPins = null, onIrq = null, onDreq = null, skip = true } = {}) {
    this.index = index;
    this.onPins = onPins;
    this.onIrq = onIrq;
    this.onDreq = onDreq;
    this.skip = skip;
    this.machines = [new Machine(0), new Machine(1), new Machine(2), new Machine(3)];
    this.memory = new Uint16Array(32);
    this.cycle = 0;
    this.nextWork = 0.5; // a double from the start, so that V8 keeps the field unboxed
    this.nextInput = 0.5;
    this.busyIn = 0.5; // a cycle that has to be executed although every machine sleeps
    this.out = 0;
    this.oe = 0;
    this.shownOut = 0;
    this.shownOe = 0;
    this.irqLine = [false, false];
    // Pad levels: a queue of changes, read once for bypassed inputs and once, two cycles later, for synchronised ones.
    this.padCycles = new Float64Array(64);
    this.padLevels = new Int32Array(64);
    this.padTail = 0;
    this.padChanged = 0; // pins that change in the queue
    this.watched = 0; // pins on which a sleeping machine depends
    this.padRaw = 0;
    this.padSync = 0;
    this.raw = 0;
    this.synced = 0;
    this.inputs = 0;
    this.clearRegisters();
  }

  clearRegisters() {
    this.fdebug = 0;
    this.irq = 0;
    this.bypass = 0;
    this.inte = [0, 0];
    this.intf = [0, 0];
    this.memory.fill(0);
    this.out = 0;
    this.oe = 0;
    this.nextOut = 0;
    this.nextOe = 0;
    this.flagsSet = 0;
    this.flagsClear = 0;
    this.linesDirty = true;
    this.busyIn = Infinity;
    this.nextInput = Infinity;
    this.nextWork = Infinity;
    for (const m of this.machines) m.reset(this.cycle);
  }

  // As after a reset through RESETS: registers at their reset values, pins released. Levels at the pads stay.
  reset() {
    const dreqs = this.machines.map((m) => [m.lastTxDreq, m.lastRxDreq]);
    this.clearRegisters();
    this.machines.forEach((m, i) => ([m.lastTxDreq, m.lastRxDreq] = dreqs[i]));
    this.takeInputs(this.cycle);
    this.plan();
    this.announce(this.cycle);
  }

  // First cycle from which something outside may change if nothing is written and no input changes; Infinity when asleep.
  nextEvent() {
    return this.nextWork + 1;
  }

  // Level of a machine's DREQ.
  dreq(kind, machine) {
    const m = this.machines[machine];
    return kind === 'tx' ? m.txLevel < m.txDepth : m.rxLevel > 0;
  }

  // Pad levels (bit n = GPIO n) from `cycle` on.
  setInputs(mask, cycle) {
    this.refuseThePast(cycle);
    const size = this.padCycles.length;
    const last = (this.padTail - 1) & (size - 1);
    const level = this.padTail === this.padSync ? this.synced : this.padLevels[last];
    if (level === (mask | 0)) return;
    this.padChanged |= level ^ mask;
    if (this.padTail !== this.padSync && this.padCycles[last] === cycle && this.padTail !== this.padRaw) {
      this.padLevels[last] = mask;
    } else {
      if (this.padTail - this.padSync === size) this.makeRoom(cycle);
      const at = this.padTail & (this.padCycles.length - 1);
      this.padCycles[at] = cycle;
      this.padLevels[at] = mask;
      this.padTail++;
    }
    this.planInputs();
    if ((this.watched & this.padChanged) !== 0 && this.nextInput < this.nextWork) this.nextWork = this.nextInput;
  }

  makeRoom(cycle) {
    this.advanceTo(cycle);
    this.takeInputs(this.cycle);
    if (this.padTail - this.padSync === this.padCycles.length) this.growPadQueue();
  }

  refuseThePast(cycle) {
    if (cycle >= this.cycle) return;
    throw new RangeError(`PIO${this.index}: access in cycle ${cycle}, but ${this.cycle} is reached; do not advance it beyond now`);
  }

  growPadQueue() {
    const size = this.padCycles.length;
    const cycles = new Float64Array(size * 2);
    const levels = new Int32Array(size * 2);
    for (let i = this.padSync; i < this.padTail; i++) {
      cycles[i & (size * 2 - 1)] = this.padCycles[i & (size - 1)];
      levels[i & (size * 2 - 1)] = this.padLevels[i & (size - 1)];
    }
    this.padCycles = cycles;
    this.padLevels = levels;
  }

  planInputs() {
    const wrap = this.padCycles.length - 1;
    let next = Infinity;
    if (this.bypass !== 0 && this.padRaw !== this.padTail) next = this.padCycles[this.padRaw & wrap] + BYPASS_CYCLES;
    if (this.padSync !== this.padTail) next = Math.min(next, this.padCycles[this.padSync & wrap] + SYNC_CYCLES);
    this.nextInput = next;
  }

  mixInputs() {
    this.inputs = (this.raw & this.bypass) | (this.synced & ~this.bypass);
  }

  // Lets pad changes that have come through by cycle `t` become the machines' inputs.
  takeInputs(t) {
    const wrap = this.padCycles.length - 1;
    while (this.padRaw !== this.padTail && this.padCycles[this.padRaw & wrap] + BYPASS_CYCLES <= t) {
      this.raw = this.padLevels[this.padRaw & wrap];
      this.padRaw++;
    }
    while (this.padSync !== this.padTail && this.padCycles[this.padSync & wrap] + SYNC_CYCLES <= t) {
      this.synced = this.padLevels[this.padSync & wrap];
      this.padSync++;
    }
    if (this.padSync === this.padTail) this.padChanged = 0;
    const before = this.inputs;
    this.mixInputs();
    this.planInputs();
    const changed = before ^ this.inputs;
    if (changed === 0) return;
    for (let i = 0; i < MACHINES; i++) {
      const m = this.machines[i];
      if (m.mode !== AWAKE && (m.dependsPins & changed) !== 0) this.rouse(m, t);
    }
  }

  // Wakes a sleeping machine for its first tick at or after `cycle`, as if it had been stepped all the time.
  rouse(m, cycle) {
    m.catchUp(cycle);
    m.mode = AWAKE;
    m.steady = false;
    this.schedule(m, cycle);
  }

  rouseAll(cycle) {
    for (let i = 0; i < MACHINES; i++) this.rouse(this.machines[i], cycle);
  }

  // Sets the cycle in which an awake machine does something next.
  schedule(m, cycle) {
    if (m.latchKind === LATCH_FORCED) m.wake = cycle;
    else if (!m.enabled) m.wake = Infinity;
    else if (m.delay === 0 || m.wantsRefill()) m.wake = m.tick;
    else m.wake = m.tickAfter(m.delay);
  }

  plan() {
    let next = this.busyIn;
    let watched = 0;
    for (let i = 0; i < MACHINES; i++) {
      const m = this.machines[i];
      if (m.mode !== AWAKE) watched |= m.dependsPins;
      if (m.wake < next) next = m.wake;
    }
    this.watched = watched;
    if ((watched & this.padChanged) !== 0 && this.nextInput < next) next = this.nextInput;
    this.nextWork = this.skip ? next : this.cycle;
  }

  // Executes every cycle before `cycle`.
  advanceTo(cycle) {
    while (this.nextWork < cycle) this.runCycle(this.nextWork);
    if (cycle > this.cycle) {
      this.cycle = cycle;
      if (!this.skip) this.nextWork = cycle;
    }
  }

  runCycle(t) {
    this.cycle = t;
    if (t >= this.nextInput) this.takeInputs(t);
    if (this.skip) {
      for (let i = 0; i < MACHINES; i++) {
        const m = this.machines[i];
        if (m.wake === t) this.step(m, t);
        else if (m.steady || m.stickyMask !== 0) this.repeat(m, t);
      }
    } else {
      for (let i = 0; i < MACHINES; i++) this.stepPlainly(this.machines[i], t);
    }
    this.cycle = t + 1;
    this.commit(t + 1);
  }

  // Reference path: one machine, one cycle, no sleep.
  stepPlainly(m, t) {
    const ticks = m.enabled && m.tick === t;
    if (m.latchKind === LATCH_FORCED) {
      this.executeForced(m, t);
    } else if (ticks && m.delay === 0) {
      this.executeNext(m);
      return;
    } else {
      if (ticks) this.passDelay(m);
      this.applySticky(m);
    }
    if (m.tick === t) m.advanceTicks(1);
  }

  passDelay(m) {
    m.delay--;
    if (m.refill()) this.linesDirty = true;
  }

  step(m, t) {
    if (m.mode === LOOPING) {
      m.catchUp(t);
      m.mode = AWAKE;
      m.steady = false;
    } else if (m.delay > 0) {
      m.catchUp(t);
    }
    if (m.latchKind === LATCH_FORCED) {
      m.catchUp(t);
      const stalled = this.executeForced(m, t);
      if (m.tick === t) m.advanceTicks(1);
      if (stalled) this.sleepStalled(m, m.latch);
      else this.schedule(m, t + 1);
      return;
    }
    if (m.delay > 0) {
      // Woken inside a delay: a word has come for the exhausted OSR.
      this.passDelay(m);
      m.advanceTicks(1);
      this.applySticky(m);
      this.schedule(m, t + 1);
      return;
    }
    const before = m.pc;
    const instruction = m.latchKind === LATCH_NONE ? this.memory[m.pc] : m.latch;
    const result = this.executeNext(m);
    if (result === STALL) {
      this.sleepStalled(m, instruction);
      return;
    }
    m.wake = m.delay === 0 ? m.tick : m.tickAfter(m.delay);
    if (m.pc > before || m.latchKind !== LATCH_NONE || result === RETRY) return;
    if (m.loopHold > 0 && m.pc !== before) {
      m.loopHold--;
    } else if (skipLoop(this, m)) {
      m.loopMiss = 0;
    } else {
      m.loopMiss = Math.min(MAX_LOOP_HOLD, m.loopMiss * 2 + 1);
      m.loopHold = m.loopMiss;
    }
  }

  // Executes the machine's next instruction at its tick, with everything that belongs to it.
  executeNext(m) {
    const latched = m.latchKind !== LATCH_NONE;
    const instruction = latched ? m.latch : this.memory[m.pc];
    if (latched) m.latchKind = LATCH_NONE;
    const result = execute(this, m, instruction);
    if (m.refill()) this.linesDirty = true;
    if (m.stickyMask !== 0) this.applySticky(m);
    applySideSet(this, m, instruction);
    m.advanceTicks(1);
    if (result === STALL || result === RETRY) {
      if (latched) {
        m.latchKind = LATCH_EXEC;
        m.latchStalled = true;
      }
      return result;
    }
    m.latchStalled = false;
    if (result === DONE) m.delay = (instruction >>> 8) & m.delayMask;
    if (!latched && !m.jumped) m.pc = m.pc === m.wrapTop ? m.wrapBottom : (m.pc + 1) & 31;
    return result;
  }

  // Executes the word in SMx_INSTR. True when it stalls.
  executeForced(m, t) {
    const instruction = m.latch;
    m.latchKind = LATCH_NONE;
    const result = execute(this, m, instruction);
    const stalled = result === STALL || result === RETRY;
    if (m.enabled && m.tick === t && m.delay > 0) m.delay--;
    if (m.refill()) this.linesDirty = true;
    this.applySticky(m);
    applySideSet(this, m, instruction);
    m.latchStalled = stalled;
    if (stalled) m.latchKind = LATCH_FORCED;
    return result === STALL;
  }

  applySticky(m) {
    if (m.stickyMask === 0) return;
    if (m.stickyDirections) this.nextOe = (this.nextOe & ~m.stickyMask) | m.stickyLevels;
    else this.nextOut = (this.nextOut & ~m.stickyMask) | m.stickyLevels;
  }

  sleepStalled(m, instruction) {
    m.mode = STALLED;
    m.wake = Infinity;
    m.steady = hasSideSet(m, instruction);
    if (!m.steady) return;
    const levels = sideSetLevels(m, instruction);
    m.effectFlagMask = 0;
    m.effectOutMask = m.sideDirections ? 0 : m.sideMask;
    m.effectOutValue = m.sideDirections ? 0 : levels;
    m.effectOeMask = m.sideDirections ? m.sideMask : 0;
    m.effectOeValue = m.sideDirections ? levels : 0;
  }

  // In a cycle in which the block is busy: what a sleeping machine repeats at its ticks.
  repeat(m, t) {
    this.applySticky(m);
    if (!m.steady) return;
    m.catchUp(t);
    if (m.mode === LOOPING) {
      if (m.enabled && m.tick === t && m.delay === 0) this.step(m, t);
    } else if (m.latchKind === LATCH_FORCED || (m.enabled && m.tick === t)) {
      this.nextOut = (this.nextOut & ~m.effectOutMask) | m.effectOutValue;
      this.nextOe = (this.nextOe & ~m.effectOeMask) | m.effectOeValue;
    }
  }

  // End of a cycle: what was collected becomes visible in `cycle`.
  commit(cycle) {
    if ((this.flagsSet | this.flagsClear) !== 0) {
      const flags = (this.irq & ~this.flagsClear) | this.flagsSet;
      this.flagsSet = 0;
      this.flagsClear = 0;
      this.changeFlags(flags, cycle);
    }
    this.out = this.nextOut;
    this.oe = this.nextOe;
    this.busyIn = Infinity;
    for (let i = 0; i < MACHINES; i++) {
      const m = this.machines[i];
      if (m.steady && this.disturbs(m)) this.rouse(m, cycle);
      if (m.stickyMask !== 0 && (((m.stickyDirections ? this.oe : this.out) ^ m.stickyLevels) & m.stickyMask) !== 0) {
        this.busyIn = cycle;
      }
    }
    this.plan();
    if (this.linesDirty || this.out !== this.shownOut || this.oe !== this.shownOe) this.announce(cycle);
  }

  // True when pins or flags are no longer what a steady machine makes them.
  disturbs(m) {
    const out = (this.out ^ m.effectOutValue) & m.effectOutMask;
    const oe = (this.oe ^ m.effectOeValue) & m.effectOeMask;
    return (out | oe | ((this.irq ^ m.effectFlags) & m.effectFlagMask)) !== 0;
  }

  changeFlags(flags, cycle) {
    const changed = this.irq ^ flags;
    if (changed === 0) return;
    this.irq = flags;
    this.linesDirty = true;
    for (let i = 0; i < MACHINES; i++) {
      const m = this.machines[i];
      if (m.mode !== AWAKE && (m.dependsFlags & changed) !== 0) this.rouse(m, cycle);
    }
  }

  // Tells the outside what has changed, from `cycle` on.
  announce(cycle) {
    if (this.out !== this.shownOut || this.oe !== this.shownOe) {
      this.shownOut = this.out;
      this.shownOe = this.oe;
      if (this.onPins) this.onPins(this.out >>> 0, this.oe >>> 0, cycle);
    }
    if (!this.linesDirty) return;
    this.linesDirty = false;
    for (let i = 0; i < MACHINES; i++) this.announceDreq(this.machines[i], cycle);
    for (let line = 0; line < 2; line++) {
      const level = ((this.rawInterrupts() & this.inte[line]) | this.intf[line]) !== 0;
      if (level === this.irqLine[line]) continue;
      this.irqLine[line] = level;
      if (this.onIrq) this.onIrq(line, level, cycle);
    }
  }

  announceDreq(m, cycle) {
    const tx = m.txLevel < m.txDepth;
    const rx = m.rxLevel > 0;
    if (tx !== m.lastTxDreq) {
      m.lastTxDreq = tx;
      if (this.onDreq) this.onDreq('tx', m.index, tx, cycle);
    }
    if (rx !== m.lastRxDreq) {
      m.lastRxDreq = rx;
      if (this.onDreq) this.onDreq('rx', m.index, rx, cycle);
    }
  }

  rawInterrupts() {
    let raw = (this.irq & 15) << 8;
    for (let i = 0; i < MACHINES; i++) {
      const m = this.machines[i];
      if (m.rxLevel > 0) raw |= 1 << i;
      if (m.txLevel < m.txDepth) raw |= 0x10 << i;
    }
    return raw;
  }

  fifoStatus() {
    let status = 0;
    for (let i = 0; i < MACHINES; i++) {
      const m = this.machines[i];
      if (m.rxLevel >= m.rxDepth) status |= 1 << i;
      if (m.rxLevel === 0) status |= 0x100 << i;
      if (m.txLevel >= m.txDepth) status |= 0x10000 << i;
      if (m.txLevel === 0) status |= 0x1000000 << i;
    }
    return status;
  }

  fifoLevels() {
    let levels = 0;
    for (let i = 0; i < MACHINES; i++) levels |= (this.machines[i].txLevel | (this.machines[i].rxLevel << 4)) << (8 * i);
    return levels;
  }

  // Register read (32 bits) by the bus in `cycle`; offset 0..0x140.
  read(offset, cycle) {
    this.refuseThePast(cycle);
    this.advanceTo(cycle);
    return this.readNow(offset) >>> 0;
  }

  readNow(offset) {
    if (offset >= SM0_CLKDIV && offset < INTR) {
      const index = Math.floor((offset - SM0_CLKDIV) / SM_STRIDE);
      return this.readMachine(this.machines[index], offset - SM0_CLKDIV - index * SM_STRIDE);
    }
    if (offset >= TXF0 && offset < RXF0) return 0;
    if (offset >= RXF0 && offset < IRQ) return this.popRx(this.machines[(offset - RXF0) >> 2]);
    switch (offset) {
      case CTRL: return this.machines.reduce((bits, m) => bits | (m.enabled ? 1 << m.index : 0), 0);
      case FSTAT: return this.fifoStatus();
      case FDEBUG: return this.fdebug;
      case FLEVEL: return this.fifoLevels();
      case IRQ: return this.irq;
      case INPUT_SYNC_BYPASS: return this.bypass;
      case DBG_PADOUT: return this.out;
      case DBG_PADOE: return this.oe;
      case DBG_CFGINFO: return CONFIGURATION;
      case INTR: return this.rawInterrupts();
      default: return offset >= IRQ0_INTE && offset < END ? this.readInterruptControl(offset) : 0;
    }
  }

  readInterruptControl(offset) {
    const line = offset >= IRQ1_INTE ? 1 : 0;
    switch (offset - (line === 1 ? IRQ1_INTE : IRQ0_INTE)) {
      case 0: return this.inte[line];
      case 4: return this.intf[line];
      default: return (this.rawInterrupts() & this.inte[line]) | this.intf[line];
    }
  }

  readMachine(m, register) {
    if (m.wake > this.cycle) m.catchUp(this.cycle);
    switch (register) {
      case SM_CLKDIV: return m.clkdiv;
      case SM_EXECCTRL: return m.execctrl | (m.latchStalled ? 0x80000000 : 0);
      case SM_SHIFTCTRL: return m.shiftctrl;
      case SM_ADDR: return m.pc;
      case SM_INSTR: return m.latchKind === LATCH_NONE ? this.memory[m.pc] : m.latch;
      case SM_PINCTRL: return m.pinctrl;
      default: return 0;
    }
  }

  popRx(m) {
    if (m.rxLevel === 0) {
      this.fdebug |= 1 << (FDEBUG_RXUNDER + m.index);
      return 0;
    }
    const word = m.rx[m.rxHead];
    m.rxHead = (m.rxHead + 1) & 7;
    m.rxLevel--;
    this.linesDirty = true;
    if (m.mode !== AWAKE && m.dependsRx) this.rouse(m, this.cycle);
    this.settle();
    return word;
  }

  // Register write by the bus in `cycle`. `value` has the XOR/SET/CLR alias applied; `raw` is the word on the bus.
  write(offset, value, cycle, raw = value) {
    this.refuseThePast(cycle);
    this.advanceTo(cycle);
    if (offset >= INSTR_MEM0 && offset < SM0_CLKDIV) {
      this.rouseAll(this.cycle);
      this.memory[(offset - INSTR_MEM0) >> 2] = value;
    } else if (offset >= SM0_CLKDIV && offset < INTR) {
      const index = Math.floor((offset - SM0_CLKDIV) / SM_STRIDE);
      this.writeMachine(this.machines[index], offset - SM0_CLKDIV - index * SM_STRIDE, value | 0);
    } else if (offset >= TXF0 && offset < RXF0) {
      this.pushTx(this.machines[(offset - TXF0) >> 2], raw | 0);
    } else {
      this.writeBlock(offset, value | 0, raw | 0);
    }
    this.settle();
  }

  // After a register access: plans anew and tells what changed at once.
  settle() {
    this.plan();
    if (this.linesDirty) this.announce(this.cycle);
  }

  writeBlock(offset, value, raw) {
    switch (offset) {
      case CTRL: this.writeControl(value, raw); break;
      case FDEBUG:
        this.rouseAll(this.cycle);
        this.fdebug &= ~(raw & FDEBUG_MASK);
        break;
      case IRQ:
        this.flagsClear |= raw & 0xff;
        this.busyIn = this.cycle;
        break;
      case IRQ_FORCE:
        this.flagsSet |= raw & 0xff;
        this.busyIn = this.cycle;
        break;
      case INPUT_SYNC_BYPASS:
        this.bypass = value;
        this.takeInputs(this.cycle);
        break;
      default:
        if (offset >= IRQ0_INTE && offset < END) this.writeInterruptControl(offset, value);
    }
  }

  writeInterruptControl(offset, value) {
    const line = offset >= IRQ1_INTE ? 1 : 0;
    const register = offset - (line === 1 ? IRQ1_INTE : IRQ0_INTE);
    if (register === 0) this.inte[line] = value & 0xfff;
    else if (register === 4) this.intf[line] = value & 0xfff;
    this.linesDirty = true;
  }

  writeControl(value, raw) {
    const strobes = value & raw;
    for (let i = 0; i < MACHINES; i++) {
      const m = this.machines[i];
      this.rouse(m, this.cycle);
      m.enabled = ((value >>> i) & 1) === 1;
      if (((strobes >>> (4 + i)) & 1) === 1) m.restart();
      if (((strobes >>> (8 + i)) & 1) === 1) {
        m.phase = 0;
        m.tick = this.cycle + Math.floor(m.divisor / 256) - 1;
      }
      this.schedule(m, this.cycle);
    }
  }

  writeMachine(m, register, value) {
    this.rouse(m, this.cycle);
    switch (register) {
      case SM_CLKDIV: m.clkdiv = value & ~0xff; break;
      case SM_EXECCTRL: m.execctrl = value & 0x7fffff9f; break;
      case SM_SHIFTCTRL:
        if (((m.shiftctrl ^ value) & FJOIN_MASK) !== 0) {
          m.clearFifos();
          this.linesDirty = true;
        }
        m.shiftctrl = value & ~0xffff;
        break;
      case SM_INSTR:
        m.latch = value & 0xffff;
        m.latchKind = LATCH_FORCED;
        m.latchStalled = false;
        break;
      case SM_PINCTRL: m.pinctrl = value; break;
      default: break;
    }
    m.configure();
    if (m.stickyActive) this.busyIn = this.cycle; // the repeated write may now go to other pins
    this.schedule(m, this.cycle);
  }

  pushTx(m, word) {
    if (m.txLevel >= m.txDepth) {
      this.fdebug |= 1 << (FDEBUG_TXOVER + m.index);
      return;
    }
    m.tx[(m.txHead + m.txLevel) & 7] = word;
    m.txLevel++;
    this.linesDirty = true;
    if ((m.mode !== AWAKE && m.dependsTx) || m.wantsRefill()) this.rouse(m, this.cycle);
  }
}
