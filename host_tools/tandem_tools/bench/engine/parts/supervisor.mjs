// Windowed supervisor: a watchdog part that wants a toggle of its input neither too soon nor too late.
//
// Roles: in (the chain so far), heartbeat, out = in AND healthy.
// From a toggle the next one is due after min_ms and before max_ms. Too early: it opens at that toggle. Too late: it
// opens at the limit. It opens also with its supply. It closes again at the toggle that ends `good_toggles` intervals in
// succession inside the window. Toggles in the first grace_ms after power-up are not looked at: the part itself starts.
// Real limits lie within `tolerance` of the printed ones; `corner` from -1 to 1 chooses where this piece lies.

import { Part, numberOf, PS_PER_MS } from './part.mjs';

export class Supervisor extends Part {
  static kind = 'supervisor';
  static defaults = { min_ms: 2, max_ms: 500, tolerance: 0.1, corner: 0, good_toggles: 8, grace_ms: 200 };
  static required = ['heartbeat', 'in', 'out'];
  static signed = ['corner'];

  constructor(world, name, options, nets) {
    super(world, name, options, nets);
    this.trips = { too_slow: 0, too_fast: 0 };
    this.toggles = 0;
    this.waiting = false;
    this.powered = true;
    this.start();
    this.watch('heartbeat', 'toggled');
    this.watch('in', 'present');
    this.present();
  }

  setOption(key, value) {
    if (key === 'corner') numberOf(value, `part ${this.name}: corner`, -1, 1);
    super.setOption(key, value);
  }

  start() {
    this.healthy = false;
    this.good = 0;
    this.startedPs = this.world.now;
    this.lastPs = null;
    this.reason = 'starting';
  }

  limitPs(printedMs) {
    return Math.round(printedMs * PS_PER_MS * (1 + this.options.tolerance * this.options.corner));
  }

  toggled() {
    const now = this.world.now;
    if (!this.powered || now - this.startedPs < this.options.grace_ms * PS_PER_MS) return;
    const interval = this.lastPs === null ? null : now - this.lastPs;
    this.toggles += 1;
    this.lastPs = now;
    this.armTimeout();
    if (interval === null) return;
    if (interval < this.limitPs(this.options.min_ms)) return this.trip('too_fast', interval);
    this.good += 1;
    if (!this.healthy && this.good >= this.options.good_toggles) this.recover();
  }

  // One timeout event is kept under way and moves itself on: a heartbeat costs no rescheduling.
  armTimeout() {
    if (this.waiting) return;
    this.waiting = true;
    this.world.at(this.lastPs + this.limitPs(this.options.max_ms), this, 'timeout', null);
  }

  timeout() {
    this.waiting = false;
    if (this.lastPs === null) return;
    const limit = this.lastPs + this.limitPs(this.options.max_ms);
    if (limit > this.world.now) return this.armTimeout();
    this.lastPs = null;
    this.trip('too_slow', null);
  }

  trip(reason, intervalPs) {
    this.good = 0;
    this.reason = reason;
    if (!this.healthy) return;
    this.healthy = false;
    this.trips[reason] += 1;
    this.log('opened', { reason, interval_ms: intervalPs === null ? null : intervalPs / PS_PER_MS });
    this.present();
  }

  recover() {
    this.healthy = true;
    this.reason = '';
    this.log('closed');
    this.present();
  }

  present() {
    this.drive('out', this.healthy && this.level('in') ? 1 : 0);
  }

  powerChanged(on) {
    this.powered = on;
    this.start();
    if (!on) this.reason = 'no supply';
    this.present();
  }

  probe() {
    const { min_ms, max_ms } = this.options;
    return {
      healthy: this.healthy,
      reason: this.reason,
      good: this.good,
      toggles: this.toggles,
      trips: { ...this.trips },
      actual_min_ms: this.limitPs(min_ms) / PS_PER_MS,
      actual_max_ms: this.limitPs(max_ms) / PS_PER_MS,
    };
  }
}
