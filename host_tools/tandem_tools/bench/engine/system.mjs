// The chip's own small peripherals: microsecond timer, watchdog, resets, NVIC and SysTick, flash interface registers and such.

const MICROSECOND_PS = 1e6;
const TWO_32 = 2 ** 32;

/** The 64-bit microsecond timer with four alarms (datasheet 4.6). It counts the crystal, whatever clk_sys is. */
export class Timer {
  constructor(board) {
    this.board = board;
    this.epochPs = 0;
    this.epochUs = 0;
    this.paused = false;
    this.latchedHigh = 0;
    this.writeLow = 0;
    this.targets = [0, 0, 0, 0];
    this.alarms = [null, null, null, null];
    this.raw = 0;
    this.enable = 0;
    this.force = 0;
  }

  get periodPs() {
    return MICROSECOND_PS / this.board.crystal;
  }

  /** Microseconds counted up to now. */
  get count() {
    if (this.paused) return this.epochUs;
    return this.epochUs + Math.floor((this.board.world.now - this.epochPs) / this.periodPs + 1e-9);
  }

  set count(us) {
    this.epochUs = us;
    this.epochPs = this.board.world.now;
    this.rearm();
  }

  psOf(us) {
    return Math.ceil(this.epochPs + (us - this.epochUs) * this.periodPs - 1e-3);
  }

  reset() {
    for (let i = 0; i < 4; i++) this.disarm(i);
    this.paused = false;
    this.epochPs = this.board.world.now;
    this.epochUs = 0;
    this.targets.fill(0);
    this.raw = 0;
    this.enable = 0;
    this.force = 0;
    this.update();
  }

  disarm(index) {
    if (this.alarms[index] !== null) this.alarms[index].cancel();
    this.alarms[index] = null;
  }

  arm(index) {
    this.disarm(index);
    const now = this.count;
    let us = Math.floor(now / TWO_32) * TWO_32 + this.targets[index];
    if (us <= now) us += TWO_32;
    this.alarms[index] = this.board.world.at(this.psOf(us), this, 'fire', index);
  }

  rearm() {
    for (let i = 0; i < 4; i++) if (this.alarms[i] !== null) this.arm(i);
  }

  fire(index) {
    this.alarms[index] = null;
    if (this.paused) return;
    this.raw |= 1 << index;
    this.update();
  }

  update() {
    const status = (this.raw & this.enable) | this.force;
    for (let i = 0; i < 4; i++) this.board.core.setInterrupt(i, ((status >>> i) & 1) === 1);
  }

  read(offset) {
    switch (offset) {
      case 0x08: return this.latchedHigh;
      case 0x0c: {
        const { count } = this;
        this.latchedHigh = Math.floor(count / TWO_32);
        return count >>> 0;
      }
      case 0x10:
      case 0x14:
      case 0x18:
      case 0x1c: return this.targets[(offset - 0x10) >>> 2];
      case 0x20: return this.alarms.reduce((armed, alarm, i) => armed | (alarm === null ? 0 : 1 << i), 0);
      case 0x24: return Math.floor(this.count / TWO_32);
      case 0x28: return this.count >>> 0;
      case 0x2c: return 7;
      case 0x30: return this.paused ? 1 : 0;
      case 0x34: return this.raw;
      case 0x38: return this.enable;
      case 0x3c: return this.force;
      case 0x40: return (this.raw & this.enable) | this.force;
      default: return 0;
    }
  }

  write(offset, value, raw) {
    switch (offset) {
      case 0x00:
        this.count = value * TWO_32 + this.writeLow;
        break;
      case 0x04:
        this.writeLow = value;
        break;
      case 0x10:
      case 0x14:
      case 0x18:
      case 0x1c: {
        const index = (offset - 0x10) >>> 2;
        this.targets[index] = value;
        this.arm(index);
        break;
      }
      case 0x20:
        for (let i = 0; i < 4; i++) if (raw & (1 << i)) this.disarm(i);
        break;
      case 0x30: {
        const { count } = this;
        this.paused = (value & 1) === 1;
        this.count = count;
        break;
      }
      case 0x34:
        this.raw &= ~raw;
        break;
      case 0x38:
        this.enable = value & 15;
        break;
      case 0x3c:
        this.force = value & 15;
        break;
      default:
    }
    this.update();
  }
}

const WATCHDOG_TRIGGER = 0x80000000;
const WATCHDOG_ENABLE = 1 << 30;
const WATCHDOG_COUNT = 0xffffff;
export const REASON_TIMER = 1;
export const REASON_FORCE = 2;

/** The watchdog: counts down twice per microsecond (erratum RP2040-E1) and keeps its scratch registers over resets. */
export class Watchdog {
  constructor(board) {
    this.board = board;
    this.control = 0x07000000;
    this.loadedAtPs = 0;
    this.loaded = 0;
    this.reason = 0;
    this.scratch = new Uint32Array(8);
    this.tick = 0x200;
    this.expiry = null;
  }

  get periodPs() {
    return MICROSECOND_PS / 2 / this.board.crystal;
  }

  get enabled() {
    return (this.control & WATCHDOG_ENABLE) !== 0;
  }

  get count() {
    if (!this.enabled) return this.loaded;
    return Math.max(0, this.loaded - Math.floor((this.board.world.now - this.loadedAtPs) / this.periodPs));
  }

  /** After a chip reset; `cold` for power-on and RUN, which also clear the reason and the scratch registers. */
  reset(cold) {
    this.control = 0x07000000;
    this.loaded = 0;
    this.tick = 0x200;
    if (cold) {
      this.reason = 0;
      this.scratch.fill(0);
    }
    this.schedule();
  }

  load(count) {
    this.loaded = count;
    this.loadedAtPs = this.board.world.now;
    this.schedule();
  }

  schedule() {
    if (this.expiry !== null) this.expiry.cancel();
    this.expiry = null;
    if (this.enabled) this.expiry = this.board.world.at(Math.ceil(this.loadedAtPs + this.loaded * this.periodPs), this, 'expire', null);
  }

  expire() {
    this.expiry = null;
    this.bite(REASON_TIMER);
  }

  bite(reason) {
    this.reason = reason;
    this.board.requestReset('watchdog');
  }

  read(offset) {
    if (offset >= 0x0c && offset <= 0x28) return this.scratch[(offset - 0x0c) >>> 2];
    switch (offset) {
      case 0x00: return (this.control & 0x47000000) | (this.count & WATCHDOG_COUNT);
      case 0x08: return this.reason;
      case 0x2c: return this.tick | (this.tick & 0x200 ? 0x400 : 0);
      default: return 0;
    }
  }

  write(offset, value) {
    if (offset >= 0x0c && offset <= 0x28) {
      this.scratch[(offset - 0x0c) >>> 2] = value;
      return;
    }
    switch (offset) {
      case 0x00: {
        const { count } = this;
        this.control = value & 0x47000000;
        this.load(count);
        if (value & WATCHDOG_TRIGGER) this.bite(REASON_FORCE);
        break;
      }
      case 0x04:
        this.load(value & WATCHDOG_COUNT);
        break;
      case 0x2c:
        this.tick = value & 0x3ff;
        break;
      default:
    }
  }
}

const ALL_RESETS = 0x1ffffff;

/** RESETS: a peripheral whose bit is set is put back to its reset state. */
export class Resets {
  constructor(board) {
    this.board = board;
    this.value = ALL_RESETS;
    this.watchdogSelect = 0;
  }

  reset() {
    this.value = ALL_RESETS;
    this.watchdogSelect = 0;
  }

  read(offset) {
    switch (offset) {
      case 0: return this.value;
      case 4: return this.watchdogSelect;
      case 8: return ~this.value & ALL_RESETS;
      default: return 0;
    }
  }

  write(offset, value) {
    if (offset === 4) this.watchdogSelect = value & ALL_RESETS;
    if (offset !== 0) return;
    const asserted = value & ~this.value & ALL_RESETS;
    this.value = value & ALL_RESETS;
    for (let i = 0; i < 25; i++) if (asserted & (1 << i)) this.board.resetPeripheral(i);
  }
}

const SECOND_CORE = 1 << 16;
const SECOND_CORE_BOOT_PS = 2e6;

export class ProcessorPower {
  constructor(board) {
    this.board = board;
    this.reset();
  }

  reset() {
    this.forceOn = 0;
    this.forceOff = 0;
    this.watchdogSelect = 0;
  }

  read(offset) {
    switch (offset) {
      case 0: return this.forceOn;
      case 4: return this.forceOff;
      case 8: return this.watchdogSelect;
      case 12: return 0x1ffff & (~this.forceOff | this.forceOn);
      default: return 0;
    }
  }

  write(offset, value) {
    if (offset === 0) this.forceOn = value & 0x1ffff;
    if (offset === 4) {
      const released = this.forceOff & ~value & SECOND_CORE;
      this.forceOff = value & 0x1ffff;
      // the boot ROM on the second core says so when it is up; that is all there is of it
      if (released) this.board.world.at(this.board.world.now + SECOND_CORE_BOOT_PS, this.board.sio, 'secondCoreUp', null);
    }
    if (offset === 8) this.watchdogSelect = value & 0x1ffff;
  }
}

export class SysInfo {
  constructor(board) {
    this.board = board;
  }

  /** CHIP_ID of revision B2, as the boot ROM's version 3 says too. */
  read(offset) {
    return { 0: 0x20002927, 4: 2, 0x40: 0xe0c912e8 }[offset] ?? 0;
  }

  write() {}

  reset() {}
}

const HAD_POWER_ON = 1 << 8;
const HAD_RUN = 1 << 16;

export class Regulator {
  constructor(board) {
    this.board = board;
    this.voltage = 0xb1;
    this.brownout = 0x91;
    this.cause = HAD_POWER_ON;
  }

  reset(kind) {
    this.voltage = 0xb1;
    this.brownout = 0x91;
    if (kind === 'power') this.cause = HAD_POWER_ON;
    if (kind === 'run_pin') this.cause = HAD_RUN;
  }

  read(offset) {
    switch (offset) {
      case 0: return this.voltage | (1 << 12);
      case 4: return this.brownout;
      case 8: return this.cause;
      default: return 0;
    }
  }

  write(offset, value) {
    if (offset === 0) this.voltage = value & 0xf3;
    if (offset === 4) this.brownout = value & 0xf1;
  }
}

/** The ring oscillator: its random bit is a seeded generator, so that runs repeat. */
export class RingOscillator {
  constructor(board) {
    this.board = board;
    this.registers = new Uint32Array(16);
    this.seed = 0x2545f491 ^ board.seed;
    this.reset();
  }

  reset() {
    this.registers.fill(0);
    this.registers[0] = 0xfabaa0;
    this.registers[4] = 0xaa0 + 16;
  }

  read(offset) {
    if (offset === 0x18) return 0x81001000;
    if (offset === 0x1c) {
      let x = this.seed;
      x ^= x << 13;
      x ^= x >>> 17;
      x ^= x << 5;
      this.seed = x;
      return (x >>> 7) & 1;
    }
    return this.registers[(offset >>> 2) & 15];
  }

  write(offset, value) {
    if (offset < 0x18) this.registers[offset >>> 2] = value;
  }
}

/** Pins of the flash; only the chip select's override matters: it frames the commands that the flash interface sends. */
export class QspiBank {
  constructor(board) {
    this.board = board;
    this.control = new Uint32Array(6).fill(31);
  }

  reset() {
    this.control.fill(31);
  }

  read(offset) {
    return offset < 0x30 && offset & 4 ? this.control[offset >>> 3] : 0;
  }

  write(offset, value) {
    if (offset >= 0x30 || !(offset & 4)) return;
    this.control[offset >>> 3] = value;
    if (offset >>> 3 === 1) this.board.ssi.selectChanged();
  }
}

export class XipControl {
  constructor(board) {
    this.board = board;
    this.control = 3;
  }

  read(offset) {
    if (offset === 0) return this.control;
    return offset === 8 ? 2 : 0;
  }

  write(offset, value) {
    if (offset === 0) this.control = value;
  }
}

const FLASH_STATUS_1 = 0x05;
const FLASH_STATUS_2 = 0x35;
const FLASH_UNIQUE_ID = 0x4b;
const FLASH_JEDEC_ID = 0x9f;

/** The flash interface's direct mode, as far as the second boot stage and flash_do_cmd use it: identity and status of a W25Q16JV. */
export class Ssi {
  constructor(board) {
    this.board = board;
    this.registers = new Uint32Array(64);
    this.received = [];
    this.command = -1;
    this.sent = 0;
  }

  reset() {
    this.registers.fill(0);
    this.received.length = 0;
    this.selectChanged();
  }

  selectChanged() {
    this.command = -1;
    this.sent = 0;
  }

  answer(byte) {
    if (this.command < 0) {
      this.command = byte;
      this.sent = 0;
      return 0;
    }
    this.sent++;
    switch (this.command) {
      case FLASH_STATUS_1: return 0;
      case FLASH_STATUS_2: return 2;
      case FLASH_JEDEC_ID: return [0xef, 0x40, 0x15][(this.sent - 1) % 3];
      case FLASH_UNIQUE_ID: return this.sent > 4 ? this.board.uniqueId[(this.sent - 5) & 7] : 0;
      default: return 0;
    }
  }

  read(offset) {
    switch (offset) {
      case 0x20: return 0;
      case 0x24: return this.received.length;
      case 0x28: return 6 | (this.received.length > 0 ? 8 : 0);
      case 0x58: return 0x51535049;
      case 0x5c: return 0x3430312a;
      case 0x60: return this.received.length > 0 ? this.received.shift() : 0;
      default: return this.registers[(offset >>> 2) & 63];
    }
  }

  write(offset, value) {
    if (offset === 0x60) {
      if (this.received.length < 16) this.received.push(this.answer(value & 0xff));
      return;
    }
    this.registers[(offset >>> 2) & 63] = value;
    if (offset === 0x08 && !(value & 1)) {
      this.received.length = 0;
      this.selectChanged();
    }
  }
}

const SYSTICK_MASK = 0xffffff;
const SYSRESETREQ = 0x05fa0004;

/** NVIC, SysTick and system control of the one core (ARMv6-M). */
export class Ppb {
  constructor(board) {
    this.board = board;
    this.systickTimer = { frequency: 0 };
    this.scr = 0;
    this.systickControl = 0;
    this.systickReload = 0;
    this.systickStart = 0;
    this.systickFlag = false;
    this.systickEvent = null;
  }

  reset() {
    this.scr = 0;
    this.systickControl = 0;
    this.systickReload = 0;
    this.systickFlag = false;
    this.scheduleSystick();
  }

  /** SysTick counts down from its reload value to 0, which is one period of reload + 1 clocks. */
  systickCount() {
    if (!(this.systickControl & 1)) return 0;
    const period = this.systickReload + 1;
    const since = this.board.clockCycle - this.systickStart;
    return since === 0 ? 0 : this.systickReload - ((since - 1) % period);
  }

  scheduleSystick() {
    if (this.systickEvent !== null) this.systickEvent.cancel();
    this.systickEvent = null;
    if ((this.systickControl & 3) !== 3 || this.systickReload === 0) return;
    const { board } = this;
    const period = this.systickReload + 1;
    const since = board.clockCycle - this.systickStart;
    const next = this.systickStart + (Math.floor(since / period) + 1) * period;
    this.systickEvent = board.world.at(board.psOfCycle(next), this, 'systickWrap', null);
  }

  systickWrap() {
    const { core } = this.board;
    this.systickFlag = true;
    core.pendingSystick = true;
    core.interruptsUpdated = true;
    if (core.waiting && core.wakes()) core.waiting = false;
    this.scheduleSystick();
  }

  readUint32(offset) {
    const { core } = this.board;
    switch (offset) {
      case 0x010: {
        const value = this.systickControl | (this.systickFlag ? 1 << 16 : 0);
        this.systickFlag = false;
        return value;
      }
      case 0x014: return this.systickReload;
      case 0x018: return this.systickCount();
      case 0x01c: return 0xc0000000;
      case 0x100:
      case 0x180: return core.enabledInterrupts;
      case 0x200:
      case 0x280: return core.pendingInterrupts;
      case 0xd00: return 0x410cc601;
      case 0xd04: return this.interruptControlState();
      case 0xd08: return core.VTOR;
      case 0xd0c: return 0xfa050000;
      case 0xd10: return this.scr;
      case 0xd14: return 0x208;
      case 0xd1c: return core.SHPR2;
      case 0xd20: return core.SHPR3;
      default:
    }
    if (offset >= 0x400 && offset < 0x420) return this.priorities(offset - 0x400);
    return 0;
  }

  interruptControlState() {
    const { core } = this.board;
    const pending = core.pendingInterrupts & core.enabledInterrupts;
    return (
      (core.pendingNMI ? 0x80000000 : 0) | (core.pendingPendSV ? 1 << 28 : 0) | (core.pendingSystick ? 1 << 26 : 0) |
      (pending ? 1 << 22 : 0) | (core.pendingException(4) << 12) | core.IPSR
    );
  }

  priorities(first) {
    let value = 0;
    for (let i = 0; i < 4; i++) value |= this.board.core.exceptionPriority(16 + first + i) << (8 * i + 6);
    return value;
  }

  setPriorities(first, value) {
    const { core } = this.board;
    for (let i = 0; i < 4; i++) {
      const bit = 1 << (first + i);
      for (let priority = 0; priority < 4; priority++) core.interruptPriorities[priority] &= ~bit;
      core.interruptPriorities[(value >>> (8 * i + 6)) & 3] |= bit;
    }
  }

  writeUint32(offset, value) {
    const { core } = this.board;
    switch (offset) {
      case 0x010:
        this.systickStart = this.board.clockCycle;
        this.systickControl = value & 7;
        this.scheduleSystick();
        return;
      case 0x014:
        this.systickReload = value & SYSTICK_MASK;
        this.scheduleSystick();
        return;
      case 0x018:
        this.systickStart = this.board.clockCycle;
        this.systickFlag = false;
        this.scheduleSystick();
        return;
      case 0x100:
        core.enabledInterrupts |= value;
        break;
      case 0x180:
        core.enabledInterrupts &= ~value;
        break;
      case 0x200:
        core.pendingInterrupts |= value;
        break;
      case 0xd04:
        if (value & 0x80000000) core.pendingNMI = true;
        if (value & (1 << 28)) core.pendingPendSV = true;
        if (value & (1 << 27)) core.pendingPendSV = false;
        if (value & (1 << 26)) core.pendingSystick = true;
        if (value & (1 << 25)) core.pendingSystick = false;
        break;
      case 0xd08:
        core.VTOR = value & ~0xff;
        return;
      case 0xd0c:
        if (value >>> 0 === SYSRESETREQ) this.board.requestReset('sysreset');
        return;
      case 0xd10:
        this.scr = value;
        return;
      case 0xd1c:
        core.SHPR2 = value;
        break;
      case 0xd20:
        core.SHPR3 = value;
        break;
      default:
        if (offset >= 0x400 && offset < 0x420) this.setPriorities(offset - 0x400, value);
    }
    core.interruptsUpdated = true;
  }
}
