import { holm } from './holm.js';
import type { RoundLine } from './round-line.js';
import { mean, std } from './statistics.js';
import { studentTwoSided } from './student-t.js';

/** The two-sided 5 % point of Student's t for five seeds, which the papers use whatever the number of seeds. */
export const PAPER_CRITICAL_T = 2.776;

/** The chance of even one false win in a corrected matrix. */
export const CORRECTED_ALPHA = 0.05;

/**
 * `paper`: t > 2.776 with the population's variance, as the code of BADGE and ALFA-Mix decides. Its √n·mean/std is too
 * large by √(n / (n − 1)), and nothing accounts for the many tests.
 * `corrected`: the paired t-test (sample variance, n − 1 degrees of freedom, two-sided), Holm's adjustment over all
 * pairs and rounds, α = 0.05; differences that don't vary at all decide nothing.
 */
export type PenaltyMode = 'paper' | 'corrected';

/** What is compared: an accuracy of a strategy, a seed and a round. */
export type RoundResult = Pick<RoundLine, 'strategy' | 'seed' | 'round' | 'accuracy'>;

/** Two strategies at one round, over the seeds that both have there. */
export interface PairedTest {
  /** Indices of the strategies, `a` below `b`. */
  readonly a: number;
  readonly b: number;
  readonly round: number;
  /** Paired seeds, at least 2. */
  readonly seeds: number;
  /** Mean of accuracy of a − accuracy of b. */
  readonly difference: number;
  /** Infinite where every seed differs by the same amount; 0 where none differs. */
  readonly t: number;
  /** Two-sided; in mode `corrected`, after Holm's adjustment. */
  readonly p: number;
  /** The index of the strategy that wins; undefined where neither does. */
  readonly winner: number | undefined;
}

export interface PenaltyMatrix {
  readonly mode: PenaltyMode;
  readonly strategies: readonly string[];
  /** [i][j]: the share of their rounds in which i beats j, 0–1; NaN on the diagonal and where there is no round. */
  readonly shares: readonly (readonly number[])[];
  /** [i][j]: rounds in which i and j were compared. */
  readonly rounds: readonly (readonly number[])[];
  /** How often each strategy is beaten, the mean of its column: lower is better; NaN where it wasn't compared. */
  readonly penalty: readonly number[];
  readonly tests: readonly PairedTest[];
}

/**
 * The pairwise penalty matrix (Ash et al., "Deep Batch Active Learning by Diverse, Uncertain Gradient Lower Bounds",
 * ICLR 2020; Parvaneh et al., CVPR 2022): who beats whom, in which share of the rounds. Round 0 is left out: nothing
 * was picked yet. A round counts for a pair where both have at least two of the same seeds, so an unfinished run
 * compares what it has.
 *
 * @param strategies the order of rows and columns
 * @param results in any order; those of other strategies are ignored
 * @example
 * penaltyMatrix(['random', 'alfa-mix'], lines, 'corrected').shares[1][0]; // rounds in which alfa-mix beats random
 */
export function penaltyMatrix(
  strategies: readonly string[],
  results: readonly RoundResult[],
  mode: PenaltyMode,
): PenaltyMatrix {
  const tests = decide(pairedTests(strategies, results, mode), mode);
  const square = (diagonal: number) =>
    strategies.map((_, i) => strategies.map((_, j) => (i === j ? diagonal : 0)));
  const wins = square(Number.NaN);
  const rounds = square(0);
  for (const { a, b, winner } of tests) {
    rounds[a][b]++;
    rounds[b][a]++;
    if (winner !== undefined) wins[winner][winner === a ? b : a]++;
  }
  const shares = wins.map((row, i) => row.map((count, j) => count / rounds[i][j]));
  const penalty = strategies.map((_, j) =>
    mean(shares.map((row) => row[j]).filter((share) => !Number.isNaN(share))),
  );
  return { mode, strategies, shares, rounds, penalty, tests };
}

/** Every pair at every round, not yet decided: `p` is unadjusted. */
function pairedTests(
  strategies: readonly string[],
  results: readonly RoundResult[],
  mode: PenaltyMode,
): PairedTest[] {
  // One map a strategy: round → seed → accuracy.
  const accuracies = strategies.map(() => new Map<number, Map<number, number>>());
  for (const { strategy, seed, round, accuracy } of results) {
    const rounds = accuracies[strategies.indexOf(strategy)];
    if (!rounds || round < 1) continue;
    if (!rounds.has(round)) rounds.set(round, new Map());
    rounds.get(round)!.set(seed, accuracy);
  }
  const tests: PairedTest[] = [];
  for (let a = 0; a < strategies.length; a++) {
    for (let b = a + 1; b < strategies.length; b++) {
      for (const [round, ofA] of [...accuracies[a]].sort(([x], [y]) => x - y)) {
        const ofB = accuracies[b].get(round);
        const differences = [...ofA].flatMap(([seed, accuracy]) =>
          ofB?.has(seed) ? [accuracy - ofB.get(seed)!] : [],
        );
        if (differences.length < 2) continue;
        const spread = std(differences, mode === 'paper' ? 'population' : 'sample');
        const difference = mean(differences);
        // Equal differences everywhere: as sure as can be, unless there is no difference at all.
        const t = difference === 0 ? 0 : (Math.sqrt(differences.length) * difference) / spread;
        // The same number of test rows more on each of a few seeds is chance, not certainty: without spread the t-test
        // says nothing. The papers' code counts it as a win.
        const sure = mode === 'paper' || Number.isFinite(t);
        const p = sure ? studentTwoSided(t, differences.length - 1) : 1;
        tests.push({ a, b, round, seeds: differences.length, difference, t, p, winner: undefined });
      }
    }
  }
  return tests;
}

function decide(tests: readonly PairedTest[], mode: PenaltyMode): PairedTest[] {
  const pValues = tests.map(({ p }) => p);
  const adjusted = mode === 'corrected' ? holm(pValues) : pValues;
  return tests.map((test, i) => {
    const wins = mode === 'paper' ? Math.abs(test.t) > PAPER_CRITICAL_T : adjusted[i] <= CORRECTED_ALPHA;
    const winner = wins ? (test.difference > 0 ? test.a : test.b) : undefined;
    return { ...test, p: adjusted[i], winner };
  });
}
