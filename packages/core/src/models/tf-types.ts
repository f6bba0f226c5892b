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

/** What else `fromTf` calls. */
export interface TfLayersOperations extends TfOperations {
  model(args: { inputs: readonly unknown[]; outputs: unknown }): TfCutModel;
}

/** A network that ends with the embeddings. */
export interface TfCutModel {
  readonly layers: readonly TfLayer[];
  apply(x: TfTensor): TfTensor;
}

/** The fields of a layer that are read; what a class doesn't have is undefined. */
export interface TfLayer {
  readonly name: string;
  /** Of a model inside a model. */
  readonly layers?: readonly TfLayer[];
  readonly activation?: { getClassName(): string };
  readonly rate?: number;
  getClassName(): string;
  getWeights(): TfTensor[];
  getNoiseShape?(x: TfTensor): number[] | null | undefined;
  call(inputs: TfTensor | TfTensor[], options: unknown): TfTensor | TfTensor[];
}

/** A tensor of the network's graph: the layer it comes from, and what that layer was given. */
export interface TfSymbolicTensor {
  readonly shape: readonly (number | null)[];
  readonly sourceLayer: TfLayer;
  readonly inputs: readonly TfSymbolicTensor[];
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
  conv2d(x: TfTensor, filter: TfTensor, strides: number, pad: 'same'): TfTensor;
  maxPool(x: TfTensor, size: number, strides: number, pad: 'same'): TfTensor;
  grad(f: (x: TfTensor) => TfTensor): (x: TfTensor) => TfTensor;
  grads(f: (...xs: TfTensor[]) => TfTensor): (xs: TfTensor[]) => TfTensor[];
}

/** A tf namespace with layers: `import * as tf from '@tensorflow/tfjs'`, or what `loadTf` gives. */
export interface TfNamespace {
  getBackend(): string;
  tidy: unknown;
  tensor: unknown;
  matMul: unknown;
  grad: unknown;
  model: unknown;
}

/** A tf.LayersModel, sequential or functional. */
export interface TfLayersModel {
  readonly name: string;
  readonly layers: readonly object[];
  readonly inputs: readonly { readonly shape: readonly (number | null)[] }[];
  readonly outputs: readonly { readonly shape: readonly (number | null)[] }[];
}

/** A tensor's values, in an array of its own. */
export function floats(tensor: TfTensor): Float32Array {
  return new Float32Array(tensor.dataSync());
}
