// Handpiece with its coding resistor: a voltage by entry. Analogue output: id.
//
// option volts = {entry: V}; controls: entry = one of them, id_volts = any voltage (a broken resistor).

import { Part, numberOf, oneOf } from './part.mjs';
import { Voltage } from './analog.mjs';

export class Handpiece extends Part {
  static kind = 'handpiece';
  static defaults = { volts: {}, entry: '' };

  constructor(world, name, options, nets) {
    super(world, name, options, nets);
    this.entry = this.options.entry;
    this.id = new Voltage(this.voltsOf(this.entry));
  }

  controls() {
    return ['entry', 'id_volts'];
  }

  voltsOf(entry) {
    const { volts } = this.options;
    return volts[oneOf(entry, `part ${this.name}: entry`, Object.keys(volts))];
  }

  operate(key, value) {
    if (key === 'id_volts') return this.id.set(numberOf(value, `part ${this.name}: id_volts`, 0, 3.3));
    this.entry = value;
    this.id.set(this.voltsOf(value));
  }

  analogOut(role) {
    return role === 'id' ? this.id : super.analogOut(role);
  }

  probe() {
    return { entry: this.entry, volts: this.id.volts };
  }
}
