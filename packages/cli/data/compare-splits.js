// The demo's experiment on the splits of seeds 0 … 11, from which the bundled one was taken (needs a build):
// node packages/cli/data/compare-splits.js
import { readFileSync } from 'node:fs';
import { loadDigits } from '../dist/demo/digits.js';
import { runExperiment } from '../dist/demo/experiment.js';
import { Session } from '../dist/session.js';
import { makeSplit, SPLIT_SEED } from './make-split.js';

const SEEDS = 12;
const digits = readFileSync(new URL('digits.csv', import.meta.url), 'utf8');
const options = { budget: 20, strategy: 'alfa-mix', alphaCap: 0.2, seed: 0, backend: 'auto' };
const percent = (share) => (100 * share).toFixed(1).padStart(6);

console.log('seed  before  picks  random   gain');
const gains = [];
for (let seed = 0; seed < SEEDS; seed++) {
  const session = new Session(new AbortController().signal, { json: false, quiet: true });
  const { accuracies } = await runExperiment(loadDigits(makeSplit(digits, seed)), options, session);
  const { before, after, random } = accuracies;
  gains.push(after - random.mean);
  const chosen = seed === SPLIT_SEED ? '  bundled' : '';
  console.log(
    `${String(seed).padStart(4)}  ${[before, after, random.mean, gains[seed]].map(percent).join(' ')}${chosen}`,
  );
}
const mean = gains.reduce((sum, gain) => sum + gain, 0) / SEEDS;
console.log(
  `gain over random: mean${percent(mean)}, ${percent(Math.min(...gains)).trim()} to${percent(Math.max(...gains))} points`,
);
