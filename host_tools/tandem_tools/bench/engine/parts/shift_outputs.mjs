// Chain of 74HC595: 16 outputs written over SPI. Roles: latch (RCLK, rising edge), one role a bit, and clock and data for a
// program that moves these pins itself: the SPI's own frames are not drawn on nets.
//
// options.bits maps role -> bit (15 is shifted in first). The chain shifts with every clock, selected or not; only the
// latch's rising edge shows the word. At power-up a resistor and a capacitor clear it and hold its outputs off (low)
// until the first latch. A reset of the board alone changes nothing: the outputs stay as they were latched.

import { Part, numberOf } from './part.mjs';

const MASK = 0xffff;

export class ShiftOutputs extends Part {
  static kind = 'shift_outputs';
  static defaults = { bits: {} };
  static required = ['latch'];

  constructor(world, name, options, nets) {
    super(world, name, options, nets);
    for (const [role, bit] of Object.entries(this.options.bits)) numberOf(bit, `part ${name}: bit of ${role}`, 0, 15);
    this.register = 0;
    this.word = 0;
    this.latches = 0;
    this.powered = true;
    this.watch('latch', 'latchChanged');
    this.watch('clock', 'clockChanged');
    this.present();
  }

  exchange(bits, value, _ps) {
    if (this.powered) this.register = bits >= 16 ? value & MASK : ((this.register << bits) | value) & MASK;
    return null;
  }

  clockChanged(level) {
    if (level && this.powered) this.register = ((this.register << 1) | this.level('data')) & MASK;
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
