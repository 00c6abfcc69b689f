// Buffered detector before CO2_ENERGY: a low pass on the CO2 laser's optical power, in closed form. Analogue output: out.
//
// The laser tells each segment of its power P(s) = level + swing * exp(-s / decay). The output follows with rise_us while the
// segment leads upwards, with fall_us otherwise; V = v_per_w * P + offset_v + seeded noise, within 0 and saturation_v.

import { Part, PS_PER_US } from './part.mjs';
import { lagAt, driveAt } from './lag.mjs';
import { gaussian } from './noise.mjs';

const DARK = { level: 0, swing: 0, decay: 0, slope: 0 };

export class Detector extends Part {
  static kind = 'detector';
  static defaults = {
    v_per_w: 0,
    offset_v: 0.02,
    rise_us: 5,
    fall_us: 5,
    saturation_v: 3.2,
    noise_v_rms: 0,
    seed: 2,
  };
  static signed = ['offset_v'];

  constructor(world, name, options, nets) {
    super(world, name, options, nets);
    if (this.options.v_per_w === 0) throw new Error(`part ${name}: v_per_w is not given; give the volts that one watt makes`);
    this.light = { ...DARK }; // optical power in W from sincePs on
    this.watts = 0; // what the output shows, at sincePs
    this.tau = 0;
    this.sincePs = world.now;
    this.broken = false;
  }

  controls() {
    return ['broken'];
  }

  operate(_key, value) {
    this.broken = Boolean(value);
    if (this.broken) this.illuminate(DARK);
  }

  analogOut(role) {
    return role === 'out' ? this : super.analogOut(role);
  }

  wattsAt(ps) {
    return lagAt(this.light, this.tau, this.watts, ps - this.sincePs);
  }

  /** From now on the optical power in W follows `drive` (see lag.mjs). */
  illuminate(drive) {
    const now = this.world.now;
    this.watts = this.wattsAt(now);
    this.sincePs = now;
    this.light = this.broken ? { ...DARK } : { ...drive };
    const upwards = this.light.level >= this.watts && this.light.level > 0;
    this.tau = (upwards ? this.options.rise_us : this.options.fall_us) * PS_PER_US;
  }

  voltage(ps) {
    const { v_per_w, offset_v, noise_v_rms, seed, saturation_v } = this.options;
    const noise = noise_v_rms > 0 ? noise_v_rms * gaussian(seed, ps) : 0;
    return Math.min(saturation_v, Math.max(0, v_per_w * this.wattsAt(ps) + offset_v + noise));
  }

  probe() {
    const now = this.world.now;
    return { volts: this.voltage(now), optical_w: driveAt(this.light, now - this.sincePs), broken: this.broken };
  }
}
