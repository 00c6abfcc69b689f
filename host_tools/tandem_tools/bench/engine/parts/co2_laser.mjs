// RF-excited CO2 laser. Roles: gate, sync, ready, fault, interlock.
//
// While the gate is high the optical power rises towards peak_w with rise_us, afterwards it falls with fall_us, both delay_us
// after the edge. Energy and delivered energy (through the shutter) are integrals in closed form; a pulse is complete when its
// tail has faded (20 fall times) or the next pulse begins. The first pulse after first_pulse_gap_ms of darkness is
// multiplied by first_pulse_factor. The detector hears of each segment of power, the scanner of each complete pulse.
// Overrides of a shot: missing (no light, no sync), no_light, no_sync, factor, peak_w, extend_us (glows on), extra_sync_us,
// sync_offset_ns (may be negative). Control emit_us: light without any gate, for that long from now.

import { numberOf, PS_PER_MS, PS_PER_NS, PS_PER_US } from './part.mjs';
import { Laser, LASER_CHOICES, LASER_DEFAULTS } from './laser.mjs';
import { driveAt, driveIntegral } from './lag.mjs';

const W_PS_TO_MJ = 1e-9; // 1 W for 1 ps is 1e-12 J
const TAIL = 20; // fall times after which a tail counts as faded
const DARK = { level: 0, swing: 0, decay: 0, slope: 0 };

export class Co2Laser extends Laser {
  static kind = 'co2_laser';
  static defaults = {
    ...LASER_DEFAULTS,
    seed: 3,
    sync: false,
    peak_w: 240,
    delay_us: 1,
    rise_us: 20,
    fall_us: 20,
    first_pulse_factor: 1,
    first_pulse_gap_ms: 50,
    scanner: '',
  };
  static choices = LASER_CHOICES;
  static signed = ['sync_delay_ns'];
  static required = ['gate'];
  static overrideFields = {
    missing: 'boolean',
    no_light: 'boolean',
    no_sync: 'boolean',
    factor: 'number',
    peak_w: 'number',
    extend_us: 'number',
    extra_sync_us: 'number',
    sync_offset_ns: 'number',
  };

  constructor(world, name, options, nets) {
    super(world, name, options, nets);
    this.light = { ...DARK }; // optical power in W from sincePs on
    this.sincePs = world.now;
    this.gateShot = null; // shot of the gate that is high
    this.current = null; // record of the pulse that is not complete
    this.passing = true; // the shutter lets light through
    this.lastEndPs = null;
    this.listening = false;
    this.watch('gate', 'gateChanged');
  }

  controls() {
    return [...super.controls(), 'emit_us'];
  }

  operate(key, value) {
    if (key === 'emit_us') this.emit(numberOf(value, `part ${this.name}: emit_us`, 0));
    else super.operate(key, value);
  }

  emit(us) {
    this.listenToShutter();
    const spot = this.peer(this.options.scanner)?.spot() ?? null;
    this.lightOn({ shot: null, override: {}, gatePs: this.world.now, spot });
    this.after(us * PS_PER_US, 'lightOff', null);
  }

  gateChanged(level) {
    this.listenToShutter();
    if (level) this.gateOpened();
    else if (this.gateShot !== null) this.gateClosed();
  }

  // At the first gate, when every part of the stand exists.
  listenToShutter() {
    if (this.listening) return;
    this.listening = true;
    this.passing = this.passes();
    this.peer(this.options.shutter)?.listen(this, 'shutterChanged');
  }

  gateOpened() {
    const reason = this.obstacle();
    if (reason) return this.refuse(reason);
    const { shot, override } = this.beginShot();
    const spot = this.peer(this.options.scanner)?.spot() ?? null;
    this.gateShot = { shot, override, gatePs: this.world.now, spot };
    if (override.missing) return;
    const delay = this.options.delay_us * PS_PER_US;
    if (!override.no_light) this.after(delay, 'lightOn', this.gateShot);
    const syncPs = delay + (this.options.sync_delay_ns + (override.sync_offset_ns ?? 0)) * PS_PER_NS;
    if (!override.no_sync) this.after(Math.max(0, syncPs), 'syncNow');
    if (override.extra_sync_us !== undefined) this.after(syncPs + override.extra_sync_us * PS_PER_US, 'syncNow');
  }

  gateClosed() {
    const { shot, override } = this.gateShot;
    this.gateShot = null;
    if (override.missing || override.no_light) return this.log('missing', { shot });
    this.after((this.options.delay_us + (override.extend_us ?? 0)) * PS_PER_US, 'lightOff', shot);
  }

  syncNow() {
    if (this.options.sync) this.syncHigh();
  }

  lightOn({ shot, override, gatePs, spot }) {
    this.account();
    this.complete();
    const now = this.world.now;
    const peak = (override.peak_w ?? this.options.peak_w) * this.gain(shot, override) * this.firstPulse(now);
    this.current = {
      ps: now,
      shot,
      gate_ps: gatePs,
      gate_us: null,
      peak_w: peak,
      energy_mj: 0,
      delivered_mj: 0,
      shutter: this.shutterState(),
      complete: false,
      ...(spot ?? {}),
    };
    this.pulses.push(this.current);
    this.shine({ level: peak, swing: this.power() - peak, decay: this.options.rise_us * PS_PER_US, slope: 0 });
  }

  firstPulse(now) {
    const gap = this.options.first_pulse_gap_ms * PS_PER_MS;
    return this.lastEndPs === null || now - this.lastEndPs > gap ? this.options.first_pulse_factor : 1;
  }

  lightOff(shot) {
    if (this.current?.shot !== shot) return;
    const now = this.world.now;
    this.account();
    this.current.gate_us = (now - this.current.ps) / PS_PER_US;
    if ('moved' in this.current) this.current.moved = this.peer(this.options.scanner).movedSince(this.current.gate_ps);
    this.lastEndPs = now;
    this.shine({ level: 0, swing: this.power(), decay: this.options.fall_us * PS_PER_US, slope: 0 });
    this.after(TAIL * this.options.fall_us * PS_PER_US, 'faded', shot);
  }

  faded(shot) {
    if (this.current?.shot !== shot) return;
    this.account();
    this.complete();
    this.shine({ ...DARK });
  }

  complete() {
    const pulse = this.current;
    if (!pulse) return;
    pulse.complete = true;
    this.current = null;
    this.log('pulse', { shot: pulse.shot, energy_mj: pulse.energy_mj, delivered_mj: pulse.delivered_mj });
    if ('moved' in pulse) this.peer(this.options.scanner).landed(pulse);
  }

  /** Optical power now, in W. */
  power() {
    return driveAt(this.light, this.world.now - this.sincePs);
  }

  shine(light) {
    this.light = light;
    this.sincePs = this.world.now;
    this.tellDetector();
  }

  tellDetector() {
    const light = { ...this.light, swing: this.power() - this.light.level };
    this.peer(this.options.detector)?.illuminate(this.detectorSees() ? light : DARK);
  }

  shutterChanged(state) {
    this.account();
    this.passing = state !== 'closed';
    if (this.current) this.tellDetector();
  }

  /** Add the light since the last change to the record of the pulse. */
  account() {
    const passed = this.world.now - this.sincePs;
    const energy = driveIntegral(this.light, passed) * W_PS_TO_MJ;
    if (this.current) {
      this.current.energy_mj += energy;
      if (this.passing) this.current.delivered_mj += energy;
    }
    this.light = { ...this.light, swing: driveAt(this.light, passed) - this.light.level };
    this.sincePs = this.world.now;
  }

  probe() {
    return { ...this.probeCommon(), power_w: this.power() };
  }
}
