// Interlock chain: contacts of emergency stop, door and key in series.
//
// Roles: estop, door, key (1 = contact closed, a spare contact of each for diagnosis), out (1 = all closed).
// Controls: estop, door, key = 0 | 1; a change bounces when bounce_us > 0.

import { Part, levelOf } from './part.mjs';
import { seededBounce } from './bounce.mjs';

const CONTACTS = ['estop', 'door', 'key'];

export class Chain extends Part {
  static kind = 'chain';
  static defaults = { estop: 1, door: 1, key: 1, bounce_us: 0, bounce_changes: 3, seed: 1 };

  constructor(world, name, options, nets) {
    super(world, name, options, nets);
    this.contacts = {};
    this.tokens = { estop: 0, door: 0, key: 0 };
    this.moves = 0;
    for (const contact of CONTACTS) this.contacts[contact] = this.options[contact];
    this.present();
  }

  setOption(key, value) {
    super.setOption(key, CONTACTS.includes(key) ? levelOf(value, `part ${this.name}: ${key}`) : value);
  }

  controls() {
    return CONTACTS;
  }

  operate(contact, value) {
    const level = levelOf(value, `part ${this.name}: ${contact}`);
    if (level === this.options[contact]) return;
    this.options[contact] = level;
    this.log(level ? 'closed' : 'opened', { contact });
    this.tokens[contact] += 1;
    this.moves += 1;
    const changes = this.options.bounce_us > 0 ? this.options.bounce_changes : 0;
    const token = this.tokens[contact];
    for (const change of seededBounce(level, changes, this.options.bounce_us, this.options.seed, this.moves)) {
      if (change.ps === 0) this.touch({ contact, level: change.level, token });
      else this.after(change.ps, 'touch', { contact, level: change.level, token });
    }
  }

  touch({ contact, level, token }) {
    if (token !== this.tokens[contact]) return;
    this.contacts[contact] = level;
    this.present();
  }

  present() {
    for (const contact of CONTACTS) this.drive(contact, this.contacts[contact]);
    this.drive('out', this.contacts.estop & this.contacts.door & this.contacts.key);
  }

  probe() {
    return { ...this.contacts, out: this.contacts.estop & this.contacts.door & this.contacts.key };
  }
}
