// One-shot on the CO2 gate: the output follows the input, but stays high for at most max_ms; then it stays low until
// the input has been low. It stands before the SAFE-gated driver, so that a SAFE that comes and goes in the middle of a
// gate cannot start its time anew. Roles: in, out.

import { Part, PS_PER_MS } from './part.mjs';

export class OneShot extends Part {
  static kind = 'one_shot';
  static defaults = { max_ms: 1.2 };
  static required = ['in', 'out'];

  constructor(world, name, options, nets) {
    super(world, name, options, nets);
    this.output = 0;
    this.cuts = 0;
    this.token = 0;
    this.drive('out', 0);
    this.watch('in', 'inputChanged');
    if (this.level('in')) this.inputChanged(1);
  }

  inputChanged(level) {
    this.token += 1;
    if (level) this.after(this.options.max_ms * PS_PER_MS, 'cut', this.token);
    this.present(level);
  }

  cut(token) {
    if (token !== this.token) return;
    this.cuts += 1;
    this.log('cut', { after_ms: this.options.max_ms });
    this.present(0);
  }

  present(level) {
    this.output = level;
    this.drive('out', level);
  }

  probe() {
    return { in: this.level('in'), out: this.output, cuts: this.cuts };
  }
}
