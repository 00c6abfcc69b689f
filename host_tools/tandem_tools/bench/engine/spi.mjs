// The SPI peripheral (PL022, datasheet 4.4) as a master, at byte level: a frame takes its real time and is exchanged with
// the devices of the bus at its end. SCK and MOSI themselves are not drawn.

const IRQ_SPI0 = 18;
const DREQ_SPI0_TX = 16;
const FIFO_DEPTH = 8;

// In the modes with CPHA = 0 the PL022 pauses between frames; measured on silicon as one and a half clocks.
const GAP_CLOCKS = 1.5;

export class Spi {
  constructor(board, index) {
    this.board = board;
    this.index = index;
    this.devices = [];
    this.transmit = [];
    this.receive = [];
    this.frame = null;
    this.frameEnd = null;
    this.frameBits = 8;
    this.frames = 0;
    this.clear();
  }

  clear() {
    this.control0 = 0;
    this.control1 = 0;
    this.prescale = 0;
    this.mask = 0;
    this.dmaControl = 0;
    this.overrun = false;
    this.timedOut = false;
  }

  reset() {
    if (this.frameEnd !== null) this.frameEnd.cancel();
    this.frame = null;
    this.frameEnd = null;
    this.transmit.length = 0;
    this.receive.length = 0;
    this.clear();
    this.update();
  }

  get clockPs() {
    const divisor = (this.prescale & 0xfe) * (1 + ((this.control0 >>> 8) & 0xff));
    return divisor === 0 ? 0 : (divisor * 1e12) / (this.board.chip.clkPeri * this.board.crystal);
  }

  get busy() {
    return this.frame !== null || this.transmit.length > 0;
  }

  start() {
    if (this.frame !== null || this.transmit.length === 0 || !(this.control1 & 2)) return;
    const { clockPs } = this;
    if (clockPs === 0) return;
    this.frame = this.transmit.shift();
    this.frameBits = (this.control0 & 15) + 1;
    const gap = this.control0 & 0x80 ? 0 : GAP_CLOCKS;
    const { world } = this.board;
    this.frameEnd = world.at(world.now + Math.round(this.frameBits * clockPs), this, 'finish', Math.round(gap * clockPs));
  }

  finish(gapPs) {
    const { world } = this.board;
    const bits = this.frameBits;
    const value = this.frame & ((1 << bits) - 1);
    const loopBack = (this.control1 & 1) !== 0;
    const answer = loopBack ? value : this.exchange(bits, value);
    this.frames++;
    if (this.receive.length < FIFO_DEPTH) this.receive.push(answer);
    else this.overrun = true;
    this.frame = null;
    this.frameEnd = null;
    if (this.transmit.length > 0) {
      this.frame = 0;
      this.frameEnd = world.at(world.now + gapPs, this, 'startNext', null);
    }
    this.update();
  }

  startNext() {
    this.frame = null;
    this.frameEnd = null;
    this.start();
    this.update();
  }

  /** All devices see the frame; of those that answer, one that drives MISO hard wins over one behind a series resistor. */
  exchange(bits, value) {
    let strong = null;
    let weak = null;
    for (const device of this.devices) {
      const answer = device.exchange(bits, value, this.board.world.now);
      if (answer === null || answer === undefined) continue;
      if (device.weakMiso) weak = weak ?? answer;
      else strong = strong === null ? answer : strong & answer;
    }
    return (strong ?? weak ?? 0) & ((1 << bits) - 1);
  }

  get raw() {
    return (
      (this.overrun ? 1 : 0) | (this.timedOut ? 2 : 0) | (this.receive.length >= FIFO_DEPTH / 2 ? 4 : 0) |
      (this.transmit.length <= FIFO_DEPTH / 2 ? 8 : 0)
    );
  }

  update() {
    const { board } = this;
    board.core.setInterrupt(IRQ_SPI0 + this.index, (this.raw & this.mask) !== 0);
    const tx = DREQ_SPI0_TX + 2 * this.index;
    board.dma.setLevel(tx, (this.dmaControl & 2) !== 0 && this.transmit.length < FIFO_DEPTH);
    board.dma.setLevel(tx + 1, (this.dmaControl & 1) !== 0 && this.receive.length > 0);
  }

  peek(offset) {
    return offset === 8 ? 0 : this.read(offset);
  }

  read(offset) {
    switch (offset) {
      case 0x00: return this.control0;
      case 0x04: return this.control1;
      case 0x08: {
        const value = this.receive.length > 0 ? this.receive.shift() : 0;
        this.update();
        return value;
      }
      case 0x0c:
        return (
          (this.transmit.length === 0 ? 1 : 0) | (this.transmit.length < FIFO_DEPTH ? 2 : 0) | (this.receive.length > 0 ? 4 : 0) |
          (this.receive.length >= FIFO_DEPTH ? 8 : 0) | (this.busy ? 16 : 0)
        );
      case 0x10: return this.prescale;
      case 0x14: return this.mask;
      case 0x18: return this.raw;
      case 0x1c: return this.raw & this.mask;
      case 0x24: return this.dmaControl;
      default: return [0x22, 0x10, 0x34, 0, 0x0d, 0xf0, 0x05, 0xb1][(offset - 0xfe0) >>> 2] ?? 0;
    }
  }

  write(offset, value, raw) {
    switch (offset) {
      case 0x00:
        this.control0 = value & 0xffff;
        break;
      case 0x04:
        this.control1 = value & 15;
        break;
      case 0x08:
        if (this.transmit.length < FIFO_DEPTH) this.transmit.push(value & 0xffff);
        break;
      case 0x10:
        this.prescale = value & 0xff;
        break;
      case 0x14:
        this.mask = value & 15;
        break;
      case 0x20:
        if (raw & 1) this.overrun = false;
        if (raw & 2) this.timedOut = false;
        break;
      case 0x24:
        this.dmaControl = value & 3;
        break;
      default:
    }
    this.start();
    this.update();
  }
}
