// Scanner of the CO2 beam. Roles: ok (SCAN_OK, 1 = in position); step, home for mode 'stepped'. Analogue inputs of mode
// 'xy': x, y.
//
// xy: 0..full_scale_v of each input is the field -range_mm/2 .. +range_mm/2. stepped: a rising edge of step goes to the
// next of `positions` [[x_mm, y_mm], ...] (after the last to the first), a rising edge of home to the first.
// A new command makes it move at once: the way left falls by a factor e each seventh of the settle time, which is
// settle_us + settle_us_per_mm * way (times slow_factor); then it stands. ok falls ok_fall_us after the command and rises
// when it has settled. Controls: stuck = 'noticed' (stands, ok stays low after a command) | 'silent' (stands, ok
// answers as if it had moved) | false.

import { Part, oneOf, PS_PER_US } from './part.mjs';

const DECAYS = 7;

export class Scanner extends Part {
  static kind = 'scanner';
  static defaults = {
    mode: 'xy',
    range_mm: 12,
    full_scale_v: (3.3 * 4095) / 4096,
    positions: [],
    settle_us: 200,
    settle_us_per_mm: 80,
    slow_factor: 1,
    ok_fall_us: 2,
  };
  static choices = { mode: ['xy', 'stepped'] };

  constructor(world, name, options, nets, analog) {
    super(world, name, options, nets, analog);
    const { mode, positions } = this.options;
    if (mode === 'stepped' && positions.length === 0) {
      throw new Error(`part ${name}: mode stepped was given no positions; give positions: [[x_mm, y_mm], ...]`);
    }
    this.inputs = mode === 'xy' ? { x: this.source('x'), y: this.source('y') } : {};
    this.index = 0;
    this.stuck = false;
    this.target = mode === 'stepped' ? this.stepTarget() : this.voltsTarget();
    this.start = { ...this.target };
    this.startPs = world.now;
    this.settledPs = world.now;
    this.inPositionPs = world.now;
    this.token = 0;
    this.commands = 0;
    this.pulses = [];
    this.ok = 1;
    this.drive('ok', 1);
    this.watch('step', 'stepped');
    this.watch('home', 'homed');
    for (const axis of Object.keys(this.inputs)) this.inputs[axis].watch(this, 'voltsChanged');
  }

  controls() {
    return ['stuck'];
  }

  operate(_key, value) {
    this.stuck = oneOf(value, `part ${this.name}: stuck`, [false, 'noticed', 'silent']);
  }

  voltsTarget() {
    const { range_mm, full_scale_v } = this.options;
    const now = this.world.now;
    const mm = (source) => (source.voltage(now) / full_scale_v - 0.5) * range_mm;
    return { x: mm(this.inputs.x), y: mm(this.inputs.y) };
  }

  stepTarget() {
    const [x, y] = this.options.positions[this.index];
    return { x, y };
  }

  voltsChanged() {
    this.command(this.voltsTarget());
  }

  stepped(level) {
    if (!level || this.options.mode !== 'stepped') return;
    this.index = (this.index + 1) % this.options.positions.length;
    this.command(this.stepTarget());
  }

  homed(level) {
    if (!level || this.options.mode !== 'stepped') return;
    this.index = 0;
    this.command(this.stepTarget());
  }

  positionAt(ps) {
    if (ps >= this.settledPs) return { ...this.target };
    const left = Math.exp((-DECAYS * (ps - this.startPs)) / (this.settledPs - this.startPs));
    const at = (axis) => this.target[axis] + (this.start[axis] - this.target[axis]) * left;
    return { x: at('x'), y: at('y') };
  }

  command(wanted) {
    const now = this.world.now;
    const from = this.positionAt(now);
    const { settle_us, settle_us_per_mm, slow_factor, ok_fall_us } = this.options;
    const way = Math.hypot(wanted.x - from.x, wanted.y - from.y);
    const settlePs = Math.round((settle_us + settle_us_per_mm * way) * slow_factor * PS_PER_US);
    this.commands += 1;
    this.token += 1;
    if (!this.stuck) {
      this.start = from;
      this.target = wanted;
      this.startPs = now;
      this.settledPs = now + settlePs;
    }
    this.inPositionPs = this.stuck === 'noticed' ? Infinity : now + settlePs;
    this.after(ok_fall_us * PS_PER_US, 'okFalls');
    if (this.stuck !== 'noticed') this.after(settlePs, 'settled', this.token);
  }

  // A second command within ok_fall_us does not put the fall off.
  okFalls() {
    if (this.world.now < this.inPositionPs) this.present(0);
  }

  settled(token) {
    if (token === this.token) this.present(1);
  }

  present(level) {
    this.ok = level;
    this.drive('ok', level);
  }

  /** Where a pulse that starts now lands: { x_mm, y_mm, moved }, moved when it does not stand. */
  spot() {
    const { x, y } = this.positionAt(this.world.now);
    return { x_mm: x, y_mm: y, moved: this.world.now < this.settledPs };
  }

  /** Whether it moved at any time since `ps`. */
  movedSince(ps) {
    return this.settledPs > ps;
  }

  /** The CO2 laser reports a complete pulse. */
  landed({ shot, gate_ps, x_mm, y_mm, moved, energy_mj, delivered_mj }) {
    this.pulses.push({ shot, ps: gate_ps, x_mm, y_mm, moved, energy_mj, delivered_mj });
  }

  probe() {
    const { x, y } = this.positionAt(this.world.now);
    const moving = this.world.now < this.settledPs;
    return { x_mm: x, y_mm: y, moving, ok: this.ok, index: this.index, commands: this.commands, stuck: this.stuck, pulses: this.pulses };
  }
}
