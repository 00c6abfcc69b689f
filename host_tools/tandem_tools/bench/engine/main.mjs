// The bench engine: answers one JSON line per request on its control socket (docs/bench.md has the protocol).
//   node main.mjs CONTROL_FD [SERIAL_FD ...]      CONTROL_FD 3 and SERIAL_FDs 4, 5, ... one a board, unless given

import net from 'node:net';

import { Engine } from './engine.mjs';

const [controlFd = 3, ...serialFds] = process.argv.slice(2).map(Number);
const control = new net.Socket({ fd: controlFd, readable: true, writable: true });
const engine = new Engine(serialFds, (event) => control.write(`${JSON.stringify(event)}\n`));

let pending = '';
let busy = Promise.resolve();

async function answer(line) {
  const request = JSON.parse(line);
  let reply;
  try {
    reply = { id: request.id, ok: (await engine.handle(request.do, request.args ?? {})) ?? null };
  } catch (error) {
    const kind = error.kind ?? error.constructor.name;
    reply = { id: request.id, error: { kind, message: error.message, stack: kind === 'BenchError' ? null : error.stack } };
  }
  control.write(`${JSON.stringify(reply)}\n`);
}

control.setEncoding('utf8');
control.on('data', (text) => {
  pending += text;
  const lines = pending.split('\n');
  pending = lines.pop();
  for (const line of lines) if (line.length > 0) busy = busy.then(() => answer(line));
});

// The engine lives no longer than who started it.
control.on('end', () => process.exit(0));
control.on('close', () => process.exit(0));
control.on('error', () => process.exit(0));
process.on('SIGINT', () => {});
