// Analogue selector (74HC4051) between eight fixed voltages. Roles: s0, s1, s2, the number of the chosen one in binary.
// Analogue output: out.
//
// option volts = the eight voltages by number; `open_v` is what the line shows without supply, when none is connected.

import { Part, numberOf } from './part.mjs';
import { Voltage } from './analog.mjs';

const INPUTS = 8;
const SELECTS = ['s0', 's1', 's2'];

export class Selector extends Part {
  static kind = 'selector';
  static defaults = { volts: new Array(INPUTS).fill(0), open_v: 3.3 };
  static required = SELECTS;

  constructor(world, name, options, nets) {
    super(world, name, options, nets);
    this.powered = true;
    this.out = new Voltage(this.chosenVolts());
    for (const role of SELECTS) this.watch(role, 'changed');
  }

  setOption(key, value) {
    if (key === 'volts') {
      const what = `part ${this.name}: volts`;
      if (!Array.isArray(value) || value.length !== INPUTS) {
        throw new Error(`${what} was given ${JSON.stringify(value)}; allowed: a list of ${INPUTS} voltages`);
      }
      for (const volts of value) numberOf(volts, what, 0, 3.3);
    }
    super.setOption(key, value);
  }

  get code() {
    return this.level('s0') | (this.level('s1') << 1) | (this.level('s2') << 2);
  }

  chosenVolts() {
    return this.powered ? this.options.volts[this.code] : this.options.open_v;
  }

  changed() {
    this.out.set(this.chosenVolts());
  }

  analogOut(role) {
    return role === 'out' ? this.out : super.analogOut(role);
  }

  powerChanged(on) {
    this.powered = on;
    this.changed();
  }

  probe() {
    return { code: this.code, volts: this.out.volts };
  }
}
