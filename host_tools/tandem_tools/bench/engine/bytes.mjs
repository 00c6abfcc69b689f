// A queue of bytes.

export class ByteQueue {
  constructor() {
    this.bytes = new Uint8Array(1024);
    this.start = 0;
    this.end = 0;
  }

  get length() {
    return this.end - this.start;
  }

  push(data) {
    const needed = this.length + data.length;
    if (this.end + data.length > this.bytes.length) {
      const target = needed > this.bytes.length ? new Uint8Array(2 * needed) : this.bytes;
      target.set(this.bytes.subarray(this.start, this.end));
      this.bytes = target;
      this.end -= this.start;
      this.start = 0;
    }
    this.bytes.set(data, this.end);
    this.end += data.length;
  }

  /** Removes and returns up to `count` bytes. */
  shift(count) {
    const size = Math.min(count, this.length);
    const data = this.bytes.slice(this.start, this.start + size);
    this.start += size;
    if (this.start === this.end) this.clear();
    return data;
  }

  view() {
    return this.bytes.subarray(this.start, this.end);
  }

  clear() {
    this.start = 0;
    this.end = 0;
  }

  /** Place of `pattern` from `from` on (both relative to the first byte), -1 if it is not there. */
  indexOf(pattern, from = 0) {
    return Buffer.from(this.bytes.buffer, this.bytes.byteOffset + this.start, this.length).indexOf(pattern, from);
  }
}
