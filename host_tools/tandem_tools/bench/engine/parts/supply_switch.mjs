// Switch in the supply of a board and of the parts that it feeds. Role: off (1 = no supply). Option: board, its name.

import { Part } from './part.mjs';

export class SupplySwitch extends Part {
  static kind = 'supply_switch';
  static defaults = { board: '' };
  static required = ['off'];

  constructor(world, name, options, nets) {
    super(world, name, options, nets);
    this.board(this.options.board);
    this.off = 0;
    this.watch('off', 'offChanged');
  }

  // The board is switched in a turn of its own, not while nets are changing.
  offChanged() {
    this.after(0, 'act');
  }

  act() {
    const off = this.level('off');
    if (off === this.off) return;
    this.off = off;
    this.log(off ? 'off' : 'on');
    this.board(this.options.board).setPower(!off);
  }

  probe() {
    return { board: this.options.board, off: this.off };
  }
}
