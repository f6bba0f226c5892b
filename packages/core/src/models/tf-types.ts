/**
 * The small part of TensorFlow.js that is used, in types of our own: `@alfamix/core` compiles for people who have no
 * tfjs. Any tf namespace (tfjs, tfjs-node, tfjs-core + tfjs-layers) fits.
 */

export interface TfTensor {
  readonly shape: number[];
  readonly rank: number;
  dataSync(): ArrayLike<number>;
  data(): Promise<ArrayLike<number>>;
  dispose(): void;
}

/** The operations that the networks of this package are written in. */
export interface TfOperations {
  tidy<Result>(work: () => Result): Result;
  keep<T extends TfTensor>(tensor: T): T;
  dispose(tensors: TfTensor[]): void;
  tensor(values: Float32Array | Int32Array, shape: number[], dtype?: 'float32' | 'int32'): TfTensor;
  scalar(value: number): TfTensor;
  zeros(shape: number[]): TfTensor;
  reshape(tensor: TfTensor, shape: number[]): TfTensor;
  transpose(tensor: TfTensor): TfTensor;
  matMul(a: TfTensor, b: TfTensor): TfTensor;
  add(a: TfTensor, b: TfTensor): TfTensor;
  sub(a: TfTensor, b: TfTensor): TfTensor;
  mul(a: TfTensor, b: TfTensor): TfTensor;
  div(a: TfTensor, b: TfTensor): TfTensor;
  square(tensor: TfTensor): TfTensor;
  sqrt(tensor: TfTensor): TfTensor;
  relu(tensor: TfTensor): TfTensor;
  step(tensor: TfTensor): TfTensor;
  sum(tensor: TfTensor, axis?: number): TfTensor;
}

/** A tf namespace: `import * as tf from '@tensorflow/tfjs'`, or what `loadTf` gives. */
export interface TfNamespace extends TfOperations {
  getBackend(): string;
}

/** A tensor's values, in an array of its own. */
export function floats(tensor: TfTensor): Float32Array {
  return new Float32Array(tensor.dataSync());
}
