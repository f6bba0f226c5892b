import { truncateSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { beforeAll, describe, expect, test } from 'vitest';
import type { AlfamixError } from '../src/errors.js';
import type { JobOptions, Kernels, RowSource } from '../src/kernels/kernels.js';
import { Pool } from '../src/pool/pool.js';
import { fails, npy, testFolder } from './support/files.js';
import { fitJob } from './support/fit-job.js';
import { flipJob } from './support/flip-job.js';
import { everyKernels } from './support/golden-cases.js';
import { longCalls } from './support/long-calls.js';
import { canMeasureTurns, longestTurn } from './support/turns.js';

let makers: Kernels[];
beforeAll(async () => {
  makers = await everyKernels();
});

const { put } = testFolder();

describe.each(longCalls)('%s: abort and progress', (_name, call) => {
  test('a signal that has fired already', async () => {
    const signal = AbortSignal.abort('too late');
    for (const kernels of makers) {
      const error = await fails(() => call(kernels, { signal }), 'ABORTED', /aborted/);
      expect(error.cause).toBe('too late');
    }
  });

  // Timed on machines that do other work too: a late answer may be the machine's, three are not.
  test('a signal that fires on the way', { retry: 2 }, async () => {
    for (const kernels of makers) {
      const controller = new AbortController();
      const reason = new Error('enough');
      let firedAt = 0;
      const running = call(kernels, { signal: controller.signal, threads: 2 });
      setTimeout(() => {
        firedAt = performance.now();
        controller.abort(reason);
      }, 15);
      const error = await fails(() => running, 'ABORTED', /aborted/);
      expect(performance.now() - firedAt, kernels.level).toBeLessThan(50);
      expect(error.cause).toBe(reason);
    }
  });
});

describe('progress', () => {
  test('never goes back and ends at the total', async () => {
    const args = flipJob(20_000, 32);
    for (const kernels of makers) {
      for (const call of [
        (options: JobOptions) => kernels.flipSearch({ ...args, ...options }),
        (options: JobOptions) => kernels.kmeans({ ...args, clusters: 10, maxIterations: 5, ...options }),
        (options: JobOptions) => kernels.normalizeRows({ ...args, ...options }),
        (options: JobOptions) => kernels.scoreUncertainty({ ...args, ...options }),
        (options: JobOptions) => kernels.pseudoLabelGradient({ ...args, ...options }),
        (options: JobOptions) => kernels.kCenterGreedy({ ...args, budget: 5, ...options }),
        (options: JobOptions) => kernels.kmeansPlusPlus({ ...args, clusters: 50, ...options }),
        (options: JobOptions) => kernels.fitSoftmax({ ...fitJob(200, 20, 5), ...options }),
      ]) {
        const seen: [number, number][] = [];
        await call({ onProgress: (done, total) => seen.push([done, total]), threads: 2 });
        expect(seen.length, kernels.level).toBeGreaterThan(0);
        for (let i = 1; i < seen.length; i++) expect(seen[i][0]).toBeGreaterThanOrEqual(seen[i - 1][0]);
        expect(seen.at(-1)![0], kernels.level).toBe(seen.at(-1)![1]);
      }
    }
  });

  test.runIf(canMeasureTurns)('the event loop stays free', { retry: 2 }, async () => {
    const kernels = makers[0];
    expect(kernels.backend).toBe('js');
    const head = flipJob(20_000, 64, 10);
    for (const call of [
      () => kernels.flipSearch(head),
      () => kernels.kmeans({ ...head, clusters: 20, maxIterations: 3 }),
      () => kernels.normalizeRows(head),
      () => kernels.pseudoLabelGradient(head),
      () => kernels.kCenterGreedy({ ...head, budget: 10 }),
      () => kernels.kmeansPlusPlus({ ...head, clusters: 100 }),
      () => kernels.fitSoftmax(fitJob(300, 60, 20)),
    ]) {
      await call(); // compiled and warm
      expect(await longestTurn(call)).toBeLessThan(30);
    }
  });
});

describe('where rows live', () => {
  const memory = (rows: number, dim: number) => flipJob(rows, dim);

  test('shared memory and views give the same bytes', async () => {
    const args = memory(333, 13);
    const shared = new Float32Array(new SharedArrayBuffer(args.data.byteLength));
    shared.set(args.data);
    const wide = new Float32Array(args.data.length + 3).fill(Number.NaN);
    wide.set(args.data, 1);
    const view = wide.subarray(1, 1 + args.data.length);
    for (const kernels of makers) {
      const expected = await kernels.flipSearch(args);
      for (const data of [shared, view]) {
        expect(await kernels.flipSearch({ ...args, data }), kernels.level).toEqual(expected);
        expect(await kernels.normalizeRows({ ...args, data })).toEqual(await kernels.normalizeRows(args));
        const clustered = await kernels.kmeans({ ...args, clusters: 5 });
        expect(await kernels.kmeans({ ...args, data, clusters: 5 })).toEqual(clustered);
      }
    }
  });

  test('a detached array is refused', async () => {
    const args = memory(20, 4);
    structuredClone(args.data.buffer, { transfer: [args.data.buffer as ArrayBuffer] });
    for (const kernels of makers) {
      await fails(() => kernels.flipSearch(args), 'INVALID_ARGUMENT', /detached/);
      await fails(() => kernels.kmeans({ ...args, clusters: 2 }), 'INVALID_ARGUMENT', /detached/);
      await fails(() => kernels.normalizeRows(args), 'INVALID_ARGUMENT', /detached/);
    }
  });

  test('a file gives the same bytes as memory', async () => {
    for (const [rows, dim] of [
      [1, 1],
      [70, 33],
      [9001, 130],
    ]) {
      const args = memory(rows, dim);
      using pool = await Pool.open(put(`same-${rows}.npy`, npy(args.data, [rows, dim])));
      for (const kernels of makers) {
        const expected = await kernels.flipSearch(args);
        for (const threads of [1, 2, 5]) {
          expect(await kernels.flipSearch({ ...args, data: pool.source, threads }), kernels.level).toEqual(
            expected,
          );
        }
      }
    }
  });

  test('the lowest bad row is named', async () => {
    const [rows, dim] = [9001, 130];
    for (const bad of [[8000], [4097, 8000], [0, 9000], [2300, 2301, 4097]]) {
      const args = memory(rows, dim);
      bad.forEach((row, at) => {
        args.data[row * dim + (row % dim)] = at % 2 ? Number.NEGATIVE_INFINITY : Number.NaN;
      });
      using pool = await Pool.open(put(`bad-${bad[0]}.npy`, npy(args.data, [rows, dim])));
      for (const kernels of makers) {
        for (const threads of [1, 2, 5]) {
          const job = { ...args, threads, clusters: 3 };
          const calls: (() => Promise<unknown>)[] = [
            () => kernels.flipSearch(job),
            () => kernels.flipSearch({ ...job, data: pool.source }),
            () => kernels.kmeans(job),
            () => kernels.normalizeRows(job),
            () => kernels.scoreUncertainty({ ...job, data: pool.source }),
            () => kernels.pseudoLabelGradient(job),
            () => kernels.kCenterGreedy({ ...job, budget: 2 }),
            () => kernels.kmeansPlusPlus(job),
          ];
          for (const [c, call] of calls.entries()) {
            const error = await fails(call, 'NON_FINITE', /finite/);
            expect(error.details.row, `${kernels.level}, call ${c}, ${threads} threads`).toBe(bad[0]);
          }
        }
      }
    }
  });

  test('a file cut short during the run', async () => {
    // Classes enough that the run lasts well beyond the cut, however quick the kernel.
    const [rows, dim] = [60_000, 64];
    const args = flipJob(rows, dim, 200);
    const bytes = npy(args.data, [rows, dim]);
    for (const kernels of makers) {
      const path = put(`cut-${kernels.level}.npy`, bytes);
      using pool = await Pool.open(path);
      const cutBefore = async (source: RowSource) => {
        const running = kernels.flipSearch({ ...args, data: source, threads: 1 });
        truncateSync(path, 5000);
        return running;
      };
      const error: AlfamixError = await fails(() => cutBefore(pool.source), 'IO', /./);
      expect(error.message).toContain(path);
    }
  });
});
