// Writes a pool of any size, a block at a time, and labels for some of its rows: for measuring whole jobs.
//
//   node scripts/make-pool.js --rows 1000000 --dim 768 --out DIR [--classes 100] [--labeled 1000] [--spread 1] [--seed 0]
//
// DIR/pool.npy: float32 rows, ReLU of a class centre plus gaussian noise; DIR/labels.csv: rows spread over the
// whole file with their classes. The same arguments give the same bytes.
import { mkdirSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: {
    rows: { type: 'string' },
    dim: { type: 'string' },
    classes: { type: 'string', default: '100' },
    labeled: { type: 'string', default: '1000' },
    spread: { type: 'string', default: '1' },
    seed: { type: 'string', default: '0' },
    out: { type: 'string' },
  },
});
const integer = (name) => {
  const value = Number(values[name]);
  if (Number.isSafeInteger(value) && value >= (name === 'seed' ? 0 : 1)) return value;
  throw new Error(`expected a positive integer for --${name}, got ${values[name]}`);
};
const [rows, dim, classes, labeled] = ['rows', 'dim', 'classes', 'labeled'].map(integer);
const spread = Number(values.spread);
if (!values.out) throw new Error('expected a folder for --out');
if (labeled > rows) throw new Error(`expected at most ${rows} for --labeled, got ${labeled}`);

/** xorshift32: any numbers will do, but many of them. */
let state = (integer('seed') ^ 0x9e3779b9) | 1;
function next() {
  state ^= state << 13;
  state ^= state >>> 17;
  state ^= state << 5;
  return state >>> 0;
}
/** Gaussian numbers to draw from, by Box and Muller. */
const noise = Float32Array.from(
  { length: 1 << 16 },
  () => Math.sqrt(-2 * Math.log((next() + 1) / 2 ** 32)) * Math.cos(2 * Math.PI * (next() / 2 ** 32)),
);
const centres = Float32Array.from({ length: classes * dim }, () => 0.5 * noise[next() & 0xffff]);

function npyHeader() {
  const text = `{'descr': '<f4', 'fortran_order': False, 'shape': (${rows}, ${dim}), }`;
  const length = Math.ceil((10 + text.length + 1) / 64) * 64;
  const header = Buffer.alloc(length, ' ');
  header.write('\x93NUMPY\x01\x00', 'latin1');
  header.writeUInt16LE(length - 10, 8);
  header.write(text, 10, 'latin1');
  header.write('\n', length - 1, 'latin1');
  return header;
}

mkdirSync(values.out, { recursive: true });
const file = await open(join(values.out, 'pool.npy'), 'w');
await file.write(npyHeader());
const blockRows = Math.max(1, Math.floor((1 << 22) / dim));
const labels = ['row,label'];
const every = Math.floor(rows / labeled);
for (let first = 0; first < rows; first += blockRows) {
  const count = Math.min(blockRows, rows - first);
  const block = new Float32Array(count * dim);
  for (let r = 0, at = 0; r < count; r++) {
    const label = next() % classes;
    for (let j = 0; j < dim; j++, at++)
      block[at] = Math.max(0, centres[label * dim + j] + spread * noise[next() & 0xffff]);
    const row = first + r;
    if (row % every === 0 && row / every < labeled) labels.push(`${row},class${label}`);
  }
  await file.write(Buffer.from(block.buffer));
}
await file.close();
writeFileSync(join(values.out, 'labels.csv'), `${labels.join('\n')}\n`);
