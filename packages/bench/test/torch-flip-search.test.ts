import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { getKernels } from '@alfamix/core';
import { describe, expect, test } from 'vitest';

/** What scripts/gpu-check compares the device's flip search with, on the CPU: it must be the same function. */
const PYTHON = process.env.ALFAMIX_TEST_PYTHON ?? 'python3';
const FOLDER = fileURLToPath(new URL('../../../native/bench', import.meta.url));
const SCRIPT = `
import json, sys, torch
sys.path.insert(0, ${JSON.stringify(FOLDER)})
from torch_flip_search import masked, unmasked
given = json.load(sys.stdin)
expression = {"masked": masked, "unmasked": unmasked}[given["expression"]]
label, cap, anchor, to = expression(*(torch.tensor(given[name]) for name in ("data", "weight", "bias", "anchors")))
finite = torch.where(torch.isinf(cap), -1, cap)
print(json.dumps({"label": label.tolist(), "cap": finite.tolist(), "anchor": anchor.tolist(), "to": to.tolist()}))
`;
const hasTorch = spawnSync(PYTHON, ['-c', 'import torch']).status === 0;

const [rows, dim, classes, anchorCount] = [200, 24, 6, 5];
let state = 7;
const uniform = () => {
  state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
  return Math.fround(state / 0x40000000 - 1);
};
const values = (count: number, relu: boolean) =>
  Float32Array.from({ length: count }, () => (relu ? Math.max(uniform(), 0) : uniform()));
const matrix = (flat: Float32Array) =>
  Array.from({ length: flat.length / dim }, (_, i) => Array.from(flat.subarray(i * dim, (i + 1) * dim)));

describe.skipIf(!hasTorch)('the flip search in PyTorch that a device is measured against', () => {
  test.each([
    ['masked', false],
    ['unmasked', false],
    ['masked', true],
  ])('%s, ReLU rows: %s', async (expression, relu) => {
    const data = values(rows * dim, relu);
    const anchors = values(anchorCount * dim, relu);
    const weight = values(classes * dim, false);
    const bias = values(classes, false);
    const kernels = await getKernels('js');
    const ours = await kernels.flipSearch({ data, rows, dim, weight, bias, classes, anchors });
    const input = JSON.stringify({
      expression,
      data: matrix(data),
      weight: matrix(weight),
      bias: Array.from(bias),
      anchors: matrix(anchors),
    });
    const { stdout, stderr, status } = spawnSync(PYTHON, ['-c', SCRIPT], { input, encoding: 'utf8' });
    expect(stderr).toBe('');
    expect(status).toBe(0);
    const theirs = JSON.parse(stdout);
    expect(theirs.label).toEqual(Array.from(ours.pseudoLabel));
    expect(theirs.anchor).toEqual(Array.from(ours.flipAnchor));
    expect(theirs.to).toEqual(Array.from(ours.flipTo));
    // 1e-5: a small cap is the difference of two float32 logits.
    for (const [i, cap] of ours.flipCap.entries()) {
      const expected = Number.isFinite(cap) ? cap : -1;
      expect(Math.abs(theirs.cap[i] - expected)).toBeLessThanOrEqual(1e-5 + 1e-4 * Math.abs(expected));
    }
  });
});
