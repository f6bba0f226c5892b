import type { Context } from '../context.js';
import { dot } from '../kernels/js/reduce.js';
import { Ladder } from '../ladder.js';
import { orderStatistic, smallest, valuesAt } from '../order.js';
import { TimeSlice } from '../time-slice.js';
import { yieldToLoop } from '../yield.js';
import { gatherBlocks } from './gather-blocks.js';
import { type MixCandidates, type MixParts, mixParts } from './mix-candidates.js';
import { symmetricKl } from './symmetric-kl.js';

/**
 * The rows with a flip cap below the first rung of the cap ladder that has more than `budget` of them (else the last
 * rung). Their mixes are those at that rung's cap, with the anchor of the flip cap.
 */
export async function closedFormCandidates(context: Context): Promise<MixCandidates> {
  const { available, budget, maxCandidates } = context;
  const { flipCap } = await context.flipScores();
  const ladder = new Ladder(context.alphaCap);
  const caps = valuesAt(flipCap, available);
  const rung = ladder.rungFor(orderStatistic(caps, budget));
  await yieldToLoop();
  const used = ladder.cap(rung);
  let kept: number[] = [];
  for (let i = 0; i < caps.length; i++) {
    if (caps[i] < used) kept.push(i);
  }
  const total = kept.length;
  if (maxCandidates !== undefined && total > maxCandidates) {
    // The candidates are the rows of the lowest flip caps, so the lowest of all rows are the lowest of them.
    kept = smallest(caps, maxCandidates).sort((a, b) => a - b);
  }
  await yieldToLoop();
  const candidatesPerCap = ladder.counts(caps, rung);
  await yieldToLoop();
  const rows = kept.map((i) => available[i]);
  return {
    rows,
    total,
    used,
    candidatesPerCap,
    ease: flipCap,
    easiest: 'those with the lowest flip caps',
    norms: () => measure(context, rows, used, async (mix) => (i) => norm(mix.alpha, i, mix.dim)),
    divergences: () =>
      measure(context, rows, used, async (mix) => {
        const before = await context.kernels.logits(mix);
        const { logits: after } = await context.kernels.interpolate(mix);
        return (i) => symmetricKl(before, after, i, mix.classes);
      }),
  };
}

/** n candidates, each with its own anchor and α: what the kernels take. */
interface MixedBlock extends MixParts {
  /** n×D. */
  data: Float32Array;
  /** n. */
  rows: number;
  dim: number;
  anchorIndex: Int32Array;
  /** n×D. */
  alpha: Float32Array;
  signal?: AbortSignal;
  threads?: number;
}

/** One value a candidate, computed a block at a time from the mixes at the cap. */
async function measure(
  context: Context,
  rows: readonly number[],
  alphaCap: number,
  valuesOf: (mix: MixedBlock) => Promise<(i: number) => number>,
): Promise<Float32Array> {
  const { pool, kernels } = context;
  const parts = mixParts(context);
  const { flipAnchor } = await context.flipScores();
  const values = new Float32Array(rows.length);
  await context.stage('mix', async ({ onProgress, ...job }) => {
    const slice = new TimeSlice(job.signal);
    for await (const block of gatherBlocks(pool, Float64Array.from(rows), job.signal)) {
      const { start } = block;
      const anchorIndex = Int32Array.from({ length: block.rows }, (_, i) => flipAnchor[rows[start + i]]);
      const scored = { data: block.data, rows: block.rows, dim: pool.dim, anchorIndex, ...parts, ...job };
      const { gradient } = await kernels.pseudoLabelGradient({ ...scored, unit: true });
      const alpha = await kernels.closedFormAlpha({ ...scored, gradient, alphaCap });
      const value = await valuesOf({ ...scored, alpha });
      for (let i = 0; i < block.rows; i++) {
        values[start + i] = value(i);
        if (slice.due) await slice.next();
      }
      onProgress?.(start + block.rows, rows.length);
    }
  });
  return values;
}

const norm = (alpha: Float32Array, i: number, dim: number): number =>
  Math.sqrt(dot(alpha, i * dim, alpha, i * dim, dim));
