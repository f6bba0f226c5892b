/** The class of the largest of C logits from `at`, the lowest on a tie. */
export function argmax(logits: Float32Array, at: number, classes: number): number {
  let top = 0;
  for (let c = 1; c < classes; c++) if (logits[at + c] > logits[at + top]) top = c;
  return top;
}

/**
 * The probabilities of one row of N×C logits, in double, into `out` (C). Equal largest logits share, infinite ones
 * too: the row may be finite where its logits are beyond float32.
 * @returns the pseudo-label: the largest logit, the lowest class on a tie
 */
export function softmaxRow(logits: Float32Array, row: number, classes: number, out: Float64Array): number {
  const at = row * classes;
  const top = argmax(logits, at, classes);
  const most = logits[at + top];
  let sum = 0;
  for (let c = 0; c < classes; c++) {
    const logit = logits[at + c];
    out[c] = logit === most ? 1 : Math.exp(logit - most);
    sum += out[c];
  }
  for (let c = 0; c < classes; c++) out[c] /= sum;
  return top;
}

/** In nats. */
export function entropyOf(probabilities: Float64Array): number {
  let sum = 0;
  for (const p of probabilities) if (p > 0) sum -= p * Math.log(p);
  return sum;
}
