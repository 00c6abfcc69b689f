// Runs the real MicroPython image in two worlds: one with the fast core, and one where each instruction is a run of its own,
// decoded by the package (except where it is known to be wrong). After the boot a program from standard input runs on both. Prints
// what was compared, and the speed of both cores on that program, as JSON.
//   node image_driver.mjs IMAGE MILLISECONDS < PROGRAM

import fs from 'node:fs';

import { Snapshot } from '../../../tandem_tools/bench/engine/snapshot.mjs';
import { buildWorld } from '../../../tandem_tools/bench/engine/stand.mjs';

const [image, milliseconds] = process.argv.slice(2);
const program = fs.readFileSync(0);
const PS_PER_MS = 1e9;
const BOOT_MS = 700;
const SPEED_RUNS = 5;
const SPEED_CYCLES = 20e6;
const BUDGET = 10_000;
const FLAGS = ['N', 'Z', 'C', 'V', 'PM', 'IPSR', 'SPSEL', 'bankedSP', 'pendingInterrupts', 'interruptLines', 'waiting', 'cycles'];

async function world() {
  const made = await buildWorld({ boards: [{ name: 'board', image }] });
  return { world: made, board: made.boards[0] };
}

function runTo(place, ms) {
  place.world.run(ms * PS_PER_MS);
}

/** Whether the package executes an opcode as the architecture says; for the others see the head of cpu.mjs. */
function packageIsRight(opcode) {
  if ((opcode & 0xff00) === 0x4000) return (opcode & 0xc0) < 0x80;
  if ((opcode & 0xff00) === 0x4100) return false;
  return (opcode & 0xf800) !== 0xc000 && opcode < 0xe800 && opcode !== 0x47f0 && (opcode & 0xff00) !== 0xbf00 && (opcode & 0xff00) !== 0xbe00;
}

/** Makes core.run execute one instruction with the package's decoder, counting both kinds. */
function usePackage(core, counts) {
  const fastRun = core.run;
  let returns = 0;
  const { exceptionReturn } = core;
  core.exceptionReturn = function counted(code) {
    returns++;
    exceptionReturn.call(this, code);
  };
  core.run = function run() {
    const opcode = this.rp2040.readUint16(this.PC);
    counts.all++;
    if (this.waiting || this.interruptsUpdated || !packageIsRight(opcode)) return fastRun.call(this, 1);
    counts.package++;
    returns = 0;
    const used = this._packageExecute();
    const more = ((opcode & 0xff00) === 0xb500 || (opcode & 0xff00) === 0xbd00 ? 1 : 0) + 8 * returns;
    this.cycles += more;
    this.PC &= ~1;
    this.stopReason = 'budget';
    return used + more;
  };
}

function hash(words) {
  let value = 0;
  for (let i = 0; i < words.length; i++) value = (Math.imul(value, 31) + words[i]) | 0;
  return value;
}

function difference(left, right) {
  for (let i = 0; i < 16; i++) {
    if (left.core.registers[i] !== right.core.registers[i]) return `r${i}`;
  }
  for (const flag of FLAGS) if (left.core[flag] !== right.core[flag]) return `${flag} ${left.core[flag]}, not ${right.core[flag]}`;
  return hash(left.chip.sram32) === hash(right.chip.sram32) ? null : 'SRAM';
}

function compare(fast, reference, untilMs) {
  for (let ms = 0.1; ms < untilMs; ms += ms < BOOT_MS ? 5 : 0.25) {
    if (ms > BOOT_MS) for (const place of [fast, reference]) start(place);
    runTo(fast, ms);
    runTo(reference, ms);
    const found = difference(fast.board, reference.board);
    if (found) return `${ms} ms: ${found}`;
  }
  return null;
}

function start(place) {
  if (place.started) return;
  place.started = true;
  place.board.usb.send(Buffer.concat([Buffer.from('\x03\x01'), program, Buffer.from('\x04')]));
}

/** Processor time, which other programs on the machine disturb less than the clock on the wall. */
function processorMs() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e3;
}

/** M cycles/s of the core from one state on, with `step` as the way to execute; hardware stands still. */
function speed(core, step) {
  const from = core.cycles;
  const begun = processorMs();
  while (core.cycles - from < SPEED_CYCLES) step(core);
  return (core.cycles - from) / 1e3 / (processorMs() - begun);
}

/** Both cores in turn, several times, each time from the same state. */
function speeds({ world: place, board: { core } }) {
  const snapshot = new Snapshot(place);
  const figures = { fast: [], package: [] };
  for (let run = 0; run < SPEED_RUNS; run++) {
    figures.fast.push(speed(core, (each) => each.run(BUDGET)));
    snapshot.restore();
    figures.package.push(speed(core, (each) => each._packageExecute()));
    snapshot.restore();
  }
  return figures;
}

const counts = { all: 0, package: 0 };
const fast = await world();
const reference = await world();
usePackage(reference.board.core, counts);
const found = compare(fast, reference, Number(milliseconds));
const text = Buffer.from(fast.board.serial.shift(1e6)).toString();
process.stdout.write(JSON.stringify({ difference: found, counts, text, ...speeds(fast) }));
