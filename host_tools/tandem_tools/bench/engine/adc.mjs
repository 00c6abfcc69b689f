// The ADC (datasheet 4.9): one conversion takes 96 clocks of 48 MHz; it samples the source's voltage as it starts.
// 12 bits over 0 V to its reference, 3.3 V unless the bench sets another, ideal: no offset, no differential non-linearity, no noise unless the source has some.

const CLOCK_PS = 1e12 / 48e6;
const CONVERSION_CLOCKS = 96;
const REFERENCE_V = 3.3;
const CHANNELS = 5;
const TEMPERATURE_CHANNEL = 4;
const TEMPERATURE_V = 0.706;
const FIFO_DEPTH = 4;
const IRQ_ADC = 22;
const DREQ_ADC = 36;

const CS_EN = 1;
const CS_TEMPERATURE = 2;
const CS_START_ONCE = 4;
const CS_START_MANY = 8;
const CS_READY = 1 << 8;
const CS_ERR = 1 << 9;
const CS_ERR_STICKY = 1 << 10;

const FCS_EN = 1;
const FCS_SHIFT = 2;
const FCS_ERR = 4;
const FCS_DREQ_EN = 8;
const FCS_UNDER = 1 << 10;
const FCS_OVER = 1 << 11;

export class Adc {
  constructor(board) {
    this.board = board;
    this.sources = [0, 1, 2, 3].map((channel) => board.world.analog(board.name, channel));
    this.fifo = [];
    this.conversion = null;
    this.next = null;
    this.conversions = 0;
    this.reference = REFERENCE_V;
    this.clear();
  }

  clear() {
    this.control = 0;
    this.sticky = 0;
    this.fifoControl = 0;
    this.fifoFlags = 0;
    this.divider = 0;
    this.result = 0;
    this.enable = 0;
    this.force = 0;
    this.sample = 0;
    this.startedPs = 0;
  }

  reset() {
    this.stop();
    this.fifo.length = 0;
    this.clear();
    this.update();
  }

  stop() {
    for (const key of ['conversion', 'next']) {
      if (this[key] !== null) this[key].cancel();
      this[key] = null;
    }
  }

  get clockPs() {
    return CLOCK_PS / this.board.crystal;
  }

  /** Clocks from one start to the next when START_MANY paces itself. */
  get periodClocks() {
    const clocks = 1 + (this.divider >>> 8) + (this.divider & 0xff) / 256;
    return Math.max(clocks, CONVERSION_CLOCKS);
  }

  get channel() {
    return (this.control >>> 12) & 7;
  }

  volts(channel, ps) {
    if (channel === TEMPERATURE_CHANNEL) return this.control & CS_TEMPERATURE ? TEMPERATURE_V : 0;
    return channel < CHANNELS ? this.sources[channel].voltage(ps) : 0;
  }

  start() {
    const { world } = this.board;
    const code = Math.floor((this.volts(this.channel, world.now) / this.reference) * 4096);
    this.sample = Math.min(4095, Math.max(0, code));
    this.startedPs = world.now;
    this.conversion = world.at(world.now + Math.round(CONVERSION_CLOCKS * this.clockPs), this, 'finish', null);
  }

  finish() {
    this.conversion = null;
    this.conversions++;
    this.result = this.sample;
    if (this.fifoControl & FCS_EN) {
      if (this.fifo.length >= FIFO_DEPTH) this.fifoFlags |= FCS_OVER;
      else this.fifo.push(this.fifoControl & FCS_SHIFT ? this.result >>> 4 : this.result);
    }
    this.advanceChannel();
    if (this.control & CS_START_MANY && this.control & CS_EN) {
      const nextPs = this.startedPs + Math.round(this.periodClocks * this.clockPs);
      if (nextPs <= this.board.world.now) this.start();
      else this.next = this.board.world.at(nextPs, this, 'startNext', null);
    }
    this.update();
  }

  startNext() {
    this.next = null;
    if (this.control & CS_START_MANY && this.control & CS_EN) this.start();
  }

  advanceChannel() {
    const round = (this.control >>> 16) & 0x1f;
    if (round === 0) return;
    let { channel } = this;
    do channel = (channel + 1) % CHANNELS;
    while (!(round & (1 << channel)));
    this.control = (this.control & ~0x7000) | (channel << 12);
  }

  get threshold() {
    return (this.fifoControl >>> 24) & 15;
  }

  get raw() {
    return this.fifo.length > 0 && this.fifo.length >= this.threshold ? 1 : 0;
  }

  update() {
    const { board } = this;
    board.core.setInterrupt(IRQ_ADC, ((this.raw & this.enable) | this.force) !== 0);
    board.dma.setLevel(DREQ_ADC, (this.fifoControl & FCS_DREQ_EN) !== 0 && this.raw !== 0);
  }

  peek(offset) {
    if (offset === 0x0c) return 0;
    return offset === 0 ? this.control : this.read(offset);
  }

  read(offset) {
    switch (offset) {
      case 0x00:
        return (this.control & 0x1f700b) | this.sticky | (this.control & CS_EN && this.conversion === null ? CS_READY : 0);
      case 0x04: return this.result;
      case 0x08:
        return (
          this.fifoControl | this.fifoFlags | (this.fifo.length === 0 ? 1 << 8 : 0) | (this.fifo.length >= FIFO_DEPTH ? 1 << 9 : 0) |
          (this.fifo.length << 16)
        );
      case 0x0c: {
        if (this.fifo.length === 0) {
          this.fifoFlags |= FCS_UNDER;
          return 0;
        }
        const value = this.fifo.shift();
        this.update();
        return value;
      }
      case 0x10: return this.divider;
      case 0x14: return this.raw;
      case 0x18: return this.enable;
      case 0x1c: return this.force;
      case 0x20: return (this.raw & this.enable) | this.force;
      default: return 0;
    }
  }

  write(offset, value, raw) {
    switch (offset) {
      case 0x00: {
        if (raw & CS_ERR_STICKY) this.sticky &= ~(CS_ERR_STICKY | CS_ERR);
        this.control = value & 0x1f700b;
        if (!(value & CS_EN)) this.stop();
        else if (this.conversion === null && this.next === null && value & (CS_START_ONCE | CS_START_MANY)) this.start();
        break;
      }
      case 0x08:
        this.fifoFlags &= ~(raw & (FCS_OVER | FCS_UNDER));
        this.fifoControl = value & (0x0f000000 | FCS_DREQ_EN | FCS_ERR | FCS_SHIFT | FCS_EN);
        break;
      case 0x10:
        this.divider = value & 0xffffff;
        break;
      case 0x18:
        this.enable = value & 1;
        break;
      case 0x1c:
        this.force = value & 1;
        break;
      default:
    }
    this.update();
  }
}
