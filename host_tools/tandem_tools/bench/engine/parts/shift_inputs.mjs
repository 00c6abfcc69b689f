// Chain of 74HC165: `width` levels (16, at most 32) read over SPI. Roles: load (SH/LD: low loads, high shifts), one role a bit.
//
// options.bits maps role -> bit (the highest is shifted out first), options.pattern is the word that the other bits are
// wired to. While load is low the register follows its inputs, clocks do nothing and the serial output shows the highest
// bit. Its rising edge keeps the word. After the last bit zeros follow (serial input grounded). MISO is driven through a
// resistor, always.

import { Part, numberOf } from './part.mjs';
import { maskOf } from './shift_outputs.mjs';

export class ShiftInputs extends Part {
  static kind = 'shift_inputs';
  static defaults = { bits: {}, pattern: 0, width: 16 };
  static required = ['load'];

  constructor(world, name, options, nets) {
    super(world, name, options, nets);
    this.mask = maskOf(this);
    for (const [role, bit] of Object.entries(this.options.bits)) {
      numberOf(bit, `part ${name}: bit of ${role}`, 0, this.options.width - 1);
    }
    this.weakMiso = true; // a series resistor: a selected device wins
    this.register = 0;
    this.loads = 0;
    this.powered = true;
    this.watch('load', 'loadChanged');
  }

  setOption(key, value) {
    super.setOption(key, value);
    if (key === 'width') this.mask = maskOf(this);
  }

  parallelWord() {
    let word = this.options.pattern;
    for (const [role, bit] of Object.entries(this.options.bits)) {
      word = this.level(role) ? word | (1 << bit) : word & ~(1 << bit);
    }
    return (word & this.mask) >>> 0;
  }

  loadChanged(level) {
    if (!level || !this.powered) return;
    this.register = this.parallelWord();
    this.loads += 1;
  }

  exchange(bits, _value, _ps) {
    if (!this.powered) return null;
    if (!this.level('load')) return this.parallelWord() >>> (this.options.width - 1) ? 2 ** bits - 1 : 0;
    let word = 0;
    for (let i = 0; i < bits; i += 1) {
      word = (word << 1) | (this.register >>> (this.options.width - 1));
      this.register = ((this.register << 1) & this.mask) >>> 0;
    }
    return word >>> 0;
  }

  powerChanged(on) {
    this.powered = on;
    this.register = 0;
  }

  probe() {
    return { word: this.parallelWord(), register: this.register, loads: this.loads };
  }
}
