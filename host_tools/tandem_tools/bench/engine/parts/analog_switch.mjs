// Analogue switch (74HC4066 with a resistor, or one half of a DG419). Role: control (1 = closed). Analogue input: in, a
// source that changes in steps (a converter). Analogue output: out = in while closed, else the voltage `off_v`.
//
// Every step of the output settles with the time constant `tau_us` (switch, resistor and the load's capacitance), in closed
// form: out(t) = target + gap * exp(-t / tau). Without supply the switch is open.

import { Voltage } from './analog.mjs';
import { Part, PS_PER_US } from './part.mjs';

export class AnalogSwitch extends Part {
  static kind = 'analog_switch';
  static defaults = { off_v: 0.02, tau_us: 0.3 };
  static required = ['control'];

  constructor(world, name, options, nets, analog) {
    super(world, name, options, nets, analog);
    this.input = this.source('in');
    if (!(this.input instanceof Voltage)) {
      throw new Error(`part ${name}: the source ${analog.in} of its input never tells of a step; allowed: a converter's output`);
    }
    this.powered = true;
    this.target = this.present();
    this.gap = 0;
    this.sincePs = world.now;
    this.input.watch(this, 'settle');
    this.watch('control', 'settle');
  }

  get closed() {
    return this.powered && this.level('control') === 1;
  }

  present() {
    return this.closed ? this.input.voltage(this.world.now) : this.options.off_v;
  }

  /** A new target: what is left of the way to the old one is a part of the new gap. */
  settle() {
    const { now } = this.world;
    const before = this.voltage(now);
    this.target = this.present();
    this.gap = before - this.target;
    this.sincePs = now;
  }

  changed() {
    this.settle();
  }

  voltage(ps) {
    const tau = this.options.tau_us * PS_PER_US;
    return tau > 0 ? this.target + this.gap * Math.exp(-(ps - this.sincePs) / tau) : this.target;
  }

  analogOut(role) {
    return role === 'out' ? this : super.analogOut(role);
  }

  powerChanged(on) {
    this.powered = on;
    this.settle();
  }

  probe() {
    return { closed: this.closed ? 1 : 0, volts: this.voltage(this.world.now), target_v: this.target };
  }
}
