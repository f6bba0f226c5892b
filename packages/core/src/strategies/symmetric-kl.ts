/**
 * KL(p‖q) + KL(q‖p) = Σ (p − q)(ln p − ln q), in nats, of two predictions p and q: the softmaxes of one row of two
 * N×C logits. In double, from the logits: no probability is rounded to zero. Infinity where a logit is infinite.
 */
export function symmetricKl(before: Float32Array, after: Float32Array, row: number, classes: number): number {
  const at = row * classes;
  const logSumBefore = logSumExp(before, at, classes);
  const logSumAfter = logSumExp(after, at, classes);
  let sum = 0;
  for (let c = at; c < at + classes; c++) {
    const p = before[c] - logSumBefore;
    const q = after[c] - logSumAfter;
    sum += (Math.exp(p) - Math.exp(q)) * (p - q);
  }
  return Number.isNaN(sum) ? Number.POSITIVE_INFINITY : sum;
}

function logSumExp(logits: Float32Array, at: number, classes: number): number {
  let most = Number.NEGATIVE_INFINITY;
  for (let c = at; c < at + classes; c++) most = Math.max(most, logits[c]);
  let sum = 0;
  for (let c = at; c < at + classes; c++) sum += Math.exp(logits[c] - most);
  return most + Math.log(sum);
}
