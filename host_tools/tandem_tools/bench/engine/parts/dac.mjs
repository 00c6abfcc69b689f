// Dual 12-bit SPI DAC with the words of an MCP4922. Role: cs (low = selected). Analogue outputs: a, b.
//
// A word is taken at the rising edge of cs, after exactly 16 bits (LDAC is tied low); any other number is ignored and
// logged. Bit 15 chooses the output (0 = A, 1 = B), bit 14 buffers the reference (no effect here), bit 13 = 0 doubles the gain,
// bit 12 = 0 switches the output off (0 V through its load), bits 11..0 are the code. V = gain * vref_v * code / 4096.

import { Part } from './part.mjs';
import { Voltage } from './analog.mjs';

export class Dac extends Part {
  static kind = 'dac';
  static defaults = { vref_v: 3.3, supply_v: 3.3 };
  static required = ['cs'];

  constructor(world, name, options, nets) {
    super(world, name, options, nets);
    this.outputs = { a: new Voltage(0), b: new Voltage(0) };
    this.codes = { a: 0, b: 0 };
    this.shifted = 0;
    this.bits = 0;
    this.words = 0;
    this.ignored = 0;
    this.powered = true;
    this.watch('cs', 'selectChanged');
  }

  analogOut(role) {
    return this.outputs[role] ?? super.analogOut(role);
  }

  exchange(bits, value, _ps) {
    if (!this.powered || this.level('cs')) return null;
    this.shifted = (((this.shifted << bits) | value) & 0xffff) >>> 0;
    this.bits += bits;
    return null;
  }

  selectChanged(level) {
    if (level && this.powered && this.bits > 0) this.take();
    this.bits = 0;
    this.shifted = 0;
  }

  take() {
    if (this.bits !== 16) {
      this.ignored += 1;
      this.log('ignored', { bits: this.bits });
      return;
    }
    const word = this.shifted;
    const output = word & 0x8000 ? 'b' : 'a';
    const gain = word & 0x2000 ? 1 : 2;
    this.words += 1;
    this.codes[output] = word & 0xfff;
    const volts = word & 0x1000 ? (gain * this.options.vref_v * (word & 0xfff)) / 4096 : 0;
    this.outputs[output].set(Math.min(volts, this.options.supply_v));
  }

  powerChanged(on) {
    this.powered = on;
    this.bits = 0;
    this.codes = { a: 0, b: 0 };
    this.outputs.a.set(0);
    this.outputs.b.set(0);
  }

  probe() {
    const { a, b } = this.outputs;
    return { code_a: this.codes.a, code_b: this.codes.b, volts_a: a.volts, volts_b: b.volts, words: this.words, ignored: this.ignored };
  }
}
