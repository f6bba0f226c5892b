import { type GoldenEntry, goldenIndex } from '../../../core/test/support/golden-cases.js';
import { goldenFile } from '../../../core/test/support/golden-tensors.js';
import type { GoldenFlips, GoldenMixing } from '../../src/doctor/golden-checks.js';

/** Enough for a float32 to come back exactly. */
const short = (values: ArrayLike<number>) => Array.from(values, (value) => Number(value.toPrecision(9)));

/** The first rows of a golden file that holds a pool. */
function flips(name: string, most: number): GoldenFlips {
  const file = goldenFile(name);
  const { n, d, classes } = goldenIndex.find((entry: GoldenEntry) => entry.name === name)!;
  const rows = Math.min(n, most);
  const first = (tensor: string) => short(file.f64(tensor).subarray(0, rows));
  return {
    name,
    rows,
    dim: d,
    classes,
    unlabeled: short(file.f32('unlabeled').subarray(0, rows * d)),
    labeled: short(file.f32('labeled')),
    labels: Array.from(file.ints('labels')),
    weight: short(file.f32('weight')),
    bias: short(file.f32('bias')),
    expectPseudoLabel: Array.from(file.ints('expect_pseudo_label').subarray(0, rows)),
    expectConfidence: first('expect_confidence'),
    expectMargin: first('expect_margin'),
    expectEntropy: first('expect_entropy'),
    expectFlipCap: first('expect_flip_cap'),
    expectFlipAnchor: Array.from(file.ints('expect_flip_anchor').subarray(0, rows)),
  };
}

function mixing(): GoldenMixing {
  const file = goldenFile('mixing-digits');
  return {
    rows: 20,
    dim: 64,
    classes: 10,
    data: short(file.f32('rows')),
    weight: short(file.f32('weight')),
    bias: short(file.f32('bias')),
    anchors: short(file.f64('anchors')),
    anchorIndex: Array.from(file.ints('anchor_index')),
    alphaCap: 0.2,
    expectGradient: short(file.f64('expect_gradient')),
    expectAlpha: short(file.f64('expect_alpha')),
    expectMixed: short(file.f64('expect_mixed')),
    expectMixedLogits: short(file.f64('expect_mixed_logits')),
  };
}

/** data/golden.json, as the golden files make it: a case a line. */
export function goldenJson(): string {
  const names = ['edge-row-is-anchor', 'edge-offset', 'edge-two-classes', 'edge-more-classes-than-dims'];
  const cases = [...names.map((name) => flips(name, 80)), flips('digits-relu', 48)];
  const lines = cases.map((each) => JSON.stringify(each)).join(',\n');
  return `{"flipSearch":[\n${lines}\n],"mixing":\n${JSON.stringify(mixing())}\n}\n`;
}
