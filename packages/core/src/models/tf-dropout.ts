import type { Rng } from '../random/xoshiro.js';
import type { TfCutModel, TfLayer, TfOperations, TfTensor } from './tf-types.js';

const DROPOUT = new Set(['Dropout', 'SpatialDropout1D']);

/** The dropout layers of a network, those of networks inside it too. */
export function dropoutLayers(network: { readonly layers?: readonly TfLayer[] } | undefined): TfLayer[] {
  return (network?.layers ?? []).flatMap((layer) =>
    layer.layers ? dropoutLayers(layer) : DROPOUT.has(layer.getClassName()) && layer.rate! > 0 ? [layer] : [],
  );
}

/**
 * Runs a network with its dropout layers at work, and only them: tf's own `training` flag would switch batch
 * normalisation to the batch's statistics too, and draw from a generator that differs by backend.
 */
export function withDropout<Result>(
  tf: TfOperations,
  network: TfCutModel | undefined,
  rng: Rng,
  run: () => Result,
): Result {
  const layers = dropoutLayers(network);
  for (const layer of layers) {
    Object.assign(layer, {
      call: (inputs: TfTensor | TfTensor[]) => {
        const x = Array.isArray(inputs) ? inputs[0] : inputs;
        return drop(tf, x, layer.getNoiseShape?.(x) ?? x.shape, layer.rate!, rng);
      },
    });
  }
  try {
    return run();
  } finally {
    // The class's own method again.
    for (const layer of layers) Reflect.deleteProperty(layer, 'call');
  }
}

/** Zeroes a share `rate` of the values and scales the others by 1/(1 − rate); `shape` is the mask's, broadcast. */
export function drop(
  tf: TfOperations,
  x: TfTensor,
  shape: readonly number[],
  rate: number,
  rng: Rng,
): TfTensor {
  const length = shape.reduce((a, b) => a * b, 1);
  const kept = 1 / (1 - rate);
  const mask = Float32Array.from({ length }, () => (rng.uniform() < rate ? 0 : kept));
  return tf.mul(x, tf.tensor(mask, [...shape], 'float32'));
}
