// Writes digits-split.csv, the fixed split of digits.csv that the demo uses: node packages/cli/data/make-split.js
import { readFileSync, writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { Rng } from '@alfamix/core';

/** Why this one: see README.md and compare-splits.js. */
export const SPLIT_SEED = 11;
const LABELLED_A_CLASS = 4;
const TEST_A_CLASS = 45;

/**
 * Stratified: class by class (0 … 9) the rows, in file order, are drawn without repeats by one xoshiro256**; the first
 * 4 drawn are labelled, the next 45 test, the others pool.
 *
 * @param {string} digits the text of digits.csv
 * @param {number} seed
 * @returns {string} the text of digits-split.csv
 */
export function makeSplit(digits, seed = SPLIT_SEED) {
  const labels = digits
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => Number(line.slice(line.lastIndexOf(',') + 1)));
  const part = new Array(labels.length).fill('pool');
  const rng = new Rng(seed);
  for (let digit = 0; digit < 10; digit++) {
    const rows = labels.flatMap((label, row) => (label === digit ? [row] : []));
    const drawn = rng.sample(rows.length, LABELLED_A_CLASS + TEST_A_CLASS);
    drawn.forEach((i, order) => {
      part[rows[i]] = order < LABELLED_A_CLASS ? 'labelled' : 'test';
    });
  }
  return `row,part\n${part.map((name, row) => `${row},${name}\n`).join('')}`;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const digits = readFileSync(new URL('digits.csv', import.meta.url), 'utf8');
  writeFileSync(new URL('digits-split.csv', import.meta.url), makeSplit(digits));
}
