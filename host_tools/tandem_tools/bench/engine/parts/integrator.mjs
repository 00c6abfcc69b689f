// Charge integrator with reset switch before PS_ENERGY. Role: reset (1 = switch closed). Analogue output: out.
//
// A light pulse of E mJ steps the stored charge by v_per_mj * E; the output amplifier follows with settle_tau_us. The charge
// leaks by droop_v_per_s. The closed switch discharges with reset_tau_us down to `residue` of what was there (dielectric
// absorption). The charge stops at saturation_v, and so does the output, to which offset_v and noise_v_rms (seeded by
// the picosecond of the sample, so the same instant always reads the same) are added. Everything is in closed form.

import { Part, PS_PER_US } from './part.mjs';
import { lagAt, driveAt } from './lag.mjs';
import { gaussian } from './noise.mjs';

const PS_PER_S = 1e12;

export class Integrator extends Part {
  static kind = 'integrator';
  static defaults = {
    v_per_mj: 0,
    offset_v: 0.02,
    settle_tau_us: 1.5,
    reset_tau_us: 10,
    residue: 0.0005,
    droop_v_per_s: 1,
    saturation_v: 3.2,
    noise_v_rms: 0,
    seed: 1,
  };
  static signed = ['offset_v', 'droop_v_per_s'];
  static required = ['reset'];

  constructor(world, name, options, nets) {
    super(world, name, options, nets);
    if (this.options.v_per_mj === 0) throw new Error(`part ${name}: v_per_mj is not given; give the volts that one mJ makes`);
    this.charge = 0; // volts stored, at sincePs
    this.output = 0; // volts at the output amplifier, at sincePs, before offset and saturation
    this.floor = 0; // volts that the closed switch leads to
    this.sincePs = world.now;
    this.resetting = this.level('reset') === 1;
    this.pulses = 0;
    this.saturated = 0;
    this.broken = false;
    this.watch('reset', 'resetChanged');
  }

  controls() {
    return ['broken', 'inject_mj'];
  }

  /** broken: 1 = no light reaches the diode; inject_mj: stray light of that energy now. */
  operate(key, value) {
    if (key === 'broken') this.broken = Boolean(value);
    else this.absorb(value);
  }

  analogOut(role) {
    return role === 'out' ? this : super.analogOut(role);
  }

  chargeDrive() {
    if (this.resetting) {
      return { level: this.floor, swing: this.charge - this.floor, decay: this.options.reset_tau_us * PS_PER_US, slope: 0 };
    }
    return { level: this.charge, swing: 0, decay: 0, slope: -this.options.droop_v_per_s / PS_PER_S };
  }

  emptyAfterPs() {
    const leak = this.options.droop_v_per_s / PS_PER_S;
    return this.resetting || leak <= 0 ? Infinity : Math.max(this.charge, 0) / leak;
  }

  fullAfterPs() {
    const leak = this.options.droop_v_per_s / PS_PER_S;
    return this.resetting || leak >= 0 ? Infinity : Math.max(this.options.saturation_v - this.charge, 0) / -leak;
  }

  /** Charge and output at `ps`; the leak stops at 0 V, an inward leak at saturation. */
  stateAt(ps) {
    const tau = this.options.settle_tau_us * PS_PER_US;
    const total = Math.max(0, ps - this.sincePs);
    const drive = this.chargeDrive();
    const limit = Math.min(this.emptyAfterPs(), this.fullAfterPs());
    const first = Math.min(total, limit);
    let charge = driveAt(drive, first);
    let output = lagAt(drive, tau, this.output, first);
    if (total > limit) {
      const flat = { level: charge, swing: 0, decay: 0, slope: 0 };
      output = lagAt(flat, tau, output, total - limit);
      charge = flat.level;
    }
    return { charge, output };
  }

  advance() {
    const { charge, output } = this.stateAt(this.world.now);
    this.charge = charge;
    this.output = output;
    this.sincePs = this.world.now;
  }

  resetChanged(level) {
    this.advance();
    this.resetting = level === 1;
    this.floor = this.resetting ? this.charge * this.options.residue : 0;
  }

  /** A light pulse of `energyMj` arrives now. */
  absorb(energyMj) {
    if (this.broken) return;
    this.advance();
    this.pulses += 1;
    const wanted = this.charge + energyMj * this.options.v_per_mj;
    if (wanted > this.options.saturation_v) this.saturated += 1;
    this.charge = Math.min(wanted, this.options.saturation_v);
  }

  changed() {
    this.advance();
  }

  voltage(ps) {
    const { offset_v, noise_v_rms, seed, saturation_v } = this.options;
    const noise = noise_v_rms > 0 ? noise_v_rms * gaussian(seed, ps) : 0;
    return Math.min(saturation_v, Math.max(0, this.stateAt(ps).output + offset_v + noise));
  }

  probe() {
    const { charge, output } = this.stateAt(this.world.now);
    const volts = this.voltage(this.world.now);
    return { volts, charge, output, resetting: this.resetting, pulses: this.pulses, saturated: this.saturated };
  }
}
