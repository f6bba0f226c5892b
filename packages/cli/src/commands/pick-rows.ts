import { AlfamixError, type LinearHead, type SelectResult, type Strategy, select } from '@alfamix/core';
import { type Inputs, loadInputs } from '../inputs/load.js';
import { resolveStrategy } from '../inputs/strategy.js';
import { startKernels } from '../kernels.js';
import type { CommonOptions, InputOptions, PickOptions } from '../options.js';
import type { Session } from '../session.js';
import { headFor } from './head.js';

export interface PickedRows {
  readonly inputs: Inputs;
  /** Given or fitted; undefined where neither the strategy nor `explain` needs one. */
  readonly head: LinearHead | undefined;
  readonly strategy: Strategy;
  readonly result: SelectResult;
}

/** Everything of `select` but writing: opens the inputs, fits a head where one is needed, picks. */
export async function pickRows(
  options: CommonOptions & InputOptions & PickOptions & { explain: boolean },
  session: Session,
): Promise<PickedRows> {
  const { budget, strategy, alphaCap, maxCandidates, backend, threads, seed, explain } = options;
  const resolved = await resolveStrategy(strategy);
  const { needs } = resolved;
  if ((needs.labels || explain) && options.labels === undefined) {
    const what = 'a CSV with a header row,label or id,label';
    const why = needs.labels ? `strategy ${strategy}` : '--explain';
    throw new AlfamixError('INVALID_ARGUMENT', `expected --labels (${what}) for ${why}`);
  }
  await startKernels(backend, session);
  const inputs = await session.timed('read', () => loadInputs(options, session));
  const head = inputs.head || needs.head || explain ? await headFor(inputs, options, session) : undefined;
  const result = await select({
    pool: inputs.pool!,
    labeled: inputs.labeled,
    head,
    budget,
    strategy: resolved,
    alphaCap,
    maxCandidates,
    exclude: inputs.exclude,
    seed,
    backend,
    threads,
    signal: session.signal,
    onProgress: session.progress,
  });
  session.addTimings(result.timings);
  return { inputs, head, strategy: resolved, result };
}
