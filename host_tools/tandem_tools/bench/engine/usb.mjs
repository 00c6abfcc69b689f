// The USB device controller (datasheet 4.1) and the host at the other end of its cable: enumerates the board, opens its CDC
// serial port, and moves bytes both ways with flow control. A packet takes its time on a full-speed bus; one at a time.
// Data toggles, CRC and suspend are not modelled; there is no host mode.

import { ByteQueue } from './bytes.mjs';

const IRQ_USB = 5;
const BIT_PS = 1e12 / 12e6;
const PACKET_OVERHEAD_BITS = 100;
const FRAME_PS = 1e9;
const ATTACH_PS = 8e9;
const RESET_RECOVERY_PS = 2e9;
const CONTROL_RETRY_PS = 100e9;

const PULLUP_EN = 1 << 16;
const EP0_INT_1BUF = 1 << 29;
const CONTROLLER_EN = 1;

const SIE_SETUP_REC = 1 << 17;
const SIE_CONNECTED = 1 << 16;
const SIE_BUS_RESET = 1 << 19;
const SIE_VBUS = 1;

const INT_BUFF_STATUS = 1 << 4;
const INT_BUS_RESET = 1 << 12;
const INT_SETUP = 1 << 16;
const INT_SOF = 1 << 17;

const AVAILABLE = 1 << 10;
const STALL = 1 << 11;
const FULL = 1 << 15;
const LENGTH = 0x3ff;
const DOUBLE_BUFFERED = 1 << 30;
const INTERRUPT_PER_BUFFER = 1 << 29;

const DTR_RTS = 3;

/** The host: a queue of control requests, then the serial port's data. */
class Host {
  constructor() {
    this.plugged = true;
    this.state = 'detached';
    this.requests = [];
    this.request = null;
    this.stage = 'idle';
    this.collected = [];
    this.inEndpoint = -1;
    this.outEndpoint = -1;
    this.controlInterface = 0;
    this.dtr = true;
    this.reading = true;
    this.toDevice = new ByteQueue();
    this.received = new ByteQueue();
    this.receivedTotal = 0;
    this.sentTotal = 0;
  }
}

export class UsbController {
  constructor(board) {
    this.board = board;
    this.host = new Host();
    this.words = board.chip.dpram32;
    this.bytes = board.chip.usbDPRAM;
    this.services = new Array(32).fill(null);
    this.timer = null;
    this.sofEvent = null;
    this.busBusyPs = 0;
    this.framesFromPs = 0;
    this.portOpen = false;
    this.clear();
  }

  clear() {
    this.address = 0;
    this.mainControl = 0;
    this.sieControl = 0;
    this.sieStatus = 0;
    this.bufferStatus = 0;
    this.enable = 0;
    this.force = 0;
    this.muxing = 0;
    this.power = 0;
    this.stallArm = 0;
    this.abort = 0;
    this.nakPoll = 0x00100010;
    this.sofPending = false;
  }

  reset() {
    this.detach();
    this.clear();
    this.words.fill(0);
    this.update();
  }

  // --- attachment and enumeration

  get attached() {
    return (this.mainControl & CONTROLLER_EN) !== 0 && (this.sieControl & PULLUP_EN) !== 0 && this.host.plugged;
  }

  detach() {
    const { host } = this;
    host.state = 'detached';
    host.request = null;
    host.requests.length = 0;
    host.stage = 'idle';
    host.inEndpoint = -1;
    host.outEndpoint = -1;
    for (let i = 0; i < 32; i++) this.cancelService(i);
    for (const key of ['timer', 'sofEvent']) {
      if (this[key] !== null) this[key].cancel();
      this[key] = null;
    }
    if (this.portOpen) {
      this.portOpen = false;
      this.board.world.log(this.board.name, 'usb', 'detached');
    }
  }

  checkAttached() {
    const { host } = this;
    if (this.attached && host.state === 'detached') {
      host.state = 'attaching';
      this.timer = this.board.world.at(this.board.world.now + ATTACH_PS, this, 'busReset', null);
    } else if (!this.attached && host.state !== 'detached') this.detach();
  }

  plug(plugged) {
    this.host.plugged = plugged;
    this.checkAttached();
  }

  busReset() {
    this.host.state = 'reset';
    this.sieStatus |= SIE_BUS_RESET | SIE_CONNECTED;
    this.framesFromPs = this.board.world.now;
    this.timer = this.board.world.at(this.board.world.now + RESET_RECOVERY_PS, this, 'enumerate', null);
    this.scheduleSof();
    this.update();
  }

  enumerate() {
    const { host } = this;
    this.timer = null;
    host.state = 'enumerating';
    host.requests.length = 0;
    this.control('device', 0x80, 6, 0x0100, 0, 18);
    this.control('address', 0x00, 5, 1, 0, 0);
    this.control('configuration', 0x80, 6, 0x0200, 0, 9);
    this.nextRequest();
  }

  control(name, type, request, value, index, length, data = null) {
    this.host.requests.push({ name, type, request, value, index, length, data });
  }

  nextRequest() {
    const { host, bytes } = this;
    if (host.request !== null || host.requests.length === 0) return;
    const r = host.requests.shift();
    host.request = r;
    host.collected = [];
    host.stage = r.length === 0 ? 'status-in' : r.type & 0x80 ? 'data-in' : 'data-out';
    bytes.set([r.type, r.request, r.value & 255, r.value >> 8, r.index & 255, r.index >> 8, r.length & 255, r.length >> 8], 0);
    this.sieStatus |= SIE_SETUP_REC;
    this.timer = this.board.world.at(this.board.world.now + CONTROL_RETRY_PS, this, 'requestTimedOut', null);
    this.update();
  }

  /** A device that does not answer is reset anew, as a host's hub driver does. */
  requestTimedOut() {
    this.timer = null;
    this.board.world.log(this.board.name, 'usb', `no answer to ${this.host.request?.name}`);
    this.detach();
    this.checkAttached();
  }

  requestDone(answered) {
    const { host } = this;
    const { name } = host.request;
    if (this.timer !== null) this.timer.cancel();
    this.timer = null;
    host.request = null;
    host.stage = 'idle';
    if (answered && name === 'configuration') {
      const total = host.collected[2] | (host.collected[3] << 8);
      this.control('descriptors', 0x80, 6, 0x0200, 0, total);
    } else if (answered && name === 'descriptors') {
      this.readDescriptors(host.collected);
      this.control('configure', 0x00, 9, 1, 0, 0);
    } else if (answered && name === 'configure') {
      host.state = 'configured';
      this.control('line-coding', 0x21, 0x20, 0, host.controlInterface, 7, [0x00, 0xc2, 0x01, 0x00, 0, 0, 8]);
      this.sendLineState();
    } else if (name === 'line-state') {
      if (!this.portOpen) this.board.world.log(this.board.name, 'usb', 'attached');
      this.portOpen = true;
      this.tryOut();
      this.tryIn();
    }
    this.nextRequest();
  }

  readDescriptors(bytes) {
    const { host } = this;
    let serial = false;
    for (let at = 0; at + 1 < bytes.length && bytes[at] >= 2; at += bytes[at]) {
      if (bytes[at + 1] === 4) {
        serial = bytes[at + 5] === 10;
        if (bytes[at + 5] === 2) host.controlInterface = bytes[at + 2];
      } else if (bytes[at + 1] === 5 && serial && (bytes[at + 3] & 3) === 2) {
        if (bytes[at + 2] & 0x80) host.inEndpoint = bytes[at + 2] & 15;
        else host.outEndpoint = bytes[at + 2] & 15;
      }
    }
  }

  sendLineState() {
    this.control('line-state', 0x21, 0x22, this.host.dtr ? DTR_RTS : 0, this.host.controlInterface, 0);
    this.nextRequest();
  }

  /** Somebody opened (or closed) the serial port on the host's side. */
  setDtr(dtr) {
    if (this.host.dtr === dtr) return;
    this.host.dtr = dtr;
    if (!dtr) this.host.toDevice.clear();
    if (this.host.state === 'configured') this.sendLineState();
  }

  /** Whether the host takes what the board sends; if not, its packets wait (NAK). */
  setReading(reading) {
    this.host.reading = reading;
    if (reading) this.tryIn();
  }

  send(bytes) {
    this.host.toDevice.push(bytes);
    this.tryOut();
  }

  // --- transactions

  bufferControl(endpoint, out) {
    return (0x80 + 8 * endpoint + (out ? 4 : 0)) >>> 2;
  }

  endpointControl(endpoint, out) {
    return endpoint === 0 ? 0 : this.words[(8 + 8 * (endpoint - 1) + (out ? 4 : 0)) >>> 2];
  }

  dataOffset(endpoint, out) {
    return endpoint === 0 ? 0x100 : this.endpointControl(endpoint, out) & 0xffc0;
  }

  dpramWritten(offset, value) {
    if (offset < 0x80 || offset >= 0x100) return;
    const endpoint = (offset - 0x80) >>> 3;
    const out = (offset & 4) !== 0;
    if (value & STALL && endpoint === 0 && this.host.request !== null) this.schedule(endpoint, out, 0);
    if (value & (AVAILABLE | (AVAILABLE << 16))) this.offered(endpoint, out);
  }

  /** The device gave a buffer to the controller: the host's next token for it, if it has one, moves the data. */
  offered(endpoint, out) {
    const { host } = this;
    if (host.state === 'detached' || host.state === 'attaching') return;
    if (endpoint === 0) {
      const wanted = out ? host.stage === 'data-out' || host.stage === 'status-out' : host.stage === 'data-in' || host.stage === 'status-in';
      if (wanted) this.schedule(0, out, out ? 0 : this.words[this.bufferControl(0, false)] & LENGTH);
    } else if (out && endpoint === host.outEndpoint) this.tryOut();
    else if (!out && endpoint === host.inEndpoint) this.tryIn();
  }

  schedule(endpoint, out, length) {
    const slot = endpoint * 2 + (out ? 1 : 0);
    if (this.services[slot] !== null) return;
    const { world } = this.board;
    const start = Math.max(world.now, this.busBusyPs);
    this.busBusyPs = start + Math.round((PACKET_OVERHEAD_BITS + 8 * length) * BIT_PS);
    this.services[slot] = world.at(this.busBusyPs, this, 'transact', slot);
  }

  cancelService(slot) {
    if (this.services[slot] !== null) this.services[slot].cancel();
    this.services[slot] = null;
  }

  tryIn() {
    const { host } = this;
    if (host.inEndpoint <= 0 || host.state !== 'configured' || !host.reading) return;
    const control = this.words[this.bufferControl(host.inEndpoint, false)];
    const half = control & AVAILABLE ? 0 : control & (AVAILABLE << 16) ? 16 : -1;
    if (half >= 0) this.schedule(host.inEndpoint, false, (control >>> half) & LENGTH);
  }

  tryOut() {
    const { host } = this;
    if (host.outEndpoint <= 0 || !this.portOpen || host.toDevice.length === 0) return;
    const control = this.words[this.bufferControl(host.outEndpoint, true)];
    if (control & AVAILABLE) this.schedule(host.outEndpoint, true, Math.min(control & LENGTH, host.toDevice.length, 64));
  }

  transact(slot) {
    this.services[slot] = null;
    const endpoint = slot >>> 1;
    const out = (slot & 1) === 1;
    if (endpoint === 0 && this.words[this.bufferControl(0, out)] & STALL && this.host.request !== null) {
      this.requestDone(false);
      return;
    }
    if (endpoint === 0) this.transactControl(out);
    else if (out) this.transactOut();
    else this.transactIn();
    this.update();
  }

  /** Takes the data of an IN buffer; returns null if there is none. */
  takeIn(endpoint) {
    const at = this.bufferControl(endpoint, false);
    const control = this.words[at];
    const shift = control & AVAILABLE ? 0 : control & (AVAILABLE << 16) ? 16 : -1;
    if (shift < 0) return null;
    const length = (control >>> shift) & LENGTH;
    const offset = this.dataOffset(endpoint, false) + (shift === 16 ? 64 : 0);
    this.words[at] = control & ~((AVAILABLE | FULL) << shift);
    const settings = this.endpointControl(endpoint, false);
    const more = (this.words[at] & (AVAILABLE << 16)) !== 0 && (settings & DOUBLE_BUFFERED) !== 0;
    const report = endpoint === 0 ? (this.sieControl & EP0_INT_1BUF) !== 0 : (settings & INTERRUPT_PER_BUFFER) !== 0 || !more;
    if (report) this.bufferStatus |= 1 << (2 * endpoint);
    return this.bytes.slice(offset, offset + length);
  }

  /** Fills an OUT buffer; false if the device has not offered one. */
  giveOut(endpoint, data) {
    const at = this.bufferControl(endpoint, true);
    const control = this.words[at];
    if (!(control & AVAILABLE)) return false;
    this.bytes.set(data, this.dataOffset(endpoint, true));
    this.words[at] = (control & ~(AVAILABLE | LENGTH)) | FULL | data.length;
    this.bufferStatus |= 1 << (2 * endpoint + 1);
    return true;
  }

  transactControl(out) {
    const { host } = this;
    if (host.request === null) return;
    switch (host.stage) {
      case 'data-in': {
        const data = out ? null : this.takeIn(0);
        if (data === null) return;
        host.collected.push(...data);
        if (data.length < 64 || host.collected.length >= host.request.length) host.stage = 'status-out';
        break;
      }
      case 'data-out':
        if (!out || !this.giveOut(0, host.request.data)) return;
        host.stage = 'status-in';
        break;
      case 'status-out':
        if (!out || !this.giveOut(0, [])) return;
        this.requestDone(true);
        return;
      case 'status-in':
        if (out || this.takeIn(0) === null) return;
        this.requestDone(true);
        return;
      default:
        return;
    }
    const otherOut = host.stage === 'status-out';
    if (this.words[this.bufferControl(0, otherOut)] & AVAILABLE) this.schedule(0, otherOut, 0);
  }

  transactIn() {
    const { host } = this;
    if (!host.reading) return;
    const data = this.takeIn(host.inEndpoint);
    if (data === null) return;
    host.receivedTotal += data.length;
    if (data.length > 0) this.board.serialReceived(data);
    this.tryIn();
  }

  transactOut() {
    const { host } = this;
    const control = this.words[this.bufferControl(host.outEndpoint, true)];
    if (!(control & AVAILABLE) || host.toDevice.length === 0) return;
    const data = host.toDevice.shift(Math.min(control & LENGTH, 64));
    host.sentTotal += data.length;
    this.giveOut(host.outEndpoint, data);
    this.board.serialTaken();
  }

  // --- frames, interrupts, registers

  get frame() {
    return Math.floor((this.board.world.now - this.framesFromPs) / FRAME_PS) & 0x7ff;
  }

  scheduleSof() {
    const running = this.host.state !== 'detached' && this.host.state !== 'attaching' && (this.enable & INT_SOF) !== 0;
    if (!running) {
      if (this.sofEvent !== null) this.sofEvent.cancel();
      this.sofEvent = null;
    } else if (this.sofEvent === null) {
      const { now } = this.board.world;
      const next = this.framesFromPs + (Math.floor((now - this.framesFromPs) / FRAME_PS) + 1) * FRAME_PS;
      this.sofEvent = this.board.world.at(next, this, 'startOfFrame', null);
    }
  }

  startOfFrame() {
    this.sofEvent = null;
    this.sofPending = true;
    this.update();
    this.scheduleSof();
  }

  get raw() {
    return (
      (this.bufferStatus !== 0 ? INT_BUFF_STATUS : 0) | (this.sieStatus & SIE_BUS_RESET ? INT_BUS_RESET : 0) |
      (this.sieStatus & SIE_SETUP_REC ? INT_SETUP : 0) | (this.sofPending ? INT_SOF : 0)
    );
  }

  update() {
    this.board.core.setInterrupt(IRQ_USB, ((this.raw & this.enable) | this.force) !== 0);
  }

  peek(offset) {
    return offset === 0x48 ? this.frame : this.read(offset);
  }

  read(offset) {
    switch (offset) {
      case 0x00: return this.address;
      case 0x40: return this.mainControl;
      case 0x48:
        this.sofPending = false;
        this.update();
        return this.frame;
      case 0x4c: return this.sieControl;
      case 0x50: return this.sieStatus | (this.power & 4 ? (this.power & 8 ? SIE_VBUS : 0) : SIE_VBUS) | (this.attached ? 1 << 2 : 0);
      case 0x58: return this.bufferStatus;
      case 0x60: return this.abort;
      case 0x64: return this.abort;
      case 0x68: return this.stallArm;
      case 0x6c: return this.nakPoll;
      case 0x74: return this.muxing;
      case 0x78: return this.power;
      case 0x8c: return this.raw;
      case 0x90: return this.enable;
      case 0x94: return this.force;
      case 0x98: return (this.raw & this.enable) | this.force;
      default: return 0;
    }
  }

  write(offset, value, raw) {
    switch (offset) {
      case 0x00:
        this.address = value & 0xf007f;
        break;
      case 0x40:
        this.mainControl = value & 0x80000003;
        break;
      case 0x4c:
        this.sieControl = value;
        break;
      case 0x50:
        this.sieStatus &= ~raw;
        break;
      case 0x58:
        this.bufferStatus &= ~raw;
        break;
      case 0x60:
        this.abort = value;
        for (let i = 0; i < 32; i++) if (value & (1 << i)) this.cancelService(i);
        break;
      case 0x68:
        this.stallArm = value & 3;
        break;
      case 0x74:
        this.muxing = value & 15;
        break;
      case 0x78:
        this.power = value & 63;
        break;
      case 0x90:
        this.enable = value & 0xfffff;
        this.scheduleSof();
        break;
      case 0x94:
        this.force = value & 0xfffff;
        break;
      default:
    }
    this.checkAttached();
    this.update();
  }
}
