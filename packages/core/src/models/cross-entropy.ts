/**
 * The gradient of a batch's mean cross-entropy by its n×C logits: (softmax − one-hot) / n. Computed here, not by tf: the
 * logits are read anyway, to count what is right, and a few hundred numbers cost less than five operations' calls.
 */
export function crossEntropyGradient(logits: Float32Array, labels: Int32Array): Float32Array {
  const rows = labels.length;
  const classes = logits.length / rows;
  const gradient = new Float32Array(logits.length);
  for (let row = 0; row < rows; row++) {
    const start = row * classes;
    let top = Number.NEGATIVE_INFINITY;
    for (let c = 0; c < classes; c++) top = Math.max(top, logits[start + c]);
    let sum = 0;
    for (let c = 0; c < classes; c++) sum += Math.exp(logits[start + c] - top);
    for (let c = 0; c < classes; c++)
      gradient[start + c] = (Math.exp(logits[start + c] - top) / sum - (c === labels[row] ? 1 : 0)) / rows;
  }
  return gradient;
}

/** How many rows have their largest logit, the lowest index on a tie, at their label. NaN where a logit is NaN. */
export function countCorrect(logits: Float32Array, labels: Int32Array): number {
  const classes = logits.length / labels.length;
  let correct = 0;
  for (let row = 0; row < labels.length; row++) {
    let best = 0;
    for (let c = 0; c < classes; c++) {
      const logit = logits[row * classes + c];
      if (Number.isNaN(logit)) return Number.NaN;
      if (logit > logits[row * classes + best]) best = c;
    }
    if (best === labels[row]) correct++;
  }
  return correct;
}
