// Beam shutter: a coil that opens it against a spring, and two end contacts.
//
// Roles: coil (output bit), safe, closed, open. The coil has current while coil AND safe. Travel takes open_ms and close_ms; turned
// round on its way it travels only what is left. Both contacts are low between the ends.
// Controls: stuck = 'closed' | 'open' | 'moving' | true (where it is) | false; closed_contact, open_contact = 0 | 1 | null (broken wire).

import { Part, levelOf, oneOf, PS_PER_MS } from './part.mjs';

const STUCK = [true, false, null, 'closed', 'open', 'moving'];

export class Shutter extends Part {
  static kind = 'shutter';
  static defaults = { open_ms: 30, close_ms: 20 };
  static required = ['coil', 'safe'];

  constructor(world, name, options, nets) {
    super(world, name, options, nets);
    this.position = 0; // 0 closed .. 1 open, at sincePs
    this.direction = 0; // -1, 0, 1
    this.sincePs = world.now;
    this.token = 0;
    this.stuck = false;
    this.wires = { closed_contact: null, open_contact: null };
    this.listeners = [];
    this.moves = [];
    this.watch('coil', 'update');
    this.watch('safe', 'update');
    this.present();
    this.update();
  }

  controls() {
    return ['stuck', 'closed_contact', 'open_contact'];
  }

  operate(key, value) {
    if (key === 'stuck') return this.jam(oneOf(value, `part ${this.name}: stuck`, STUCK));
    this.wires[key] = value === null ? null : levelOf(value, `part ${this.name}: ${key}`);
    this.present();
  }

  jam(where) {
    this.position = this.positionAt(this.world.now);
    this.sincePs = this.world.now;
    this.direction = 0;
    this.token += 1;
    this.stuck = where !== false && where !== null;
    if (typeof where === 'string') this.position = { closed: 0, open: 1, moving: 0.5 }[where];
    this.present();
    this.update();
  }

  positionAt(ps) {
    if (this.direction === 0) return this.position;
    const full = (this.direction > 0 ? this.options.open_ms : this.options.close_ms) * PS_PER_MS;
    const way = full > 0 ? (this.direction * (ps - this.sincePs)) / full : this.direction;
    return Math.min(1, Math.max(0, this.position + way));
  }

  /** 'closed', 'open' or 'moving'. */
  state() {
    if (this.direction !== 0) return 'moving';
    return { 0: 'closed', 1: 'open' }[this.position] ?? 'moving';
  }

  /** target[method](state) whenever the state changes. */
  listen(target, method) {
    this.listeners.push({ target, method });
  }

  update() {
    if (this.stuck) return;
    const wanted = this.level('coil') & this.level('safe') ? 1 : 0;
    const position = this.positionAt(this.world.now);
    const direction = wanted > position ? 1 : wanted < position ? -1 : 0;
    if (direction === this.direction) return;
    this.position = position;
    this.sincePs = this.world.now;
    this.direction = direction;
    this.token += 1;
    if (direction !== 0) {
      const full = (direction > 0 ? this.options.open_ms : this.options.close_ms) * PS_PER_MS;
      this.after(full * Math.abs(wanted - position), 'arrive', this.token);
    }
    this.present();
  }

  arrive(token) {
    if (token !== this.token) return;
    this.position = this.direction > 0 ? 1 : 0;
    this.direction = 0;
    this.sincePs = this.world.now;
    this.present();
    this.update();
  }

  present() {
    const state = this.state();
    this.drive('closed', this.wires.closed_contact ?? Number(state === 'closed'));
    this.drive('open', this.wires.open_contact ?? Number(state === 'open'));
    if (this.moves.at(-1)?.state === state) return;
    this.moves.push({ ps: this.world.now, state });
    for (const { target, method } of this.listeners) target[method](state);
  }

  probe() {
    return { state: this.state(), position: this.positionAt(this.world.now), stuck: this.stuck, moves: this.moves };
  }
}
