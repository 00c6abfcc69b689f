// Builds a world from the description of a stand (docs/bench.md).

import fs from 'node:fs';

import { Board } from './board.mjs';
import { FLASH_BYTES } from './chip.mjs';
import { ConstantVoltage, World } from './kernel.mjs';
import { PIN_COUNT } from './pins.mjs';

const FLASH_BASE = 0x10000000;
const UF2_BLOCK = 512;
const UF2_MAGIC = 0x0a324655;
const UF2_MAGIC_2 = 0x9e5d5157;
const BOARD_KINDS = ['rp2040_pico'];
const FLASH_TIMES = ['typical', 'worst', 'instant'];

export class StandError extends Error {}

function need(condition, message) {
  if (!condition) throw new StandError(message);
}

/** Puts an image (UF2 or the bare contents of flash) into a board's flash. */
export function loadImage(board, path) {
  let bytes;
  try {
    bytes = fs.readFileSync(path);
  } catch (error) {
    throw new StandError(`image ${path} of board ${board.name} cannot be read: ${error.message}`);
  }
  if (bytes.length >= UF2_BLOCK && bytes.readUInt32LE(0) === UF2_MAGIC) {
    for (let at = 0; at + UF2_BLOCK <= bytes.length; at += UF2_BLOCK) {
      if (bytes.readUInt32LE(at) !== UF2_MAGIC || bytes.readUInt32LE(at + 4) !== UF2_MAGIC_2) continue;
      const offset = bytes.readUInt32LE(at + 12) - FLASH_BASE;
      const size = bytes.readUInt32LE(at + 16);
      need(offset >= 0 && offset + size <= FLASH_BYTES, `image ${path}: a block lies outside the 2 MB flash`);
      board.flash.load(bytes.subarray(at + 32, at + 32 + size), offset);
    }
    return;
  }
  need(bytes.length <= FLASH_BYTES, `image ${path} has ${bytes.length} bytes, more than the 2 MB flash`);
  board.flash.load(bytes);
}

function addBoard(world, description) {
  const { name, kind = 'rp2040_pico', image, flash, flash_times: times = 'typical' } = description;
  need(typeof name === 'string' && name.length > 0, 'every board needs a name');
  need(BOARD_KINDS.includes(kind), `board ${name} is of kind ${kind}; there is ${BOARD_KINDS.join(', ')}`);
  need(FLASH_TIMES.includes(times), `board ${name}: flash_times is ${times}; allowed: ${FLASH_TIMES.join(', ')}`);
  const board = new Board(world, description);
  if (image) loadImage(board, image);
  if (flash && fs.existsSync(flash)) loadImage(board, flash);
  return board;
}

function boardByName(world, name) {
  return world.boards.find((board) => board.name === name) ?? null;
}

/** Connects 'board.GPn' and collects 'part.role' for the parts that are made later. */
function wire(world, netName, members, roles) {
  const net = world.net(netName);
  for (const member of members) {
    const dot = member.indexOf('.');
    need(dot > 0, `net ${netName}: ${member} is not of the form board.GPn or part.role`);
    const owner = member.slice(0, dot);
    const role = member.slice(dot + 1);
    const board = boardByName(world, owner);
    if (board === null) {
      roles.set(owner, { ...roles.get(owner), [role]: net });
      continue;
    }
    const match = /^GP(\d+)$/.exec(role);
    need(match !== null && Number(match[1]) < PIN_COUNT, `net ${netName}: board ${owner} has no pin ${role}`);
    need(board.pins.nets[match[1]] === null, `net ${netName}: ${member} is already on net ${board.pins.nets[match[1]]?.name}`);
    board.pins.connect(Number(match[1]), net);
  }
}

/** The analogue inputs of a part: {x: 'dac.a'} out of {'scanner.x': 'dac.a'}. */
function analogOf(name, analog) {
  const own = Object.entries(analog).filter(([input]) => input.startsWith(`${name}.`));
  return Object.fromEntries(own.map(([input, source]) => [input.slice(name.length + 1), source]));
}

function makePart(PartClass, wiring) {
  try {
    return new PartClass(...wiring);
  } catch (error) {
    throw new StandError(error.message);
  }
}

function addParts(world, parts, roles, analog, classes) {
  const names = new Set(parts.map((part) => part.name));
  for (const owner of roles.keys()) need(names.has(owner), `a net names ${owner}, which is neither a board nor a part`);
  for (const { name, kind, options = {}, supply = world.boards[0].name } of parts) {
    const PartClass = classes[kind];
    need(PartClass !== undefined, `part ${name} is of kind ${kind}; there are ${Object.keys(classes).join(', ') || 'none'}`);
    need(!world.parts.has(name) && boardByName(world, name) === null, `the name ${name} is used twice`);
    const board = boardByName(world, supply);
    need(board !== null, `part ${name} is supplied by ${supply}, which is not a board`);
    const part = makePart(PartClass, [world, name, options, roles.get(name) ?? {}, analogOf(name, analog), null]);
    world.parts.set(name, part);
    board.supplied.push(part);
  }
}

function wireAnalog(world, analog) {
  for (const [input, source] of Object.entries(analog)) {
    if (world.parts.has(input.slice(0, input.indexOf('.')))) continue;
    const [, boardName, channel] = /^(.+)\.ADC([0-3])$/.exec(input) ?? [];
    need(boardByName(world, boardName) !== null, `analogue input ${input} is not of the form board.ADC0 to board.ADC3`);
    if (typeof source === 'number') {
      world.setAnalog(boardName, Number(channel), new ConstantVoltage(source));
      continue;
    }
    const dot = source.indexOf('.');
    const part = world.parts.get(source.slice(0, dot));
    need(part !== undefined, `analogue input ${input}: there is no part ${source.slice(0, dot)}`);
    world.setAnalog(boardName, Number(channel), part.analogOut(source.slice(dot + 1)));
  }
}

function wireSpi(world, spi) {
  for (const [bus, names] of Object.entries(spi)) {
    const [, boardName, index] = /^(.+)\.SPI([01])$/.exec(bus) ?? [];
    const board = boardByName(world, boardName);
    need(board !== null, `SPI bus ${bus} is not of the form board.SPI0 or board.SPI1`);
    for (const name of names) {
      const part = world.parts.get(name);
      need(part !== undefined && typeof part.exchange === 'function', `SPI bus ${bus}: ${name} is not a part for SPI`);
      board.spis[index].devices.push(part);
    }
  }
}

/** A world with everything that the stand names, all boards switched on at time 0. */
export async function buildWorld(stand) {
  const world = new World();
  const { boards = [], nets = {}, analog = {}, spi = {}, parts = [] } = stand;
  need(boards.length > 0, 'a stand needs at least one board');
  for (const board of boards) {
    need(boardByName(world, board.name) === null, `the board name ${board.name} is used twice`);
    addBoard(world, board);
  }
  const roles = new Map();
  for (const [name, members] of Object.entries(nets)) wire(world, name, members, roles);
  for (const board of world.boards) {
    for (let pin = 0; pin < PIN_COUNT; pin++) {
      if (board.pins.nets[pin] === null) board.pins.connect(pin, world.net(`${board.name}.GP${pin}`));
    }
  }
  if (parts.length + roles.size > 0) addParts(world, parts, roles, analog, (await import('./parts/index.mjs')).PARTS);
  wireAnalog(world, analog);
  wireSpi(world, spi);
  for (const board of world.boards) board.switchOn();
  world.recorder.clear([...world.nets.values()].map((net) => net.level));
  return world;
}
