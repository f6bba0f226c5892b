import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  getKernels,
  getStrategy,
  hashData,
  makeDataset,
  type RoundLine,
  type RunSettings,
  readRun,
  type SimulateArgs,
  simulate,
} from '../src/index.js';
import { Rng } from '../src/random/xoshiro.js';
import { meanDistance } from '../src/simulation/query-record.js';
import { fails, testFolder } from './support/files.js';
import { noise } from './support/flip-job.js';
import { oneStepTrainer } from './support/one-step-trainer.js';

const folder = testFolder();
const kernels = await getKernels('js');

/** Three noisy blobs. */
function blobs(rows: number, shift: number) {
  const features = noise(rows * 4, shift);
  const labels = Array.from({ length: rows }, (_, i) => {
    features[i * 4 + (i % 3)] += 1;
    return ['a', 'b', 'c'][i % 3];
  });
  return makeDataset('blobs', { features, rows, dim: 4, labels });
}
const pool = blobs(90, 0);
const held = blobs(31, 0);

const names = ['random', 'alfa-mix', 'margin'];
const settings: RunSettings = {
  format: 'alfamix-run',
  version: 1,
  alfamix: '0',
  data: {
    spec: 'blobs',
    test: null,
    splitSeed: 0,
    labelName: null,
    scale: 'none',
    rows: pool.rows,
    testRows: held.rows,
    inputDim: 4,
    classes: ['a', 'b', 'c'],
    sha256: hashData(pool, held),
  },
  model: 'one-step',
  tf: null,
  l2: null,
  init: 6,
  budget: 5,
  rounds: 3,
  alphaCap: 0.2,
  maxCandidates: null,
  strategies: names,
  seeds: [1, 10],
};

const args = (
  name: string,
  { with: other, ...changes }: Partial<SimulateArgs> & { with?: Partial<RunSettings> } = {},
): SimulateArgs => {
  const merged = { ...settings, ...other };
  return {
    folder: join(folder.path, name),
    settings: merged,
    pool,
    test: held,
    strategies: merged.strategies.map((name) => getStrategy(name)),
    kernels,
    makeTrainer: oneStepTrainer,
    ...changes,
  };
};

/** All but the times. */
const timeless = (lines: readonly RoundLine[]) => lines.map(({ seconds: _, stages: __, ...line }) => line);
const files = (name: string) =>
  readdirSync(join(folder.path, name))
    .filter((file) => file.endsWith('.jsonl'))
    .sort();

describe('simulate', () => {
  test('one line a strategy, seed and round, with what it is about', async () => {
    const seen: string[] = [];
    const { lines, found } = await simulate(
      args('whole', {
        onLine: ({ strategy, round }, done, total) => seen.push(`${strategy} ${round} ${done}/${total}`),
      }),
    );
    expect(found).toBe(0);
    expect(lines.map(({ strategy, seed, round }) => [strategy, seed, round])).toEqual(
      names.flatMap((name) => [1, 10].flatMap((seed) => [0, 1, 2, 3].map((round) => [name, seed, round]))),
    );
    expect(seen).toHaveLength(24);
    expect(seen[23]).toBe('margin 3 24/24');
    for (const line of lines) {
      expect(line.labelled).toBe(6 + 5 * line.round);
      expect(Math.round(line.accuracy * held.rows)).toBeCloseTo(line.accuracy * held.rows, 9);
      expect(line.seconds).toBeGreaterThanOrEqual(line.stages.train);
      if (line.round === 3) {
        expect(line.query).toBeNull();
        continue;
      }
      expect(new Set(line.query?.picks).size).toBe(5);
      expect(Object.keys(line.stages)).toEqual(
        expect.arrayContaining(['train', 'evaluate', 'embed', 'select']),
      );
      expect(line.query?.misclassified).toBeLessThanOrEqual(1);
      expect(line.query?.diversity).toBeGreaterThan(0);
      expect(line.query?.candidates === null).toBe(line.strategy !== 'alfa-mix');
    }
    // A seed's initial labels and weights are every strategy's.
    const starts = lines.filter(({ round }) => round === 0);
    for (const { seed, accuracy } of starts)
      expect(accuracy).toBe(starts.find((other) => other.seed === seed)?.accuracy);
    expect(files('whole')).toEqual(
      names.flatMap((name) => [`${name}.seed-1.jsonl`, `${name}.seed-10.jsonl`]).sort(),
    );
    const run = await readRun(join(folder.path, 'whole'));
    expect(run).toEqual({ settings, lines });
  });

  test('no row is labelled twice', async () => {
    const { lines } = await readRun(join(folder.path, 'whole'));
    for (const name of names) {
      for (const seed of [1, 10]) {
        const picks = lines
          .filter((line) => line.strategy === name && line.seed === seed)
          .flatMap(({ query }) => query?.picks ?? []);
        expect(new Set(picks).size).toBe(15);
      }
    }
  });

  test('with jobs, and after stops anywhere, the lines are the same', async () => {
    const { lines } = await readRun(join(folder.path, 'whole'));
    const parallel = await simulate(args('parallel', { jobs: 3 }));
    expect(timeless(parallel.lines)).toEqual(timeless(lines));

    // Stopped again and again, each time a few trainings on.
    let trainings = 0;
    let stops = 0;
    for (;;) {
      const controller = new AbortController();
      let left = 3 + (stops % 4);
      const makeTrainer = () =>
        oneStepTrainer(() => {
          trainings++;
          if (left-- === 0) {
            controller.abort(new Error('stop'));
            controller.signal.throwIfAborted();
          }
        });
      const stopped = await simulate(
        args('stopped', { signal: controller.signal, makeTrainer, jobs: 1 + (stops % 2) }),
      ).then(
        () => false,
        (error) => {
          expect(error.code).toBe('ABORTED');
          return true;
        },
      );
      if (!stopped) break;
      // What a kill in the middle of a write leaves.
      for (const file of files('stopped')) {
        if (stops % 2) appendFileSync(join(folder.path, 'stopped', file), '{"strategy":"ran');
      }
      stops++;
    }
    expect(stops).toBeGreaterThan(3);
    expect(trainings).toBeLessThan(24 + 2 * stops + 1);
    expect(timeless((await readRun(join(folder.path, 'stopped'))).lines)).toEqual(timeless(lines));
  });

  test('a finished run does nothing; more strategies and seeds go on in it', async () => {
    const small = { strategies: ['random'], seeds: [1] };
    await simulate(args('grown', { with: small }));
    const before = readFileSync(join(folder.path, 'grown', 'random.seed-1.jsonl'), 'utf8');
    const again = await simulate(
      args('grown', {
        with: small,
        makeTrainer: () => oneStepTrainer(() => expect.fail('nothing to train')),
      }),
    );
    expect([again.found, again.lines.length]).toEqual([4, 4]);
    const more = await simulate(
      args('grown', { with: { strategies: ['margin', 'random'], seeds: [10, 1] } }),
    );
    expect(more.settings).toMatchObject({ strategies: ['random', 'margin'], seeds: [1, 10] });
    expect(readFileSync(join(folder.path, 'grown', 'random.seed-1.jsonl'), 'utf8')).toBe(before);
    expect((await readRun(join(folder.path, 'grown'))).lines).toHaveLength(16);
  });

  test.each([[undefined], [null], ['text']])('a strategy that throws %j', async (thrown) => {
    const bad = {
      name: 'bad',
      needs: { labels: false, head: false },
      select: async () => {
        throw thrown;
      },
    };
    const run = simulate(args(`throws ${thrown}`, { strategies: [bad], jobs: 2 })).then(
      () => 'no failure',
      (error) => [error],
    );
    expect(await run).toEqual([thrown]);
  });

  test('a failure in one job stops the others, keeps their lines, and closes the trainers', async () => {
    const trainers: ReturnType<typeof oneStepTrainer>[] = [];
    const bad = {
      name: 'bad',
      needs: { labels: false, head: false },
      select: async () => {
        throw new TypeError('not today');
      },
    };
    const strategies = [getStrategy('random'), bad];
    const makeTrainer = () => {
      trainers.push(oneStepTrainer());
      return trainers[trainers.length - 1];
    };
    const run = simulate(args('failing', { strategies, jobs: 2, makeTrainer }));
    await expect(run).rejects.toThrow('not today');
    expect(trainers.map(({ closed }) => closed)).toEqual([1, 1]);
    for (const file of files('failing')) {
      const text = readFileSync(join(folder.path, 'failing', file), 'utf8');
      for (const line of text.split('\n').filter(Boolean)) expect(() => JSON.parse(line)).not.toThrow();
    }
    expect(readdirSync(join(folder.path, 'failing'))).not.toContain('run.lock');
  });
});

describe('run folders', () => {
  test.each<[string, Partial<RunSettings>, RegExp]>([
    [
      'budget',
      { budget: 4 },
      /^expected budget 5, as the run there has it, to continue .*, got 4; another folder/,
    ],
    ['rounds', { rounds: 2 }, /^expected rounds 3/],
    ['model', { model: 'mlp' }, /^expected model one-step/],
    ['data', { data: { ...settings.data, sha256: 'x' } }, /^expected the data of the run there \(blobs\)/],
  ])('another %s is another run', async (_name, changes, message) => {
    await fails(() => simulate(args('whole', { with: changes })), 'INVALID_ARGUMENT', message);
  });

  test.each<[string, Partial<RunSettings>, RegExp]>([
    [
      'too many rows',
      { init: 80 },
      /^expected a pool of at least 95 rows, for 80 initial labels and 3 rounds of 5, got 90$/,
    ],
    ['no seeds', { seeds: [] }, /at least one seed/],
    ['a seed twice', { seeds: [1, 1] }, /each one once for seeds, got 1/],
    ['no strategies', { strategies: [] }, /at least one strategy/],
    ['budget 0', { budget: 0 }, /for budget, got 0/],
  ])('%s', async (name, changes, message) => {
    await fails(() => simulate(args(`bad ${name}`, { with: changes })), 'INVALID_ARGUMENT', message);
    expect(readdirSync(folder.path)).not.toContain(`bad ${name}`);
  });

  test('a folder of something else', async () => {
    mkdirSync(join(folder.path, 'photos'));
    folder.put(join('photos', 'cat.jpg'), 'meow');
    await fails(() => simulate(args('photos')), 'FORMAT', /with a run.json, or an empty folder .*"cat.jpg"/);
    expect(readdirSync(join(folder.path, 'photos'))).toEqual(['cat.jpg']);
    await fails(() => readRun(join(folder.path, 'nowhere')), 'FORMAT', /folder of a run/);
    await fails(() => simulate(args('photos/cat.jpg')), 'IO', /cat\.jpg/);
  });

  test.each<[string, (text: string) => string, RegExp]>([
    ['not JSON', () => 'no json', /expected JSON in .*run\.json/],
    ['another format', (text) => text.replace('alfamix-run', 'x'), /expected format as/],
    ['a later version', (text) => text.replace('"version": 1', '"version": 2'), /run of version 1/],
    [
      'a strategy that leaves the folder',
      (text) => text.replace('"margin"', '"../margin"'),
      /expected strategies as/,
    ],
    ['a missing field', (text) => text.replace('"sha256"', '"sha"'), /expected data\.sha256/],
    ['a list', () => '[]', /expected it as/],
    ['a strategy twice', (text) => text.replace('"margin"', '"random"'), /expected strategies as/],
    ['a seed twice', (text) => text.replace('10\n', '1\n'), /expected seeds as/],
    [
      'more seeds than any run has',
      (text) => text.replace('10\n', `10,${Array.from({ length: 10_000 }, (_, i) => i + 20)}`),
      /expected seeds as/,
    ],
  ])('run.json: %s', async (name, change, message) => {
    const path = join(folder.path, `settings ${name}`);
    mkdirSync(path);
    writeFileSync(join(path, 'run.json'), change(JSON.stringify(settings, undefined, 2)));
    await fails(() => readRun(path), 'FORMAT', message);
    await fails(() => simulate(args(`settings ${name}`)), 'FORMAT', message);
  });

  test.each<[string, (lines: string[]) => string[], RegExp]>([
    ['a line twice', ([first, ...rest]) => [first, first, ...rest], /line 2: expected round of round 1/],
    ['a line gone', ([_, ...rest]) => rest, /line 1: expected round/],
    [
      'another strategy',
      (lines) => lines.map((line) => line.replace('random', 'margin')),
      /expected strategy/,
    ],
    ['not JSON', ([first]) => [first, 'x'], /line 2: /],
    [
      'a field of another type',
      ([first]) => [first.replace(/"accuracy":[^,]+/, '"accuracy":"1"')],
      /expected accuracy/,
    ],
    [
      'accuracy in percent',
      ([first]) => [first.replace(/"accuracy":[^,]+/, '"accuracy":81')],
      /expected accuracy/,
    ],
    [
      'a row out of the pool',
      ([first]) => [first.replace(/"picks":\[\d+/, '"picks":[90')],
      /expected query\.picks/,
    ],
    ['negative seconds', ([first]) => [first.replace('"seconds":', '"seconds":-')], /expected seconds/],
    ['a stage of ages', ([first]) => [first.replace('"train":', '"train":1e10,"x":')], /expected stages/],
    [
      'a diversity beyond 2',
      ([first]) => [first.replace(/"diversity":[^},]+/, '"diversity":2.1')],
      /expected query/,
    ],
    ['no cap', ([first]) => [first.replace('"capUsed":null', '"capUsed":0')], /expected query/],
    [
      'more candidates than rows',
      ([first]) => [first.replace('"candidates":null', '"candidates":91')],
      /expected query/,
    ],
    ['more filled than picked', ([first]) => [first.replace('"filled":0', '"filled":6')], /expected query/],
    [
      'a row picked again',
      ([first, second]) => [
        first,
        second.replace(/"picks":\[\d+/, `"picks":[${JSON.parse(first).query.picks[0]}`),
      ],
      /is picked in round 1, when it had a label/,
    ],
    [
      'an initial row picked',
      ([first]) => [first.replace(/"picks":\[\d+/, `"picks":[${new Rng(1).sample(90, 6)[0]}`)],
      /is picked in round 0, when it had a label/,
    ],
    ['__proto__', () => ['{"__proto__":{"strategy":"random"}}'], /expected strategy/],
  ])('lines: %s', async (name, change, message) => {
    await simulate(args(`lines ${name}`, { with: { strategies: ['random'], seeds: [1] } }));
    const path = join(folder.path, `lines ${name}`);
    const file = join(path, 'random.seed-1.jsonl');
    const lines = readFileSync(file, 'utf8').split('\n').slice(0, -1);
    writeFileSync(file, `${change(lines).join('\n')}\n`);
    const text = readFileSync(file, 'utf8');
    await fails(() => readRun(path), 'FORMAT', message);
    await fails(() => simulate(args(`lines ${name}`)), 'FORMAT', message);
    // Whatever it is, it is not lost.
    expect(readFileSync(file, 'utf8')).toBe(text);
  });

  test('a file of lines larger than any run makes', async () => {
    const small = { strategies: ['random'], seeds: [1] };
    await simulate(args('large', { with: small }));
    truncateSync(join(folder.path, 'large', 'random.seed-1.jsonl'), 2 ** 28 + 1);
    await fails(() => readRun(join(folder.path, 'large')), 'FORMAT', /^expected at most 256 MiB in /);
  });

  test('a strategy that leaves the folder is refused before anything is written', async () => {
    const needs = { labels: false, head: false };
    for (const name of [
      '../x',
      'a/b',
      'a\\b',
      '.x',
      '',
      'x'.repeat(200),
      'é'.repeat(76),
      'a\ud800',
      'a\nb',
    ]) {
      const strategies = ['first', name].map((name) => ({
        name,
        needs,
        select: async () => ({ picks: [] }),
      }));
      await fails(
        () => simulate(args('names', { strategies })),
        'INVALID_ARGUMENT',
        /part of a file's name for a strategy/,
      );
    }
    expect(readdirSync(folder.path)).not.toContain('names');
  });

  test.each([
    ['a:b', 'a,b'],
    ['Random', 'random'],
    ['\u00e9', 'e\u0301'],
  ])('%j and %j would share files', async (...both) => {
    const named = (name: string) => ({ ...getStrategy('random'), name });
    const message = /^expected strategies whose files have different names, .* got ".*" and ".*"$/;
    await fails(() => simulate(args('shared', { strategies: both.map(named) })), 'INVALID_ARGUMENT', message);
    expect(readdirSync(folder.path)).not.toContain('shared');
    const path = `shared ${encodeURIComponent(both[0])}`;
    await simulate(args(path, { strategies: [named(both[0])], with: { seeds: [1] } }));
    const before = readFileSync(join(folder.path, path, 'run.json'), 'utf8');
    await fails(() => simulate(args(path, { strategies: [named(both[1])] })), 'INVALID_ARGUMENT', message);
    expect(readFileSync(join(folder.path, path, 'run.json'), 'utf8')).toBe(before);
  });

  test('a run without a line yet gives way to other settings', async () => {
    const small = { strategies: ['random'], seeds: [1] };
    mkdirSync(join(folder.path, 'unbegun'));
    writeFileSync(join(folder.path, 'unbegun', 'run.json'), JSON.stringify(settings));
    writeFileSync(join(folder.path, 'unbegun', 'margin.seed-1.jsonl'), '');
    const { settings: now } = await simulate(args('unbegun', { with: { ...small, budget: 4 } }));
    expect(now).toMatchObject({ ...small, budget: 4 });
    expect((await readRun(join(folder.path, 'unbegun'))).lines).toHaveLength(4);
    await fails(() => simulate(args('unbegun', { with: small })), 'INVALID_ARGUMENT', /^expected budget 4/);
  });

  test.skipIf(process.platform === 'win32')('a pipe for run.json', async () => {
    mkdirSync(join(folder.path, 'piped'));
    execFileSync('mkfifo', [join(folder.path, 'piped', 'run.json')]);
    await fails(() => readRun(join(folder.path, 'piped')), 'IO', /pipe/);
  });

  test('one process writes; a lock of a dead one is taken over', async () => {
    const path = join(folder.path, 'locked');
    const small = { strategies: ['random'], seeds: [1] };
    await simulate(args('locked', { with: small }));
    writeFileSync(join(path, 'run.lock'), String(process.ppid));
    await fails(
      () => simulate(args('locked', { with: small })),
      'INVALID_ARGUMENT',
      /process \d+ has locked/,
    );
    rmSync(join(path, 'run.lock'));
    writeFileSync(join(path, 'run.lock'), '4194303999');
    truncateSync(join(path, 'random.seed-1.jsonl'), 10);
    expect((await simulate(args('locked', { with: small }))).found).toBe(0);
    expect(readdirSync(path)).not.toContain('run.lock');
  });
});

test('meanDistance', () => {
  expect(meanDistance(Float32Array.of(0, 0, 3, 4, 0, 0), 3, 2)).toBeCloseTo(10 / 3, 12);
  expect(meanDistance(Float32Array.of(1, 2), 1, 2)).toBeNull();
});
