// A voltage that parts can read and, where it changes in steps, watch.

export class Voltage {
  constructor(volts = 0) {
    this.volts = volts;
    this.watchers = [];
  }

  voltage(_ps) {
    return this.volts;
  }

  /** target[method](volts) at each change. */
  watch(target, method) {
    this.watchers.push({ target, method });
  }

  set(volts) {
    if (volts === this.volts) return;
    this.volts = volts;
    for (const { target, method } of this.watchers) target[method](volts);
  }
}
