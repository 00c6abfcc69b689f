// The byte stream between a board's serial port and the socket that Python bridges to a pseudo-terminal.
// Flow control both ways: the socket is read only while the host's queue is short, and a board's packets wait while the
// socket does not drain.

import net from 'node:net';

const QUEUE_HIGH = 4096;
const QUEUE_LOW = 1024;
const CLOSE_WAIT_MS = 1000;
const SETTLE_MS = 20;

export class PortLink {
  constructor(board, fd) {
    this.board = board;
    this.socket = new net.Socket({ fd, readable: true, writable: true });
    this.open = false;
    this.paused = false;
    this.closing = null;
    this.socket.on('data', (data) => this.fromPort(data));
    this.socket.on('drain', () => this.board.usb.setReading(true));
    this.socket.on('error', () => {});
    board.$port = this;
  }

  /** Whether what the board sends goes to the port instead of into the engine's own buffer. */
  get wants() {
    return this.open;
  }

  fromPort(data) {
    if (!this.open) return;
    const { usb } = this.board;
    usb.send(data);
    if (usb.host.toDevice.length > QUEUE_HIGH && !this.paused) {
      this.paused = true;
      this.socket.pause();
    }
  }

  roomChanged() {
    if (this.paused && this.board.usb.host.toDevice.length < QUEUE_LOW) {
      this.paused = false;
      this.socket.resume();
    }
  }

  deliver(data) {
    if (!this.socket.write(Buffer.from(data))) this.board.usb.setReading(false);
  }

  /**
   * Somebody opened or closed the pseudo-terminal. As with a real port, the close waits (CLOSE_WAIT_MS at most) until the
   * board has taken what was written before it.
   */
  setOpen(open, atOnce = false) {
    clearInterval(this.closing);
    this.closing = null;
    if (!open && this.open && !atOnce) {
      const until = performance.now() + CLOSE_WAIT_MS;
      const settled = performance.now() + SETTLE_MS;
      this.closing = setInterval(() => {
        const now = performance.now();
        const empty = this.board.usb.host.toDevice.length === 0 && now > settled;
        if (empty || now > until) this.setOpen(false, true);
      }, SETTLE_MS);
      return;
    }
    if (open && this.open) this.board.usb.setDtr(false);
    this.open = open;
    this.board.usb.setReading(true);
    this.board.usb.setDtr(open);
    this.resume();
  }

  resume() {
    if (this.paused) {
      this.paused = false;
      this.socket.resume();
    }
  }

  /** The state of the board's end was replaced; that of the host's programs was not. */
  afterRestore() {
    this.board.usb.setReading(true);
    if (this.open) this.board.usb.setDtr(true);
    this.resume();
  }

  /** The engine itself uses the port: as if a program had it open. */
  useDirectly() {
    if (!this.open) this.board.usb.setDtr(true);
  }
}
