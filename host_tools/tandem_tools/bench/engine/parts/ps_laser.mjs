// Picosecond laser. Roles: fire (the only trigger, or the lamp's), qswitch, sync, ready, fault, interlock.
//
// trigger 'one_trigger': a rising edge of fire gives light after delay_ns. trigger 'lamp_qswitch': fire flashes the lamp, a
// rising edge of qswitch 100..999 us (window_min_us, window_max_us) after it gives light after delay_ns; each flash serves once.
// A flash or trigger sooner than min_period_ms after the last is refused. Jitter is normal, jitter_ns rms, cut at 5.
// The pulse reaches the integrator through a pick-off before or after the shutter, the target through the shutter.
// Overrides of a shot: missing (no light, no sync), no_sync, factor, energy_mj, double_us (the same pulse and sync again),
// extra_sync_us, sync_offset_ns (may be negative), late_us. Control emit_mj: light without any trigger, now.

import { numberOf, PS_PER_MS, PS_PER_NS, PS_PER_US } from './part.mjs';
import { Laser, LASER_CHOICES, LASER_DEFAULTS } from './laser.mjs';
import { gaussian } from './noise.mjs';

export class PsLaser extends Laser {
  static kind = 'ps_laser';
  static defaults = {
    ...LASER_DEFAULTS,
    trigger: 'one_trigger',
    energy_mj: 596.9,
    delay_ns: 1000,
    jitter_ns: 10,
    window_min_us: 100,
    window_max_us: 999,
    min_period_ms: 10,
    min_trigger_ns: 0,
  };
  static choices = { ...LASER_CHOICES, trigger: ['one_trigger', 'lamp_qswitch'] };
  static signed = ['sync_delay_ns'];
  static required = ['fire'];
  static overrideFields = {
    missing: 'boolean',
    no_sync: 'boolean',
    factor: 'number',
    energy_mj: 'number',
    double_us: 'number',
    extra_sync_us: 'number',
    sync_offset_ns: 'number',
    late_us: 'number',
  };

  constructor(world, name, options, nets) {
    super(world, name, options, nets);
    this.lamps = [];
    this.lampPs = null; // flash that waits for its Q-switch
    this.lastPs = null;
    this.tokens = { fire: 0, qswitch: 0 };
    this.watch('fire', 'fireChanged');
    this.watch('qswitch', 'qswitchChanged');
  }

  controls() {
    return [...super.controls(), 'emit_mj'];
  }

  operate(key, value) {
    if (key === 'emit_mj') this.emit({ shot: null, energy: numberOf(value, `part ${this.name}: emit_mj`, 0), sync: true });
    else super.operate(key, value);
  }

  fireChanged(level) {
    this.edge('fire', level, 'fired');
  }

  qswitchChanged(level) {
    this.edge('qswitch', level, 'qswitched');
  }

  // A trigger input may want its pulse to last min_trigger_ns; the light is still counted from the edge.
  edge(input, level, method) {
    this.tokens[input] += 1;
    if (!level) return;
    const edge = { edgePs: this.world.now, input, token: this.tokens[input] };
    if (this.options.min_trigger_ns === 0) this[method](edge);
    else this.after(this.options.min_trigger_ns * PS_PER_NS, method, edge);
  }

  fired(edge) {
    if (edge.token !== this.tokens.fire) return;
    const reason = this.obstacle() || (this.tooSoon(edge.edgePs) ? 'too soon' : '');
    if (reason) return this.refuse(reason);
    this.lastPs = edge.edgePs;
    if (this.options.trigger === 'one_trigger') return this.shoot(edge.edgePs);
    this.lampPs = edge.edgePs;
    this.lamps.push({ ps: edge.edgePs, qswitch_ps: null });
  }

  tooSoon(ps) {
    return this.lastPs !== null && ps - this.lastPs < this.options.min_period_ms * PS_PER_MS;
  }

  qswitched(edge) {
    if (edge.token !== this.tokens.qswitch || this.options.trigger !== 'lamp_qswitch') return;
    if (this.lampPs === null) return this.refuse('no lamp');
    const us = (edge.edgePs - this.lampPs) / PS_PER_US;
    this.lamps.at(-1).qswitch_ps = edge.edgePs;
    this.lampPs = null;
    const { window_min_us, window_max_us } = this.options;
    if (us < window_min_us || us > window_max_us) return this.refuse('outside the Q-switch window');
    const reason = this.obstacle();
    if (reason) return this.refuse(reason);
    this.shoot(edge.edgePs);
  }

  shoot(edgePs) {
    const { shot, override } = this.beginShot();
    if (override.missing) return this.log('missing', { shot });
    const { delay_ns, jitter_ns, seed, sync_delay_ns } = this.options;
    const jitter = jitter_ns * gaussian(seed, shot, 1);
    const light = edgePs + (delay_ns + jitter) * PS_PER_NS + (override.late_us ?? 0) * PS_PER_US;
    const energy = (override.energy_mj ?? this.options.energy_mj) * this.gain(shot, override);
    const syncNs = sync_delay_ns + (override.sync_offset_ns ?? 0);
    this.schedule(light, 'emit', { shot, energy, sync: false });
    if (!override.no_sync) this.schedule(light + syncNs * PS_PER_NS, 'syncNow');
    if (override.double_us !== undefined) this.schedule(light + override.double_us * PS_PER_US, 'emit', { shot, energy, sync: true });
    if (override.extra_sync_us !== undefined) this.schedule(light + override.extra_sync_us * PS_PER_US, 'syncNow');
  }

  schedule(ps, method, arg = null) {
    this.world.at(Math.max(this.world.now, Math.round(ps)), this, method, arg);
  }

  syncNow() {
    if (this.options.sync) this.syncHigh();
  }

  /** An optical pulse of `energy` mJ leaves the laser now. */
  emit({ shot, energy, sync }) {
    const shutter = this.shutterState();
    const target = this.passes();
    this.pulses.push({ ps: this.world.now, shot, energy_mj: energy, shutter, target });
    this.log('pulse', { shot, energy_mj: energy, target });
    if (this.detectorSees()) this.peer(this.options.detector)?.absorb(energy);
    if (sync) this.syncNow();
  }

  probe() {
    return { ...this.probeCommon(), lamps: this.lamps };
  }
}
