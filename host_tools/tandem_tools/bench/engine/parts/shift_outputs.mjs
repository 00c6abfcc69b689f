// Chain of 74HC595: `width` outputs (16, at most 32) written over SPI. Roles: latch (RCLK, rising edge), one role a bit, and
// clock and data for a program that moves these pins itself: the SPI's own frames are not drawn on nets.
//
// options.bits maps role -> bit (the highest is shifted in first). The chain shifts with every clock, selected or not; only
// the latch's rising edge shows the word. At power-up a resistor and a capacitor clear it and hold its outputs off (low)
// until the first latch. A reset of the board alone changes nothing: the outputs stay as they were latched.

import { Part, numberOf } from './part.mjs';

/** The bits of a chain as a mask: JavaScript's shifts are of 32 bits, and `>>> 0` makes them a number without a sign. */
export function maskOf(part) {
  const { width } = part.options;
  if (!Number.isInteger(width)) throw new Error(`part ${part.name}: width was given ${width}; allowed: a whole number from 1 to 32`);
  return 2 ** numberOf(width, `part ${part.name}: width`, 1, 32) - 1;
}

export class ShiftOutputs extends Part {
  static kind = 'shift_outputs';
  static defaults = { bits: {}, width: 16 };
  static required = ['latch'];

  constructor(world, name, options, nets) {
    super(world, name, options, nets);
    this.mask = maskOf(this);
    for (const [role, bit] of Object.entries(this.options.bits)) {
      numberOf(bit, `part ${name}: bit of ${role}`, 0, this.options.width - 1);
    }
    this.register = 0;
    this.word = 0;
    this.latches = 0;
    this.powered = true;
    this.watch('latch', 'latchChanged');
    this.watch('clock', 'clockChanged');
    this.present();
  }

  setOption(key, value) {
    super.setOption(key, value);
    if (key === 'width') this.mask = maskOf(this);
  }

  exchange(bits, value, _ps) {
    if (this.powered) this.register = (((this.register << bits) | value) & this.mask) >>> 0;
    return null;
  }

  clockChanged(level) {
    if (level && this.powered) this.register = (((this.register << 1) | this.level('data')) & this.mask) >>> 0;
  }

  latchChanged(level) {
    if (!level || !this.powered) return;
    this.latches += 1;
    this.word = this.register;
    this.present();
  }

  present() {
    for (const [role, bit] of Object.entries(this.options.bits)) this.drive(role, (this.word >> bit) & 1);
  }

  powerChanged(on) {
    this.powered = on;
    this.register = 0;
    this.word = 0;
    this.present();
  }

  probe() {
    const on = Object.entries(this.options.bits).filter(([, bit]) => (this.word >> bit) & 1);
    return { word: this.word, register: this.register, latches: this.latches, on: on.map(([role]) => role) };
  }
}
