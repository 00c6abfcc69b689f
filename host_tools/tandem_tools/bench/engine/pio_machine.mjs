// One PIO state machine: its registers, FIFOs, clock divider, and the meaning of the nine instructions.
//
// A machine is plain data (numbers and typed arrays), so that a snapshot can copy it. 32-bit values are kept as signed
// 32-bit integers (`| 0`), which V8 stores without boxing; cycle numbers are float64 integers.
//
// Ticks. The divider is free-running: `tick` is the system-clock cycle of the machine's next clock enable and `phase` the
// accumulated fraction (1/256 cycle) at that tick, so tick k from there is at `tick + floor((phase + k * divisor) / 256)`.
// `wake` is the cycle at which the block has to look at the machine again; between now and `wake` nothing happens that
// another part of the chip could notice, and `catchUp` brings the machine to any cycle in between.

export const AWAKE = 0; // executes at `wake`; until then only its delay counts down
export const STALLED = 1; // its instruction cannot complete until something it depends on changes
export const LOOPING = 2; // repeats a recorded loop whose only effect is to count X and Y down

export const LATCH_NONE = 0;
export const LATCH_EXEC = 1; // from OUT EXEC or MOV EXEC: runs at the next tick, its delay counts
export const LATCH_FORCED = 2; // written to SMx_INSTR: runs in every system cycle until done, its delay is ignored

export const LOOP_MAX = 32; // longest loop, in instructions, that is recorded

export function rotateLeft(value, by) {
  return by === 0 ? value | 0 : (value << by) | (value >>> (32 - by));
}

export function rotateRight(value, by) {
  return by === 0 ? value | 0 : (value >>> by) | (value << (32 - by));
}

function lowBits(count) {
  return count >= 32 ? -1 : (1 << count) - 1;
}

export function reverseBits(value) {
  let v = value;
  v = ((v >>> 1) & 0x55555555) | ((v & 0x55555555) << 1);
  v = ((v >>> 2) & 0x33333333) | ((v & 0x33333333) << 2);
  v = ((v >>> 4) & 0x0f0f0f0f) | ((v & 0x0f0f0f0f) << 4);
  v = ((v >>> 8) & 0x00ff00ff) | ((v & 0x00ff00ff) << 8);
  return (v >>> 16) | (v << 16);
}

export class Machine {
  constructor(index) {
    this.index = index;
    this.tx = new Int32Array(8);
    this.rx = new Int32Array(8);
    // Recorded loop: state before each of its instructions, and the tick (from the loop's start) it executes at.
    this.loopPc = new Int32Array(LOOP_MAX + 1);
    this.loopX = new Int32Array(LOOP_MAX + 1);
    this.loopY = new Int32Array(LOOP_MAX + 1);
    this.loopOsr = new Int32Array(LOOP_MAX + 1);
    this.loopOsrCount = new Int32Array(LOOP_MAX + 1);
    this.loopIsr = new Int32Array(LOOP_MAX + 1);
    this.loopIsrCount = new Int32Array(LOOP_MAX + 1);
    this.loopTick = new Int32Array(LOOP_MAX + 1);
    // Where the instruction is a JMP X-- or Y-- to itself that runs out in each round: ticks of one turn, else 0.
    this.loopTurn = new Int32Array(LOOP_MAX + 1);
    this.loopTurnIsX = new Uint8Array(LOOP_MAX + 1);
    this.tick = 0.5; // a double from the start, so that V8 keeps the field unboxed
    this.wake = 0.5;
    this.reset(0);
  }

  reset(cycle) {
    this.clkdiv = 0x00010000;
    this.execctrl = 0x0001f000;
    this.shiftctrl = 0x000c0000;
    this.pinctrl = 0x14000000;
    this.enabled = false;
    this.pc = 0;
    this.x = 0;
    this.y = 0;
    this.osr = 0;
    this.txDepth = 4;
    this.rxDepth = 4;
    this.lastTxDreq = true;
    this.lastRxDreq = false;
    this.tick = cycle;
    this.phase = 0;
    this.wake = Infinity;
    this.mode = AWAKE;
    this.steady = false;
    this.effectOutMask = 0;
    this.effectOutValue = 0;
    this.effectOeMask = 0;
    this.effectOeValue = 0;
    this.effectFlagMask = 0;
    this.effectFlags = 0;
    this.dependsPins = 0;
    this.dependsFlags = 0;
    this.dependsTx = false;
    this.dependsRx = false;
    this.loopLength = 0;
    this.loopTicks = 0;
    this.loopDx = 0;
    this.loopDy = 0;
    this.loopX0 = 0;
    this.loopY0 = 0;
    this.loopDone = 0;
    this.loopMiss = 0;
    this.loopHold = 0;
    this.jumped = false;
    this.clearFifos();
    this.restart();
    this.configure();
  }

  // What CTRL.SM_RESTART clears; PC, X, Y, OSR contents and FIFOs live on.
  restart() {
    this.isr = 0;
    this.isrCount = 0;
    this.osrCount = 32;
    this.delay = 0;
    this.latch = 0;
    this.latchKind = LATCH_NONE;
    this.latchStalled = false;
    this.irqWaiting = false;
    this.stickyViaSet = false;
    this.stickyDirections = false;
    this.stickyWord = 0;
    this.dropSticky();
  }

  dropSticky() {
    this.stickyActive = false;
    this.stickyMask = 0;
    this.stickyLevels = 0;
  }

  // Puts the word that OUT_STICKY repeats onto the pins that PINCTRL names.
  mapSticky() {
    if (!this.sticky) this.dropSticky();
    if (!this.stickyActive) return;
    this.stickyMask = this.stickyViaSet ? this.setMask : this.outMask;
    this.stickyLevels = rotateLeft(this.stickyWord, this.stickyViaSet ? this.setBase : this.outBase) & this.stickyMask;
  }

  clearFifos() {
    this.txHead = 0;
    this.txLevel = 0;
    this.rxHead = 0;
    this.rxLevel = 0;
  }

  // Takes the configuration registers apart, once per write.
  configure() {
    const integer = (this.clkdiv >>> 16) & 0xffff;
    this.divisor = integer === 0 ? 65536 * 256 : integer * 256 + ((this.clkdiv >>> 8) & 0xff);
    const e = this.execctrl;
    this.sideOptional = ((e >>> 30) & 1) === 1;
    this.sideDirections = ((e >>> 29) & 1) === 1;
    this.jmpPin = (e >>> 24) & 31;
    this.outEnableBit = (e >>> 19) & 31;
    this.inlineEnable = ((e >>> 18) & 1) === 1;
    this.sticky = ((e >>> 17) & 1) === 1;
    this.wrapTop = (e >>> 12) & 31;
    this.wrapBottom = (e >>> 7) & 31;
    this.statusRx = ((e >>> 4) & 1) === 1;
    this.statusLevel = e & 15;
    const s = this.shiftctrl;
    this.pullThreshold = (s >>> 25) & 31 || 32;
    this.pushThreshold = (s >>> 20) & 31 || 32;
    this.outRight = ((s >>> 19) & 1) === 1;
    this.inRight = ((s >>> 18) & 1) === 1;
    this.autopull = ((s >>> 17) & 1) === 1;
    this.autopush = ((s >>> 16) & 1) === 1;
    const joinRx = s >>> 31 === 1;
    const joinTx = ((s >>> 30) & 1) === 1;
    this.txDepth = joinRx ? 0 : joinTx ? 8 : 4;
    this.rxDepth = joinTx ? 0 : joinRx ? 8 : 4;
    const p = this.pinctrl;
    const sideBits = Math.min(5, (p >>> 29) & 7);
    const sidePins = this.sideOptional && sideBits > 0 ? sideBits - 1 : sideBits;
    this.sideBits = sideBits;
    this.delayBits = 5 - sideBits;
    this.delayMask = (1 << this.delayBits) - 1;
    this.sideBase = (p >>> 10) & 31;
    this.sideMask = rotateLeft(lowBits(sidePins), this.sideBase);
    this.setBase = (p >>> 5) & 31;
    this.setMask = rotateLeft(lowBits(Math.min(5, (p >>> 26) & 7)), this.setBase);
    this.outBase = p & 31;
    this.outMask = rotateLeft(lowBits(Math.min(32, (p >>> 20) & 63)), this.outBase);
    this.inBase = (p >>> 15) & 31;
    this.mapSticky();
  }

  // Cycle of the tick `count` ticks after `tick`.
  tickAfter(count) {
    if (this.divisor === 256) return this.tick + count;
    return this.tick + Math.floor((this.phase + count * this.divisor) / 256);
  }

  advanceTicks(count) {
    if (this.divisor === 256) {
      this.tick += count;
      return;
    }
    const sum = this.phase + count * this.divisor;
    const cycles = Math.floor(sum / 256);
    this.tick += cycles;
    this.phase = sum - cycles * 256;
  }

  // Number of ticks in cycles `tick` .. `cycle - 1`.
  ticksBefore(cycle) {
    if (cycle <= this.tick) return 0;
    if (this.divisor === 256) return cycle - this.tick;
    return Math.ceil(((cycle - this.tick) * 256 - this.phase) / this.divisor);
  }

  // Brings the machine to the state before its first tick at or after `cycle`; `cycle` must not be beyond `wake`.
  catchUp(cycle) {
    if (cycle <= this.tick) return;
    const ticks = this.ticksBefore(cycle);
    this.advanceTicks(ticks);
    if (!this.enabled) return;
    if (this.mode === LOOPING) this.replayLoop(ticks);
    else if (this.delay > 0) this.delay = Math.max(0, this.delay - ticks);
  }

  replayLoop(count) {
    let ticks = count;
    if (this.delay > 0) {
      const waited = Math.min(ticks, this.delay);
      this.delay -= waited;
      ticks -= waited;
      if (ticks === 0) return;
    }
    // The loop may be anywhere in its round (replayed before), so count from the start of the record.
    ticks += this.loopDone;
    const rounds = Math.floor(ticks / this.loopTicks);
    const rest = ticks - rounds * this.loopTicks;
    this.loopX0 = (this.loopX0 - ((rounds % 0x100000000) * this.loopDx) % 0x100000000) | 0;
    this.loopY0 = (this.loopY0 - ((rounds % 0x100000000) * this.loopDy) % 0x100000000) | 0;
    this.loopDone = rest;
    let i = 0;
    while (i < this.loopLength && this.loopTick[i] < rest) i++;
    // Entry i is the first instruction at or after this tick, unless the one before it jumps to itself and still has turns
    // to do; before it only a delay may still run.
    let next = this.loopTick[i];
    let turns = 0;
    if (i > 0 && this.loopTurn[i - 1] !== 0) {
      const began = this.loopTick[i - 1];
      const done = Math.ceil((rest - began) / this.loopTurn[i - 1]);
      if (began + done * this.loopTurn[i - 1] < next) {
        i--;
        turns = done;
        next = began + done * this.loopTurn[i];
      }
    }
    this.delay = next - rest;
    this.loopDone += this.delay;
    this.pc = this.loopPc[i];
    this.x = (this.loopX0 + this.loopX[i] - (this.loopTurnIsX[i] === 1 ? turns : 0)) | 0;
    this.y = (this.loopY0 + this.loopY[i] - (this.loopTurnIsX[i] === 0 ? turns : 0)) | 0;
    this.osr = this.loopOsr[i];
    this.osrCount = this.loopOsrCount[i];
    this.isr = this.loopIsr[i];
    this.isrCount = this.loopIsrCount[i];
  }

  pullWord() {
    const word = this.tx[this.txHead];
    this.txHead = (this.txHead + 1) & 7;
    this.txLevel--;
    return word;
  }

  pushWord(word) {
    this.rx[(this.rxHead + this.rxLevel) & 7] = word;
    this.rxLevel++;
  }

  wantsRefill() {
    return this.autopull && this.osrCount >= this.pullThreshold && this.txLevel > 0;
  }

  // Autopull outside of OUT: an exhausted OSR is refilled as soon as the TX FIFO has a word. True when it took one.
  refill() {
    if (!this.wantsRefill()) return false;
    this.osr = this.pullWord();
    this.osrCount = 0;
    return true;
  }
}
