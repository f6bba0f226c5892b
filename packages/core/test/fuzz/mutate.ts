import fc from 'fast-check';

/** One step of damage: what it does to the bytes depends on nothing but its numbers. */
type Mutation = (bytes: Buffer) => Buffer;

const EXTREMES = [0n, 1n, 9n, 2n ** 31n, 2n ** 32n - 1n, 2n ** 53n, 2n ** 63n, 2n ** 64n - 1n];
const SNIPPETS = [
  '\0',
  '\n'.repeat(300),
  '\r',
  '"',
  '""',
  ',',
  ','.repeat(300),
  "'",
  '\\',
  '['.repeat(2000),
  '{"a":'.repeat(2000),
  '('.repeat(2000),
  'x'.repeat(5000),
  '9'.repeat(400),
  '-1',
  '1e999',
  'nan',
  '\ufeff',
  '\u{1f600}\u202e\u009b31m',
  '\x1b[2J',
  '__proto__',
];

const position = fc.double({ min: 0, max: 1, noNaN: true });
const at = (bytes: Buffer, where: number) => Math.floor(where * bytes.length);
/** Counted from where the header is: Parquet's stands at the end, before its length and its four letters. */
const aim = (bytes: Buffer, where: number) =>
  bytes.subarray(-4).equals(Buffer.from('PAR1'))
    ? Math.max(0, Math.floor((1 - where) * (bytes.length - 8)) - 1)
    : at(bytes, where);
const splice = (bytes: Buffer, from: number, to: number, middle: Uint8Array) =>
  Buffer.concat([bytes.subarray(0, from), middle, bytes.subarray(to)]);

/** Most damage goes where the header is. */
const early = fc.oneof({ weight: 3, arbitrary: position.map((x) => x ** 4) }, position);

const flip = fc.tuple(early, fc.integer({ min: 1, max: 255 })).map(
  ([where, mask]): Mutation =>
    (bytes) => {
      const copy = Buffer.from(bytes);
      if (copy.length > 0) copy[Math.min(aim(copy, where), copy.length - 1)] ^= mask;
      return copy;
    },
);
const put = fc.tuple(early, fc.integer({ min: 0, max: 255 })).map(
  ([where, value]): Mutation =>
    (bytes) => {
      const copy = Buffer.from(bytes);
      if (copy.length > 0) copy[Math.min(aim(copy, where), copy.length - 1)] = value;
      return copy;
    },
);
const truncate = position.map(
  (where): Mutation =>
    (bytes) =>
      bytes.subarray(0, at(bytes, where)),
);
const insert = fc.tuple(early, fc.constantFrom(...SNIPPETS)).map(
  ([where, text]): Mutation =>
    (bytes) =>
      splice(bytes, at(bytes, where), at(bytes, where), Buffer.from(text)),
);
const duplicate = fc.tuple(early, early).map(
  ([a, b]): Mutation =>
    (bytes) => {
      const [from, to] = [at(bytes, Math.min(a, b)), at(bytes, Math.max(a, b))];
      return splice(bytes, to, to, bytes.subarray(from, to));
    },
);
const bytesLost = fc.tuple(early, fc.integer({ min: 1, max: 40 })).map(
  ([where, count]): Mutation =>
    (bytes) =>
      splice(bytes, at(bytes, where), at(bytes, where) + count, Buffer.alloc(0)),
);
/** Header lengths stand at byte 0 (safetensors) or 8 (npy), in 2, 4 or 8 bytes. */
const lengthField = fc
  .tuple(fc.constantFrom(0, 8), fc.constantFrom(2, 4, 8), fc.constantFrom(...EXTREMES))
  .map(
    ([offset, width, value]): Mutation =>
      (bytes) => {
        const copy = Buffer.from(bytes);
        if (copy.length < 16) return copy;
        const field = Buffer.alloc(8);
        field.writeBigUInt64LE(BigInt.asUintN(64, value));
        field.copy(copy, offset, 0, width);
        return copy;
      },
  );
/** Swaps a decimal number somewhere in the text for another. The length of the header moves along with it or not. */
const number = fc
  .tuple(fc.nat(20), fc.constantFrom(...EXTREMES.map(String), '-1', '0.5', '1e308', '""', 'null', '[]'))
  .map(
    ([which, text]): Mutation =>
      (bytes) => {
        const found = [...bytes.toString('latin1').matchAll(/\d+/g)];
        if (found.length === 0) return bytes;
        const match = found[which % found.length];
        return splice(bytes, match.index, match.index + match[0].length, Buffer.from(text));
      },
  );

const mutation = fc.oneof(flip, put, truncate, insert, duplicate, bytesLost, lengthField, number);

/** True lengths again, so that damage reaches what lies behind the first check. */
function repair(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes);
  const brace = copy.indexOf('{');
  if (brace === 8) {
    const end = copy.lastIndexOf('}}');
    if (end > 8) copy.writeBigUInt64LE(BigInt(end + 2 - 8), 0);
  } else if (copy[0] === 0x93 && brace >= 10) {
    const end = copy.indexOf('\n', brace);
    if (end > 0 && brace === 10 && end - 9 < 65536) copy.writeUInt16LE(end - 9, 8);
    if (end > 0 && brace === 12) copy.writeUInt32LE(end - 11, 8);
  }
  return copy;
}

/** One to four steps of damage to one of the seeds, half the time with the header's length made true again. */
export function mutated(seeds: readonly Uint8Array[]): fc.Arbitrary<Buffer> {
  return fc
    .tuple(fc.constantFrom(...seeds), fc.array(mutation, { minLength: 1, maxLength: 4 }), fc.boolean())
    .map(([seed, steps, mend]): Buffer => {
      let damaged: Buffer = Buffer.from(seed);
      for (const step of steps) damaged = step(damaged);
      return mend ? repair(damaged) : damaged;
    });
}
