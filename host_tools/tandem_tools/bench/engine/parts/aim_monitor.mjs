// Photodiode in the aiming beam. Roles: aim (the beam's output bit), out (1 = beam seen).
//
// The output follows after delay_ms. Controls: dark = 0 | 1 (beam fails), bright = 0 | 1 (light without the beam).

import { Part, levelOf, PS_PER_MS } from './part.mjs';

export class AimMonitor extends Part {
  static kind = 'aim_monitor';
  static defaults = { delay_ms: 1 };
  static required = ['aim', 'out'];

  constructor(world, name, options, nets) {
    super(world, name, options, nets);
    this.faults = { dark: 0, bright: 0 };
    this.output = 0;
    this.token = 0;
    this.drive('out', 0);
    this.watch('aim', 'changed');
    this.changed();
  }

  controls() {
    return ['dark', 'bright'];
  }

  operate(key, value) {
    this.faults[key] = levelOf(value, `part ${this.name}: ${key}`);
  }

  changed() {
    this.token += 1;
    this.after(this.options.delay_ms * PS_PER_MS, 'follow', this.token);
  }

  follow(token) {
    if (token !== this.token) return;
    this.output = (this.level('aim') && !this.faults.dark) || this.faults.bright ? 1 : 0;
    this.drive('out', this.output);
  }

  probe() {
    return { out: this.output, ...this.faults };
  }
}
