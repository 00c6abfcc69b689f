// Runs parts without boards on the bench's own world, for the tests. One JSON request a line on standard input, one JSON
// answer a line on standard output: {"do": "...", ...} -> {"ok": ...} or {"error": "message"}.

import { createInterface } from 'node:readline';

const engine = process.argv[2];
const { World } = await import(`${engine}/kernel.mjs`);
const { PARTS } = await import(`${engine}/parts/index.mjs`);

class Table {
  constructor(stand) {
    this.world = new World();
    this.edges = [];
    this.roles = {};
    for (const [name, members] of Object.entries(stand.nets)) this.addNet(name, members);
    for (const part of stand.parts) this.addPart(part, stand.analog ?? {});
  }

  addNet(name, members) {
    const net = this.world.net(name);
    net.watch(this, 'netChanged');
    for (const member of members) {
      const [owner, role] = member.split('.');
      (this.roles[owner] ??= {})[role] = net;
    }
  }

  netChanged(level, net) {
    this.edges.push([this.world.now, net.name, level]);
  }

  addPart({ name, kind, options }, analog) {
    const own = Object.entries(analog).filter(([input]) => input.startsWith(`${name}.`));
    const sources = Object.fromEntries(own.map(([input, source]) => [input.split('.')[1], source]));
    const part = new PARTS[kind](this.world, name, options ?? {}, this.roles[name] ?? {}, sources);
    this.world.parts.set(name, part);
  }

  source(text) {
    const [owner, role] = text.split('.');
    return this.world.parts.get(owner).analogOut(role);
  }

  part(name) {
    return this.world.parts.get(name);
  }

  // The tester's lead on a net; it wins over nothing, so nets under test have no other strong driver.
  drive({ net, level }) {
    this.world.net(net).drive('test', level);
  }

  answer(request) {
    const { world } = this;
    switch (request.do) {
      case 'run':
        world.run(request.to);
        return world.now;
      case 'drive':
        return this.drive(request) ?? null;
      case 'drive_at':
        world.at(request.ps, this, 'drive', { net: request.net, level: request.level });
        return null;
      case 'level':
        return world.net(request.net).level;
      case 'edges':
        return this.edges;
      case 'exchange':
        return request.parts.map((name) => this.part(name).exchange(request.bits, request.value, world.now));
      case 'voltage':
        return this.source(request.source).voltage(request.ps ?? world.now);
      case 'set':
        return this.part(request.part).set(request.values) ?? null;
      case 'probe':
        return this.part(request.part).probe();
      case 'power':
        return this.part(request.part).powerChanged(request.on) ?? null;
      case 'call':
        return this.part(request.part)[request.method](...request.args) ?? null;
      case 'log':
        return world.entries.filter((entry) => entry.name === request.part);
      case 'conflicts':
        return world.conflicts;
      default:
        throw new Error(`no such request: ${request.do}`);
    }
  }
}

async function pure({ module, name, args }) {
  const exports = await import(`${engine}/parts/${module}.mjs`);
  return exports[name](...args);
}

let table = null;
for await (const line of createInterface({ input: process.stdin })) {
  const request = JSON.parse(line);
  let reply;
  try {
    if (request.do === 'build') {
      table = new Table(request.stand);
      reply = { ok: null };
    } else reply = { ok: request.do === 'pure' ? await pure(request) : table.answer(request) };
  } catch (error) {
    reply = { error: error.message };
  }
  process.stdout.write(`${JSON.stringify(reply)}\n`);
}
