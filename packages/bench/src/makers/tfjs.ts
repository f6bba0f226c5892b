import { AlfamixError, loadTf, type TfBackend } from '@alfamix/core';
import type * as Tf from '@tensorflow/tfjs-core';
import { type Loaded, type Maker, toOutputs } from './maker.js';

type Namespace = typeof Tf;
type Expression = (tf: Namespace, inputs: Inputs) => Record<string, Tf.Tensor>;

interface Inputs {
  z: Tf.Tensor2D;
  weight: Tf.Tensor2D;
  bias: Tf.Tensor1D;
  anchors?: Tf.Tensor2D;
  alphaCap: number;
}

/** TensorFlow.js as its users write it, on the backend `cpu`, `wasm` or `node`. Inputs become tensors before the clock starts. */
export async function tfjsMaker(backend: string | undefined): Promise<Maker> {
  const { tf } = await loadTf<Namespace>({ backend: backend as TfBackend });
  // Of the last problem: TensorFlow.js frees nothing by itself.
  let kept: Tf.NamedTensorMap = {};
  return {
    version: tf.version_core,
    make: async (problem) => {
      const expression = EXPRESSIONS[problem.kernel];
      if (!expression)
        throw new AlfamixError('INVALID_ARGUMENT', `tfjs has no expression of ${problem.kernel}`);
      tf.dispose(kept);
      const inputs = toTensors(tf, problem);
      kept = inputs as unknown as Tf.NamedTensorMap;
      return async () => {
        const tensors = tf.tidy(() => expression(tf, inputs));
        const results: Record<string, Tf.DataTypeMap[Tf.DataType]> = {};
        for (const [name, tensor] of Object.entries(tensors)) {
          results[name] = await tensor.data();
          tensor.dispose();
        }
        return toOutputs(results);
      };
    },
  };
}

function toTensors(tf: Namespace, { args, arrays }: Loaded): Inputs {
  const { rows, dim } = args;
  const floats = (name: string) => arrays[name].values as Float32Array;
  const classes = args.classes as number;
  return {
    z: tf.tensor2d(floats('data'), [rows, dim]),
    weight: tf.tensor2d(floats('weight'), [classes, dim]),
    bias: tf.tensor1d(floats('bias')),
    ...(arrays.anchors && {
      anchors: tf.tensor2d(floats('anchors'), [floats('anchors').length / dim, dim]),
    }),
    alphaCap: (args.alphaCap as number) ?? 0.2,
  };
}

const head = (tf: Namespace, z: Tf.Tensor, { weight, bias }: Inputs): Tf.Tensor2D =>
  tf.add(tf.matMul(z, weight, false, true), bias);

/** The paper's step at one alpha cap: the candidates, not the caps at which rows become candidates. */
const flipSearch: Expression = (tf, inputs) => {
  const { z, weight, anchors, alphaCap } = inputs;
  const logits = head(tf, z, inputs);
  const pseudo = tf.argMax(logits, 1) as Tf.Tensor1D;
  const wrong = tf.sub(tf.softmax(logits), tf.oneHot(pseudo, weight.shape[0]));
  const gradient = tf.matMul(wrong, weight);
  const direction = tf.div(gradient, tf.norm(gradient, 2, 1, true));
  let candidate: Tf.Tensor = tf.zeros([z.shape[0]], 'bool');
  for (const anchor of tf.unstack(anchors!)) {
    const before = candidate;
    // Within a scope of its own: the N×D tensors of all anchors together would fill the memory.
    candidate = tf.tidy(() => {
      const delta = tf.sub(anchor, z);
      const length = tf.mul(tf.norm(delta, 2, 1, true), alphaCap / Math.sqrt(z.shape[1]));
      const step = tf.div(tf.mul(direction, length), delta);
      const alpha = tf.where(tf.notEqual(delta, 0), step, tf.zerosLike(delta));
      const mixed = tf.add(z, tf.mul(alpha, delta));
      return tf.logicalOr(before, tf.notEqual(tf.argMax(head(tf, mixed, inputs), 1), pseudo));
    });
  }
  return { pseudoLabel: pseudo, candidate: tf.cast(candidate, 'int32') };
};

const scoreUncertainty: Expression = (tf, inputs) => {
  const probabilities = tf.softmax(head(tf, inputs.z, inputs));
  const { values, indices } = tf.topk(probabilities, 2);
  const [first, second] = tf.unstack(values, 1);
  return {
    pseudoLabel: tf.unstack(indices, 1)[0],
    confidence: first,
    margin: tf.sub(first, second),
    entropy: tf.neg(tf.sum(tf.mul(probabilities, tf.log(probabilities)), 1)),
  };
};

const logits: Expression = (tf, inputs) => ({ values: head(tf, inputs.z, inputs) });

const EXPRESSIONS: Readonly<Record<string, Expression>> = { flipSearch, scoreUncertainty, logits };
