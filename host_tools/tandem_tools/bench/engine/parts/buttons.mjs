// Push buttons: one role a button (option names), 1 = pressed.
//
// Controls: a button's name = 0 | 1; press = [name, ms] presses for a time. A change bounces bounce_changes pairs within bounce_ms, by seed.

import { Part, levelOf, numberOf, oneOf, PS_PER_MS } from './part.mjs';
import { seededBounce } from './bounce.mjs';

export class Buttons extends Part {
  static kind = 'buttons';
  static defaults = { names: ['ARM', 'STANDBY', 'NEXT'], bounce_ms: 1, bounce_changes: 2, seed: 7 };

  constructor(world, name, options, nets) {
    super(world, name, options, nets);
    this.levels = {};
    this.wanted = {};
    this.tokens = {};
    this.moves = 0;
    for (const button of this.options.names) {
      this.levels[button] = 0;
      this.wanted[button] = 0;
      this.tokens[button] = 0;
      this.drive(button, 0);
    }
  }

  controls() {
    return [...this.options.names, 'press'];
  }

  operate(key, value) {
    if (key !== 'press') return this.move(key, levelOf(value, `part ${this.name}: ${key}`));
    const [button, ms] = value;
    oneOf(button, `part ${this.name}: press`, this.options.names);
    this.move(button, 1);
    this.after(numberOf(ms, `part ${this.name}: press, ms`, 0) * PS_PER_MS, 'letGo', { button, token: this.tokens[button] });
  }

  letGo({ button, token }) {
    if (token === this.tokens[button]) this.move(button, 0);
  }

  move(button, level) {
    if (level === this.wanted[button]) return;
    this.wanted[button] = level;
    this.tokens[button] += 1;
    this.moves += 1;
    const { bounce_ms, bounce_changes, seed } = this.options;
    const token = this.tokens[button];
    for (const change of seededBounce(level, bounce_ms > 0 ? bounce_changes : 0, bounce_ms * 1000, seed, this.moves)) {
      if (change.ps === 0) this.touch({ button, level, token });
      else this.after(change.ps, 'touch', { button, level: change.level, token });
    }
  }

  touch({ button, level, token }) {
    if (token !== this.tokens[button]) return;
    this.levels[button] = level;
    this.drive(button, level);
  }

  probe() {
    return { ...this.levels };
  }
}
