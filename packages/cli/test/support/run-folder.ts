import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Rng, type RoundLine } from '@alfamix/core';

export interface RunShape {
  strategies?: readonly string[];
  seeds?: readonly number[];
  rounds?: number;
  init?: number;
  budget?: number;
  rows?: number;
  classes?: readonly string[];
  spec?: string;
  /** What differs in the settings' `data`. */
  data?: Record<string, unknown>;
  /** Settings that differ from the usual ones. */
  settings?: Record<string, unknown>;
  /** Which results are there; default: all. */
  has?: (strategy: string, seed: number, round: number) => boolean;
}

/** Ends of the learning curves, so that who should win is known; unknown names lie at `random`. */
const QUALITY: Record<string, number> = {
  'alfa-mix': 0.045,
  badge: 0.04,
  margin: 0.03,
  'least-confidence': 0.02,
  entropy: 0.01,
  bald: 0.028,
  coreset: -0.01,
  random: 0,
};

/** Writes a folder like that of `alfamix simulate`, of made-up results that depend on the names and seeds alone. */
export function writeRun(dir: string, shape: RunShape = {}): RoundLine[] {
  const { strategies = ['random', 'margin', 'alfa-mix'], seeds = [1, 10, 100, 1000, 10000] } = shape;
  const { rounds = 6, init = 100, budget = 100, rows = 2000, has = () => true } = shape;
  const { classes = Array.from({ length: 10 }, (_, i) => String(i)), spec = 'csv:nowhere.csv' } = shape;
  mkdirSync(dir, { recursive: true });
  const data = {
    spec,
    test: null,
    splitSeed: 0,
    labelName: null,
    scale: 'none',
    rows,
    testRows: 500,
    inputDim: 64,
    classes,
    sha256: '0'.repeat(64),
    ...shape.data,
  };
  const settings = {
    format: 'alfamix-run',
    version: 1,
    alfamix: '0.1.0',
    data,
    model: 'mlp',
    strategies,
    seeds,
    rounds,
    init,
    budget,
    alphaCap: 0.2,
    maxCandidates: null,
    l2: null,
    tf: 'wasm',
    ...shape.settings,
  };
  writeFileSync(join(dir, 'run.json'), JSON.stringify(settings));
  const all: RoundLine[] = [];
  for (const [s, strategy] of strategies.entries()) {
    for (const seed of seeds) {
      const lines = roundLines(strategy, s, seed, { rounds, init, budget, rows }).filter(({ round }) =>
        has(strategy, seed, round),
      );
      all.push(...lines);
      if (lines.length > 0) writeFileSync(join(dir, fileOf(strategy, seed)), toText(lines));
    }
  }
  return all;
}

export const fileOf = (strategy: string, seed: number): string =>
  `${strategy.replaceAll(':', ',')}.seed-${seed}.jsonl`;

export const toText = (lines: readonly RoundLine[]): string =>
  lines.map((line) => `${JSON.stringify(line)}\n`).join('');

type Sizes = Required<Pick<RunShape, 'rounds' | 'init' | 'budget' | 'rows'>>;

function roundLines(strategy: string, index: number, seed: number, sizes: Sizes): RoundLine[] {
  const { rounds, init, budget, rows } = sizes;
  const rng = new Rng(1_000_003 * (index + 1) + seed);
  const common = new Rng(seed);
  const noise = (of: Rng) => of.uniform() + of.uniform() + of.uniform() - 1.5;
  // As simulate draws them: rows labelled at first can't be picked.
  const initial = new Set(new Rng(seed).sample(rows, Math.min(rows, init)));
  const order = rng.sample(rows, rows).filter((row) => !initial.has(row));
  const [base, ...options] = strategy.split(':');
  const quality =
    ((Object.hasOwn(QUALITY, base) ? QUALITY[base] : undefined) ?? 0.005 * (index % 5)) -
    0.012 * options.length;
  return Array.from({ length: rounds + 1 }, (_, round) => {
    const progress = 1 - 0.75 ** round;
    const start = 0.74 + 0.015 * noise(common);
    const accuracy = start + (0.12 + quality) * progress + (round === 0 ? 0 : 0.006 * noise(rng));
    const last = round === rounds;
    const mixes = base === 'alfa-mix';
    const slow = ['alfa-mix', 'badge', 'bald', 'coreset'].includes(base) ? 12 : 1;
    const embed = 0.02 + 0.004 * rng.uniform();
    const score = slow * (0.004 + 0.001 * rng.uniform());
    const cluster = mixes || base === 'badge' ? 0.3 + 0.1 * rng.uniform() : 0;
    const select = score + cluster + 0.001;
    const train = 1.5 + 0.2 * round + 0.2 * rng.uniform();
    const drawn = mixes ? Math.round(rows * 0.5 * 0.8 ** round * (0.9 + 0.2 * rng.uniform())) : null;
    const candidates = drawn === null ? null : Math.min(rows, drawn);
    const random = options.some((option) => option.startsWith('alpha='));
    return {
      strategy,
      seed,
      round,
      accuracy,
      labelled: init + round * budget,
      seconds: train + embed + select + 0.01,
      stages: {
        train,
        embed,
        evaluate: 0.01,
        ...(last ? {} : { select, score, ...(cluster > 0 ? { cluster, gather: 0.001 } : {}) }),
      },
      epochs: 20 + 3 * round,
      query: last
        ? null
        : {
            picks: order.slice(round * budget, (round + 1) * budget),
            filled: 0,
            candidates,
            capUsed: mixes ? (round < rounds / 2 ? 0.2 : 0.4) : null,
            candidatesPerCap: mixes
              ? [0.2, 0.4, 0.6, 0.8, 1].map((cap, i) => ({
                  cap,
                  count: Math.min(rows, Math.round((random ? 0.6 : 1) * candidates! * (1 + 0.35 * i))),
                }))
              : [],
            misclassified: 0.15 + (base === 'random' ? 0 : 0.25) * rng.uniform(),
            diversity: base === 'random' ? null : 0.8 + 0.2 * rng.uniform(),
          },
    };
  });
}
