import { existsSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, test } from 'vitest';
import { sameFloats } from '../src/agreement.js';
import type { Case } from '../src/cases/case.js';
import { exitCodeOf } from '../src/main.js';
import { SharedFolder } from '../src/problem.js';
import { caseMarkdown, caseTable } from '../src/report.js';
import { type Entrant, Roster } from '../src/roster.js';
import { type CaseOptions, runCase } from '../src/run-case.js';

const PEER = fileURLToPath(new URL('./support/fake-peer.mjs', import.meta.url));
const OPTIONS: CaseOptions = { threads: 1, repeats: 3, turn: 0, budget: 1000, slow: false };

const entrant = (how: string, kind: Entrant['kind'] = 'cpu'): Entrant => ({
  name: `${how} one`,
  kind,
  command: process.execPath,
  args: [PEER, how],
});

const summing: Case = {
  id: 'sum',
  title: 'sum of 8 values',
  problem: (folder) => ({
    kernel: 'sum',
    args: { rows: 8, dim: 1 },
    arrays: { data: folder.share('values', () => Float32Array.from([1, 2, 3, 4, 5, 6, 7, 8]), 1) },
  }),
  compare: () => sameFloats('sum', 1e-6),
  metric: 'time',
  kinds: ['cpu', 'ml-kmeans'],
  slow: ['ml-kmeans'],
};

const open: { roster: Roster; folder: SharedFolder }[] = [];
afterEach(async () => {
  for (const { roster, folder } of open.splice(0)) {
    await roster.stop();
    folder.remove();
  }
});

async function bench(entrants: readonly Entrant[], options: Partial<CaseOptions> = {}) {
  const roster = new Roster(entrants, 1);
  const folder = new SharedFolder();
  open.push({ roster, folder });
  return { roster, folder, result: await runCase(summing, roster, folder, { ...OPTIONS, ...options }) };
}

describe('a case', () => {
  test('those who agree are timed, each in a process of its own', async () => {
    const { result, roster } = await bench([entrant('good'), { ...entrant('good'), name: 'another' }]);
    expect(result.failures).toEqual([]);
    expect(result.rows.map(({ contender, ms }) => [contender, ms.median, ms.runs])).toEqual([
      ['good one', 2, 3],
      ['another', 2, 3],
    ]);
    expect(roster.versions.get('another')).toBe('1.2.3');
    expect(exitCodeOf([result])).toBe(0);
    expect(caseMarkdown(result).split('\n')).toEqual([
      'sum of 8 values:',
      '',
      '| kernels | ms | spread |',
      '|---|---|---|',
      '| good one | 2.00 | 2.00 – 2.00, 3 runs |',
      '| another | 2.00 | 2.00 – 2.00, 3 runs |',
      '',
    ]);
  });

  test('a wrong result is named, gets no time, and makes the bench fail', async () => {
    const { result } = await bench([entrant('good'), entrant('wrong')]);
    expect(result.rows.map(({ contender }) => contender)).toEqual(['good one']);
    expect(result.failures).toEqual([
      'sum: wrong one disagrees with good one: expected 36 as sum 0, got 37; 1 of 1 differ',
    ]);
    expect(exitCodeOf([result])).toBe(1);
    expect(caseTable(result)).toContain('WRONG: sum: wrong one disagrees');
  });

  test('so does a result of another length, whatever is in it', async () => {
    const { result } = await bench([entrant('good'), entrant('longer')]);
    expect(result.failures).toEqual([
      'sum: longer one disagrees with good one: expected 1 values of sum, got 2',
    ]);
  });

  test('a peer that dies fails with its last words; the others go on', async () => {
    const { result, roster } = await bench([entrant('dies'), entrant('good')]);
    expect(result.rows.map(({ contender, ms }) => [contender, ms.runs])).toEqual([['good one', 3]]);
    expect(result.failures).toEqual(['dies one died (exit 7): out of paper']);
    expect(exitCodeOf([result])).toBe(1);
    // Started anew for the next case.
    expect(await roster.get(entrant('dies'))).toBeDefined();
  });

  test('a peer that this machine lacks is left out, without failure', async () => {
    const { result, roster } = await bench([entrant('lost'), entrant('good'), entrant('good', 'ml-kmeans')]);
    expect(roster.absent.get('lost one')).toBe('lost one: no such library');
    expect(result.failures).toEqual([]);
    expect(result.rows).toHaveLength(1);
    expect(result.skipped).toEqual(['good one: takes minutes; --slow runs it']);
  });

  test('a command that does not exist is a peer that this machine lacks', async () => {
    const { roster } = await bench([{ ...entrant('good'), name: 'nobody', command: '/no/such/python' }]);
    expect(roster.absent.get('nobody')).toMatch(/^nobody: nobody died \(spawn .*ENOENT\)/);
  });

  test('files of results go at once, those of inputs with the folder', async () => {
    const { folder } = await bench([entrant('good')]);
    expect(readdirSync(folder.path)).toEqual(['values']);
    folder.remove();
    expect(existsSync(folder.path)).toBe(false);
  });
});
