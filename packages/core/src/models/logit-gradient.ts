import type { TfOperations, TfTensor } from './tf-types.js';

/**
 * The gradient of one class's logits by their inputs, each row's own.
 * @param column D×1, the class's column of the last layer's kernel
 */
export function logitGradient(
  tf: TfOperations,
  embedding: (x: TfTensor) => TfTensor,
  column: TfTensor,
  x: TfTensor,
): TfTensor {
  // A row's logit depends on its own input alone: the gradient of the sum holds all of them.
  return tf.grad((input) => tf.sum(tf.matMul(embedding(input), column)))(x);
}
