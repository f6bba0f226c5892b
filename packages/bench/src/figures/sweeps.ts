/** Time against one size at a time, the others fixed: the data of the figures. */
import type { Case } from '../cases/case.js';
import { kCenterGreedy, kmeansPass } from '../cases/sampling.js';
import { flipSearch } from '../cases/scan.js';
import type { SharedFolder } from '../problem.js';
import type { Roster } from '../roster.js';
import { type CaseOptions, runCase } from '../run-case.js';

export interface SweepPoint {
  contender: string;
  x: number;
  /** Milliseconds: of a run, or of a pass; of all rows, counted up where a contender had fewer. */
  ms: number;
}

export interface Sweep {
  id: string;
  title: string;
  /** What grows. */
  axis: 'N' | 'D' | 'C' | 'K' | 'threads';
  yTitle: string;
  points: SweepPoint[];
  failures: string[];
}

interface Plan {
  id: string;
  title: string;
  axis: Sweep['axis'];
  yTitle: string;
  xs: readonly number[];
  make: (x: number) => Case;
}

const FEW = 100;
/** Milliseconds of one contender at one point. */
const BUDGET = 800;
const REPEATS = 3;

/** Each when it is done. */
export async function* runSweeps(
  roster: Roster,
  folder: SharedFolder,
  options: CaseOptions,
  quick: boolean,
  onProgress: (text: string) => void,
): AsyncGenerator<Sweep> {
  for (const plan of plans(quick, options.threads)) {
    const sweep: Sweep = {
      id: plan.id,
      title: plan.title,
      axis: plan.axis,
      yTitle: plan.yTitle,
      points: [],
      failures: [],
    };
    for (const x of plan.xs) {
      const one = plan.make(x);
      const result = await runCase(one, roster, folder, {
        ...options,
        threads: plan.axis === 'threads' ? x : options.threads,
        repeats: Math.min(options.repeats, REPEATS),
        budget: Math.min(options.budget, BUDGET),
        onProgress: (text) => onProgress(`${plan.id}, ${plan.axis} = ${x}: ${text}`),
      });
      const rows = Math.max(0, ...result.rows.map((row) => row.rows));
      for (const row of result.rows) {
        const ms = one.metric === 'rate' ? row.unitMs * rows : row.unitMs;
        sweep.points.push({ contender: row.contender, x, ms });
      }
      sweep.failures.push(...result.failures);
    }
    yield sweep;
  }
}

function plans(quick: boolean, threads: number): Plan[] {
  const rows = quick ? 1000 : 20_000;
  const dim = quick ? 64 : 512;
  const shape = { rows, dim, classes: 10 };
  const points = { rows: quick ? 600 : 10_000, dim };
  const flip = (part: Partial<typeof shape>): Case => flipSearch('sweep', { ...shape, ...part }, FEW);
  // The slow ones would say the same at every number of threads.
  const native = (one: Case): Case => ({ ...one, kinds: ['cpu'] });
  const counts = Array.from({ length: threads }, (_, i) => i + 1).filter(
    (count) => count === threads || (count & (count - 1)) === 0,
  );
  const flipTime = 'ms a flip search';
  const at = `N = ${rows.toLocaleString('en-US')}`;
  const all: Plan[] = [
    {
      id: 'flip-search-n',
      title: `Flip search against the pool's rows (D = ${dim}, C = 10)`,
      axis: 'N',
      yTitle: flipTime,
      xs: quick ? [250, 1000] : [1000, 3000, 10_000, 30_000, 100_000],
      make: (x) => flip({ rows: x }),
    },
    {
      id: 'flip-search-d',
      title: `Flip search against the dimensions (${at}, C = 10)`,
      axis: 'D',
      yTitle: flipTime,
      xs: quick ? [16, 64] : [64, 128, 256, 512, 1024, 2048],
      make: (x) => flip({ dim: x }),
    },
    {
      id: 'flip-search-c',
      title: `Flip search against the classes (${at}, D = ${dim})`,
      axis: 'C',
      yTitle: flipTime,
      xs: quick ? [2, 20] : [2, 5, 10, 30, 100, 300, 1000],
      // TensorFlow.js makes N×D tensors for every anchor.
      make: (x) => (x > 100 ? { ...flip({ classes: x }), kinds: ['js', 'cpu'] } : flip({ classes: x })),
    },
    {
      id: 'kmeans-k',
      title: `A pass of k-means against the clusters (N = ${points.rows.toLocaleString('en-US')}, D = ${dim})`,
      axis: 'K',
      yTitle: 'ms a pass',
      xs: quick ? [5, 50] : [10, 30, 100, 300, 1000],
      make: (x) => ({ ...kmeansPass(points, x, 2), kinds: x > 300 ? ['cpu'] : ['ml-kmeans', 'js', 'cpu'] }),
    },
    {
      id: 'flip-search-threads',
      title: `Flip search against the threads (${at}, D = ${dim}, C = 10)`,
      axis: 'threads',
      yTitle: flipTime,
      xs: counts,
      make: () => native(flip({})),
    },
    {
      id: 'kmeans-threads',
      title: `A pass of k-means against the threads (K = ${quick ? 20 : 200})`,
      axis: 'threads',
      yTitle: 'ms a pass',
      xs: counts,
      make: () => native(kmeansPass(points, quick ? 20 : 200, 2)),
    },
    {
      id: 'k-center-greedy-threads',
      title: `Farthest-first against the threads (B = ${quick ? 20 : 100})`,
      axis: 'threads',
      yTitle: 'ms',
      xs: counts,
      make: () => native(kCenterGreedy(points, quick ? 20 : 100)),
    },
  ];
  return all;
}
