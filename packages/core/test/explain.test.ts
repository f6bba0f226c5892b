import { beforeAll, describe, expect, test } from 'vitest';
import { explain, LabeledSet, Pool, select } from '../src/index.js';
import type { Kernels } from '../src/kernels/kernels.js';
import { computeAnchors } from '../src/labels/anchors.js';
import { fails } from './support/files.js';
import { everyKernels, goldenCase, goldenIndex } from './support/golden-cases.js';
import { distance2, mixLead, oracleRow } from './support/oracle.js';

let makers: Kernels[];
beforeAll(async () => {
  makers = await everyKernels();
});
const entry = (name: string) => goldenIndex.find((candidate) => candidate.name === name)!;

describe('explain', () => {
  test.each(['digits-relu', 'digits-missing-classes', 'edge-two-classes'])(
    '%s: flips that the paper’s mix makes, nearest labelled rows, clusters',
    async (name) => {
      const { pool, labeled, head } = goldenCase(entry(name));
      const { dim } = pool;
      const data = pool.source as Float32Array;
      const anchors = computeAnchors(labeled, head.classes);
      const input = { dim, classes: head.classes, weight: head.weight, bias: head.bias, anchors };
      for (const kernels of makers) {
        const { picks } = await select({ pool, labeled, head, budget: 20, kernels });
        const explanations = await explain({ pool, labeled, head, picks, neighbours: 4, kernels });
        expect(explanations.map(({ row }) => row)).toEqual(picks.map(({ row }) => row));
        explanations.forEach(
          ({ row, pseudoLabel, confidence, flip, nearest, cluster, clusterSize, filled }, i) => {
            const z = data.subarray(row * dim, (row + 1) * dim);
            const exact = oracleRow(input, z);
            expect([pseudoLabel, cluster, clusterSize, filled]).toEqual([
              exact.label,
              picks[i].cluster,
              picks[i].clusterSize,
              picks[i].filled,
            ]);
            expect(confidence).toBeCloseTo(exact.confidence, 4);
            expect(flip?.cap).toBe(picks[i].flipCap);
            const { cap, anchor, anchorRows, to } = flip!;
            expect(mixLead(input, z, anchor, cap * 1.001)).toBeGreaterThan(0);
            expect(mixLead(input, z, anchor, cap * 0.999)).toBeLessThan(0);
            expect(to).not.toBe(pseudoLabel);
            expect(anchorRows).toBe(labeled.labels.filter((label) => label === anchor).length);
            const all = Array.from(labeled.labels, (label, index) => ({
              index,
              label,
              distance: Math.sqrt(distance2(data, row, labeled.embeddings, index, dim)),
            })).sort((a, b) => a.distance - b.distance || a.index - b.index);
            nearest.forEach((neighbour, n) => {
              expect([neighbour.index, neighbour.label]).toEqual([all[n].index, all[n].label]);
              expect(neighbour.distance).toBeCloseTo(all[n].distance, 9);
              expect('row' in neighbour).toBe(false);
            });
            expect(nearest).toHaveLength(4);
          },
        );
      }
    },
  );

  test('no neighbours asked, none named', async () => {
    const { pool, labeled, head } = goldenCase(entry('digits-relu'));
    const explanations = await explain({ pool, labeled, head, picks: [{ row: 3 }], neighbours: 0 });
    expect(explanations[0].nearest).toEqual([]);
  });

  test('labelled rows of the same pool are named by row and id; ties by the lowest', async () => {
    const data = Float32Array.of(0, 0, 1, 0, 1, 0, 0, 1, 5, 5);
    const ids = ['zero', 'one', 'also one', 'up', 'far'];
    const pool = Pool.fromArray(data, { rows: 5, dim: 2, ids });
    const labeled = await LabeledSet.fromPool(pool, { rows: [2, 1, 3], labels: [0, 0, 1] });
    const { picks, head } = await select({ pool, labeled, budget: 2, strategy: 'margin' });
    const explanations = await explain({ pool, labeled, head: head!, picks, neighbours: 2 });
    const zero = explanations.find(({ row }) => row === 0)!;
    expect(zero.id).toBe('zero');
    expect(zero.nearest).toEqual([
      { index: 0, label: 0, distance: 1, row: 2, id: 'also one' },
      { index: 1, label: 0, distance: 1, row: 1, id: 'one' },
    ]);
    expect('cluster' in zero).toBe(false);
  });

  test('no flip, no flip; bad arguments', async () => {
    const { pool, labeled, head } = goldenCase(entry('edge-no-gradient'));
    const [only] = await explain({ pool, labeled, head, picks: [{ row: 2 }] });
    expect('flip' in only).toBe(false);
    expect(await explain({ pool, labeled, head, picks: [] })).toEqual([]);
    const args = { pool, labeled, head, picks: [{ row: 99 }] };
    await fails(() => explain(args), 'INVALID_ARGUMENT', /expected a row of the pool, 0 to 5/);
    await fails(() => explain({ ...args, neighbours: -1 }), 'INVALID_ARGUMENT', /for neighbours/);
    await fails(() => explain({ ...args, picks: 3 as never }), 'INVALID_ARGUMENT', /for picks/);
    await fails(() => explain({ ...args, head: undefined as never }), 'INVALID_ARGUMENT', /LinearHead/);
    await fails(() => explain({ ...args, signal: AbortSignal.abort() }), 'ABORTED', /aborted/);
  });
});
