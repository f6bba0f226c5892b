import { Unsound } from './limits.js';

/**
 * Parquet's hybrid of runs and bit-packed groups, into `target`, which it must fill.
 *
 * @param width bits a value, 0 to 32
 * @throws Unsound when the bytes end before; a run longer than what is left is cut
 */
export function readRuns(bytes: Uint8Array, width: number, target: Uint8Array | Uint32Array): void {
  if (width > 32) throw new Unsound(`expected at most 32 bits a value, got ${width}`);
  if (width === 0) return void target.fill(0);
  let offset = 0;
  let done = 0;
  const byte = () => {
    if (offset >= bytes.length) throw new Unsound('a page ends within its runs');
    return bytes[offset++];
  };
  while (done < target.length) {
    let header = 0;
    for (let shift = 0, next = 0x80; next >= 0x80; shift += 7) {
      if (shift > 28) throw new Unsound('a run is longer than 32 bits');
      next = byte();
      header += (next & 0x7f) * 2 ** shift;
    }
    const count = Math.floor(header / 2);
    if (header % 2 === 0) {
      let value = 0;
      for (let i = 0; i < Math.ceil(width / 8); i++) value += byte() * 2 ** (8 * i);
      const end = Math.min(done + count, target.length);
      target.fill(value, done, end);
      done = end;
    } else {
      const end = Math.min(done + count * 8, target.length);
      if ((end - done) * width > (bytes.length - offset) * 8)
        throw new Unsound('a page ends within its runs');
      unpack(bytes, offset, width, target, done, end);
      offset += count * width;
      done = end;
    }
  }
}

function unpack(
  bytes: Uint8Array,
  offset: number,
  width: number,
  target: Uint8Array | Uint32Array,
  from: number,
  to: number,
): void {
  const range = 2 ** width;
  let bits = 0;
  let held = 0;
  let at = offset;
  for (let i = from; i < to; i++) {
    // Up to 39 bits are held: more than an int32, so arithmetic instead of shifts.
    while (held < width) {
      bits += bytes[at++] * 2 ** held;
      held += 8;
    }
    target[i] = bits % range;
    bits = Math.floor(bits / range);
    held -= width;
  }
}
