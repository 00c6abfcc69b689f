// What all parts of the bench share: checked options, wiring by role, and units of time.
//
// A part keeps its whole state in plain properties and asks for its future with world.at(ps, target, method, arg), so
// that the bench can save and restore it at any instant. An event that was overtaken is told by its token, not cancelled.

export const PS_PER_NS = 1e3;
export const PS_PER_US = 1e6;
export const PS_PER_MS = 1e9;

/** The level that a value given by a person means: true, 1 -> 1; false, 0 -> 0. */
export function levelOf(value, what) {
  if (value === true || value === 1) return 1;
  if (value === false || value === 0) return 0;
  throw new Error(`${what} was given ${JSON.stringify(value)}; allowed: 0 or 1 (false, true)`);
}

/** `value` when it is a finite number in low..high, else an error that names what was asked and what is allowed. */
export function numberOf(value, what, low = -Infinity, high = Infinity) {
  if (typeof value === 'number' && Number.isFinite(value) && value >= low && value <= high) return value;
  throw new Error(`${what} was given ${JSON.stringify(value)}; allowed: a number from ${low} to ${high}`);
}

/** `value` when it is one of `allowed`, else an error. */
export function oneOf(value, what, allowed) {
  if (allowed.includes(value)) return value;
  throw new Error(`${what} was given ${JSON.stringify(value)}; allowed: ${allowed.map((a) => JSON.stringify(a)).join(', ')}`);
}

export class Part {
  static kind = '';
  /** Options with their default values; nothing else is accepted. Numbers must stay numbers, texts texts. */
  static defaults = {};
  /** Texts that an option may hold: {option: [texts]}. */
  static choices = {};
  /** Roles that have to be wired. */
  static required = [];
  /** Numeric options that may be negative. */
  static signed = [];

  constructor(world, name, options = {}, nets = {}, analog = {}) {
    this.world = world;
    this.name = name;
    this.nets = nets;
    this.analog = analog;
    this.options = { ...this.constructor.defaults };
    for (const [key, value] of Object.entries(options)) this.setOption(key, value);
    for (const role of this.constructor.required) {
      if (!nets[role]) throw new Error(`part ${name}: role ${role} is not wired; required: ${this.constructor.required.join(', ')}`);
    }
  }

  /** Change one option after checking that it exists and that the value is of its kind. */
  setOption(key, value) {
    const { defaults, choices, signed, kind } = this.constructor;
    const what = `part ${this.name} (${kind}): ${key}`;
    if (!(key in defaults)) {
      const allowed = [...Object.keys(defaults), ...this.controls()].join(', ');
      throw new Error(`${what} is not an option; allowed: ${allowed}`);
    }
    if (choices[key]) oneOf(value, what, choices[key]);
    else if (typeof defaults[key] === 'number') numberOf(value, what, signed.includes(key) ? -Infinity : 0);
    else if (typeof defaults[key] === 'boolean') value = levelOf(value, what) === 1;
    this.options[key] = value;
  }

  /** Names that set() takes beside the options. */
  controls() {
    return [];
  }

  /** Change options or operate controls: {name: value}. Unknown names are refused before anything is changed. */
  set(values) {
    const controls = this.controls();
    for (const key of Object.keys(values)) {
      if (!controls.includes(key) && !(key in this.constructor.defaults)) this.setOption(key, values[key]);
    }
    for (const [key, value] of Object.entries(values)) {
      if (controls.includes(key)) this.operate(key, value);
      else this.setOption(key, value);
    }
    this.changed();
  }

  /** Carry out one control of controls(). */
  operate(_key, _value) {}

  /** Called once after every set(). */
  changed() {}

  probe() {
    return {};
  }

  /** The board that feeds the part lost or got its supply; parts with a supply of their own do nothing. */
  powerChanged(_on) {}

  level(role) {
    return this.nets[role] ? this.nets[role].level : 0;
  }

  drive(role, value, strength = 'strong') {
    if (this.nets[role]) this.nets[role].drive(`${this.name}.${role}`, value, strength);
  }

  watch(role, method) {
    if (this.nets[role]) this.nets[role].watch(this, method);
  }

  /** target[method](arg) after a delay; delays are rounded to the picosecond. */
  after(delayPs, method, arg = null) {
    return this.world.at(this.world.now + Math.round(delayPs), this, method, arg);
  }

  log(event, data = {}) {
    this.world.log(this.name, event, data);
  }

  /** The source (with voltage(ps) and watch) that feeds an analogue input; the stand names it as 'part.role'. */
  source(input) {
    const text = this.analog[input];
    if (!text) throw new Error(`part ${this.name}: analogue input ${input} is not wired; name its source, as in "dac.a"`);
    const dot = text.indexOf('.');
    return this.peer(text.slice(0, dot)).analogOut(text.slice(dot + 1));
  }

  /** Another part of the stand by its name, or null when the option that names it is empty. */
  peer(name) {
    if (!name) return null;
    const part = this.world.parts.get(name);
    if (!part) throw new Error(`part ${this.name}: there is no part named ${name} on this stand`);
    return part;
  }

  /** A board of the stand by its name. */
  board(name) {
    const { boards } = this.world;
    const board = boards.find((each) => each.name === name);
    if (!board) throw new Error(`part ${this.name}: there is no board named "${name}"; there are ${boards.map((b) => b.name).join(', ') || 'none'}`);
    return board;
  }

  /** Output for the analogue wiring; parts that have one override this. */
  analogOut(role) {
    throw new Error(`part ${this.name} (${this.constructor.kind}) has no analogue output ${role}`);
  }
}
