// Finds loops that need no stepping.
//
// From a machine's present state, up to LOOP_MAX instructions are followed on paper, as long as none does anything another
// part of the chip could notice. When that comes back to the same instruction with nothing changed but X and Y counted
// down, every further round does the same until a condition turns, so whole rounds are skipped in closed form. Two kinds:
//   counting: X or Y shrinks each round; lasts until the round before a condition would turn;
//   standing: nothing changes; lasts until an input, a flag or a FIFO level it looks at changes.
// Inside such a round a JMP X-- or Y-- to itself, with a count that the round has set, is one entry of the record.
// Pin writes and IRQ set/clear are allowed in a loop when they repeat what is already there. Such a machine is `steady`: the
// block lets it execute in every cycle in which another machine does something, so that the order of writes stays right.

import { LOOP_MAX, LOOPING, reverseBits, rotateLeft, rotateRight } from './pio_machine.mjs';
import { flagIndex, hasSideSet, sideSetLevels, statusWord } from './pio_execute.mjs';

const MIN_ROUNDS = 3; // fewer are cheaper to execute than to skip
const MAX_ROUND = 2 ** 30; // ticks of one round, which the record keeps in 32 bits
const MAX_SPAN = 2 ** 49; // ticks times divisor of one skip, so that float64 stays exact

// The instruction-by-instruction state of the trace. Module-level scratch, filled and used within one call of `skipLoop`.
const s = {
  pc: 0, x: 0, y: 0, osr: 0, osrCount: 0, isr: 0, isrCount: 0, ticks: 0,
  xDown: 0, yDown: 0, xSet: false, ySet: false,
  pins: 0, flags: 0, tx: false, rx: false, effects: false,
  outMask: 0, outValue: 0, oeMask: 0, oeValue: 0, flagMask: 0, flagValue: 0,
  turn: 0, turns: 0, turnIsX: false,
};
// Conditions met on the way, with the values they compared; judged when the loop has closed.
const whereX = new Int32Array(LOOP_MAX);
const whereY = new Int32Array(LOOP_MAX);
const kind = new Uint8Array(LOOP_MAX);
const X_NONZERO = 1;
const Y_NONZERO = 2;
const X_DIFFERS = 3;
const X_FIXED = 4;
const Y_FIXED = 5;
const BOTH_FIXED = 6;
let conditions = 0;

// Notes that the loop goes on only while this holds; one instruction notes at most one condition.
function note(what) {
  kind[conditions] = what;
  whereX[conditions] = s.x;
  whereY[conditions] = s.y;
  conditions++;
}

function following(m) {
  return s.pc === m.wrapTop ? m.wrapBottom : (s.pc + 1) & 31;
}

function repeatsPins(block, mask, data, directions) {
  const now = directions ? block.nextOe : block.nextOut;
  if (((now ^ data) & mask) !== 0) return false;
  if (directions) {
    s.oeMask |= mask;
    s.oeValue |= data & mask;
  } else {
    s.outMask |= mask;
    s.outValue |= data & mask;
  }
  s.effects = true;
  return true;
}

// A jump to itself that counts down what this round has set is followed to its end at once; true when it was one.
function followTurns(m, instruction) {
  if ((instruction & 31) !== s.pc) return false;
  const condition = (instruction >>> 5) & 7;
  s.turnIsX = condition === 2 && s.xSet;
  if (!s.turnIsX && !(condition === 4 && s.ySet)) return false;
  s.turns = (s.turnIsX ? s.x : s.y) >>> 0;
  if (s.turnIsX) s.x = -1;
  else s.y = -1;
  s.pc = following(m);
  return true;
}

function followJump(block, m, instruction) {
  if (followTurns(m, instruction)) return;
  let taken = false;
  switch ((instruction >>> 5) & 7) {
    case 0: taken = true; break;
    case 1:
      taken = s.x === 0;
      note(taken ? X_FIXED : X_NONZERO);
      break;
    case 2:
      taken = s.x !== 0;
      note(taken ? X_NONZERO : X_FIXED);
      s.x = (s.x - 1) | 0;
      s.xDown++;
      break;
    case 3:
      taken = s.y === 0;
      note(taken ? Y_FIXED : Y_NONZERO);
      break;
    case 4:
      taken = s.y !== 0;
      note(taken ? Y_NONZERO : Y_FIXED);
      s.y = (s.y - 1) | 0;
      s.yDown++;
      break;
    case 5:
      taken = s.x !== s.y;
      note(taken ? X_DIFFERS : BOTH_FIXED);
      break;
    case 6:
      taken = ((block.inputs >>> m.jmpPin) & 1) === 1;
      s.pins |= 1 << m.jmpPin;
      break;
    default:
      taken = s.osrCount < m.pullThreshold;
  }
  s.pc = taken ? instruction & 31 : following(m);
}

function followWait(block, m, instruction) {
  const wanted = (instruction >>> 7) & 1;
  const source = (instruction >>> 5) & 3;
  if (source === 2) {
    const flag = flagIndex(m, instruction & 31);
    if (wanted === 1 || ((block.irq >>> flag) & 1) === 1) return false;
    s.flags |= 1 << flag;
    return true;
  }
  if (source === 3) return wanted === 0;
  const pin = source === 0 ? instruction & 31 : ((instruction & 31) + m.inBase) & 31;
  s.pins |= 1 << pin;
  return ((block.inputs >>> pin) & 1) === wanted;
}

function followPushPull(m, instruction) {
  if ((instruction & 0x80) === 0) return (instruction & 0x40) !== 0 && s.isrCount < m.pushThreshold;
  if (((instruction & 0x40) !== 0 || m.autopull) && s.osrCount < m.pullThreshold) return true;
  if ((instruction & 0x20) !== 0 || m.txLevel > 0) return false;
  s.tx = true;
  s.osr = s.x;
  s.osrCount = 0;
  note(X_FIXED);
  return true;
}

function followMov(block, m, instruction) {
  const operands = instruction & 0xff;
  if (operands === 0x21 || operands === 0x42) return true; // mov x, x and mov y, y: no operation
  let value = 0;
  switch (instruction & 7) {
    case 0: value = rotateRight(block.inputs, m.inBase); s.pins = -1; break;
    case 1: note(X_FIXED); value = s.x; break;
    case 2: note(Y_FIXED); value = s.y; break;
    case 5:
      value = statusWord(m);
      if (m.statusRx) s.rx = true;
      else s.tx = true;
      break;
    case 6: value = s.isr; break;
    case 7: value = s.osr; break;
    default: break;
  }
  const operation = (instruction >>> 3) & 3;
  if (operation === 1) value = ~value;
  else if (operation === 2) value = reverseBits(value);
  switch ((instruction >>> 5) & 7) {
    case 0:
      return !m.sticky && !m.inlineEnable && repeatsPins(block, m.outMask, rotateLeft(value, m.outBase), false);
    case 1: s.x = value; s.xSet = true; return true;
    case 2: s.y = value; s.ySet = true; return true;
    case 6: s.isr = value; s.isrCount = 0; return true;
    case 7: s.osr = value; s.osrCount = 0; return true;
    case 4:
    case 5: return false;
    default: return true;
  }
}

function followIrq(block, m, instruction) {
  const flag = flagIndex(m, instruction & 31);
  const up = (((block.irq & ~block.flagsClear) | block.flagsSet) >>> flag) & 1;
  s.flags |= 1 << flag;
  s.effects = true;
  s.flagMask |= 1 << flag;
  s.flagValue |= up << flag;
  if ((instruction & 0x40) !== 0) return up === 0;
  return (instruction & 0x20) === 0 && !m.irqWaiting && up === 1;
}

function followSet(block, m, instruction) {
  const data = instruction & 31;
  switch ((instruction >>> 5) & 7) {
    case 0: return !m.sticky && repeatsPins(block, m.setMask, rotateLeft(data, m.setBase), false);
    case 4: return !m.sticky && repeatsPins(block, m.setMask, rotateLeft(data, m.setBase), true);
    case 1: s.x = data; s.xSet = true; return true;
    case 2: s.y = data; s.ySet = true; return true;
    default: return true;
  }
}

// Follows one instruction; false when it does something that can be noticed, or cannot complete.
function follow(block, m) {
  const instruction = block.memory[s.pc];
  const opcode = instruction >>> 13;
  let sound = false;
  s.turns = 0;
  if (opcode === 0) {
    followJump(block, m, instruction);
    sound = true;
  } else {
    if (opcode === 1) sound = followWait(block, m, instruction);
    else if (opcode === 4) sound = followPushPull(m, instruction);
    else if (opcode === 5) sound = followMov(block, m, instruction);
    else if (opcode === 6) sound = followIrq(block, m, instruction);
    else if (opcode === 7) sound = followSet(block, m, instruction);
    s.pc = following(m);
  }
  if (!sound) return false;
  if (hasSideSet(m, instruction) && !repeatsPins(block, m.sideMask, sideSetLevels(m, instruction), m.sideDirections)) return false;
  if (m.txLevel > 0 && m.autopull && s.osrCount >= m.pullThreshold) return false; // refills; a word that comes later rouses
  s.turn = 1 + ((instruction >>> 8) & m.delayMask);
  s.ticks += s.turn * (s.turns + 1);
  return s.ticks < MAX_ROUND;
}

function record(m, i, x0, y0) {
  m.loopPc[i] = s.pc;
  m.loopX[i] = (s.x - x0) | 0;
  m.loopY[i] = (s.y - y0) | 0;
  m.loopOsr[i] = s.osr;
  m.loopOsrCount[i] = s.osrCount;
  m.loopIsr[i] = s.isr;
  m.loopIsrCount[i] = s.isrCount;
  m.loopTick[i] = s.ticks;
}

// How many rounds every condition stays as it was, when X and Y fall by dx and dy a round.
function roundsWhileTrue(dx, dy) {
  let rounds = Infinity;
  for (let i = 0; i < conditions; i++) {
    let value = 0;
    let step = 0;
    switch (kind[i]) {
      case X_NONZERO: value = whereX[i]; step = dx; break;
      case Y_NONZERO: value = whereY[i]; step = dy; break;
      case X_DIFFERS:
        step = dx - dy;
        value = whereX[i] - whereY[i];
        if (step < 0) {
          step = -step;
          value = -value;
        }
        break;
      case X_FIXED: if (dx !== 0) return 0; break;
      case Y_FIXED: if (dy !== 0) return 0; break;
      default: if (dx !== dy) return 0;
    }
    if (step !== 0) rounds = Math.min(rounds, Math.floor(((value >>> 0) - 1) / step) + 1);
  }
  return rounds;
}

// Called for an awake machine that has just gone back in its program. Puts it to sleep in a loop and returns true, or leaves
// it as it is.
export function skipLoop(block, m) {
  s.pc = m.pc; s.x = m.x; s.y = m.y; s.osr = m.osr; s.osrCount = m.osrCount; s.isr = m.isr; s.isrCount = m.isrCount;
  s.ticks = 0; s.xDown = 0; s.yDown = 0; s.xSet = false; s.ySet = false;
  s.pins = 0; s.flags = 0; s.tx = false; s.rx = false; s.effects = false;
  s.outMask = 0; s.outValue = 0; s.oeMask = 0; s.oeValue = 0; s.flagMask = 0; s.flagValue = 0;
  conditions = 0;
  const start = m.pc;
  const x0 = m.x;
  const y0 = m.y;
  record(m, 0, x0, y0);
  let length = 0;
  do {
    if (length === LOOP_MAX || !follow(block, m)) return false;
    m.loopTurn[length] = s.turns === 0 ? 0 : s.turn;
    m.loopTurnIsX[length] = s.turnIsX ? 1 : 0;
    length++;
    record(m, length, x0, y0);
  } while (s.pc !== start);
  if (s.osr !== m.osr || s.osrCount !== m.osrCount || s.isr !== m.isr || s.isrCount !== m.isrCount) return false;
  if ((s.xSet && s.x !== x0) || (s.ySet && s.y !== y0)) return false;
  const dx = s.xSet ? 0 : s.xDown;
  const dy = s.ySet ? 0 : s.yDown;
  const rounds = Math.min(roundsWhileTrue(dx, dy), dx !== 0 || dy !== 0 ? Math.floor(MAX_SPAN / (s.ticks * m.divisor)) : Infinity);
  if (rounds < MIN_ROUNDS) return false;
  m.mode = LOOPING;
  m.loopLength = length;
  m.loopTicks = s.ticks;
  m.loopDx = dx;
  m.loopDy = dy;
  m.loopX0 = x0;
  m.loopY0 = y0;
  m.loopDone = 0;
  m.dependsPins = s.pins;
  m.dependsFlags = s.flags;
  m.dependsTx = s.tx;
  m.dependsRx = s.rx;
  m.steady = s.effects;
  m.effectOutMask = s.outMask;
  m.effectOutValue = s.outValue;
  m.effectOeMask = s.oeMask;
  m.effectOeValue = s.oeValue;
  m.effectFlagMask = s.flagMask;
  m.effectFlags = s.flagValue;
  m.wake = rounds === Infinity ? Infinity : m.tickAfter(m.delay + rounds * s.ticks);
  return true;
}
