// Opens the sealed form of a package, DSP1, as it comes: magic, id, header, then chunks of a
// libsodium secretstream. A change, a cut, another order, another id: all end in a Broken.

import libsodium from "./vendor/libsodium.mjs";
import { bytesOf, packageKey } from "./secrets.js";

const MAGIC = [0x44, 0x53, 0x50, 0x31]; // DSP1
const NAMED = 20;
const PREFIX = 44;
const CHUNK = 1 << 16;
const TAG = 17;
const SEALED = CHUNK + TAG;
const MESSAGE = 0;
const FINAL = 3;

export class Broken extends Error {
  code = "DAMAGED";
}

class Opener {
  constructor(sodium, key, id) {
    this.sodium = sodium;
    this.key = key;
    this.name = new Uint8Array([...MAGIC, ...bytesOf(id)]);
    this.taken = new Uint8Array(SEALED);
    this.filled = 0;
    this.wanted = PREFIX;
    this.bound = NAMED; // bytes of additional data: the first chunk has the name as such
    this.state = sodium._malloc(sodium._crypto_secretstream_xchacha20poly1305_statebytes());
    this.input = sodium._malloc(SEALED);
    this.output = sodium._malloc(CHUNK);
    this.tag = sodium._malloc(1);
    this.data = sodium._malloc(NAMED);
  }

  update(bytes, out) {
    for (let at = 0; at < bytes.length;) {
      if (this.filled === this.wanted) this.next(MESSAGE, out); // more follows, so it is not the last
      const some = bytes.subarray(at, at + this.wanted - this.filled);
      this.taken.set(some, this.filled);
      this.filled += some.length;
      at += some.length;
    }
  }

  finish(out) {
    if (this.wanted === PREFIX) throw new Broken();
    this.next(FINAL, out);
  }

  next(tag, out) {
    if (this.wanted === PREFIX) this.start();
    else this.pull(tag, out);
    this.filled = 0;
    this.wanted = SEALED;
  }

  start() {
    if (this.name.some((byte, at) => byte !== this.taken[at])) throw new Broken();
    const { sodium } = this;
    sodium.HEAPU8.set(this.name, this.data);
    sodium.HEAPU8.set(this.taken.subarray(NAMED, PREFIX), this.input);
    sodium.HEAPU8.set(this.key, this.output);
    sodium._crypto_secretstream_xchacha20poly1305_init_pull(this.state, this.input, this.output);
  }

  pull(tag, out) {
    if (this.filled < TAG) throw new Broken();
    const { sodium } = this;
    sodium.HEAPU8.set(this.taken.subarray(0, this.filled), this.input);
    // Lengths have 64 bits: the zero after each is the upper half.
    const failed = sodium._crypto_secretstream_xchacha20poly1305_pull(
      this.state, this.output, 0, this.tag, this.input, this.filled, 0, this.data, this.bound, 0,
    );
    if (failed || sodium.HEAPU8[this.tag] !== tag) throw new Broken();
    this.bound = 0;
    out.enqueue(sodium.HEAPU8.slice(this.output, this.output + this.filled - TAG));
  }
}

// A stream that takes sealed bytes and gives what was sealed.
export async function unsealing(secret, id) {
  const opener = new Opener(await libsodium(), await packageKey(secret, id), id);
  return new TransformStream({
    transform: (bytes, out) => opener.update(bytes, out),
    flush: (out) => opener.finish(out),
  });
}
