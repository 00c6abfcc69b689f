// Edges of the nets: time, net and level, in the order in which they happened.

const FIRST_CAPACITY = 4096;

export class Recorder {
  constructor() {
    this.names = [];
    this.enabled = [];
    this.levelAtStart = [];
    this.allEnabled = true;
    this.count = 0;
    this.dropped = 0;
    this.limit = 20_000_000;
    this.times = new Float64Array(FIRST_CAPACITY);
    this.nets = new Int16Array(FIRST_CAPACITY);
    this.levels = new Uint8Array(FIRST_CAPACITY);
    this.last = [];
  }

  addNet(name) {
    this.names.push(name);
    this.enabled.push(this.allEnabled);
    this.levelAtStart.push(0);
    this.last.push(-1);
    return this.names.length - 1;
  }

  /** Records only these nets from now on; null: all. */
  choose(names) {
    this.allEnabled = names === null;
    const wanted = new Set(names ?? []);
    this.enabled = this.names.map((name) => names === null || wanted.has(name));
  }

  record(ps, net, level) {
    if (!this.enabled[net]) return;
    const last = this.last[net];
    // back to the old level within one instant: neither was an edge
    if (last === this.count - 1 && last >= 0 && this.times[last] === ps) {
      this.count--;
      this.last[net] = this.previousOf(net, last);
      return;
    }
    if (this.count >= this.limit) {
      this.dropped++;
      return;
    }
    if (this.count === this.times.length) this.grow();
    this.times[this.count] = ps;
    this.nets[this.count] = net;
    this.levels[this.count] = level;
    this.last[net] = this.count;
    this.count++;
  }

  previousOf(net, from) {
    for (let i = from - 1; i >= 0; i--) if (this.nets[i] === net) return i;
    return -1;
  }

  grow() {
    const size = this.times.length * 2;
    for (const key of ['times', 'nets', 'levels']) {
      const bigger = new this[key].constructor(size);
      bigger.set(this[key]);
      this[key] = bigger;
    }
  }

  /** Forgets all edges so far; `levels` are the nets' levels now, from which later waveforms start. */
  clear(levels) {
    this.count = 0;
    this.dropped = 0;
    this.last = this.last.map(() => -1);
    this.levelAtStart = levels;
  }

  saveState() {
    const { count } = this;
    return {
      fields: { ...this, names: [...this.names], enabled: [...this.enabled], levelAtStart: [...this.levelAtStart], last: [...this.last] },
      times: this.times.slice(0, count),
      nets: this.nets.slice(0, count),
      levels: this.levels.slice(0, count),
    };
  }

  restoreState({ fields, times, nets, levels }) {
    const { times: allTimes, nets: allNets, levels: allLevels } = this;
    Object.assign(this, fields, { names: [...fields.names], enabled: [...fields.enabled], levelAtStart: [...fields.levelAtStart],
      last: [...fields.last] });
    this.times = allTimes;
    this.nets = allNets;
    this.levels = allLevels;
    while (this.times.length < times.length) this.grow();
    this.times.set(times);
    this.nets.set(nets);
    this.levels.set(levels);
  }
}
