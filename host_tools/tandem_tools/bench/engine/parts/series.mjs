// Contacts of relays in series. Roles: one a relay's coil, named by the option `contacts`, and out (1 = all contacts closed).
//
// A contact follows its coil after `delay_us`; a coil that changes back sooner never moves it. Without supply all are open.

import { Part, PS_PER_US } from './part.mjs';

export class Series extends Part {
  static kind = 'series';
  static defaults = { contacts: [], delay_us: 0 };
  static required = ['out'];

  constructor(world, name, options, nets) {
    super(world, name, options, nets);
    const { contacts } = this.options;
    if (contacts.length === 0) throw new Error(`part ${name}: option contacts names no contact; give at least one`);
    this.powered = true;
    this.contacts = {};
    this.tokens = {};
    for (const contact of contacts) {
      if (!nets[contact]) throw new Error(`part ${name}: contact ${contact} is not wired; every contact needs its coil's net`);
      this.contacts[contact] = this.level(contact);
      this.tokens[contact] = 0;
      this.watch(contact, 'coilsChanged');
    }
    this.present();
  }

  setOption(key, value) {
    if (key === 'contacts' && this.contacts) throw new Error(`part ${this.name}: contacts are fixed once the stand is built`);
    super.setOption(key, value);
  }

  coil(contact) {
    return this.powered ? this.level(contact) : 0;
  }

  coilsChanged() {
    for (const contact of this.options.contacts) {
      const level = this.coil(contact);
      this.tokens[contact] += 1;
      if (level === this.contacts[contact]) continue;
      const token = this.tokens[contact];
      if (this.options.delay_us > 0) this.after(this.options.delay_us * PS_PER_US, 'move', { contact, level, token });
      else this.move({ contact, level, token });
    }
  }

  move({ contact, level, token }) {
    if (token !== this.tokens[contact]) return;
    this.contacts[contact] = level;
    this.log(level ? 'closed' : 'opened', { contact });
    this.present();
  }

  get closed() {
    return Object.values(this.contacts).every((level) => level === 1) ? 1 : 0;
  }

  present() {
    this.drive('out', this.closed);
  }

  powerChanged(on) {
    this.powered = on;
    this.coilsChanged();
  }

  probe() {
    return { ...this.contacts, out: this.closed };
  }
}
