// The board's 2 MB flash chip (W25Q16JV): erase and program take their time with the CPU stopped, programming only clears bits,
// and an operation that loses its power is left partly done. Contents last over resets and power cycles.
//
// An erase first programs every bit to 0, as this kind of flash has to, and only then takes them all to 1: a sector whose erase
// was cut early has lost ones, a later cut leaves a mixture. How the time is shared out is an assumption (PREPROGRAM).

import { FLASH_BYTES } from './chip.mjs';

export const SECTOR = 4096;
export const PAGE = 256;
const BLOCK = 65536;
const MS = 1e9;
const PREPROGRAM = 0.25;

// W25Q16JV datasheet, AC characteristics (typical, maximum): 4 KiB sector 45, 400 ms; 64 KiB block 150, 2000 ms; page 0.4, 3 ms.
export const FLASH_TIMES = {
  instant: { sector_ms: 0, block_ms: 0, page_ms: 0 },
  typical: { sector_ms: 45, block_ms: 150, page_ms: 0.4 },
  worst: { sector_ms: 400, block_ms: 2000, page_ms: 3 },
};

export class Flash {
  constructor(board, times) {
    this.board = board;
    this.bytes = board.chip.flash;
    this.times = times;
    this.operation = null;
    this.event = null;
    this.count = 0;
    this.log = [];
    this.cut = null;
    this.cutFraction = 0;
    this.$pages = new Array(FLASH_BYTES / SECTOR).fill(null);
    this.$dirty = new Uint8Array(FLASH_BYTES / SECTOR).fill(1);
  }

  load(bytes, offset = 0) {
    this.bytes.set(bytes, offset);
    this.touch(offset, bytes.length);
  }

  touch(offset, length) {
    for (let page = Math.floor(offset / SECTOR); page * SECTOR < offset + length; page++) this.$dirty[page] = 1;
  }

  durationPs(kind, offset, length) {
    const times = FLASH_TIMES[this.times];
    if (kind === 'program') return Math.ceil(length / PAGE) * times.page_ms * MS;
    let ms = 0;
    for (let at = offset; at < offset + length; ) {
      const block = at % BLOCK === 0 && at + BLOCK <= offset + length;
      ms += block ? times.block_ms : times.sector_ms;
      at += block ? BLOCK : SECTOR;
    }
    return ms * MS;
  }

  /** Starts an operation; returns the time it takes, in ps. The data are in place when it ends, before the CPU goes on. */
  start(kind, offset, length, data) {
    const { world } = this.board;
    const duration = Math.round(this.durationPs(kind, offset, length));
    this.count++;
    this.operation = { kind, offset, length, data, startPs: world.now, endPs: world.now + duration };
    this.log.push({ kind, offset, length, number: this.count, time_ps: world.now, duration_ps: duration });
    if (this.cut !== null && this.cut.operation === this.count) {
      world.at(world.now + Math.floor(duration * this.cut.fraction), this, 'cutNow', this.cut);
      this.cut = null;
    }
    this.event = world.at(world.now + duration, this, 'finish', null);
    world.operationStarted({ memory: this.board.name, kind, offset, length, number: this.count, duration_ps: duration });
    return duration;
  }

  cutNow(cut) {
    this.cutFraction = cut.fraction;
    this.board.setPower(false);
    this.cutFraction = 0;
    this.board.world.stop({ power_cut: this.board.name, operation: cut.operation });
  }

  finish() {
    const { operation } = this;
    if (operation === null) return;
    if (this.event !== null) this.event.cancel();
    this.event = null;
    this.operation = null;
    this.apply(operation, operation.length);
  }

  apply({ kind, offset, length, data }, done) {
    if (kind === 'erase') this.bytes.fill(0xff, offset, offset + done);
    else for (let i = 0; i < done; i++) this.bytes[offset + i] &= data[i];
    this.touch(offset, length);
  }

  /**
   * Leaves a running operation as a power loss at this moment does: whole pages or sectors done, one of them in part.
   * An operation that takes no time is not done at all, unless `cut` asked for a fraction of it.
   */
  interrupt() {
    const { operation } = this;
    if (operation === null) return;
    this.event.cancel();
    this.event = null;
    this.operation = null;
    const { world } = this.board;
    const duration = operation.endPs - operation.startPs;
    const fraction = duration === 0 ? this.cutFraction : Math.min(1, Math.max(0, (world.now - operation.startPs) / duration));
    const unit = operation.kind === 'erase' ? SECTOR : PAGE;
    const units = Math.ceil(operation.length / unit);
    const whole = Math.floor(fraction * units);
    this.apply(operation, Math.min(operation.length, whole * unit));
    if (whole < units) this.applyPart(operation, whole * unit, unit, fraction * units - whole);
  }

  /** Of the bits that were to change, about `fraction` have; which ones follows from place and time, so that runs repeat. */
  applyPart(operation, from, unit, fraction) {
    if (operation.kind === 'program') this.change(operation, from, unit, fraction, (old, i) => old & operation.data[i]);
    else if (fraction < PREPROGRAM) this.change(operation, from, unit, fraction / PREPROGRAM, () => 0);
    else {
      this.bytes.fill(0, operation.offset + from, operation.offset + Math.min(operation.length, from + unit));
      this.change(operation, from, unit, (fraction - PREPROGRAM) / (1 - PREPROGRAM), () => 0xff);
    }
  }

  change({ offset, length, startPs }, from, unit, fraction, target) {
    let seed = (offset ^ Math.floor(startPs / 1000)) | 1;
    for (let i = from; i < Math.min(length, from + unit); i++) {
      const old = this.bytes[offset + i];
      const wanted = target(old, i);
      let mask = 0;
      for (let bit = 1; bit < 256; bit <<= 1) {
        seed ^= seed << 13;
        seed ^= seed >>> 17;
        seed ^= seed << 5;
        if ((seed >>> 0) / 2 ** 32 < fraction) mask |= bit;
      }
      this.bytes[offset + i] = (old & ~mask) | (wanted & mask);
    }
  }

  /** Page copies shared between snapshots: only pages that changed are copied. */
  savePages() {
    for (let page = 0; page < this.$pages.length; page++) {
      if (this.$dirty[page]) {
        this.$pages[page] = this.bytes.slice(page * SECTOR, (page + 1) * SECTOR);
        this.$dirty[page] = 0;
      }
    }
    return [...this.$pages];
  }

  restorePages(pages) {
    for (let page = 0; page < pages.length; page++) {
      if (this.$dirty[page] || this.$pages[page] !== pages[page]) {
        this.bytes.set(pages[page], page * SECTOR);
        this.$pages[page] = pages[page];
        this.$dirty[page] = 0;
      }
    }
  }
}
