import { LinearHead } from '../head/linear-head.js';
import type { JobOptions } from '../kernels/kernels.js';
import { requireMatrix } from '../kernels/validate.js';
import { LabeledSet } from '../labels/labeled-set.js';
import type { Pool } from '../pool/pool.js';
import { checkTrainArgs } from './check-train-args.js';
import { countCorrect } from './cross-entropy.js';
import { headLogits } from './head-logits.js';
import type { TrainArgs, TrainedModel, Trainer } from './model.js';

/** A linear head on the inputs themselves, solved for: no hidden layer, no worker, no chance. */
export class LinearTrainer implements Trainer {
  readonly name = 'linear';
  readonly #l2: number | undefined;

  /** @param l2 the ridge of LinearHead.fit; undefined: chosen by cross-validation, about 30 fits instead of one */
  constructor(l2: number | undefined) {
    this.#l2 = l2;
  }

  async train(args: TrainArgs): Promise<TrainedModel> {
    const { inputs, classes, seed, signal, onProgress } = args;
    const { rows, labels } = checkTrainArgs(args);
    const labeled = await LabeledSet.fromPool(inputs, { rows, labels, signal });
    const head =
      new Set(labeled.labels).size === 1
        ? onlyClass(labeled, classes)
        : await LinearHead.fit({ labeled, classes, l2: this.#l2, seed, signal, onProgress });
    return new LinearModel(head, accuracyOf(head, labeled));
  }

  async close(): Promise<void> {}
}

class LinearModel implements TrainedModel {
  readonly name = 'linear';
  readonly head: LinearHead;
  readonly trainingAccuracy: number;

  constructor(head: LinearHead, trainingAccuracy: number) {
    this.head = head;
    this.trainingAccuracy = trainingAccuracy;
  }

  /** The inputs themselves. */
  async embed(inputs: Pool): Promise<Pool> {
    return inputs;
  }

  async inputGradients(inputs: Float32Array, rows: number, _options?: JobOptions) {
    const { weight, classes, dim } = this.head;
    requireMatrix(inputs, 'inputs', rows, dim);
    const gradients = new Float32Array(rows * classes * dim);
    for (let row = 0; row < rows; row++) gradients.set(weight, row * classes * dim);
    return { logits: headLogits(this.head, inputs), gradients };
  }

  close(): void {}
}

/** What LinearHead.fit can't solve for: one class has all the labels. It leaves the others 1/(M + 1) as likely. */
function onlyClass({ labels, dim }: LabeledSet, classes: number): LinearHead {
  const bias = new Float32Array(classes);
  bias[labels[0]] = Math.log(labels.length + 1);
  return LinearHead.from({ weight: new Float32Array(classes * dim), bias, classes, dim });
}

function accuracyOf(head: LinearHead, { embeddings, labels }: LabeledSet): number {
  return countCorrect(headLogits(head, embeddings), labels) / labels.length;
}
