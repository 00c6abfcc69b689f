// Pedal with two contacts. Roles: no (normally open), nc (normally closed); 1 = contact closed.
//
// Controls: press, release, or pressed = 0 | 1: first the leaving contact opens, travel_ms later the other closes, each bouncing: bounce_changes
// extra pairs within bounce_ms, by seed. script = {no: [[delay_us, level], ...], nc: [...]} replaces the next move's bounce; its
// last levels have to be those of the move. Faults: disconnected = 0 | 1 (both read open), weld_no, weld_nc = 0 | 1
// (that contact stays closed), both_closed = 0 | 1.

import { Part, levelOf, PS_PER_MS } from './part.mjs';
import { seededBounce, scriptedBounce } from './bounce.mjs';

export class Pedal extends Part {
  static kind = 'pedal';
  static defaults = { travel_ms: 2, bounce_ms: 3, bounce_changes: 3, seed: 5 };
  static required = ['no', 'nc'];

  constructor(world, name, options, nets) {
    super(world, name, options, nets);
    this.pressed = 0;
    this.contacts = { no: 0, nc: 1 };
    this.faults = { disconnected: 0, weld_no: 0, weld_nc: 0, both_closed: 0 };
    this.script = null;
    this.token = 0;
    this.moves = 0;
    this.present();
  }

  controls() {
    return ['script', 'pressed', 'press', 'release', 'disconnected', 'weld_no', 'weld_nc', 'both_closed'];
  }

  // A script given together with `pressed` belongs to that move, whatever the order of the names.
  set(values) {
    if ('script' in values) this.script = values.script;
    const { script, ...rest } = values;
    super.set(rest);
  }

  operate(key, value) {
    const level = levelOf(value, `part ${this.name}: ${key}`);
    if (key === 'pressed' || key === 'press') this.move(level);
    else if (key === 'release') this.move(1 - level);
    else this.faults[key] = level;
    this.present();
  }

  move(pressed) {
    if (pressed === this.pressed) return;
    const script = this.script ?? {};
    const plans = { no: this.plan('no', pressed, script.no), nc: this.plan('nc', 1 - pressed, script.nc) };
    this.script = null;
    this.pressed = pressed;
    this.token += 1;
    this.log(pressed ? 'pressed' : 'released');
    for (const [contact, changes] of Object.entries(plans)) {
      for (const { ps, level } of changes) this.schedule(ps, { contact, level, token: this.token });
    }
  }

  plan(contact, level, script) {
    this.moves += 1;
    if (script) return scriptedBounce(script, level, `part ${this.name}: script of ${contact}`);
    const { travel_ms, bounce_ms, bounce_changes, seed } = this.options;
    const wait = level ? travel_ms * PS_PER_MS : 0;
    const changes = bounce_ms > 0 ? bounce_changes : 0;
    return seededBounce(level, changes, bounce_ms * 1000, seed, this.moves).map((c) => ({ ps: c.ps + wait, level: c.level }));
  }

  schedule(ps, change) {
    if (ps === 0) this.touch(change);
    else this.after(ps, 'touch', change);
  }

  touch({ contact, level, token }) {
    if (token !== this.token) return;
    this.contacts[contact] = level;
    this.present();
  }

  shown(contact) {
    const { disconnected, both_closed } = this.faults;
    if (disconnected) return 0;
    return both_closed || this.faults[`weld_${contact}`] ? 1 : this.contacts[contact];
  }

  present() {
    this.drive('no', this.shown('no'));
    this.drive('nc', this.shown('nc'));
  }

  probe() {
    return { pressed: this.pressed, no: this.shown('no'), nc: this.shown('nc'), ...this.faults };
  }
}
