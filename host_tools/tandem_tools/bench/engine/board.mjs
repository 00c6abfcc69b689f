// One emulated board: its chip, its clock, its power and resets, and the running of its CPU.

import { ByteQueue } from './bytes.mjs';
import { Chip, FLASH_BYTES } from './chip.mjs';
import { installFastCore } from './cpu.mjs';
import { Flash } from './flash.mjs';
import { PIN_COUNT } from './pins.mjs';
import { PioPort } from './pio_port.mjs';
import { Rom } from './rom.mjs';
import { REASON_FORCE } from './system.mjs';

const RING_OSCILLATOR_HZ = 6.5e6;
const BOOT_MAGIC = 0xb007c0d3;
const FLASH_BASE = 0x10000000;
const STACK_TOP = 0x20041f00;
const RUN_PIN_HOLD_PS = 1e9;

/** The clock that the package's own peripherals (PWM, RTC, I2C) see: the world's time as this board's crystal counts it. */
class BoardClock {
  constructor(board) {
    this.board = board;
  }

  get nanos() {
    return (this.board.world.now * this.board.crystal) / 1000;
  }

  get micros() {
    return this.nanos / 1000;
  }

  createAlarm(callback) {
    return new BoardAlarm(this.board, callback);
  }
}

class BoardAlarm {
  constructor(board, callback) {
    this.board = board;
    this.callback = callback;
    this.event = null;
  }

  /** What the package reckons in nanoseconds happens on the nearest clock edge. */
  schedule(nanos) {
    this.cancel();
    const { board } = this;
    const ps = board.world.now + (nanos * 1000) / board.crystal;
    const cycle = board.anchorCycle + Math.round((ps - board.anchorPs) / board.psPerCycle);
    this.event = board.world.at(board.psOfCycle(cycle), this, 'fire', null);
  }

  cancel() {
    if (this.event !== null) this.event.cancel();
    this.event = null;
  }

  fire() {
    this.event = null;
    this.callback();
  }
}

function seedOf(name) {
  let hash = 0x811c9dc5;
  for (const character of name) hash = Math.imul(hash ^ character.charCodeAt(0), 0x01000193);
  return hash >>> 0;
}

export class Board {
  constructor(world, { name, ppm = 0, flash_times: times = 'typical', irq_cost_cycles: irqCost = 0 }) {
    this.world = world;
    this.name = name;
    this.seed = seedOf(name);
    this.uniqueId = Uint8Array.from({ length: 8 }, (_, i) => (i === 0 ? 0xe6 : Math.imul(this.seed, i * 2 + 1) >>> 24));
    this.crystal = 1 + ppm * 1e-6;
    this.frequency = RING_OSCILLATOR_HZ;
    this.psPerCycle = 1e12 / (RING_OSCILLATOR_HZ * this.crystal);
    this.anchorPs = 0;
    this.anchorCycle = 0;
    this.history = [[0, 0, this.psPerCycle]];
    this.cycleBase = 0;
    this.cpuPs = 0;
    this.cpuRuns = false;
    this.powered = false;
    this.heldInReset = false;
    this.halted = false;
    this.sleeping = false;
    this.dead = null;
    this.pendingReset = null;
    this.serial = new ByteQueue();
    this.serialSearched = 0;
    this.awaitedText = null;
    this.supplied = [];
    this.$port = null;
    new Chip(this, new BoardClock(this));
    installFastCore(this.chip, { irqCostCycles: irqCost, localBreak: (id) => this.rom.runLocal(id) });
    this.rom = new Rom(this);
    this.chip.onBreak = (id) => this.breakpoint(id);
    this.flash = new Flash(this, times);
    this.pioPorts = [new PioPort(this, 0), new PioPort(this, 1)];
    for (let i = 0; i < PIN_COUNT; i++) this.pins.nets[i] = null;
    world.boards.push(this);
  }

  // --- time

  /** The cycle of the CPU's next instruction. */
  get cycle() {
    return this.cycleBase + this.core.cycles;
  }

  /** The cycle of the world's present moment on this board. */
  get clockCycle() {
    return this.cycleOfPs(this.world.now);
  }

  psOfCycle(cycle) {
    return this.anchorPs + Math.round((cycle - this.anchorCycle) * this.psPerCycle);
  }

  /** The first cycle that begins at ps or later; a clock edge rounded to a whole ps counts as that edge. */
  cycleOfPs(ps) {
    return this.anchorCycle + Math.ceil((ps - this.anchorPs) / this.psPerCycle - 1e-3);
  }

  /** As cycleOfPs, also for times before the last change of frequency. */
  cycleAtPs(ps) {
    const { history } = this;
    let i = history.length - 1;
    while (i > 0 && history[i][0] > ps) i--;
    const [anchorPs, anchorCycle, period] = history[i];
    return anchorCycle + Math.ceil((ps - anchorPs) / period - 1e-3);
  }

  setFrequency(hz) {
    const cycle = this.clockCycle;
    const ps = this.psOfCycle(cycle);
    for (const port of this.pioPorts ?? []) port.advance(cycle);
    this.frequency = hz;
    this.psPerCycle = 1e12 / (hz * this.crystal);
    this.anchorPs = ps;
    this.anchorCycle = cycle;
    this.history.push([ps, cycle, this.psPerCycle]);
    for (const port of this.pioPorts ?? []) port.stale = true;
  }

  /** Called by the clock tree, in the cycle of the register write. */
  frequencyChanged(hz) {
    this.setFrequency(hz);
  }

  // --- the CPU

  /** Does what was asked for during the last step (resets), wakes the CPU, and brings cpuRuns and cpuPs up to date. */
  settle() {
    if (this.pendingReset !== null) this.performReset();
    if (this.sleeping && !this.core.waiting) this.wake();
    this.cpuRuns = this.powered && !this.heldInReset && !this.halted && !this.sleeping && this.dead === null;
    if (this.cpuRuns) this.cpuPs = this.psOfCycle(this.cycle);
  }

  wake() {
    this.sleeping = false;
    this.moveTo(this.clockCycle);
  }

  /** Sets the CPU's clock to a cycle, but never back. */
  moveTo(cycle) {
    if (cycle > this.cycle) this.cycleBase = cycle - this.core.cycles;
  }

  /** Charges cycles to the CPU on top of what its instructions take. */
  charge(cycles) {
    this.cycleBase += cycles;
  }

  /** Runs instructions up to limitPs at most, or up to the next access to the world outside. */
  runCpu(limitPs) {
    const budget = this.cycleOfPs(limitPs) - this.cycle;
    this.core.run(budget > 0 ? budget : 1);
    if (this.core.stopReason === 'wait') this.sleeping = this.core.waiting;
  }

  /** An event (SEV) from outside: ends a WFE, or lets the next one pass. */
  eventToCpu() {
    const { core } = this;
    if (core.waiting && core.waitingForEvent) core.waiting = false;
    else core.eventRegistered = true;
  }

  breakpoint(id) {
    if (this.core.PC < 0x4000) this.rom.runOther(id);
    else this.stopForGood(`breakpoint ${id} at 0x${(this.core.PC - 2).toString(16)} in the firmware`);
  }

  /** The CPU does nothing any more until a reset. */
  stopForGood(reason) {
    this.dead = reason;
    this.world.log(this.name, 'stopped', reason);
    this.world.warn(`${this.name}: ${reason}`);
  }

  /** The boot ROM resets the chip by its watchdog, and then waits for a program: on the bench, until the next reset. */
  enterBootLoader() {
    this.watchdog.reason = REASON_FORCE;
    this.requestReset('boot_loader');
  }

  flashOperation(kind, offset, length, data) {
    if (offset + length > FLASH_BYTES) {
      this.stopForGood(`flash ${kind} of 0x${length.toString(16)} bytes at 0x${offset.toString(16)}, beyond the 2 MB chip`);
      return;
    }
    const ps = this.flash.start(kind, offset, length, data);
    this.charge(Math.ceil(ps / this.psPerCycle));
  }

  flashView(address, length) {
    const offset = address - FLASH_BASE;
    return offset >= 0 && offset + length <= FLASH_BYTES ? this.chip.flash.subarray(offset, offset + length) : null;
  }

  halt(halted) {
    if (this.halted && !halted) this.moveTo(this.clockCycle);
    this.halted = halted;
  }

  // --- resets and power

  /** A reset from inside the chip: done when the present instruction ends. */
  requestReset(kind) {
    this.pendingReset = kind;
  }

  performReset() {
    const kind = this.pendingReset;
    this.pendingReset = null;
    this.world.log(this.name, 'reset', kind);
    this.resetChip(kind);
    this.moveTo(this.clockCycle);
    if (kind === 'boot_loader') this.stopForGood('entered the boot loader');
    else this.start();
  }

  /** kind: 'watchdog', 'sysreset', 'boot_loader', 'run_pin' or 'power'. */
  resetChip(kind) {
    const { chip, core } = this;
    this.flash.finish();
    this.sleeping = false;
    this.dead = null;
    for (const peripheral of new Set([...chip.resettable, ...this.pioPorts, this.sio, this.ssi, this.ppb, chip.clockTree, chip.xosc,
      this.resets, chip.power])) peripheral?.reset();
    this.watchdog.reset(kind === 'power' || kind === 'run_pin');
    chip.regulator.reset(kind);
    core.registers.fill(0);
    Object.assign(core, { N: false, Z: false, C: false, V: false, PM: false, SPSEL: 0, nPRIV: false, currentMode: 0, IPSR: 0, bankedSP: 0,
      pendingInterrupts: 0, enabledInterrupts: 0, interruptLines: 0, pendingNMI: false, pendingPendSV: false, pendingSVCall: false,
      pendingSystick: false, interruptsUpdated: false, VTOR: 0, SHPR2: 0, SHPR3: 0, waiting: false, eventRegistered: false });
    core.interruptPriorities.splice(0, 4, 0xffffffff, 0, 0, 0);
    chip.clkSys = RING_OSCILLATOR_HZ;
    chip.clkPeri = RING_OSCILLATOR_HZ;
    this.setFrequency(RING_OSCILLATOR_HZ);
    if (kind === 'power') this.loseMemory();
  }

  /** RAM after power-on holds noise; here one that repeats. */
  loseMemory() {
    let x = this.seed | 1;
    const words = this.chip.sram32;
    for (let i = 0; i < words.length; i++) {
      x ^= x << 13;
      x ^= x >>> 17;
      x ^= x << 5;
      words[i] = x;
    }
  }

  /** What the boot ROM does: a program at a given address (watchdog_reboot with pc), or the second stage in flash. */
  start() {
    const { core, watchdog } = this;
    const [magic, check, stack, entry] = watchdog.scratch.subarray(4, 8);
    core.LR = 0;
    if (watchdog.reason !== 0 && magic === BOOT_MAGIC && (check ^ (-BOOT_MAGIC >>> 0)) >>> 0 === entry) {
      watchdog.scratch[4] = 0;
      core.SP = stack;
      core.PC = entry & ~1;
    } else {
      core.SP = STACK_TOP;
      core.PC = FLASH_BASE;
    }
  }

  setPower(on) {
    if (on === this.powered) return;
    this.switchPower(on);
    for (const part of this.supplied) part.powerChanged(on);
  }

  /** Switches on at the very start, when every part is in its first state anyway. */
  switchOn() {
    this.switchPower(true);
  }

  switchPower(on) {
    this.world.log(this.name, 'power', on ? 'on' : 'off');
    this.powered = on;
    this.pendingReset = null;
    if (!on) this.flash.interrupt();
    this.resetChip('power');
    this.cycleBase = this.clockCycle - this.core.cycles;
    if (on) this.start();
  }

  /** The RUN pin: low holds the chip in reset. */
  setRunPin(level) {
    const held = level === 0;
    if (held === this.heldInReset) return;
    this.heldInReset = held;
    if (!this.powered) return;
    this.world.log(this.name, 'run_pin', level);
    this.pendingReset = null;
    this.resetChip('run_pin');
    this.moveTo(this.clockCycle);
    if (!held) this.start();
  }

  releaseRunPin() {
    this.setRunPin(1);
  }

  /** A short press of a reset button. */
  pulseRunPin() {
    this.setRunPin(0);
    this.world.at(this.world.now + RUN_PIN_HOLD_PS, this, 'releaseRunPin', null);
  }

  resetPeripheral(bit) {
    if (bit === 10 || bit === 11) this.pioPorts[bit - 10].reset();
    else this.chip.resettable[bit]?.reset();
  }

  // --- pins

  inputsChanged(inputs) {
    for (const port of this.pioPorts) port.setInputs(inputs);
  }

  // --- serial port

  /** Bytes that came from the board's USB serial port. */
  serialReceived(data) {
    if (this.$port !== null && this.usb.host.dtr && this.$port.wants) {
      this.$port.deliver(data);
      return;
    }
    this.serial.push(data);
    if (this.awaitedText !== null) this.searchText();
  }

  /** Whether the awaited text is there; if so, the run stops. */
  searchText() {
    const from = Math.max(0, this.serialSearched - this.awaitedText.length + 1);
    const at = this.serial.indexOf(Buffer.from(this.awaitedText), from);
    this.serialSearched = this.serial.length;
    if (at >= 0) this.world.stop({ serial: this.name, end: at + this.awaitedText.length });
    return at >= 0;
  }

  serialTaken() {
    if (this.$port !== null) this.$port.roomChanged();
  }
}
