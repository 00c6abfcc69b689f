// The 30 GPIO pins: function select with its overrides (IO_BANK0), pads (PADS_BANK0), pin interrupts and the SIO registers.
// RP2040 datasheet sections 2.3.1 and 2.19. A pin's output goes to its net, the net's level comes back as its input.
// SIO and pin interrupts see a pad at once (on silicon two cycles later); PIO has its own synchronisers.

export const PIN_COUNT = 30;
const PIN_MASK = 0x3fffffff;
const IRQ_IO_BANK0 = 13;
const IRQ_SIO_PROC0 = 15;

const FUNCTION_SPI = 1;
const FUNCTION_UART = 2;
const FUNCTION_PWM = 4;
const FUNCTION_SIO = 5;
const FUNCTION_PIO0 = 6;
const FUNCTION_PIO1 = 7;
const FUNCTION_NONE = 31;

const PAD_RESET = 0x56;
const PAD_PULL_DOWN = 1 << 2;
const PAD_PULL_UP = 1 << 3;
const PAD_INPUT_ENABLE = 1 << 6;
const PAD_OUTPUT_DISABLE = 1 << 7;

const CTRL_MASK = 0x3003331f;

function override(value, how) {
  switch (how & 3) {
    case 1: return value ^ 1;
    case 2: return 0;
    case 3: return 1;
    default: return value;
  }
}

/** Name and state of one pin's driver on its net. */
class PinDriver {
  constructor(bank, index, name) {
    this.bank = bank;
    this.index = index;
    this.name = name;
  }

  levelChanged(level) {
    this.bank.padChanged(this.index, level);
  }
}

export class PinBank {
  constructor(board) {
    this.board = board;
    this.nets = new Array(PIN_COUNT).fill(null);
    this.drivers = Array.from({ length: PIN_COUNT }, (_, i) => new PinDriver(this, i, `${board.name}.GP${i}`));
    this.ctrl = new Uint32Array(PIN_COUNT).fill(FUNCTION_NONE);
    this.pad = new Uint8Array(PIN_COUNT).fill(PAD_RESET);
    this.pioValues = [0, 0];
    this.pioEnables = [0, 0];
    this.sioValues = 0;
    this.sioEnables = 0;
    this.padLevels = 0;
    this.inputs = 0;
    this.outputs = 0;
    this.enables = 0;
    this.edgesLow = 0;
    this.edgesHigh = 0;
    this.enableWords = [0, 0, 0, 0];
    this.forceWords = [0, 0, 0, 0];
    this.irqsInUse = false;
  }

  connect(index, net) {
    this.nets[index] = net;
    net.watch(this.drivers[index], 'levelChanged');
  }

  /** All pins as after reset: no function, high impedance with pull-downs. */
  reset() {
    this.ctrl.fill(FUNCTION_NONE);
    this.edgesLow = 0;
    this.edgesHigh = 0;
    this.enableWords.fill(0);
    this.forceWords.fill(0);
    this.update(PIN_MASK);
    this.updateInputs();
    this.updateInterrupt();
  }

  resetPads() {
    this.pad.fill(PAD_RESET);
    this.update(PIN_MASK);
    this.updateInputs();
  }

  /** Drives the nets of the pins in mask anew, after something that decides their output has changed. */
  update(mask) {
    const { nets } = this;
    let left = mask;
    while (left !== 0) {
      const index = 31 - Math.clz32(left & -left);
      left &= left - 1;
      const net = nets[index];
      if (net === null) continue;
      const ctrl = this.ctrl[index];
      const pad = this.pad[index];
      let value = 0;
      let enable = 0;
      switch (ctrl & 31) {
        case FUNCTION_SPI:
          enable = (index & 3) === 0 ? 0 : 1;
          value = (index & 3) === 1 ? 1 : 0;
          break;
        case FUNCTION_UART:
          enable = (index & 3) === 0 || (index & 3) === 3 ? 1 : 0;
          value = (index & 3) === 0 ? 1 : 0;
          break;
        case FUNCTION_PWM:
          value = (this.board.pwm.inner.gpioValue >>> index) & 1;
          enable = (this.board.pwm.inner.gpioDirection >>> index) & 1;
          break;
        case FUNCTION_SIO:
          value = (this.sioValues >>> index) & 1;
          enable = (this.sioEnables >>> index) & 1;
          break;
        case FUNCTION_PIO0:
        case FUNCTION_PIO1: {
          const block = (ctrl & 31) - FUNCTION_PIO0;
          value = (this.pioValues[block] >>> index) & 1;
          enable = (this.pioEnables[block] >>> index) & 1;
          break;
        }
        default:
      }
      value = override(value, ctrl >>> 8);
      enable = override(enable, ctrl >>> 12);
      if (pad & PAD_OUTPUT_DISABLE) enable = 0;
      const bit = 1 << index;
      this.outputs = value ? this.outputs | bit : this.outputs & ~bit;
      this.enables = enable ? this.enables | bit : this.enables & ~bit;
      if (enable) net.drive(this.drivers[index], value, 'strong');
      else {
        const up = pad & PAD_PULL_UP;
        const down = pad & PAD_PULL_DOWN;
        net.drive(this.drivers[index], up && !down ? 1 : down && !up ? 0 : null, 'pull');
      }
    }
  }

  pioChanged(block, values, enables) {
    const changed = (values ^ this.pioValues[block]) | (enables ^ this.pioEnables[block]);
    this.pioValues[block] = values;
    this.pioEnables[block] = enables;
    let mine = 0;
    let left = changed & PIN_MASK;
    while (left !== 0) {
      const bit = left & -left;
      left ^= bit;
      if ((this.ctrl[31 - Math.clz32(bit)] & 31) === FUNCTION_PIO0 + block) mine |= bit;
    }
    if (mine !== 0) this.update(mine);
  }

  setSio(values, enables) {
    const changed = (values ^ this.sioValues) | (enables ^ this.sioEnables);
    this.sioValues = values & PIN_MASK;
    this.sioEnables = enables & PIN_MASK;
    if (changed & PIN_MASK) this.update(changed & PIN_MASK);
  }

  padChanged(index, level) {
    const bit = 1 << index;
    this.padLevels = level ? this.padLevels | bit : this.padLevels & ~bit;
    const visible = override(this.pad[index] & PAD_INPUT_ENABLE ? level : 0, this.ctrl[index] >>> 16);
    const inputs = visible ? this.inputs | bit : this.inputs & ~bit;
    if (inputs !== this.inputs) this.setInputs(inputs);
  }

  updateInputs() {
    let inputs = 0;
    for (let i = 0; i < PIN_COUNT; i++) {
      const level = this.pad[i] & PAD_INPUT_ENABLE ? (this.padLevels >>> i) & 1 : 0;
      if (override(level, this.ctrl[i] >>> 16)) inputs |= 1 << i;
    }
    if (inputs !== this.inputs) this.setInputs(inputs);
  }

  setInputs(inputs) {
    const changed = inputs ^ this.inputs;
    this.inputs = inputs;
    this.edgesHigh |= changed & inputs;
    this.edgesLow |= changed & ~inputs;
    this.board.inputsChanged(inputs);
    if (this.irqsInUse) this.updateInterrupt();
  }

  rawWord(word) {
    let result = 0;
    for (let i = 0; i < 8; i++) {
      const index = word * 8 + i;
      if (index >= PIN_COUNT) break;
      const level = (this.inputs >>> index) & 1;
      const bits = (level ? 2 : 1) | (((this.edgesLow >>> index) & 1) << 2) | (((this.edgesHigh >>> index) & 1) << 3);
      result |= bits << (4 * i);
    }
    return result;
  }

  updateInterrupt() {
    this.irqsInUse = this.enableWords.some((w) => w !== 0) || this.forceWords.some((w) => w !== 0);
    let active = false;
    for (let word = 0; word < 4 && !active; word++) {
      const enabled = this.enableWords[word];
      active = ((enabled !== 0 && (this.rawWord(word) & enabled)) | this.forceWords[word]) !== 0;
    }
    this.board.core.setInterrupt(IRQ_IO_BANK0, active);
  }

  status(index) {
    const bit = 1 << index;
    let status = 0;
    if (this.outputs & bit) status |= (1 << 8) | (1 << 9);
    if (this.enables & bit) status |= (1 << 12) | (1 << 13);
    if (this.padLevels & bit) status |= 1 << 17;
    if (this.inputs & bit) status |= 1 << 19;
    return status;
  }

  read(offset) {
    if (offset < 0xf0) return offset & 4 ? this.ctrl[offset >>> 3] : this.status(offset >>> 3);
    const word = (offset >>> 2) & 3;
    switch (offset & ~0xf) {
      case 0xf0: return this.rawWord(word);
      case 0x100: return this.enableWords[word];
      case 0x110: return this.forceWords[word];
      case 0x120: return (this.rawWord(word) & this.enableWords[word]) | this.forceWords[word];
      default: return 0;
    }
  }

  write(offset, value, raw) {
    if (offset < 0xf0) {
      if (!(offset & 4)) return;
      this.ctrl[offset >>> 3] = value & CTRL_MASK;
      this.update(1 << (offset >>> 3));
      this.updateInputs();
      return;
    }
    const word = (offset >>> 2) & 3;
    switch (offset & ~0xf) {
      case 0xf0:
        for (let i = 0; i < 8; i++) {
          const bit = 1 << (word * 8 + i);
          if (raw & (4 << (4 * i))) this.edgesLow &= ~bit;
          if (raw & (8 << (4 * i))) this.edgesHigh &= ~bit;
        }
        break;
      case 0x100:
        this.enableWords[word] = value;
        break;
      case 0x110:
        this.forceWords[word] = value;
        break;
      default:
        return;
    }
    this.updateInterrupt();
  }
}

export class PadBank {
  constructor(board) {
    this.board = board;
    this.voltageSelect = 0;
    this.debugPads = [0xda, 0x5a];
  }

  reset() {
    this.voltageSelect = 0;
    this.board.pins.resetPads();
  }

  read(offset) {
    if (offset === 0) return this.voltageSelect;
    const index = (offset - 4) >>> 2;
    return index < PIN_COUNT ? this.board.pins.pad[index] : (this.debugPads[index - PIN_COUNT] ?? 0);
  }

  write(offset, value) {
    if (offset === 0) {
      this.voltageSelect = value & 1;
      return;
    }
    const index = (offset - 4) >>> 2;
    const { pins } = this.board;
    if (index < PIN_COUNT) {
      pins.pad[index] = value & 0xff;
      pins.update(1 << index);
      pins.updateInputs();
    } else if (index < PIN_COUNT + 2) this.debugPads[index - PIN_COUNT] = value & 0xff;
  }
}

const INTERPOLATORS_FIRST = 0x80;
const INTERPOLATORS_LAST = 0xfc;

/** SIO: pins, divider, spinlocks; interpolators are the package's. The second core only says that its boot ROM is up. */
export class Sio {
  constructor(board) {
    this.board = board;
    this.inner = board.chip.sio;
    this.dividend = 0;
    this.divisor = 0;
    this.quotient = 0;
    this.remainder = 0;
    this.dirty = false;
    this.locks = 0;
    this.fifo = [];
    this.qspiValues = 0;
    this.qspiEnables = 0;
  }

  reset() {
    this.locks = 0;
    this.dirty = false;
    this.fifo.length = 0;
    this.board.pins.setSio(0, 0);
  }

  secondCoreUp() {
    this.fifo.push(0);
    this.updateFifoInterrupt();
    this.board.eventToCpu();
  }

  updateFifoInterrupt() {
    this.board.core.setInterrupt(IRQ_SIO_PROC0, this.fifo.length > 0);
  }

  divide(signed) {
    this.dirty = true;
    const a = signed ? this.dividend | 0 : this.dividend >>> 0;
    const b = signed ? this.divisor | 0 : this.divisor >>> 0;
    if (b === 0) {
      this.quotient = (signed && a < 0 ? 1 : -1) >>> 0;
      this.remainder = a >>> 0;
    } else {
      this.quotient = Math.trunc(a / b) >>> 0;
      this.remainder = a % b >>> 0;
    }
  }

  read(offset) {
    const { pins } = this.board;
    if (offset >= 0x100 && offset < 0x180) {
      const bit = 1 << ((offset - 0x100) >>> 2);
      if (this.locks & bit) return 0;
      this.locks |= bit;
      return bit;
    }
    if (offset >= INTERPOLATORS_FIRST && offset <= INTERPOLATORS_LAST) return this.inner.readUint32(offset);
    switch (offset) {
      case 0x00: return 0;
      case 0x04: return pins.inputs;
      case 0x08: return 0x02;
      case 0x10: return pins.sioValues;
      case 0x20: return pins.sioEnables;
      case 0x30: return this.qspiValues;
      case 0x40: return this.qspiEnables;
      case 0x50: return 0x2 | (this.fifo.length > 0 ? 1 : 0);
      case 0x58: {
        const word = this.fifo.length > 0 ? this.fifo.shift() : 0;
        this.updateFifoInterrupt();
        return word;
      }
      case 0x5c: return this.locks;
      case 0x60:
      case 0x68: return this.dividend;
      case 0x64:
      case 0x6c: return this.divisor;
      case 0x70:
        this.dirty = false;
        return this.quotient;
      case 0x74: return this.remainder;
      case 0x78: return 1 | (this.dirty ? 2 : 0);
      default: return 0;
    }
  }

  write(offset, value) {
    const { pins } = this.board;
    if (offset >= 0x100 && offset < 0x180) {
      this.locks &= ~(1 << ((offset - 0x100) >>> 2));
      return;
    }
    if (offset >= INTERPOLATORS_FIRST && offset <= INTERPOLATORS_LAST) {
      this.inner.writeUint32(offset, value);
      return;
    }
    switch (offset) {
      case 0x10: pins.setSio(value, pins.sioEnables); break;
      case 0x14: pins.setSio(pins.sioValues | value, pins.sioEnables); break;
      case 0x18: pins.setSio(pins.sioValues & ~value, pins.sioEnables); break;
      case 0x1c: pins.setSio(pins.sioValues ^ value, pins.sioEnables); break;
      case 0x20: pins.setSio(pins.sioValues, value); break;
      case 0x24: pins.setSio(pins.sioValues, pins.sioEnables | value); break;
      case 0x28: pins.setSio(pins.sioValues, pins.sioEnables & ~value); break;
      case 0x2c: pins.setSio(pins.sioValues, pins.sioEnables ^ value); break;
      case 0x54: this.board.world.warn(`${this.board.name}: word sent to the second core, which is not modelled`); break;
      case 0x60:
      case 0x68:
        this.dividend = value >>> 0;
        this.divide(offset === 0x68);
        break;
      case 0x64:
      case 0x6c:
        this.divisor = value >>> 0;
        this.divide(offset === 0x6c);
        break;
      case 0x70:
        this.quotient = value >>> 0;
        this.dirty = true;
        break;
      case 0x74:
        this.remainder = value >>> 0;
        this.dirty = true;
        break;
      default:
    }
  }
}
