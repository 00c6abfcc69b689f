// Chain of 74HC165: 16 levels read over SPI. Roles: load (SH/LD: low loads, high shifts) and one role a bit.
//
// options.bits maps role -> bit (15 is shifted out first), options.pattern is the word that the other bits are wired to.
// While load is low the register follows its inputs, clocks do nothing and the serial output shows bit 15. Its rising
// edge keeps the word. After 16 clocks zeros follow (serial input grounded). MISO is driven through a resistor, always.

import { Part, numberOf } from './part.mjs';

const MASK = 0xffff;

export class ShiftInputs extends Part {
  static kind = 'shift_inputs';
  static defaults = { bits: {}, pattern: 0 };
  static required = ['load'];

  constructor(world, name, options, nets) {
    super(world, name, options, nets);
    for (const [role, bit] of Object.entries(this.options.bits)) numberOf(bit, `part ${name}: bit of ${role}`, 0, 15);
    this.weakMiso = true; // a series resistor: a selected device wins
    this.register = 0;
    this.loads = 0;
    this.powered = true;
    this.watch('load', 'loadChanged');
  }

  parallelWord() {
    let word = this.options.pattern & MASK;
    for (const [role, bit] of Object.entries(this.options.bits)) {
      word = this.level(role) ? word | (1 << bit) : word & ~(1 << bit);
    }
    return word & MASK;
  }

  loadChanged(level) {
    if (!level || !this.powered) return;
    this.register = this.parallelWord();
    this.loads += 1;
  }

  exchange(bits, _value, _ps) {
    if (!this.powered) return null;
    if (!this.level('load')) return this.parallelWord() & 0x8000 ? 2 ** bits - 1 : 0;
    let word = 0;
    for (let i = 0; i < bits; i += 1) {
      word = (word << 1) | (this.register >> 15);
      this.register = (this.register << 1) & MASK;
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
