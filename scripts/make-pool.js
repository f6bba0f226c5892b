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

/** One line and exit 2, as the command line does for bad input. */
function refuse(message) {
  console.error(`make-pool: ${message}`);
  process.exit(2);
}

function parse() {
  const text = (value) => ({ type: 'string', ...(value !== undefined && { default: value }) });
  const options = {
    rows: text(),
    dim: text(),
    classes: text('100'),
    labeled: text('1000'),
    spread: text('1'),
    seed: text('0'),
    out: text(),
  };
  try {
    return parseArgs({ options }).values;
  } catch (error) {
    return refuse(error.message.split('. ')[0]);
  }
}

const values = parse();
/** A number as it is written in digits: '' and ' ' are none. */
const number = (name) => (/\S/.test(values[name] ?? '') ? Number(values[name]) : Number.NaN);
const got = (name) => `for --${name}, got ${values[name] ?? 'none'}`;
function count(name) {
  const value = number(name);
  return Number.isSafeInteger(value) && value >= 1
    ? value
    : refuse(`expected a positive integer ${got(name)}`);
}
const [rows, dim, classes, labeled] = ['rows', 'dim', 'classes', 'labeled'].map(count);
const spread = number('spread');
if (!(spread >= 0 && spread < Infinity)) refuse(`expected a number of at least 0 ${got('spread')}`);
const seed = number('seed');
if (!(Number.isInteger(seed) && seed >= 0 && seed < 2 ** 31))
  refuse(`expected an integer from 0 to ${2 ** 31 - 1} ${got('seed')}`);
if (!values.out) refuse(`expected a folder ${got('out')}`);
if (labeled > rows) refuse(`expected at most ${rows}, the rows, ${got('labeled')}`);

/** xorshift32: any numbers will do, but many of them. Seeds below 2^31 leave the top bit set: never the state 0. */
let state = seed ^ 0x9e3779b9;
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

async function create() {
  try {
    mkdirSync(values.out, { recursive: true });
    return await open(join(values.out, 'pool.npy'), 'w');
  } catch (error) {
    return refuse(`expected a folder to write to for --out: ${error.message}`);
  }
}

const file = await create();
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
