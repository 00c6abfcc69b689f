// One RP2040: the package's core, memory, clock tree and small peripherals behind the bench's own bus and peripherals.

import { RP2040 } from 'rp2040js';

import { Adc } from './adc.mjs';
import { Dma } from './dma.mjs';
import { PadBank, PinBank, Sio } from './pins.mjs';
import { Ppb, ProcessorPower, QspiBank, Resets, RingOscillator, Regulator, Ssi, SysInfo, Timer, Watchdog, XipControl } from './system.mjs';
import { Spi } from './spi.mjs';
import { Uart } from './uart.mjs';
import { UsbController } from './usb.mjs';

export const FLASH_BYTES = 2 * 1024 * 1024;
export const ROM_BYTES = 16 * 1024;
const SRAM_BASE = 0x20000000;
const DPRAM_BYTES = 4096;

/** Package peripherals behind the same interface as the bench's own: read(offset), write(offset, value, raw). */
class PackagePeripheral {
  constructor(inner) {
    this.inner = inner;
  }

  read(offset) {
    return this.inner.readUint32(offset);
  }

  write(offset, value, raw) {
    this.inner.rawWriteValue = raw;
    this.inner.writeUint32(offset, value);
  }

  /** Back to the state of a fresh one; objects inside keep their identity. */
  reset() {
    const { inner } = this;
    if (typeof inner.reset === 'function') {
      inner.reset();
      return;
    }
    const fresh = new inner.constructor(inner.rp2040, inner.name);
    for (const key of Object.keys(fresh)) {
      const value = fresh[key];
      if (value === null || typeof value !== 'object') {
        if (typeof value !== 'function') inner[key] = value;
      } else if (Array.isArray(value) && value.every((item) => typeof item === 'number')) inner[key] = value;
    }
  }
}

class PackagePwm extends PackagePeripheral {
  reset() {
    const { inner } = this;
    inner.intRaw = 0;
    inner.intEnable = 0;
    inner.intForce = 0;
    inner.reset();
    inner.gpioValue = 0;
    inner.checkInterrupts();
  }
}

/** Register accesses that no one answers: reads give 0, the bench counts them. */
class Nothing {
  constructor(board, name) {
    this.board = board;
    this.name = name;
  }

  read(offset) {
    this.board.world.warn(`${this.board.name}: read of ${this.name}+0x${offset.toString(16)}, which is not modelled`);
    return 0;
  }

  write(offset) {
    this.board.world.warn(`${this.board.name}: write of ${this.name}+0x${offset.toString(16)}, which is not modelled`);
  }

  reset() {}
}

class QuietLogger {
  constructor(board) {
    this.board = board;
  }

  debug() {}

  info() {}

  warn(name, message) {
    this.board.world.warn(`${this.board.name}: ${name}: ${message}`);
  }

  error(name, message) {
    this.warn(name, message);
  }
}

/** What the package's PWM calls of a pin. */
class PinShim {
  constructor(board, index) {
    this.board = board;
    this.index = index;
  }

  get inputValue() {
    return ((this.board.pins.inputs >>> this.index) & 1) === 1;
  }

  checkForUpdates() {
    this.board.pins.update(1 << this.index);
  }
}

export class Chip extends RP2040 {
  constructor(board, clock) {
    super(clock);
    this.board = board;
    this.flash = new Uint8Array(FLASH_BYTES).fill(0xff);
    this.flash16 = new Uint16Array(this.flash.buffer);
    this.flashView = new DataView(this.flash.buffer);
    this.sram32 = new Uint32Array(this.sram.buffer);
    this.flash32 = new Uint32Array(this.flash.buffer);
    this.dpram32 = new Uint32Array(this.usbDPRAM.buffer);
    this.logger = new QuietLogger(board);
    this.gpio = Array.from({ length: 30 }, (_, index) => new PinShim(board, index));
    board.chip = this;
    board.core = this.core;
    this.build(board);
  }

  build(board) {
    const pack = this.peripherals;
    board.pins = new PinBank(board);
    board.dma = new Dma(board);
    board.adc = new Adc(board);
    board.usb = new UsbController(board);
    board.timer = new Timer(board);
    board.watchdog = new Watchdog(board);
    board.spis = [new Spi(board, 0), new Spi(board, 1)];
    board.uarts = [new Uart(board, 0), new Uart(board, 1)];
    board.sio = new Sio(board);
    board.pwm = new PackagePwm(pack[0x40050]);
    board.ssi = new Ssi(board);
    board.ppb = new Ppb(board);
    this.dma = board.dma;
    this.ppb = board.ppb;
    const old = (key) => new PackagePeripheral(pack[key]);
    this.resettable = [board.adc, old(0x40030), board.dma, old(0x40044), old(0x40048), board.pins, null, null, new PadBank(board), null,
      null, null, new PackagePeripheral(this.pllSys), new PackagePeripheral(this.pllUsb), board.pwm, old(0x4005c), board.spis[0],
      board.spis[1], null, null, null, board.timer, board.uarts[0], board.uarts[1], board.usb];
    board.resets = new Resets(board);
    this.clockTree = new PackagePeripheral(this.clocks);
    this.xosc = old(0x40024);
    this.power = new ProcessorPower(board);
    this.regulator = new Regulator(board);
    this.apb = new Array(64).fill(null).map((_, i) => new Nothing(board, `0x${(0x40000000 + i * 0x4000).toString(16)}`));
    const place = (address, peripheral) => {
      this.apb[(address >>> 14) & 63] = peripheral;
    };
    const { resettable } = this;
    place(0x40000000, new SysInfo(board));
    place(0x40004000, old(0x40004));
    place(0x40008000, this.clockTree);
    place(0x4000c000, board.resets);
    place(0x40010000, this.power);
    place(0x40014000, board.pins);
    place(0x40018000, new QspiBank(board));
    place(0x4001c000, resettable[8]);
    place(0x40020000, old(0x40020));
    place(0x40024000, this.xosc);
    place(0x40028000, resettable[12]);
    place(0x4002c000, resettable[13]);
    place(0x40030000, resettable[1]);
    place(0x40034000, board.uarts[0]);
    place(0x40038000, board.uarts[1]);
    place(0x4003c000, board.spis[0]);
    place(0x40040000, board.spis[1]);
    place(0x40044000, resettable[3]);
    place(0x40048000, resettable[4]);
    place(0x4004c000, board.adc);
    place(0x40050000, board.pwm);
    place(0x40054000, board.timer);
    place(0x40058000, board.watchdog);
    place(0x4005c000, resettable[15]);
    place(0x40060000, new RingOscillator(board));
    place(0x40064000, this.regulator);
    place(0x4006c000, old(0x4006c));
    this.xip = new XipControl(board);
  }

  reset() {
    if (this.board !== undefined) throw new Error('a board is reset by Board.reset');
  }

  updateClocks() {
    if (this.board === undefined || this.board.pins === undefined) return;
    const system = this.clocks.sysFreq;
    const peripheral = this.clocks.periFreq;
    if (peripheral) this.clkPeri = peripheral;
    if (system && system !== this.clkSys) {
      this.clkSys = system;
      this.board.frequencyChanged(system);
      for (const channel of this.pwm.channels) channel.timer.frequency = system;
    }
  }

  updateIOInterrupt() {}

  setInterrupt(irq, value) {
    this.core.setInterrupt(irq, value);
  }

  peripheralAt(address) {
    if (address < 0x50000000) return address < 0x40100000 ? this.apb[(address >>> 14) & 63] : null;
    const { board } = this;
    switch ((address >>> 16) & 0xff0) {
      case 0x000: return address < 0x50004000 ? board.dma : null;
      case 0x010: return address >= 0x50110000 && address < 0x50114000 ? board.usb : null;
      case 0x020: return address < 0x50204000 ? board.pioPorts[0] : null;
      case 0x030: return address < 0x50304000 ? board.pioPorts[1] : null;
      default: return null;
    }
  }

  unknown(kind, address) {
    this.board.world.warn(`${this.board.name}: ${kind} of 0x${(address >>> 0).toString(16)}, where nothing is`);
    return 0;
  }

  readUint32(address) {
    if (this.board === undefined) return 0;
    const a = (address & ~3) >>> 0;
    switch (a >>> 28) {
      case 0: return a < ROM_BYTES ? this.bootrom[a >>> 2] : this.unknown('read', a);
      case 1:
        if (a < 0x14000000) return this.flash32[(a & (FLASH_BYTES - 1)) >>> 2];
        if (a < 0x15000000) return this.xip.read(a & 0xfff);
        if (a >= 0x18000000 && a < 0x18004000) return this.board.ssi.read(a & 0xfff) >>> 0;
        return this.unknown('read', a);
      case 2: return a - SRAM_BASE < this.sram.length ? this.sram32[(a - SRAM_BASE) >>> 2] : this.unknown('read', a);
      case 4:
      case 5: {
        if (a >= 0x50100000 && a < 0x50100000 + DPRAM_BYTES) return this.dpram32[(a & 0xfff) >>> 2];
        const peripheral = this.peripheralAt(a);
        return peripheral === null ? this.unknown('read', a) : peripheral.read(a & 0xfff) >>> 0;
      }
      case 13: return this.board.sio.read(a & 0xfff) >>> 0;
      case 14: return a >>> 12 === 0xe000e ? this.ppb.readUint32(a & 0xfff) >>> 0 : this.unknown('read', a);
      default: return this.unknown('read', a);
    }
  }

  readUint16(address) {
    const word = this.readUint32(address);
    return address & 2 ? word >>> 16 : word & 0xffff;
  }

  readUint8(address) {
    return (this.readUint32(address) >>> ((address & 3) * 8)) & 0xff;
  }

  writeUint32(address, value) {
    const a = (address & ~3) >>> 0;
    const v = value >>> 0;
    switch (a >>> 28) {
      case 0: // ROM takes no writes; TinyUSB makes some through a null pointer
        return;
      case 1:
        if (a >= 0x18000000 && a < 0x18004000) this.board.ssi.write(a & 0xfff, v);
        else if (a >= 0x14000000 && a < 0x15000000) this.xip.write(a & 0xfff, v);
        else this.unknown('write', a);
        return;
      case 2:
        if (a - SRAM_BASE < this.sram.length) this.sram32[(a - SRAM_BASE) >>> 2] = v;
        else this.unknown('write', a);
        return;
      case 4:
      case 5: {
        if (a >= 0x50100000 && a < 0x50100000 + DPRAM_BYTES) {
          this.dpram32[(a & 0xfff) >>> 2] = v;
          this.board.usb.dpramWritten(a & 0xfff, v);
          return;
        }
        const peripheral = this.peripheralAt(a);
        if (peripheral === null) this.unknown('write', a);
        else writeAliased(peripheral, a & 0xfff, v, (a >>> 12) & 3);
        return;
      }
      case 13:
        this.board.sio.write(a & 0xfff, v);
        return;
      case 14:
        if (a >>> 12 === 0xe000e) this.ppb.writeUint32(a & 0xfff, v);
        else this.unknown('write', a);
        return;
      default:
        this.unknown('write', a);
    }
  }

  /** Writes of 8 and 16 bits change only their part of memory; to a peripheral they appear on all lanes of the word. */
  writeNarrow(address, value, bits) {
    const a = address >>> 0;
    const shift = (a & (bits === 8 ? 3 : 2)) * 8;
    const mask = bits === 8 ? 0xff : 0xffff;
    if (a >>> 28 === 2 || (a >= 0x50100000 && a < 0x50100000 + DPRAM_BYTES)) {
      const old = this.readUint32(a);
      this.writeUint32(a, (old & ~(mask << shift)) | ((value & mask) << shift));
      return;
    }
    const lanes = bits === 8 ? (value & 0xff) * 0x01010101 : (value & 0xffff) * 0x00010001;
    this.writeUint32(a, lanes);
  }

  writeUint16(address, value) {
    this.writeNarrow(address, value, 16);
  }

  writeUint8(address, value) {
    this.writeNarrow(address, value, 8);
  }
}

function writeAliased(peripheral, offset, value, alias) {
  if (alias === 0) {
    peripheral.write(offset, value, value);
    return;
  }
  const old = peripheral.peek === undefined ? peripheral.read(offset) : peripheral.peek(offset);
  const merged = alias === 1 ? old ^ value : alias === 2 ? old | value : old & ~value;
  peripheral.write(offset, merged >>> 0, value);
}
