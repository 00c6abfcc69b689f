// Noise filter before the SAFE pin, the same both ways. Roles: in, out.
//
// model 'logic': the output follows once the input has stood still for delay_us (a shorter dip leaves no trace).
// Control: force = 0 | 1 | null holds the output at a level (null: lets go), for a dip of SAFE at an exact moment.
// model 'rc': a capacitor and a Schmitt input at 40 % and 60 %; a full swing takes delay_us, repeated dips add up.

import { Part, levelOf, PS_PER_US } from './part.mjs';

const UPPER = 0.6;
const LOWER = 1 - UPPER;

export class Filter extends Part {
  static kind = 'filter';
  static defaults = { delay_us: 10, model: 'logic' };
  static choices = { model: ['logic', 'rc'] };
  static required = ['in', 'out'];

  constructor(world, name, options, nets) {
    super(world, name, options, nets);
    this.target = this.level('in');
    this.output = this.target;
    this.charge = this.target; // 0..1 of the supply, at sincePs
    this.sincePs = world.now;
    this.token = 0;
    this.forced = null;
    this.watch('in', 'inputChanged');
    this.drive('out', this.output);
  }

  controls() {
    return ['force'];
  }

  operate(_key, value) {
    this.forced = value === null ? null : levelOf(value, `part ${this.name}: force`);
    this.present();
  }

  present() {
    this.drive('out', this.forced ?? this.output);
  }

  tauPs() {
    return (this.options.delay_us * PS_PER_US) / Math.log(1 / (1 - UPPER));
  }

  chargeAt(ps) {
    if (this.options.delay_us === 0) return this.target;
    return this.target + (this.charge - this.target) * Math.exp(-(ps - this.sincePs) / this.tauPs());
  }

  inputChanged(level) {
    const now = this.world.now;
    this.charge = this.chargeAt(now);
    this.sincePs = now;
    this.target = level;
    this.token += 1;
    if (level !== this.output) this.after(this.waitPs(), 'follow', this.token);
  }

  waitPs() {
    if (this.options.model === 'logic') return this.options.delay_us * PS_PER_US;
    const left = this.target ? (1 - this.charge) / (1 - UPPER) : this.charge / LOWER;
    return left <= 1 ? 0 : this.tauPs() * Math.log(left);
  }

  follow(token) {
    if (token !== this.token) return;
    this.output = this.target;
    this.present();
  }

  probe() {
    return { in: this.target, out: this.forced ?? this.output, model: this.options.model, delay_us: this.options.delay_us };
  }
}
