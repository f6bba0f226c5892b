import type { Context } from '../context.js';
import { Ladder, LISTED_RUNGS } from '../ladder.js';
import { smallest, valuesAt } from '../order.js';
import { Rng } from '../random/xoshiro.js';
import { TimeSlice } from '../time-slice.js';
import { gatherBlocks } from './gather-blocks.js';
import { AlphaLearner, learningRate } from './learned-alpha.js';
import { type MixCandidates, type MixParts, mixParts } from './mix-candidates.js';
import { drawAlpha } from './random-alpha.js';
import { symmetricKl } from './symmetric-kl.js';

/** What is asked of the α of each row and anchor. */
export interface AlphaSearch {
  /** Times an α is looked at; between two of them it is learned. 1: it is drawn, and that is all. */
  looks: number;
  /** Keep the divergences too: one more product with the head. */
  divergences: boolean;
}

/**
 * The open-ended variants of ALFA-Mix (the authors' code; the paper's appendix): at each rung of the cap ladder every row
 * gets an α for every anchor, drawn from N(cap/2, cap/2) and, if it is to be learned, moved by AlphaLearner. A row
 * is a candidate when some mix on the way changes its prediction; of those mixes the one of the smallest ‖α‖ is its own.
 * The ladder ends at the first rung with more than `budget` candidates, those of earlier rungs included.
 *
 * Cost, for each rung and look: O(N·C·D) on the kernels for each of the C anchors, and O(N·C·D) numbers drawn or moved
 * here. Memory: a few blocks of 4 MiB, whatever N. The picks don't depend on blocks or threads: each rung and anchor
 * has a generator of its own, and the rows draw from it in order.
 */
export async function searchedCandidates(context: Context, search: AlphaSearch): Promise<MixCandidates> {
  const { available, budget, maxCandidates, pool, rng } = context;
  const { pseudoLabel } = await context.uncertaintyScores();
  const parts = mixParts(context);
  const ladder = new Ladder(context.alphaCap);
  const found = new FoundMixes(pool.rows);
  const candidatesPerCap = [];
  let used = 0;
  for (let rung = 1; rung <= ladder.length && found.rows <= budget; rung++) {
    used = ladder.cap(rung);
    const rngs = Array.from({ length: parts.classes }, () => new Rng(rng.below(2 ** 53)));
    await searchRung(context, parts, { ...search, cap: used, pseudoLabel, rngs, found });
    candidatesPerCap.push({ cap: used, count: found.rows });
    if (candidatesPerCap.length > LISTED_RUNGS) candidatesPerCap.shift();
  }
  const norms = valuesAt(found.norm, available);
  const most = Math.min(found.rows, maxCandidates ?? found.rows);
  const rows = smallest(norms, most)
    .sort((a, b) => a - b)
    .map((i) => available[i]);
  const chosen = Float64Array.from(rows);
  return {
    rows,
    total: found.rows,
    used,
    candidatesPerCap,
    ease: found.norm,
    easiest: 'those with the smallest α',
    norms: async () => valuesAt(found.norm, chosen),
    divergences: async () => valuesAt(found.divergence, chosen),
  };
}

/** The mix of the smallest ‖α‖ found so far, for each row of the pool. */
class FoundMixes {
  readonly norm: Float32Array;
  readonly divergence: Float32Array;
  /** Rows with one. */
  rows = 0;

  constructor(rows: number) {
    this.norm = new Float32Array(rows).fill(Number.POSITIVE_INFINITY);
    this.divergence = new Float32Array(rows);
  }

  /** Takes the mix if its α is smaller. */
  offer(row: number, norm: number, divergence: () => number): void {
    if (!(Math.fround(norm) < this.norm[row])) return;
    if (this.norm[row] === Number.POSITIVE_INFINITY) this.rows++;
    this.norm[row] = norm;
    this.divergence[row] = divergence();
  }
}

interface RungSearch extends AlphaSearch {
  cap: number;
  /** One a row of the pool. */
  pseudoLabel: Int32Array;
  /** One an anchor. */
  rngs: readonly Rng[];
  found: FoundMixes;
}

async function searchRung(context: Context, parts: MixParts, rung: RungSearch): Promise<void> {
  const { pool, kernels, available } = context;
  const { weight, bias, classes } = parts;
  await context.stage('mix', async ({ onProgress, ...job }) => {
    const slice = new TimeSlice(job.signal);
    const learner = new AlphaLearner(kernels, parts, pool.dim, job);
    const total = available.length * classes;
    for await (const { start, rows, data } of gatherBlocks(pool, available, job.signal)) {
      const poolRows = available.subarray(start, start + rows);
      const pseudoLabel = Int32Array.from(poolRows, (row) => rung.pseudoLabel[row]);
      const scored = { data, rows, dim: pool.dim, weight, bias, classes };
      const before = rung.divergences ? await kernels.logits({ ...scored, ...job }) : undefined;
      const block = { ...scored, poolRows, pseudoLabel, before, job, slice };
      for (let anchor = 0; anchor < classes; anchor++) {
        await searchAnchor(context, learner, { ...block, anchors: parts.anchors, anchor }, rung);
        onProgress?.(start * classes + rows * (anchor + 1), total);
      }
    }
  });
}

interface AnchorBlock extends MixParts {
  data: Float32Array;
  rows: number;
  dim: number;
  /** The rows' numbers in the pool. */
  poolRows: Float64Array;
  pseudoLabel: Int32Array;
  /** n×C logits of the rows, where divergences are asked for. */
  before: Float32Array | undefined;
  /** The anchor they are mixed with. */
  anchor: number;
  job: { signal?: AbortSignal; threads?: number };
  slice: TimeSlice;
}

async function searchAnchor(
  { kernels }: Context,
  learner: AlphaLearner,
  block: AnchorBlock,
  { looks, cap, rngs, found }: RungSearch,
): Promise<void> {
  const { data, rows, dim, weight, bias, classes, anchors, anchor, pseudoLabel, slice, job } = block;
  const alpha = await drawAlpha(rngs[anchor], rows, dim, cap, slice);
  const anchorIndex = new Int32Array(rows).fill(anchor);
  const mix = { data, rows, dim, anchors, anchorIndex, alpha, weight, bias, classes, ...job };
  for (let look = 0; look < looks; look++) {
    const { logits } = await kernels.interpolate(mix);
    await offerFlips(block, alpha, logits, found);
    // Nothing looks at what a last step would give.
    if (look + 1 === looks) return;
    const own = anchors.subarray(anchor * dim, (anchor + 1) * dim);
    const learned = { data, rows, dim, anchor: own, logits, classes, pseudoLabel };
    await learner.step(alpha, learned, cap, learningRate(look, looks), slice);
  }
}

/** Offers the mixes that change a prediction. */
async function offerFlips(
  { rows, dim, classes, poolRows, pseudoLabel, before, slice }: AnchorBlock,
  alpha: Float32Array,
  logits: Float32Array,
  found: FoundMixes,
): Promise<void> {
  for (let i = 0; i < rows; i++) {
    const at = i * classes;
    let top = 0;
    for (let c = 1; c < classes; c++) if (logits[at + c] > logits[at + top]) top = c;
    if (top !== pseudoLabel[i]) {
      let sum = 0;
      for (let j = i * dim; j < (i + 1) * dim; j++) sum += alpha[j] * alpha[j];
      found.offer(poolRows[i], Math.sqrt(sum), () => (before ? symmetricKl(before, logits, i, classes) : 0));
    }
    if (slice.due) await slice.next();
  }
}
