// SPI FRAM of 256 KiB with the commands of an MB85RS2MT. Role: cs (low = selected).
//
// WREN 06, WRDI 04, RDSR 05, WRSR 01, READ 03, WRITE 02, RDID 9F; 3-byte address of which 18 bits count; reads and writes
// run on and wrap at the end. A byte is stored with its eighth clock, so a power cut keeps what had arrived. The
// write enable latch is set by WREN, cleared by WRDI, by power-up and at the end of WRITE or WRSR. BP1, BP0 in the
// status protect the upper quarter, half or all. Contents last without power.
//
// A WRITE is an operation: it begins with the last byte of its address and ends when the select rises or power fails; the
// log has `write` with number, address and length (bytes stored).

import { Part, numberOf } from './part.mjs';

export const FRAM_BYTES = 256 * 1024;
const ID = [0x04, 0x7f, 0x28, 0x03];
const WRITE_ENABLE_LATCH = 0x02;
const STATUS_WRITABLE = 0x8c;
const NAMES = { 0x06: 'WREN', 0x04: 'WRDI', 0x05: 'RDSR', 0x01: 'WRSR', 0x03: 'READ', 0x02: 'WRITE', 0x9f: 'RDID' };

export class Fram extends Part {
  static kind = 'fram';
  static defaults = { fill: 0 };
  static required = ['cs'];

  constructor(world, name, options, nets) {
    super(world, name, options, nets);
    this.bytes = new Uint8Array(FRAM_BYTES).fill(numberOf(this.options.fill, `part ${name}: fill`, 0, 255));
    this.status = 0;
    this.enabled = false;
    this.powered = true;
    this.present = true;
    this.writes = 0;
    this.refused = 0;
    this.operations = 0;
    this.writing = null;
    this.view = null;
    this.deselect();
    this.watch('cs', 'selectChanged');
  }

  controls() {
    return ['present', 'poke', 'view'];
  }

  /** present: 0 | 1 (0 = chip taken out); poke: [address, hex]; view: [address, length], shown by probe(). */
  operate(key, value) {
    if (key === 'present') this.present = Boolean(value);
    if (key === 'view') this.view = value;
    if (key === 'poke') {
      const [address, hex] = value;
      numberOf(address, `part ${this.name}: poke address`, 0, FRAM_BYTES - hex.length / 2);
      this.bytes.set(Buffer.from(hex, 'hex'), address);
    }
  }

  deselect() {
    this.command = null;
    this.count = 0;
    this.address = 0;
  }

  selectChanged(level) {
    const name = NAMES[this.command];
    if (level && this.powered) {
      if (name === 'WREN') this.enabled = true;
      else if (name === 'WRDI' || (name === 'WRITE' && this.count > 4) || (name === 'WRSR' && this.count > 1)) this.enabled = false;
    }
    this.endWrite();
    this.deselect();
  }

  beginWrite() {
    this.operations += 1;
    this.writing = { number: this.operations, address: this.address, length: 0 };
    this.world.operationStarted({ memory: this.name, kind: 'write', offset: this.address, number: this.operations });
  }

  endWrite() {
    if (this.writing === null) return;
    const { number, address, length } = this.writing;
    this.writing = null;
    this.log('write', { number, address, length });
    this.world.bytesStored(this.name, 0, true);
  }

  exchange(bits, value, _ps) {
    if (!this.powered || !this.present || this.level('cs')) return null;
    let answer = 0;
    for (let shift = bits - 8; shift >= 0; shift -= 8) answer = (answer << 8) | this.byte((value >> shift) & 0xff);
    return answer >>> 0;
  }

  byte(value) {
    const index = this.count;
    this.count += 1;
    if (index === 0) {
      this.command = value;
      if (!NAMES[value]) this.log('unknown command', { command: value });
      return 0;
    }
    switch (NAMES[this.command]) {
      case 'RDSR':
        return this.status | (this.enabled ? WRITE_ENABLE_LATCH : 0);
      case 'RDID':
        return ID[index - 1] ?? 0;
      case 'WRSR':
        if (index === 1 && this.enabled) this.status = value & STATUS_WRITABLE;
        return 0;
      case 'READ':
      case 'WRITE':
        return index <= 3 ? this.addressByte(value, index) : this.data(value);
      default:
        return 0;
    }
  }

  addressByte(value, index) {
    this.address = ((this.address << 8) | value) & (FRAM_BYTES - 1);
    if (index === 3 && NAMES[this.command] === 'WRITE' && this.enabled) this.beginWrite();
    return 0;
  }

  data(value) {
    const address = this.address;
    this.address = (address + 1) & (FRAM_BYTES - 1);
    if (NAMES[this.command] === 'READ') return this.bytes[address];
    if (this.enabled && address < this.protectedFrom()) {
      this.bytes[address] = value;
      this.writes += 1;
      this.writing.length += 1;
      this.world.bytesStored(this.name, 1, false);
    } else {
      this.refused += 1;
    }
    return 0;
  }

  protectedFrom() {
    return [FRAM_BYTES, (FRAM_BYTES * 3) / 4, FRAM_BYTES / 2, 0][(this.status >> 2) & 3];
  }

  powerChanged(on) {
    this.powered = on;
    this.enabled = false;
    this.endWrite();
    this.deselect();
  }

  /** Bytes of the `view` window as hex; beside them counts of operations, bytes written and bytes refused. */
  probe() {
    const [address, length] = this.view ?? [0, 0];
    const hex = Buffer.from(this.bytes.subarray(address, address + length)).toString('hex');
    const { enabled, status, operations, writes, refused, present } = this;
    return { enabled, status, operations, writes, refused, present, view: hex };
  }
}
