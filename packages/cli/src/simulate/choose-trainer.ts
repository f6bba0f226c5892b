import { AlfamixError, createTrainer, loadTf, type Trainer } from '@alfamix/core';
import type { SimulateOptions } from '../commands/simulate.js';

/** The ridge of `linear` where none is given: fixed, so that the rounds differ in nothing but their labels. */
const DEFAULT_L2 = 1;

export interface ChosenTrainer {
  /** The backend that trains; null for a model that needs none. */
  readonly tf: string | null;
  /** The ridge; null for a model without one. */
  readonly l2: number | null;
  /** For the reader. */
  readonly described: string;
  /** One a job: each trains in a worker of its own. */
  readonly makeTrainer: () => Trainer;
}

/**
 * Decides what trains, once for the whole run: a run never changes its backend.
 * @param before the backend of the run that goes on, which `auto` keeps
 */
export async function chooseTrainer(
  { model, tf: asked, l2 }: SimulateOptions,
  before: string | null | undefined,
): Promise<ChosenTrainer> {
  const tf = asked === 'auto' && isBackend(before) ? before : asked;
  if (model === 'linear') {
    const ridge = l2 ?? DEFAULT_L2;
    const makeTrainer = () => createTrainer('linear', { l2: ridge });
    return { tf: null, l2: ridge, described: `linear, l2 ${ridge}`, makeTrainer };
  }
  const { backend, reason } = await loadTf(tf === 'auto' ? {} : { backend: tf });
  if (model === 'cnn' && backend === 'wasm') {
    throw new AlfamixError(
      'INVALID_ARGUMENT',
      `expected a tfjs backend that trains convolutions for --model cnn, got wasm (${reason}): npm run setup:tfjs-node, or --tf cpu, which is very slow`,
    );
  }
  return {
    tf: backend,
    l2: null,
    described: `${model} on tfjs ${backend} (${reason})`,
    makeTrainer: () => createTrainer(model, { backend }),
  };
}

const isBackend = (name: unknown): name is 'node' | 'wasm' | 'cpu' =>
  name === 'node' || name === 'wasm' || name === 'cpu';
