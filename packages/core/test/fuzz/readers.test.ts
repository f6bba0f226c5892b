import { writeFileSync } from 'node:fs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { AlfamixError } from '../../src/errors.js';
import { testFolder } from '../support/files.js';
import { mutated } from './mutate.js';
import { pathIn, readers } from './readers.js';
import { FUZZ_SEED, fuzzRuns } from './runs.js';

const { path: folder } = testFolder();
const CODES = ['FORMAT', 'SHAPE_MISMATCH', 'NON_FINITE', 'INVALID_ARGUMENT', 'IO'];
const MOST_MS = 2000;
const MOST_CHARS = 1200;
// Control characters would reach the terminal; a line break would make two lines of one sentence.
const UNPRINTABLE = /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u;

test.each(readers)(
  '$name: a damaged file is read or refused in a sentence',
  { timeout: 3_600_000 },
  async (reader) => {
    const path = pathIn(folder, reader);
    await fc.assert(
      fc.asyncProperty(mutated(reader.seeds), async (bytes) => {
        writeFileSync(path, bytes);
        const start = performance.now();
        try {
          await reader.read(path, bytes.length);
        } catch (error) {
          if (!(error instanceof AlfamixError)) throw error;
          expect(CODES).toContain(error.code);
          expect(error.message.length).toBeLessThan(MOST_CHARS);
          expect(error.message).not.toMatch(UNPRINTABLE);
        }
        expect(performance.now() - start).toBeLessThan(MOST_MS);
      }),
      { seed: FUZZ_SEED, numRuns: fuzzRuns(300) },
    );
  },
);
