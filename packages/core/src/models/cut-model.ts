import { AlfamixError } from '../errors.js';
import { LinearHead } from '../head/linear-head.js';
import type { TfLayer, TfLayersModel, TfSymbolicTensor } from './tf-types.js';
import { floats } from './tf-types.js';
import { transposed } from './transposed.js';

/** Layers after the last dense one that turn its logits into probabilities, or do nothing when predicting. */
const AFTER = new Set(['Activation', 'Softmax', 'Dropout']);
const LINEAR = 'linear';

export interface Cut {
  /** The last dense layer's input. */
  embedding: TfSymbolicTensor;
  input: TfSymbolicTensor;
  head: LinearHead;
}

/**
 * Finds the last dense layer of a network, and takes its weights as a head.
 * @throws INVALID_ARGUMENT for a network that doesn't end in one
 */
export function cutModel(model: TfLayersModel, classNames?: readonly string[]): Cut {
  const inputs = model.inputs as unknown as TfSymbolicTensor[] | undefined;
  const outputs = model.outputs as unknown as TfSymbolicTensor[] | undefined;
  if (inputs?.length !== 1) throw unfit('one input', `${inputs?.length ?? 'no'} inputs`);
  if (outputs?.length !== 1) throw unfit('one output', `${outputs?.length ?? 'no'} outputs`);
  const activations: string[] = [];
  let tensor = outputs[0];
  while (AFTER.has(tensor.sourceLayer.getClassName())) {
    activations.push(activationOf(tensor.sourceLayer));
    tensor = tensor.inputs[0];
  }
  const dense = tensor.sourceLayer;
  const type = dense.getClassName();
  if (type !== 'Dense') throw unfit('a Dense last layer', `${type} (${dense.name})`);
  activations.push(activationOf(dense));
  const [embedding] = tensor.inputs;
  if (embedding.shape.length !== 2)
    throw unfit('one vector a row before the last layer', `shape [${embedding.shape}]`);
  const head = headOf(dense, classNames);
  checkActivations(activations, dense);
  return { embedding, input: inputs[0], head };
}

function activationOf(layer: TfLayer): string {
  const type = layer.getClassName();
  if (type === 'Dropout') return LINEAR;
  if (type === 'Softmax') return 'softmax';
  return layer.activation?.getClassName() ?? LINEAR;
}

/** Softmax of several units, sigmoid of one, or neither: then the head's probabilities are the network's. */
function checkActivations(activations: readonly string[], dense: TfLayer): void {
  const units = dense.getWeights()[0].shape[1];
  const fitting = units === 1 ? 'sigmoid' : 'softmax';
  const found = activations.filter((name) => name !== LINEAR);
  if (found.length === 0 || (found.length === 1 && found[0] === fitting)) return;
  throw unfit(
    `${fitting} or no activation after a last layer of ${units} ${units === 1 ? 'unit' : 'units'}`,
    found.reverse().join(', then '),
  );
}

/** The kernel is D×C in tf, the head's weight C×D. */
function headOf(dense: TfLayer, classNames: readonly string[] | undefined): LinearHead {
  const [kernel, offsets] = dense.getWeights();
  const [dim, classes] = kernel.shape;
  const bias = offsets ? floats(offsets) : new Float32Array(classes);
  return LinearHead.from({
    weight: transposed(floats(kernel), dim, classes),
    bias,
    classes,
    dim,
    classNames,
  });
}

function unfit(what: string, got: string): AlfamixError {
  return new AlfamixError('INVALID_ARGUMENT', `expected ${what} for model, got ${got}`, {
    details: { name: 'model' },
  });
}
