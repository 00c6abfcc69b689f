// SAFE-gated line drivers: isolated 5 V stages that hold each output low unless SAFE is closed.
//
// Roles: safe, and for each name in options.lines in_NAME and out_NAME. Every change passes after delay_ns, that of
// SAFE too. An input that nobody drives is pulled low at the stage itself, hence its output low.
// gate_removed takes the SAFE gate away, for the test that the guard on the chip suffices alone.

import { Part, PS_PER_NS } from './part.mjs';

export class Driver extends Part {
  static kind = 'driver';
  static defaults = { lines: [], delay_ns: 25, gate_removed: false };
  static required = ['safe'];

  constructor(world, name, options, nets) {
    super(world, name, options, nets);
    this.wanted = {};
    this.outputs = {};
    for (const line of this.options.lines) {
      if (!nets[`in_${line}`] || !nets[`out_${line}`]) {
        throw new Error(`part ${name}: line ${line} needs the roles in_${line} and out_${line}; wire both or leave the line out`);
      }
      this.drive(`in_${line}`, 0, 'weak');
      this.wanted[line] = 0;
      this.outputs[line] = 0;
      this.drive(`out_${line}`, 0);
      this.watch(`in_${line}`, 'update');
    }
    this.watch('safe', 'update');
    this.update();
  }

  changed() {
    this.update();
  }

  update() {
    const enabled = this.options.gate_removed || this.level('safe') === 1;
    for (const line of this.options.lines) {
      const level = enabled ? this.level(`in_${line}`) : 0;
      if (level === this.wanted[line]) continue;
      this.wanted[line] = level;
      this.after(this.options.delay_ns * PS_PER_NS, 'apply', { line, level });
    }
  }

  apply({ line, level }) {
    this.outputs[line] = level;
    this.drive(`out_${line}`, level);
  }

  probe() {
    return { safe: this.level('safe'), outputs: { ...this.outputs }, gate_removed: this.options.gate_removed };
  }
}
