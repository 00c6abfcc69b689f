// Where a PIO block meets the board: its registers on the bus, its pins, interrupts and DMA requests, and its place in the
// world's order of events.

const IRQ_PIO0 = 7;
const RING_FIRST = 0x10;
const FIFO_END = 0x30;
const RXF_FIRST = 0x20;

let PioBlock = null;
try {
  ({ PioBlock } = await import('./pio.mjs'));
} catch (error) {
  if (error.code !== 'ERR_MODULE_NOT_FOUND') throw error;
}

export class PioPort {
  constructor(board, index) {
    this.board = board;
    this.index = index;
    this.done = 0;
    this.nextPs = Infinity;
    this.stale = true;
    this.block = null;
    if (PioBlock !== null) {
      this.block = new PioBlock({
        index,
        onPins: (values, enables) => board.pins.pioChanged(index, values, enables),
        onIrq: (line, level) => board.core.setInterrupt(IRQ_PIO0 + 2 * index + line, level),
        onDreq: (kind, machine, level) => board.dma.setLevel(8 * index + (kind === 'tx' ? 0 : 4) + machine, level),
      });
      for (let machine = 0; machine < 4; machine++) board.dma.setLevel(8 * index + machine, true);
    }
    board.world.pioSlots.push(this);
  }

  reset() {
    if (this.block === null) return;
    this.advance(this.board.clockCycle);
    this.block.reset();
    this.board.pins.pioChanged(this.index, 0, 0);
    this.stale = true;
  }

  refresh() {
    this.stale = false;
    const next = this.block === null ? Infinity : this.block.nextEvent();
    this.nextPs = next === Infinity ? Infinity : this.board.psOfCycle(next > this.done ? next : this.done + 1);
  }

  advance(cycle) {
    this.stale = true;
    if (this.block === null || cycle <= this.done) return;
    this.done = cycle;
    this.block.advanceTo(cycle);
  }

  /** A change in the middle of a clock period counts from the next cycle on; the present one may not be executed yet. */
  setInputs(inputs) {
    if (this.block === null) return;
    this.block.setInputs(inputs, this.board.clockCycle);
    this.stale = true;
  }

  peek(offset) {
    return offset >= RING_FIRST && offset < FIFO_END ? 0 : this.read(offset);
  }

  read(offset) {
    if (this.block === null) return 0;
    const cycle = this.board.clockCycle;
    this.advance(cycle);
    if (offset >= RXF_FIRST && offset < FIFO_END) this.stale = true;
    return this.block.read(offset, cycle);
  }

  write(offset, value, raw) {
    if (this.block === null) return;
    const cycle = this.board.clockCycle;
    this.advance(cycle);
    this.block.write(offset, value, cycle, raw);
    this.stale = true;
  }
}
