import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { AlfamixError, expected } from '../errors.js';
import type { TfNamespace } from './tf-types.js';

export type TfBackend = 'node' | 'wasm' | 'cpu';

/** The version of every tfjs package that this library is tested with. */
export const TFJS_VERSION = '4.22.0';
const NAMES: readonly TfBackend[] = ['node', 'wasm', 'cpu'];
const PACKAGES: Record<TfBackend, readonly string[]> = {
  node: ['tfjs-node'],
  wasm: ['tfjs-core', 'tfjs-layers', 'tfjs-backend-cpu', 'tfjs-backend-wasm'],
  cpu: ['tfjs-core', 'tfjs-layers', 'tfjs-backend-cpu'],
};

export interface LoadTfOptions {
  /** Default: ALFAMIX_TF, else the first of node, wasm and cpu that loads. */
  backend?: TfBackend;
}

export interface LoadedTf<Tf = TfNamespace> {
  /** tfjs-node's namespace, or those of tfjs-core and tfjs-layers together. */
  tf: Tf;
  backend: TfBackend;
  /** Why this one: what was asked for, or what the faster ones lack. */
  reason: string;
}

/**
 * Loads TensorFlow.js with the fastest backend that is installed: tfjs-node (native), then wasm, then cpu (plain
 * JavaScript). The packages are optional peers: `npm install` those that the error names. tfjs has one backend a thread:
 * a second call with another one moves the first namespace there too.
 *
 * @typeParam Tf the namespace's type, such as `typeof import('@tensorflow/tfjs')`
 * @throws TF_UNAVAILABLE when the backend asked for, or every one, is missing; INVALID_ARGUMENT
 * @example
 * const { tf, backend, reason } = await loadTf();
 */
export async function loadTf<Tf = TfNamespace>(options: LoadTfOptions = {}): Promise<LoadedTf<Tf>> {
  const [asked, by] =
    options.backend === undefined
      ? [process.env.ALFAMIX_TF || undefined, 'ALFAMIX_TF']
      : [options.backend, 'backend'];
  if (asked !== undefined) {
    if (!NAMES.includes(asked as TfBackend)) throw expected('node, wasm or cpu', by, asked);
    const backend = asked as TfBackend;
    try {
      return { tf: (await LOADERS[backend]()) as Tf, backend, reason: `${by} asks for it` };
    } catch (error) {
      throw unavailable(`the tfjs backend ${backend} doesn't load: ${why(error)}`, [backend], error);
    }
  }
  const failures: string[] = [];
  for (const backend of NAMES) {
    try {
      const tf = (await LOADERS[backend]()) as Tf;
      return { tf, backend, reason: ['the fastest that loads', ...failures].join('; ') };
    } catch (error) {
      failures.push(`${backend}: ${why(error)}`);
    }
  }
  throw unavailable(`no tfjs backend loads (${failures.join('; ')})`, ['wasm']);
}

const LOADERS: Record<TfBackend, () => Promise<unknown>> = { node: loadNode, wasm: loadWasm, cpu: loadCpu };

async function loadNode(): Promise<unknown> {
  shimUtil();
  quietTensorFlow();
  const tf = await quietly(() => load<TfRuntime>('@tensorflow/tfjs-node'));
  tf.enableProdMode();
  await start(tf, 'tensorflow');
  return tf;
}

async function loadWasm(): Promise<unknown> {
  return quietly(async () => {
    const tf = await loadPortable();
    // It finds its .wasm files beside itself, and has one thread on Node: the same bytes each time.
    await load('@tensorflow/tfjs-backend-wasm');
    await withoutListeners(() => start(tf, 'wasm'));
    return tf;
  });
}

async function loadCpu(): Promise<unknown> {
  return quietly(async () => {
    const tf = await loadPortable();
    await start(tf, 'cpu');
    return tf;
  });
}

/**
 * Keeps TensorFlow's C++ side from reporting the CPU's instruction sets and oneDNN on stderr, unless the user has set
 * these variables. oneDNN is off for sums in a fixed order too. A worker's process.env is a copy that C++ doesn't see: the
 * main thread calls this before it starts one.
 */
export function quietTensorFlow(): void {
  process.env.TF_CPP_MIN_LOG_LEVEL ??= '2';
  process.env.TF_ENABLE_ONEDNN_OPTS ??= '0';
}

/** tfjs-core and tfjs-layers, which brings the gradients, as one namespace. */
async function loadPortable(): Promise<TfRuntime> {
  const core = await load<TfRuntime>('@tensorflow/tfjs-core');
  core.enableProdMode();
  const layers = await load<object>('@tensorflow/tfjs-layers');
  await load('@tensorflow/tfjs-backend-cpu');
  return { ...core, ...layers };
}

interface TfRuntime extends TfNamespace {
  enableProdMode(): void;
  setBackend(name: string): Promise<boolean>;
  ready(): Promise<void>;
}

async function start(tf: TfRuntime, name: string): Promise<void> {
  if (!(await tf.setBackend(name))) throw new Error(`tf.setBackend('${name}') failed`);
  await tf.ready();
}

const require = createRequire(import.meta.url);

/** The CommonJS build by its path: every package then shares one tfjs-core. */
async function load<Namespace>(name: string): Promise<Namespace> {
  const module = await import(pathToFileURL(require.resolve(name)).href);
  return module.default ?? module;
}

/** tfjs-node 4.22 calls util.isNullOrUndefined, which Node 23 took away. */
function shimUtil(): void {
  const util = require('node:util') as Record<string, unknown>;
  util.isNullOrUndefined ??= (value: unknown) => value === null || value === undefined;
}

/** Takes away the process-wide handlers that Emscripten's start-up code adds: what is uncaught is the caller's affair. */
async function withoutListeners(work: () => Promise<void>): Promise<void> {
  const events = ['uncaughtException', 'unhandledRejection'];
  const before = events.map((event) => new Set(process.listeners(event as 'uncaughtException')));
  await work();
  for (const [i, event] of events.entries())
    for (const listener of process.listeners(event as 'uncaughtException'))
      if (!before[i].has(listener)) process.removeListener(event, listener);
}

/** What tfjs says while it loads: a greeting, advice, and kernels that two packages register. */
const NOISE =
  /^(Platform \w+ has already been set|The kernel '|\w+ backend was already registered|\s*=*\s*Hi,? (there|looks))/;

/** Drops tfjs' greetings and leaves every other message. */
async function quietly<Result>(work: () => Promise<Result>): Promise<Result> {
  const { warn } = console;
  console.warn = (...args: unknown[]) => {
    if (!NOISE.test(String(args[0]))) warn.apply(console, args);
  };
  try {
    return await work();
  } finally {
    console.warn = warn;
  }
}

function why(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return code === 'MODULE_NOT_FOUND' ? 'not installed' : String(message).split('\n', 1)[0];
}

/** Says what to install, for an npm project and for a checkout of this one. */
function unavailable(problem: string, backends: readonly TfBackend[], cause?: unknown): AlfamixError {
  const names = backends.flatMap((backend) => PACKAGES[backend]);
  const install = `npm install ${names.map((name) => `@tensorflow/${name}@${TFJS_VERSION}`).join(' ')}`;
  const setup = backends.includes('node') ? ' (in a checkout of alfamix: npm run setup:tfjs-node)' : '';
  return new AlfamixError('TF_UNAVAILABLE', `${problem}; to install it: ${install}${setup}`, {
    cause,
    details: { backends, install },
  });
}
