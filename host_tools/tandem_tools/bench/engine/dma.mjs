// The DMA controller (datasheet 2.5): twelve channels over one engine that does one transfer at a time.
//
// Times. A transfer starts REQUEST_CYCLES after its request. It then holds the engine for its bus cycles: 1 for each access to
// memory, PIO, USB or SIO, READ_APB / WRITE_APB for one to the APB (as a CPU access). Silicon overlaps reads and writes and so
// moves up to one word a cycle between memories; here it is one in two. Both accesses happen at the transfer's first cycle.

const CHANNELS = 12;
const REQUEST_CYCLES = 2;
const READ_APB = 3;
const WRITE_APB = 4;
const BATCH = 16;

const IRQ_DMA0 = 11;
const DREQ_PWM_FIRST = 24;
const DREQ_PWM_LAST = 31;
const TREQ_TIMER_FIRST = 59;
const TREQ_PERMANENT = 63;

const EN = 1;
const HIGH_PRIORITY = 2;
const INCREMENT_READ = 1 << 4;
const INCREMENT_WRITE = 1 << 5;
const RING_WRITE = 1 << 10;
const IRQ_QUIET = 1 << 21;
const BYTE_SWAP = 1 << 22;
const SNIFF = 1 << 23;
const CONTROL_MASK = 0x00ffffff;
const BUSY = 1 << 24;

// Register order of the four aliases: 0 read, 1 write, 2 count, 3 control; the last of each four triggers.
const ALIASES = [0, 1, 2, 3, 3, 0, 1, 2, 3, 2, 0, 1, 3, 1, 2, 0];

class Channel {
  constructor(index) {
    this.index = index;
    this.reset();
  }

  reset() {
    this.readAddress = 0;
    this.writeAddress = 0;
    this.count = 0;
    this.reload = 0;
    this.control = this.index << 11;
    this.busy = false;
    this.credit = false;
  }

  get request() {
    return (this.control >>> 15) & 63;
  }

  get chainTo() {
    return (this.control >>> 11) & 15;
  }
}

function cyclesOf(address, write) {
  const region = address >>> 28;
  if (region === 4) return write ? WRITE_APB : READ_APB;
  return 1;
}

function isMemory(address) {
  const region = address >>> 28;
  return region === 2 || (region === 1 && address < 0x14000000);
}

export class Dma {
  constructor(board) {
    this.board = board;
    this.channels = Array.from({ length: CHANNELS }, (_, i) => new Channel(i));
    this.levels = new Uint8Array(64);
    this.raw = 0;
    this.enables = [0, 0];
    this.forces = [0, 0];
    this.timers = [0, 0, 0, 0];
    this.timerEvents = [null, null, null, null];
    this.timerBase = [0, 0, 0, 0];
    this.timerTicks = [0, 0, 0, 0];
    this.next = 0;
    this.busyUntil = 0;
    this.event = null;
    this.transfers = 0;
    this.sniffControl = 0;
    this.sniffData = 0;
  }

  reset() {
    if (this.event !== null) this.event.cancel();
    this.event = null;
    for (let i = 0; i < 4; i++) this.stopTimer(i);
    for (const channel of this.channels) channel.reset();
    this.raw = 0;
    this.enables.fill(0);
    this.forces.fill(0);
    this.timers.fill(0);
    this.busyUntil = 0;
    this.update();
  }

  /** Sets a request line, from a peripheral with a level (FIFO not full, not empty). */
  setLevel(request, level) {
    const value = level ? 1 : 0;
    if (this.levels[request] === value) return;
    this.levels[request] = value;
    if (value) this.kick();
  }

  setDREQ(request) {
    this.setLevel(request, true);
  }

  clearDREQ(request) {
    this.setLevel(request, false);
  }

  ready(channel) {
    if (!channel.busy || !(channel.control & EN)) return false;
    const { request } = channel;
    if (request === TREQ_PERMANENT) return true;
    if (request >= TREQ_TIMER_FIRST) return channel.credit;
    return this.levels[request] === 1;
  }

  /** Schedules the engine if a channel has something to do. */
  kick() {
    if (this.event !== null) return;
    if (!this.channels.some((channel) => this.ready(channel))) return;
    const { board } = this;
    const cycle = Math.max(board.clockCycle + REQUEST_CYCLES, this.busyUntil);
    this.event = board.world.at(board.psOfCycle(cycle), this, 'step', null);
  }

  pick() {
    let chosen = null;
    for (let i = 0; i < CHANNELS; i++) {
      const channel = this.channels[(this.next + i) % CHANNELS];
      if (!this.ready(channel)) continue;
      if (channel.control & HIGH_PRIORITY) return channel;
      chosen = chosen ?? channel;
    }
    return chosen;
  }

  step() {
    this.event = null;
    const channel = this.pick();
    if (channel === null) return;
    this.next = (channel.index + 1) % CHANNELS;
    let cycles = this.transfer(channel);
    for (let i = 1; i < BATCH && channel.busy && channel.request === TREQ_PERMANENT; i++) {
      if (!isMemory(channel.readAddress) || !isMemory(channel.writeAddress)) break;
      cycles += this.transfer(channel);
    }
    this.busyUntil = this.board.clockCycle + cycles;
    if (this.event === null && this.channels.some((other) => this.ready(other))) {
      this.event = this.board.world.at(this.board.psOfCycle(this.busyUntil), this, 'step', null);
    }
  }

  transfer(channel) {
    const { chip } = this.board;
    const { control, readAddress, writeAddress } = channel;
    const size = (control >>> 2) & 3;
    const cycles = cyclesOf(readAddress, false) + cyclesOf(writeAddress, true);
    channel.credit = false;
    if (channel.request >= DREQ_PWM_FIRST && channel.request <= DREQ_PWM_LAST) this.levels[channel.request] = 0;
    if (size === 2) {
      let value = chip.readUint32(readAddress);
      if (control & BYTE_SWAP) value = ((value >>> 24) | ((value >>> 8) & 0xff00) | ((value << 8) & 0xff0000) | (value << 24)) >>> 0;
      chip.writeUint32(writeAddress, value);
    } else if (size === 1) {
      let value = chip.readUint16(readAddress);
      if (control & BYTE_SWAP) value = ((value >>> 8) | (value << 8)) & 0xffff;
      chip.writeUint16(writeAddress, value);
    } else chip.writeUint8(writeAddress, chip.readUint8(readAddress));
    if (control & SNIFF) this.board.world.warn(`${this.board.name}: DMA sniffer, which is not modelled`);
    this.advance(channel, 1 << size);
    this.transfers++;
    // the accesses themselves may have stopped the channel
    if (!channel.busy) return cycles;
    channel.count--;
    if (channel.count === 0) this.finish(channel);
    return cycles;
  }

  advance(channel, bytes) {
    const ring = (channel.control >>> 6) & 15;
    const mask = ring === 0 ? 0xffffffff : (1 << ring) - 1;
    const step = (address, wraps) => {
      const moved = (address + bytes) >>> 0;
      return wraps ? ((address & ~mask) | (moved & mask)) >>> 0 : moved;
    };
    const ringOnWrite = (channel.control & RING_WRITE) !== 0;
    if (channel.control & INCREMENT_READ) channel.readAddress = step(channel.readAddress, ring !== 0 && !ringOnWrite);
    if (channel.control & INCREMENT_WRITE) channel.writeAddress = step(channel.writeAddress, ring !== 0 && ringOnWrite);
  }

  finish(channel) {
    channel.busy = false;
    if (!(channel.control & IRQ_QUIET)) {
      this.raw |= 1 << channel.index;
      this.update();
    }
    if (channel.chainTo !== channel.index && channel.chainTo < CHANNELS) this.trigger(this.channels[channel.chainTo]);
  }

  trigger(channel) {
    if (channel.busy || !(channel.control & EN)) return;
    channel.busy = true;
    channel.count = channel.reload;
    channel.credit = false;
    const timer = channel.request - TREQ_TIMER_FIRST;
    if (timer >= 0 && timer < 4) this.startTimer(timer);
    if (channel.count === 0) this.finish(channel);
    else this.kick();
  }

  startTimer(index) {
    if (this.timerEvents[index] !== null) return;
    this.timerBase[index] = this.board.clockCycle;
    this.timerTicks[index] = 0;
    this.scheduleTimer(index);
  }

  stopTimer(index) {
    if (this.timerEvents[index] !== null) this.timerEvents[index].cancel();
    this.timerEvents[index] = null;
  }

  /** A pacing timer asks X times in Y cycles: tick k comes at ceil(k * Y / X). */
  scheduleTimer(index) {
    const x = this.timers[index] >>> 16;
    const y = this.timers[index] & 0xffff;
    this.timerEvents[index] = null;
    if (x === 0 || y === 0) return;
    const used = this.channels.some((channel) => channel.busy && channel.request === TREQ_TIMER_FIRST + index);
    if (!used) return;
    this.timerTicks[index]++;
    const cycle = this.timerBase[index] + Math.ceil((this.timerTicks[index] * y) / Math.min(x, y));
    this.timerEvents[index] = this.board.world.at(this.board.psOfCycle(cycle), this, 'timerTick', index);
  }

  timerTick(index) {
    for (const channel of this.channels) if (channel.busy && channel.request === TREQ_TIMER_FIRST + index) channel.credit = true;
    this.scheduleTimer(index);
    this.kick();
  }

  update() {
    const { core } = this.board;
    core.setInterrupt(IRQ_DMA0, ((this.raw & this.enables[0]) | this.forces[0]) !== 0);
    core.setInterrupt(IRQ_DMA0 + 1, ((this.raw & this.enables[1]) | this.forces[1]) !== 0);
  }

  readChannel(channel, register) {
    switch (ALIASES[register]) {
      case 0: return channel.readAddress;
      case 1: return channel.writeAddress;
      case 2: return channel.count;
      default: return channel.control | (channel.busy ? BUSY : 0);
    }
  }

  writeChannel(channel, register, value) {
    switch (ALIASES[register]) {
      case 0:
        channel.readAddress = value >>> 0;
        break;
      case 1:
        channel.writeAddress = value >>> 0;
        break;
      case 2:
        channel.reload = value >>> 0;
        break;
      default:
        channel.control = value & CONTROL_MASK;
        this.kick();
    }
    if ((register & 3) !== 3) return;
    if (value === 0) {
      if (channel.control & IRQ_QUIET) {
        this.raw |= 1 << channel.index;
        this.update();
      }
    } else this.trigger(channel);
  }

  read(offset) {
    if (offset < CHANNELS * 0x40) return this.readChannel(this.channels[offset >>> 6], (offset >>> 2) & 15);
    if (offset >= 0x800 && offset < 0x800 + CHANNELS * 0x40) {
      return (offset & 0x3f) === 4 ? this.channels[(offset - 0x800) >>> 6].reload : 0;
    }
    switch (offset) {
      case 0x400: return this.raw;
      case 0x404: return this.enables[0];
      case 0x408: return this.forces[0];
      case 0x40c: return (this.raw & this.enables[0]) | this.forces[0];
      case 0x414: return this.enables[1];
      case 0x418: return this.forces[1];
      case 0x41c: return (this.raw & this.enables[1]) | this.forces[1];
      case 0x420:
      case 0x424:
      case 0x428:
      case 0x42c: return this.timers[(offset - 0x420) >>> 2];
      case 0x434: return this.sniffControl;
      case 0x438: return this.sniffData;
      case 0x448: return CHANNELS;
      default: return 0;
    }
  }

  write(offset, value, raw) {
    if (offset < CHANNELS * 0x40) {
      this.writeChannel(this.channels[offset >>> 6], (offset >>> 2) & 15, value);
      return;
    }
    switch (offset) {
      case 0x400:
      case 0x40c:
      case 0x41c: this.raw &= ~raw; break;
      case 0x404: this.enables[0] = value & 0xffff; break;
      case 0x408: this.forces[0] = value & 0xffff; break;
      case 0x414: this.enables[1] = value & 0xffff; break;
      case 0x418: this.forces[1] = value & 0xffff; break;
      case 0x420:
      case 0x424:
      case 0x428:
      case 0x42c: {
        const index = (offset - 0x420) >>> 2;
        this.timers[index] = value;
        this.stopTimer(index);
        this.startTimer(index);
        break;
      }
      case 0x430:
        for (const channel of this.channels) if (raw & (1 << channel.index)) this.trigger(channel);
        break;
      case 0x434: this.sniffControl = value; break;
      case 0x438: this.sniffData = value; break;
      case 0x444:
        for (const channel of this.channels) if (raw & (1 << channel.index)) channel.busy = false;
        break;
      default:
    }
    this.update();
  }
}
