/** The process of a peer in JavaScript: `node peer.js MAKER`, for example `cpu:avx2`, `js`, `tfjs:wasm`. */
import { createInterface } from 'node:readline';
import { loadNative, quantile } from '@alfamix/core';
import { loadMaker } from './makers/maker.js';
import { type Outputs, readArray, type SharedOutputs, writeArray } from './problem.js';
import type { Answers, Greeting, Request } from './protocol.js';

/** So much more than any cache holds that what stays in one hardly counts. */
const READ_BYTES = 1 << 28;
const RATE_SECONDS = 0.03;
const SAMPLE_MS = 5;
/** Of a product beside BLAS's. */
const BLOCK = { rows: 256, dim: 512 };

type Run = () => Promise<Outputs>;

class Peer {
  readonly #make: Awaited<ReturnType<typeof loadMaker>>['make'];
  #run: Run | undefined;
  #last: Outputs | undefined;

  constructor(make: Awaited<ReturnType<typeof loadMaker>>['make']) {
    this.#make = make;
  }

  async answer(request: Request): Promise<Answers[Request['do']]> {
    switch (request.do) {
      case 'prepare': {
        this.#run = this.#last = undefined;
        const { problem, rows = problem.args.rows, threads } = request;
        const arrays = Object.fromEntries(
          Object.entries(problem.arrays).map(([name, array]) => [
            name,
            { values: readArray(array, rows), type: array.type },
          ]),
        );
        this.#run = await this.#make({
          kernel: problem.kernel,
          args: { ...problem.args, rows },
          arrays,
          threads,
        });
        return {};
      }
      case 'run':
        return this.#time(request.atLeast);
      case 'outputs':
        return shareOutputs(this.#last!, request.prefix);
      case 'memory':
        return { extraBytes: await extraMemory(this.#run!) };
      case 'rates': {
        const { level, threads } = request;
        return native().measureMachine({ level, threads, bytes: READ_BYTES, seconds: RATE_SECONDS }).promise;
      }
      case 'product': {
        const { level, columns } = request;
        const { name, version, reason = '' } = native().blas();
        const rates = await native().measureProduct({ ...BLOCK, threads: 1, level, columns }).promise;
        const library = name === undefined ? reason : version || name;
        return { level, columns, ...rates, library: library.replace(/\s+/g, ' ').trim() };
      }
    }
  }

  async #time(atLeast: number): Promise<{ ms: number }> {
    const times: number[] = [];
    for (let total = 0; times.length === 0 || total < atLeast; total += times.at(-1)!) {
      this.#last = undefined;
      const start = performance.now();
      this.#last = await this.#run!();
      times.push(performance.now() - start);
    }
    return { ms: quantile(times, 0.5) };
  }
}

function native() {
  const { binding, reason } = loadNative();
  if (!binding) throw new Error(`the native addon can't be used: ${reason}`);
  return binding;
}

function shareOutputs({ arrays, numbers }: Outputs, prefix: string): SharedOutputs {
  const shared = Object.entries(arrays).map(([name, values]) => [
    name,
    writeArray(`${prefix}-${name}`, values),
  ]);
  return { arrays: Object.fromEntries(shared), numbers };
}

/** The most bytes the process held above its start while `work` ran. */
async function extraMemory(work: Run): Promise<number> {
  const before = process.memoryUsage.rss();
  let most = before;
  const timer = setInterval(() => {
    most = Math.max(most, process.memoryUsage.rss());
  }, SAMPLE_MS);
  await work();
  clearInterval(timer);
  return Math.max(most, process.memoryUsage.rss()) - before;
}

const say = (message: unknown) => process.stdout.write(`${JSON.stringify(message)}\n`);

try {
  const { make, version } = await loadMaker(process.argv[2] ?? '');
  const peer = new Peer(make);
  const lines = createInterface({ input: process.stdin });
  say({ ready: true, version } satisfies Greeting);
  for await (const line of lines) {
    try {
      say({ ok: true, value: await peer.answer(JSON.parse(line) as Request) });
    } catch (error) {
      say({ ok: false, error: error instanceof Error ? error.message : String(error) });
    }
  }
} catch (error) {
  say({ ready: false, why: (error as Error).message } satisfies Greeting);
}
