// Lamps and buzzer: one role each (option names); records every change with its time.

import { Part } from './part.mjs';

export class Panel extends Part {
  static kind = 'panel';
  static defaults = { names: [] };

  constructor(world, name, options, nets) {
    super(world, name, options, nets);
    this.lit = {};
    this.changes = [];
    for (const lamp of this.options.names) {
      if (!nets[lamp]) throw new Error(`part ${name}: ${lamp} is not wired; wire it or take it out of names`);
      this.lit[lamp] = this.level(lamp);
      nets[lamp].watch(this, 'lampChanged');
    }
  }

  // A net does not say which role it has here, so every lamp is looked at.
  lampChanged() {
    for (const lamp of this.options.names) {
      const level = this.level(lamp);
      if (level === this.lit[lamp]) continue;
      this.lit[lamp] = level;
      this.changes.push({ ps: this.world.now, lamp, level });
    }
  }

  probe() {
    return { ...this.lit, changes: this.changes };
  }
}
