// Resistors on nets: each role is a weak driver to the level given in the options {ROLE: 0 | 1}.

import { Part, levelOf } from './part.mjs';

export class Pulls extends Part {
  static kind = 'pulls';
  static defaults = { levels: {} };

  constructor(world, name, options, nets) {
    super(world, name, options, nets);
    this.changed();
  }

  changed() {
    for (const [role, level] of Object.entries(this.options.levels)) {
      this.drive(role, level === null ? null : levelOf(level, `part ${this.name}: ${role}`), 'weak');
    }
  }

  probe() {
    return { levels: this.options.levels };
  }
}
