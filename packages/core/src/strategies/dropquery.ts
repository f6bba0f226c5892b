import type { Context } from '../context.js';
import { yieldToLoop } from '../yield.js';
import { clusterPicks, fillAtRandom } from './cluster-picks.js';
import { dropOut } from './dropout.js';
import { between, configurable, count } from './options.js';
import { overBlocks } from './row-blocks.js';
import { argmax } from './softmax.js';
import type { StrategyPick } from './strategy.js';

/**
 * DropQuery (Gupte, Aklilu, Nirschl and Yeung-Levy, "Revisiting Active Learning in the Era of Vision Foundation Models",
 * TMLR 2024): candidates are the rows whose prediction changes in more than half of M passes with dropout at the
 * embedding, each row with masks of its own; L2-normalised, they go through k-means with `budget` clusters, and each
 * cluster gives its member nearest the center: the largest cluster first, then the lower row. Where there are no more
 * candidates than the budget all are picked, those that change most often first, and the rest is drawn at random.
 *
 * Cost: N·D·(M·C + M), one read of the pool, then k-means on the candidates. Needs a head; no labels.
 */
export const dropquery = configurable({
  name: 'dropquery',
  needs: { labels: false, head: true },
  options: {
    /** M. */
    passes: count(3),
    /** ρ, the share of the embedding that a pass drops. */
    dropout: between(0, 1, 0.75),
  },
  async select(context, { passes, dropout }) {
    const { available, budget } = context;
    const changes = await countChanges(context, passes, dropout);
    const candidates: number[] = [];
    for (let i = 0; i < changes.length; i++) if (2 * changes[i] > passes) candidates.push(i);
    await yieldToLoop();
    const rows = candidates.map((i) => available[i]);
    const { picks, clusters } =
      rows.length <= budget
        ? { picks: mostChanged(candidates, changes).map((i): StrategyPick => ({ row: available[i] })) }
        : await clusterPicks(context, rows);
    if (clusters) picks.sort((a, b) => b.clusterSize! - a.clusterSize! || a.row - b.row);
    const filled = fillAtRandom(context, picks);
    const why = rows.length < budget ? `only ${rows.length} rows are candidates` : 'some clusters were empty';
    const notes =
      filled.length > 0 ? [`${filled.length} of ${budget} picks were filled at random: ${why}`] : [];
    return { picks: [...picks, ...filled], candidates: rows.length, clusters, notes };
  },
});

const mostChanged = (candidates: readonly number[], changes: Uint32Array): number[] =>
  [...candidates].sort((a, b) => changes[b] - changes[a] || a - b);

/** In how many of the passes the prediction of each available row isn't its pseudo-label. */
async function countChanges(context: Context, passes: number, dropout: number): Promise<Uint32Array> {
  const { kernels, rng, available, head } = context;
  const { weight, bias, classes } = head!;
  const { pseudoLabel } = await context.uncertaintyScores();
  const changes = new Uint32Array(available.length);
  const floatsPerRow = context.pool.dim + classes;
  await overBlocks(context, 'dropout', floatsPerRow, async ({ data, ...block }, first, slices) => {
    const { rows, dim } = block;
    const masked = new Float32Array(rows * dim);
    for (let pass = 0; pass < passes; pass++) {
      for (let i = 0; i < rows; i++) {
        masked.set(data.subarray(i * dim, (i + 1) * dim), i * dim);
        dropOut(masked, i * dim, (i + 1) * dim, dropout, rng);
        if (slices.step(0)) await slices.turn();
      }
      const logits = await kernels.logits({ data: masked, ...block, weight, bias, classes });
      for (let i = 0; i < rows; i++) {
        const same = argmax(logits, i * classes, classes) === pseudoLabel[available[first + i]];
        if (!same) changes[first + i]++;
        if (slices.step(0)) await slices.turn();
      }
    }
  });
  return changes;
}
