// A peer that sums its one array, as it is told: `node fake-peer.mjs HOW`, HOW one of good, wrong, longer, dies, silent, lost.
import { readFileSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

const how = process.argv[2];
const say = (message) => process.stdout.write(`${JSON.stringify(message)}\n`);
let sum = 0;
let runs = 0;

const answers = {
  prepare({ problem, rows }) {
    const { file } = problem.arrays.data;
    const bytes = readFileSync(file);
    const values = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4).subarray(0, rows);
    sum = values.reduce((total, x) => total + x, 0) + (how === 'wrong' ? 1 : 0);
    return {};
  },
  run() {
    if (how === 'dies' && ++runs > 1) {
      process.stderr.write('out of paper\n', () => process.exit(7));
      return undefined;
    }
    return { ms: 2 };
  },
  outputs({ prefix }) {
    const length = how === 'longer' ? 2 : 1;
    writeFileSync(`${prefix}-sum`, Buffer.from(new Float32Array(length).fill(sum).buffer));
    return { arrays: { sum: { file: `${prefix}-sum`, type: 'float32', length } }, numbers: {} };
  },
};

if (how === 'lost') say({ ready: false, why: 'no such library' });
else {
  say({ ready: true, version: '1.2.3' });
  for await (const line of createInterface({ input: process.stdin })) {
    const request = JSON.parse(line);
    const value = answers[request.do]?.(request);
    if (value) say({ ok: true, value });
    else if (how !== 'dies') say({ ok: false, error: `can't ${request.do}` });
  }
}
