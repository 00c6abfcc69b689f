// The whole state of a world, kept in memory and put back in place.
//
// Every object that can be reached from the world is visited; its own properties (references included), the items of arrays,
// maps and sets, and the bytes of buffers are kept. Restoring writes them back into the very same objects, so references from
// outside (functions, sockets) stay good. Left out: functions, and properties whose names begin with '$'.
// An object with saveState() and restoreState(state) does its own. Flash pages are shared between snapshots.

function keysOf(object) {
  const keys = Object.keys(object);
  return keys.some((key) => key.charCodeAt(0) === 36) ? keys.filter((key) => key.charCodeAt(0) !== 36) : keys;
}

class Walk {
  constructor(skippedBuffers) {
    this.seen = new Set();
    this.buffers = new Set(skippedBuffers);
    this.stack = [];
    this.objects = [];
    this.arrays = [];
    this.maps = [];
    this.sets = [];
    this.bytes = [];
    this.own = [];
  }

  push(value) {
    if (value !== null && typeof value === 'object' && !this.seen.has(value)) {
      this.seen.add(value);
      this.stack.push(value);
    }
  }

  buffer(buffer) {
    if (this.buffers.has(buffer)) return;
    this.buffers.add(buffer);
    this.bytes.push([buffer, buffer.slice(0)]);
  }

  visit(value) {
    if (ArrayBuffer.isView(value)) this.buffer(value.buffer);
    else if (value instanceof ArrayBuffer) this.buffer(value);
    else if (Array.isArray(value)) {
      this.arrays.push([value, value.slice()]);
      for (let i = 0; i < value.length; i++) this.push(value[i]);
    } else if (value instanceof Map) {
      this.maps.push([value, [...value]]);
      for (const [key, item] of value) {
        this.push(key);
        this.push(item);
      }
    } else if (value instanceof Set) {
      this.sets.push([value, [...value]]);
      for (const item of value) this.push(item);
    } else if (typeof value.saveState === 'function') this.own.push([value, value.saveState()]);
    else {
      const keys = keysOf(value);
      const values = new Array(keys.length);
      for (let i = 0; i < keys.length; i++) {
        values[i] = value[keys[i]];
        this.push(values[i]);
      }
      this.objects.push([value, keys, values]);
    }
  }

  run(root) {
    this.push(root);
    while (this.stack.length > 0) this.visit(this.stack.pop());
  }
}

export class Snapshot {
  constructor(world) {
    const flashes = world.boards.map((board) => board.flash);
    const walk = new Walk(flashes.map((flash) => flash.bytes.buffer));
    walk.run(world);
    this.objects = walk.objects;
    this.arrays = walk.arrays;
    this.maps = walk.maps;
    this.sets = walk.sets;
    this.bytes = walk.bytes;
    this.own = walk.own;
    this.flashes = flashes.map((flash) => [flash, flash.savePages()]);
  }

  restore() {
    for (const [object, keys, values] of this.objects) {
      const present = keysOf(object);
      if (present.length !== keys.length) for (const key of present) if (!keys.includes(key)) delete object[key];
      for (let i = 0; i < keys.length; i++) if (object[keys[i]] !== values[i]) object[keys[i]] = values[i];
    }
    for (const [array, items] of this.arrays) {
      array.length = items.length;
      for (let i = 0; i < items.length; i++) array[i] = items[i];
    }
    for (const [map, items] of this.maps) {
      map.clear();
      for (const [key, item] of items) map.set(key, item);
    }
    for (const [set, items] of this.sets) {
      set.clear();
      for (const item of items) set.add(item);
    }
    for (const [buffer, saved] of this.bytes) new Uint8Array(buffer).set(new Uint8Array(saved));
    for (const [object, state] of this.own) object.restoreState(state);
    for (const [flash, pages] of this.flashes) flash.restorePages(pages);
  }
}
