import { beforeAll, describe, expect, test } from 'vitest';
import { explain, LabeledSet, LinearHead, Pool, select } from '../src/index.js';
import type { Kernels } from '../src/kernels/kernels.js';
import { computeAnchors } from '../src/labels/anchors.js';
import { fails } from './support/files.js';
import { everyKernels, goldenCase, goldenIndex } from './support/golden-cases.js';
import { distance2, mix, mixLead, oracleRow, predict, softmax } from './support/oracle.js';

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

describe('explain: the mix and the cluster', () => {
  const digits = [
    'digits-relu',
    'digits-tanh',
    'digits-raw-linear',
    'digits-missing-classes',
    'digits-saturated-head',
  ];

  test.each(digits)('%s: class flipped to, probabilities and the mix are the paper’s', async (name) => {
    const { pool, labeled, head } = goldenCase(entry(name));
    const { dim } = pool;
    const data = pool.source as Float32Array;
    const anchors = computeAnchors(labeled, head.classes);
    const input = { dim, classes: head.classes, weight: head.weight, bias: head.bias, anchors };
    for (const kernels of makers) {
      const { picks } = await select({ pool, labeled, head, budget: 40, kernels });
      for (const { row, pseudoLabel, flip } of await explain({ pool, labeled, head, picks, kernels })) {
        const z = data.subarray(row * dim, (row + 1) * dim);
        const { cap, anchor, to, distance, step, before, after, mixed } = flip!;
        expect(predict(input, mix(input, z, anchor, cap * 0.999))).toBe(pseudoLabel);
        expect(predict(input, mix(input, z, anchor, cap * 1.001))).toBe(to);
        const atCap = mix(input, z, anchor, cap);
        for (const [j, value] of mixed.entries()) expect(value).toBeCloseTo(atCap[j], 4);
        expect(before).toBeCloseTo(softmax(input, z)[to], 5);
        expect(after).toBeCloseTo(softmax(input, atCap)[to], 4);
        expect(after).toBeCloseTo(softmax(input, atCap)[pseudoLabel], 3);
        expect(distance).toBeCloseTo(Math.sqrt(distance2(anchors, anchor, z, 0, dim)), 6);
        expect(step).toBeCloseTo(Math.sqrt(distance2(Float32Array.from(atCap), 0, z, 0, dim)), 4);
      }
    }
  });

  test('members are the rest of the cluster, nearest first by angle', async () => {
    const { pool, labeled, head } = goldenCase(entry('digits-relu'));
    const { dim } = pool;
    const data = pool.source as Float32Array;
    const { picks, clusters, candidates } = await select({ pool, labeled, head, budget: 12 });
    const all = await explain({ pool, labeled, head, picks, clusters, members: 2000 });
    const few = await explain({ pool, labeled, head, picks, clusters });
    const unit = (row: number) => {
      const z = Array.from(data.subarray(row * dim, (row + 1) * dim));
      const norm = Math.sqrt(z.reduce((sum, x) => sum + x * x, 0));
      return z.map((x) => x / (norm || 1));
    };
    for (const [i, { row, cluster, clusterSize, members }] of all.entries()) {
      const own = Array.from(clusters!.rows).filter((_, k) => clusters!.labels[k] === cluster);
      expect(own).toHaveLength(clusterSize!);
      expect([...members, row].sort((a, b) => a - b)).toEqual(own);
      const distances = members.map((member) => distance2(unit(row), 0, unit(member), 0, dim));
      for (const [k, d] of distances.slice(1).entries())
        expect(d).toBeGreaterThanOrEqual(distances[k] - 1e-12);
      expect(few[i].members).toEqual(members.slice(0, 3));
    }
    expect(new Set(all.flatMap(({ row, members }) => [row, ...members])).size).toBe(candidates);
    const bare = await explain({ pool, labeled, head, picks, clusters, members: 0 });
    expect(bare.every(({ members }) => members.length === 0)).toBe(true);
    const margin = await select({ pool, labeled, head, budget: 12, strategy: 'margin' });
    expect(margin.clusters).toBeUndefined();
    const [first] = await explain({ pool, labeled, head, picks: margin.picks });
    expect(first.members).toEqual([]);
  });

  const pool = Pool.fromArray(Float32Array.of(0, 0, 1, 0, 0, 1, 3, 1), { rows: 4, dim: 2 });

  test('a class without labels: its anchor is the mean of all', async () => {
    // The row shares a value with each class's anchor and none with the mean of all, which so has the shortest way.
    const embeddings = [
      [0, 9],
      [9, 0],
      [9, 0],
    ];
    const labeled = LabeledSet.from({ embeddings, labels: [0, 2, 2] });
    const weight = Float32Array.of(0, 0, 1, 1, 0, 0);
    const head = LinearHead.from({ weight, bias: Float32Array.of(1, 0, -9), classes: 3, dim: 2 });
    const [{ flip }] = await explain({ pool, labeled, head, picks: [{ row: 0 }] });
    expect(flip).toMatchObject({ anchor: 1, anchorRows: 0, to: 1, distance: Math.sqrt(45) });
  });

  test('a huge flip cap is no error', async () => {
    const weight = Float32Array.of(1e-30, 0, 0, 1e-30);
    const head = LinearHead.from({ weight, bias: Float32Array.of(1, 0), classes: 2, dim: 2 });
    const labeled = await LabeledSet.fromPool(pool, { rows: [1, 2], labels: [0, 1] });
    const [{ flip }] = await explain({ pool, labeled, head, picks: [{ row: 3 }] });
    expect(flip?.cap).toBeGreaterThan(1e25);
    expect(flip?.after).toBeCloseTo(0.5, 5);
  });

  test('names the pool’s row that isn’t finite: random picks were never looked at', async () => {
    const data = Float32Array.of(0, 0, 1, 1, 2, Number.NaN);
    const holed = Pool.fromArray(data, { rows: 3, dim: 2, ids: ['x', 'y', 'z'] });
    const labeled = await LabeledSet.fromPool(holed, { rows: [0, 1], labels: [0, 1] });
    const head = await LinearHead.fit({ labeled });
    await fails(
      () => explain({ pool: holed, labeled, head, picks: [{ row: 1 }, { row: 2 }] }),
      'NON_FINITE',
      /row 2 \(id "z"\) of the pool/,
    );
  });

  test('reports its stages and stops between them', async () => {
    const golden = goldenCase(entry('digits-relu'));
    const { picks, clusters } = await select({ ...golden, budget: 30 });
    const stages = new Map<string, number>();
    const onProgress = (stage: string, done: number, total: number) => stages.set(stage, done / total);
    await explain({ ...golden, picks, clusters, onProgress });
    expect([...stages]).toEqual([
      ['flips', 1],
      ['neighbours', 1],
      ['members', 1],
    ]);
    for (const at of ['flips', 'neighbours']) {
      const abort = new AbortController();
      const stop = (stage: string) => stage === at && abort.abort();
      const args = { ...golden, picks, clusters, signal: abort.signal, onProgress: stop };
      await fails(() => explain(args), 'ABORTED', /aborted/);
    }
  });
});
