// What one PIO instruction does in the one cycle in which it executes.
//
// `execute` changes the machine and collects in the block what becomes visible in the next cycle: pin outputs
// (`nextOut`, `nextOe`), flags (`flagsSet`, `flagsClear`) and FIFO levels (`linesDirty`). It reads inputs and flags as they
// are at the start of the cycle.

import { LATCH_EXEC, reverseBits, rotateLeft, rotateRight } from './pio_machine.mjs';

const FDEBUG_TXSTALL = 24;
const FDEBUG_RXSTALL = 0;

export const DONE = 0;
export const STALL = 1; // waits for what the machine's `depends*` fields name
export const RETRY = 2; // completes or stalls anew at the next tick, whatever happens
export const INITIATED = 3; // OUT EXEC or MOV EXEC: done, its own delay is ignored

// Flag number of an IRQ or WAIT IRQ instruction: relative indices add the machine's number to the two low bits only.
export function flagIndex(m, operand) {
  return (operand & 0x10) === 0 ? operand & 7 : (operand & 4) | ((operand + m.index) & 3);
}

export function statusWord(m) {
  return (m.statusRx ? m.rxLevel : m.txLevel) < m.statusLevel ? -1 : 0;
}

function stallOn(m, pins, flags, tx, rx) {
  m.dependsPins = pins;
  m.dependsFlags = flags;
  m.dependsTx = tx;
  m.dependsRx = rx;
  return STALL;
}

function stallOnFlag(m, flag) {
  return stallOn(m, 0, 1 << flag, false, false);
}

function stallOnTx(block, m) {
  block.fdebug |= 1 << (FDEBUG_TXSTALL + m.index);
  return stallOn(m, 0, 0, true, false);
}

function stallOnRx(block, m) {
  block.fdebug |= 1 << (FDEBUG_RXSTALL + m.index);
  return stallOn(m, 0, 0, false, true);
}

// The machine's OUT/SET channel: OUT and MOV use the OUT mapping, SET its own. With OUT_STICKY the write is repeated in
// every following cycle (see PioBlock.applySticky).
function writePins(block, m, viaSet, data, directions) {
  if (m.sticky) {
    m.stickyActive = true;
    m.stickyViaSet = viaSet;
    m.stickyWord = data;
    m.stickyDirections = directions;
    m.mapSticky();
    return;
  }
  const mask = viaSet ? m.setMask : m.outMask;
  const levels = rotateLeft(data, viaSet ? m.setBase : m.outBase) & mask;
  if (directions) block.nextOe = (block.nextOe & ~mask) | levels;
  else block.nextOut = (block.nextOut & ~mask) | levels;
}

function writeOutPins(block, m, data, directions) {
  if (!m.inlineEnable || ((data >>> m.outEnableBit) & 1) === 1) writePins(block, m, false, data, directions);
  else m.dropSticky();
}

function jumpTaken(block, m, condition) {
  switch (condition) {
    case 0: return true;
    case 1: return m.x === 0;
    case 2: {
      const taken = m.x !== 0;
      m.x = (m.x - 1) | 0;
      return taken;
    }
    case 3: return m.y === 0;
    case 4: {
      const taken = m.y !== 0;
      m.y = (m.y - 1) | 0;
      return taken;
    }
    case 5: return m.x !== m.y;
    case 6: return ((block.inputs >>> m.jmpPin) & 1) === 1;
    default: return m.osrCount < m.pullThreshold;
  }
}

function executeWait(block, m, instruction) {
  const wanted = (instruction >>> 7) & 1;
  const operand = instruction & 31;
  const source = (instruction >>> 5) & 3;
  if (source === 2) {
    const flag = flagIndex(m, operand);
    if (((block.irq >>> flag) & 1) !== wanted) return stallOnFlag(m, flag);
    if (wanted === 1) block.flagsClear |= 1 << flag;
    return DONE;
  }
  const pin = source === 0 ? operand : (operand + m.inBase) & 31;
  const level = source === 3 ? 0 : (block.inputs >>> pin) & 1;
  if (level === wanted) return DONE;
  return stallOn(m, source === 3 ? 0 : 1 << pin, 0, false, false);
}

function executeIn(block, m, instruction) {
  const bits = instruction & 31 || 32;
  const count = Math.min(32, m.isrCount + bits);
  const full = m.autopush && count >= m.pushThreshold;
  if (full && m.rxLevel >= m.rxDepth) return stallOnRx(block, m);
  let data = 0;
  switch ((instruction >>> 5) & 7) {
    case 0: data = rotateRight(block.inputs, m.inBase); break;
    case 1: data = m.x; break;
    case 2: data = m.y; break;
    case 6: data = m.isr; break;
    case 7: data = m.osr; break;
    default: break;
  }
  if (bits === 32) m.isr = data;
  else if (m.inRight) m.isr = (m.isr >>> bits) | (data << (32 - bits));
  else m.isr = (m.isr << bits) | (data & ((1 << bits) - 1));
  m.isrCount = count;
  if (full) push(block, m);
  return DONE;
}

function push(block, m) {
  m.pushWord(m.isr);
  m.isr = 0;
  m.isrCount = 0;
  block.linesDirty = true;
}

function executeOut(block, m, instruction) {
  if (m.autopull && m.osrCount >= m.pullThreshold) {
    // Silicon cannot fill the OSR and shift from it in one cycle.
    if (!m.refill()) return stallOnTx(block, m);
    block.linesDirty = true;
    return RETRY;
  }
  const bits = instruction & 31 || 32;
  let data = m.osr;
  if (bits === 32) m.osr = 0;
  else if (m.outRight) {
    data &= (1 << bits) - 1;
    m.osr >>>= bits;
    m.osr |= 0;
  } else {
    data >>>= 32 - bits;
    m.osr <<= bits;
  }
  m.osrCount = Math.min(32, m.osrCount + bits);
  switch ((instruction >>> 5) & 7) {
    case 0: writeOutPins(block, m, data, false); break;
    case 1: m.x = data | 0; break;
    case 2: m.y = data | 0; break;
    case 4: writeOutPins(block, m, data, true); break;
    case 5: m.pc = data & 31; m.jumped = true; break;
    case 6: m.isr = data | 0; m.isrCount = bits; break;
    case 7: m.latch = data & 0xffff; m.latchKind = LATCH_EXEC; return INITIATED;
    default: break;
  }
  return DONE;
}

function executePush(block, m, instruction) {
  const ifFull = (instruction & 0x40) !== 0;
  if (ifFull && m.isrCount < m.pushThreshold) return DONE;
  if (m.rxLevel < m.rxDepth) {
    push(block, m);
    return DONE;
  }
  if ((instruction & 0x20) !== 0) return stallOnRx(block, m);
  block.fdebug |= 1 << (FDEBUG_RXSTALL + m.index);
  m.isr = 0;
  m.isrCount = 0;
  return DONE;
}

function executePull(block, m, instruction) {
  // With autopull a PULL is only a barrier: it does nothing while the OSR still has bits to give.
  const ifEmpty = (instruction & 0x40) !== 0 || m.autopull;
  if (ifEmpty && m.osrCount < m.pullThreshold) return DONE;
  if (m.txLevel > 0) {
    m.osr = m.pullWord();
    block.linesDirty = true;
  } else if ((instruction & 0x20) !== 0) {
    return stallOnTx(block, m);
  } else {
    m.osr = m.x;
  }
  m.osrCount = 0;
  return DONE;
}

function executeMov(block, m, instruction) {
  let value = 0;
  switch (instruction & 7) {
    case 0: value = rotateRight(block.inputs, m.inBase); break;
    case 1: value = m.x; break;
    case 2: value = m.y; break;
    case 5: value = statusWord(m); break;
    case 6: value = m.isr; break;
    case 7: value = m.osr; break;
    default: break;
  }
  const operation = (instruction >>> 3) & 3;
  if (operation === 1) value = ~value;
  else if (operation === 2) value = reverseBits(value);
  switch ((instruction >>> 5) & 7) {
    case 0: writeOutPins(block, m, value, false); break;
    case 1: m.x = value; break;
    case 2: m.y = value; break;
    case 4: m.latch = value & 0xffff; m.latchKind = LATCH_EXEC; return INITIATED;
    case 5: m.pc = value & 31; m.jumped = true; break;
    case 6: m.isr = value; m.isrCount = 0; break;
    case 7: m.osr = value; m.osrCount = 0; break;
    default: break;
  }
  return DONE;
}

function executeIrq(block, m, instruction) {
  const flag = flagIndex(m, instruction & 31);
  if ((instruction & 0x40) !== 0) {
    block.flagsClear |= 1 << flag;
    return DONE;
  }
  if (m.irqWaiting) {
    if (((block.irq >>> flag) & 1) === 1) return stallOnFlag(m, flag);
    m.irqWaiting = false;
    return DONE;
  }
  block.flagsSet |= 1 << flag;
  if ((instruction & 0x20) === 0) return DONE;
  m.irqWaiting = true;
  return RETRY;
}

function executeSet(block, m, instruction) {
  const data = instruction & 31;
  switch ((instruction >>> 5) & 7) {
    case 0: writePins(block, m, true, data, false); break;
    case 1: m.x = data; break;
    case 2: m.y = data; break;
    case 4: writePins(block, m, true, data, true); break;
    default: break;
  }
  return DONE;
}

export function execute(block, m, instruction) {
  m.jumped = false;
  switch ((instruction >>> 13) & 7) {
    case 0:
      if (jumpTaken(block, m, (instruction >>> 5) & 7)) {
        m.pc = instruction & 31;
        m.jumped = true;
      }
      return DONE;
    case 1: return executeWait(block, m, instruction);
    case 2: return executeIn(block, m, instruction);
    case 3: return executeOut(block, m, instruction);
    case 4: return (instruction & 0x80) === 0 ? executePush(block, m, instruction) : executePull(block, m, instruction);
    case 5: return executeMov(block, m, instruction);
    case 6: return executeIrq(block, m, instruction);
    default: return executeSet(block, m, instruction);
  }
}

// True when the instruction has a side-set part.
export function hasSideSet(m, instruction) {
  return m.sideMask !== 0 && (!m.sideOptional || ((instruction >>> 12) & 1) === 1);
}

// Side-set levels of the instruction, in place (rotated to the pins of `sideMask`).
export function sideSetLevels(m, instruction) {
  return rotateLeft(((instruction >>> 8) & 31) >>> m.delayBits, m.sideBase) & m.sideMask;
}

export function applySideSet(block, m, instruction) {
  if (!hasSideSet(m, instruction)) return;
  const levels = sideSetLevels(m, instruction);
  if (m.sideDirections) block.nextOe = (block.nextOe & ~m.sideMask) | levels;
  else block.nextOut = (block.nextOut & ~m.sideMask) | levels;
}
