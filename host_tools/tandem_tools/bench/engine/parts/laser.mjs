// What both lasers share: READY and FAULT lines, the interlock contact, shots numbered from 0 with overrides, shutter.
//
// Controls: ready, fault = 0 | 1; next = [override or null, ...] for the coming shots; overrides = {shot number: override};
// clear_overrides. fault_line 'closed_ok' closes its contact (level 1) while all is well, 'open_ok' while it is not.

import { Part, levelOf, numberOf, PS_PER_MS } from './part.mjs';
import { gaussian } from './noise.mjs';

export const LASER_DEFAULTS = {
  noise_percent: 0,
  decay_per_shot: 0,
  seed: 1,
  ready: 'steady',
  recharge_ms: 40,
  fault: 'closed_ok',
  interlock_ms: 5,
  sync: true,
  sync_width_ns: 1000,
  sync_delay_ns: 0,
  pickoff: 'after',
  shutter: '',
  detector: '',
};

export const LASER_CHOICES = {
  ready: ['steady', 'per_shot', 'none'],
  fault: ['closed_ok', 'open_ok', 'none'],
  pickoff: ['before', 'after'],
};

export class Laser extends Part {
  /** Fields of an override with the kind of their values; subclasses say which. */
  static overrideFields = {};

  constructor(world, name, options, nets) {
    super(world, name, options, nets);
    this.shots = 0; // triggers that the laser obeyed
    this.pulses = []; // every optical pulse
    this.refused = []; // triggers that it did not obey, with the reason
    this.overrides = {};
    this.isReady = true;
    this.recharging = false;
    this.isFaulty = false;
    this.interlock = nets.interlock ? nets.interlock.level === 1 : true;
    this.interlockToken = 0;
    this.syncs = 0;
    this.watch('interlock', 'interlockChanged');
    this.drive('sync', 0);
    this.presentLines();
  }

  controls() {
    return ['is_ready', 'is_fault', 'next', 'overrides', 'clear_overrides'];
  }

  operate(key, value) {
    if (key === 'is_ready') this.isReady = levelOf(value, `part ${this.name}: is_ready`) === 1;
    if (key === 'is_fault') this.isFaulty = levelOf(value, `part ${this.name}: is_fault`) === 1;
    if (key === 'clear_overrides') this.overrides = {};
    if (key === 'overrides') for (const [shot, override] of Object.entries(value)) this.plan(Number(shot), override);
    if (key === 'next') value.forEach((override, i) => override && this.plan(this.shots + i, override));
  }

  plan(shot, override) {
    const fields = this.constructor.overrideFields;
    numberOf(shot, `part ${this.name}: shot number`, 0);
    for (const [key, value] of Object.entries(override)) {
      if (typeof value !== fields[key]) {
        const allowed = Object.entries(fields).map(([field, kind]) => `${field} (${kind})`).join(', ');
        throw new Error(`part ${this.name}: override ${key} was given ${JSON.stringify(value)}; allowed: ${allowed}`);
      }
    }
    this.overrides[shot] = override;
  }

  changed() {
    this.presentLines();
  }

  interlockChanged(level) {
    this.interlockToken += 1;
    this.after(this.options.interlock_ms * PS_PER_MS, 'interlockFollows', { level, token: this.interlockToken });
  }

  interlockFollows({ level, token }) {
    if (token !== this.interlockToken) return;
    this.interlock = level === 1;
    this.presentLines();
  }

  /** Why the laser would not obey a trigger now, or '' when it would. */
  obstacle() {
    if (this.isFaulty) return 'fault';
    if (!this.interlock) return 'interlock';
    if (!this.isReady) return 'not ready';
    return this.recharging ? 'recharging' : '';
  }

  presentLines() {
    if (this.options.ready !== 'none') this.drive('ready', this.obstacle() === '' ? 1 : 0);
    else this.drive('ready', null);
    if (this.options.fault === 'none') this.drive('fault', null);
    else this.drive('fault', this.isFaulty === (this.options.fault === 'open_ok') ? 1 : 0);
  }

  refuse(reason) {
    this.refused.push({ ps: this.world.now, reason });
    this.log('refused', { reason });
  }

  /** Number and override of the shot that starts now; a per_shot laser begins to recharge. */
  beginShot() {
    const shot = this.shots;
    this.shots += 1;
    if (this.options.ready === 'per_shot') {
      this.recharging = true;
      this.after(this.options.recharge_ms * PS_PER_MS, 'recharged');
      this.presentLines();
    }
    return { shot, override: this.overrides[shot] ?? {} };
  }

  recharged() {
    this.recharging = false;
    this.presentLines();
  }

  /** Factor of a shot from noise, slow decay and its override. */
  gain(shot, override) {
    const { noise_percent, decay_per_shot, seed } = this.options;
    const noise = noise_percent > 0 ? 1 + (noise_percent / 100) * gaussian(seed, shot) : 1;
    return Math.max(0, noise) * (1 - decay_per_shot) ** shot * (override.factor ?? 1);
  }

  syncHigh() {
    this.syncs += 1;
    this.drive('sync', 1);
    this.after(this.options.sync_width_ns * 1e3, 'syncLow', this.syncs);
  }

  syncLow(token) {
    if (token === this.syncs) this.drive('sync', 0);
  }

  shutterState() {
    const shutter = this.peer(this.options.shutter);
    return shutter ? shutter.state() : 'open';
  }

  /** A shutter that is not at its closed end counts as letting light through: the strict view. */
  passes() {
    return this.shutterState() !== 'closed';
  }

  detectorSees() {
    return this.options.pickoff === 'before' || this.passes();
  }

  probeCommon() {
    return {
      shots: this.shots,
      pulses: this.pulses,
      refused: this.refused,
      ready: this.obstacle() === '',
      obstacle: this.obstacle(),
      fault: this.isFaulty,
      overrides: this.overrides,
    };
  }
}
