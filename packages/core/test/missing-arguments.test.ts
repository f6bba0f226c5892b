import { test } from 'vitest';
import { explain, LabeledSet, LinearHead, Pool, score, select } from '../src/index.js';
import { fails } from './support/files.js';

test('a call without its arguments says which, in an AlfamixError', async () => {
  const pool = Pool.fromArray(new Float32Array(4), { rows: 2, dim: 2 });
  // biome-ignore lint/suspicious/noExplicitAny: callers without TypeScript may pass anything
  const none: any = undefined;
  for (const [run, message] of [
    [() => select(none), /named arguments for select, got undefined$/],
    [() => score(none), /named arguments for score, got undefined$/],
    [() => explain(none), /named arguments for explain, got undefined$/],
    [() => Pool.fromArray(new Float32Array(4), none), /named arguments for the options of Pool\.fromArray/],
    [() => Pool.open('x.npy', null as never), /named arguments for the options of Pool\.open, got null$/],
    [() => LinearHead.from(none), /named arguments for LinearHead\.from/],
    [() => LinearHead.fit(none), /named arguments for LinearHead\.fit/],
    [() => LabeledSet.from(none), /named arguments for LabeledSet\.from/],
    [
      () => LabeledSet.from({ embeddings: [[1]] } as never),
      /an array of integers for labels, got undefined$/,
    ],
    [() => LabeledSet.fromPool(pool, none), /named arguments for LabeledSet\.fromPool/],
    [() => LabeledSet.fromPool(pool, { labels: [1] } as never), /for rows, got undefined$/],
    [() => LabeledSet.fromPool(none, { rows: [0], labels: [0] }), /a Pool for pool, got undefined$/],
  ] as const)
    await fails(async () => run(), 'INVALID_ARGUMENT', message);
});
