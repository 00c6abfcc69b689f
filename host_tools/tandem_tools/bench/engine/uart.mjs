// The UART (PL011, datasheet 4.2) at byte level: a character takes its real time; the line itself is not drawn.

const IRQ_UART0 = 20;
const DREQ_UART0_TX = 20;
const FIFO_DEPTH = 32;
const RX_INTERRUPT = 1 << 4;
const TX_INTERRUPT = 1 << 5;
const TIMEOUT_INTERRUPT = 1 << 6;
const OVERRUN_INTERRUPT = 1 << 10;
const LEVELS = [4, 8, 16, 24, 28];
const TIMEOUT_BITS = 32;

export class Uart {
  constructor(board, index) {
    this.board = board;
    this.index = index;
    this.transmit = [];
    this.receive = [];
    this.arriving = [];
    this.sending = null;
    this.sendEvent = null;
    this.arriveEvent = null;
    this.timeoutEvent = null;
    this.sent = [];
    this.listener = null;
    this.clear();
  }

  clear() {
    this.control = 0x300;
    this.lineControl = 0;
    this.integer = 0;
    this.fraction = 0;
    this.fifoLevels = 0x12;
    this.mask = 0;
    this.rawStatus = 0;
    this.dmaControl = 0;
  }

  reset() {
    for (const key of ['sendEvent', 'arriveEvent', 'timeoutEvent']) {
      if (this[key] !== null) this[key].cancel();
      this[key] = null;
    }
    this.sending = null;
    this.transmit.length = 0;
    this.receive.length = 0;
    this.clear();
    this.update();
  }

  get enabled() {
    return (this.control & 1) !== 0;
  }

  get depth() {
    return this.lineControl & 0x10 ? FIFO_DEPTH : 1;
  }

  get bitPs() {
    const divisor = this.integer + this.fraction / 64;
    return divisor === 0 ? 0 : (16 * divisor * 1e12) / (this.board.chip.clkPeri * this.board.crystal);
  }

  get characterPs() {
    const bits = 1 + 5 + ((this.lineControl >>> 5) & 3) + (this.lineControl & 2 ? 1 : 0) + (this.lineControl & 8 ? 2 : 1);
    return Math.round(bits * this.bitPs);
  }

  /** Characters that arrive from outside, one after the other at the line's speed. */
  feed(bytes) {
    this.arriving.push(...bytes);
    this.scheduleArrival();
  }

  scheduleArrival() {
    if (this.arriveEvent !== null || this.arriving.length === 0 || !this.enabled || this.bitPs === 0) return;
    this.arriveEvent = this.board.world.at(this.board.world.now + this.characterPs, this, 'arrive', null);
  }

  arrive() {
    this.arriveEvent = null;
    const byte = this.arriving.shift();
    if (this.control & 0x200) {
      if (this.receive.length < this.depth) this.receive.push(byte);
      else this.rawStatus |= OVERRUN_INTERRUPT;
      if (this.receive.length >= (this.depth === 1 ? 1 : LEVELS[(this.fifoLevels >>> 3) & 7])) this.rawStatus |= RX_INTERRUPT;
      if (this.timeoutEvent !== null) this.timeoutEvent.cancel();
      const { world } = this.board;
      this.timeoutEvent = world.at(world.now + Math.round(TIMEOUT_BITS * this.bitPs), this, 'timeout', null);
    }
    this.update();
    this.scheduleArrival();
  }

  timeout() {
    this.timeoutEvent = null;
    if (this.receive.length > 0) this.rawStatus |= TIMEOUT_INTERRUPT;
    this.update();
  }

  start() {
    if (this.sending !== null || this.transmit.length === 0 || !this.enabled || !(this.control & 0x100) || this.bitPs === 0) return;
    this.sending = this.transmit.shift();
    this.sendEvent = this.board.world.at(this.board.world.now + this.characterPs, this, 'finish', null);
    if (this.transmit.length <= (this.depth === 1 ? 0 : LEVELS[this.fifoLevels & 7])) this.rawStatus |= TX_INTERRUPT;
  }

  finish() {
    const byte = this.sending;
    this.sending = null;
    this.sendEvent = null;
    this.start();
    if (this.control & 0x80) this.feed([byte]);
    else {
      this.sent.push(byte);
      if (this.listener !== null) this.listener.uartByte(this.index, byte, this.board.world.now);
    }
    this.update();
  }

  update() {
    const { board } = this;
    board.core.setInterrupt(IRQ_UART0 + this.index, (this.rawStatus & this.mask) !== 0);
    const tx = DREQ_UART0_TX + 2 * this.index;
    board.dma.setLevel(tx, (this.dmaControl & 2) !== 0 && this.enabled && this.transmit.length < this.depth);
    board.dma.setLevel(tx + 1, (this.dmaControl & 1) !== 0 && this.enabled && this.receive.length > 0);
  }

  peek(offset) {
    return offset === 0 ? 0 : this.read(offset);
  }

  read(offset) {
    switch (offset) {
      case 0x00: {
        const value = this.receive.length > 0 ? this.receive.shift() : 0;
        if (this.receive.length < (this.depth === 1 ? 1 : LEVELS[(this.fifoLevels >>> 3) & 7])) this.rawStatus &= ~RX_INTERRUPT;
        if (this.receive.length === 0) this.rawStatus &= ~TIMEOUT_INTERRUPT;
        this.update();
        return value;
      }
      case 0x18:
        return (
          (this.transmit.length === 0 ? 0x80 : 0) | (this.receive.length >= this.depth ? 0x40 : 0) |
          (this.transmit.length >= this.depth ? 0x20 : 0) | (this.receive.length === 0 ? 0x10 : 0) |
          (this.sending !== null || this.transmit.length > 0 ? 8 : 0)
        );
      case 0x24: return this.integer;
      case 0x28: return this.fraction;
      case 0x2c: return this.lineControl;
      case 0x30: return this.control;
      case 0x34: return this.fifoLevels;
      case 0x38: return this.mask;
      case 0x3c: return this.rawStatus;
      case 0x40: return this.rawStatus & this.mask;
      case 0x48: return this.dmaControl;
      default: return [0x11, 0x10, 0x34, 0, 0x0d, 0xf0, 0x05, 0xb1][(offset - 0xfe0) >>> 2] ?? 0;
    }
  }

  write(offset, value, raw) {
    switch (offset) {
      case 0x00:
        if (this.transmit.length < this.depth) this.transmit.push(value & 0xff);
        if (this.transmit.length > LEVELS[this.fifoLevels & 7]) this.rawStatus &= ~TX_INTERRUPT;
        break;
      case 0x24: this.integer = value & 0xffff; break;
      case 0x28: this.fraction = value & 63; break;
      case 0x2c: this.lineControl = value & 0xff; break;
      case 0x30: this.control = value & 0xffff; break;
      case 0x34: this.fifoLevels = value & 63; break;
      case 0x38: this.mask = value & 0x7ff; break;
      case 0x44: this.rawStatus &= ~raw; break;
      case 0x48: this.dmaControl = value & 7; break;
      default:
    }
    this.start();
    this.scheduleArrival();
    this.update();
  }
}
