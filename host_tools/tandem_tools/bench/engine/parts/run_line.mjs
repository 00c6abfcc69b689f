// Transistor on the RUN pin of a board. Role: pull (1 = RUN is low, the chip is held in reset). Option: board, its name.

import { Part } from './part.mjs';

export class RunLine extends Part {
  static kind = 'run_line';
  static defaults = { board: '' };
  static required = ['pull'];

  constructor(world, name, options, nets) {
    super(world, name, options, nets);
    this.board(this.options.board);
    this.low = 0;
    this.watch('pull', 'pullChanged');
  }

  // The board is reset in a turn of its own, not while nets are changing.
  pullChanged() {
    this.after(0, 'act');
  }

  act() {
    const low = this.level('pull');
    if (low === this.low) return;
    this.low = low;
    this.log(low ? 'low' : 'released');
    this.board(this.options.board).setRunPin(low ? 0 : 1);
  }

  probe() {
    return { board: this.options.board, low: this.low };
  }
}
