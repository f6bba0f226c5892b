import { AlfamixError, expected } from '../errors.js';
import { Cnn } from './cnn.js';
import { Mlp } from './mlp.js';
import type { Network } from './network.js';
import type { TfOperations } from './tf-types.js';
import type { NetworkOptions } from './worker-messages.js';

/**
 * @param backend the name of tf's backend
 * @param dim I, the width of the inputs
 * @throws TF_UNAVAILABLE for a network that the backend can't train; SHAPE_MISMATCH
 */
export function createNetwork(
  tf: TfOperations,
  backend: string,
  options: NetworkOptions,
  dim: number,
  classes: number,
): Network {
  const { kind, hidden, learningRate, dropout } = options;
  if (kind === 'mlp') return new Mlp(tf, { inputs: dim, hidden, classes, learningRate });
  if (backend === 'wasm')
    throw new AlfamixError(
      'TF_UNAVAILABLE',
      'expected a tfjs backend that trains convolutions for cnn, got wasm, which lacks their gradients: ' +
        "npm run setup:tfjs-node (npm install @tensorflow/tfjs-node), or take backend 'cpu', which is slow",
      { details: { backend } },
    );
  return new Cnn(tf, { image: imageShape(options.shape, dim), hidden, classes, learningRate, dropout });
}

function imageShape(given: NetworkOptions['shape'], dim: number): readonly [number, number, number] {
  const side = Math.sqrt(dim);
  const shape = given ?? ([side, side, 1] as const);
  const [height, width, channels] = shape;
  if (!given && !Number.isInteger(side))
    throw expected('rows that are squares of one channel, or a shape,', 'cnn', dim, 'SHAPE_MISMATCH');
  if (height * width * channels !== dim)
    throw expected(`${height * width * channels} numbers a row, the shape's,`, 'cnn', dim, 'SHAPE_MISMATCH');
  if (height < 4 || width < 4)
    throw expected('images of at least 4 x 4', 'cnn', `${height} x ${width}`, 'SHAPE_MISMATCH');
  return shape;
}
