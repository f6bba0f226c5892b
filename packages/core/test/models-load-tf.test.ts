import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { testFolder } from './support/files.js';
import { hasTfjsNode } from './support/tfjs-node.js';

const dist = fileURLToPath(new URL('../dist/', import.meta.url));
const { path: folder } = testFolder();

/** Runs a module in a process of its own: what loads and what is printed depends on the process. */
function run(program: string, { core = join(dist, 'index.js'), env = {}, ...options } = {}) {
  const source = program.replace('CORE', JSON.stringify(core));
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', source], {
    encoding: 'utf8',
    env: { ...process.env, ALFAMIX_TF: '', ...env },
    ...options,
  });
  return { status, stdout: stdout.trim(), stderr };
}

const LOAD = `
  import { loadTf } from CORE;
  const { tf, backend, reason } = await loadTf(JSON.parse(process.argv[1] ?? '{}'));
  const [product] = tf.matMul(tf.tensor2d([1, 2], [1, 2]), tf.tensor2d([3, 4], [2, 1])).dataSync();
  console.log(JSON.stringify([backend, tf.getBackend(), product, reason,
    process.listenerCount('uncaughtException'), process.listenerCount('unhandledRejection')]));`;

describe('loadTf', () => {
  it('takes what ALFAMIX_TF names, says so, prints nothing, and leaves the process as it was', () => {
    for (const backend of ['wasm', 'cpu', ...(hasTfjsNode ? ['node'] : [])]) {
      const { stdout, stderr } = run(LOAD, { env: { ALFAMIX_TF: backend } });
      expect(stderr).toBe('');
      const name = backend === 'node' ? 'tensorflow' : backend;
      expect(JSON.parse(stdout)).toEqual([backend, name, 11, 'ALFAMIX_TF asks for it', 0, 0]);
    }
  });

  it('takes the fastest that loads', () => {
    const { stdout, stderr } = run(LOAD);
    expect(stderr).toBe('');
    const [backend, , , reason] = JSON.parse(stdout);
    expect(backend).toBe(hasTfjsNode ? 'node' : 'wasm');
    expect(reason).toBe(
      hasTfjsNode ? 'the fastest that loads' : 'the fastest that loads; node: not installed',
    );
  });

  it('refuses another name', () => {
    const { stderr } = run(LOAD, { env: { ALFAMIX_TF: 'webgl' } });
    expect(stderr).toContain('expected node, wasm or cpu for ALFAMIX_TF, got "webgl"');
  });
});

describe('without the tfjs packages', () => {
  // What loadTf and a trainer's worker import, in a folder that no node_modules is above.
  const core = join(folder, 'core');
  mkdirSync(core);
  cpSync(dist, core, { recursive: true });
  const load = join(core, 'models', 'load-tf.js');

  const TRY = `
    import { loadTf } from CORE;
    for (const backend of [undefined, 'node', 'wasm', 'cpu'])
      await loadTf({ backend }).catch(({ code, message }) => console.log(code, message));`;

  it('says in one sentence what to install', () => {
    const { stdout, stderr } = run(TRY, { core: load });
    expect(stderr).toBe('');
    const lines = stdout.split('\n');
    expect(lines).toHaveLength(4);
    for (const line of lines) expect(line).toMatch(/^TF_UNAVAILABLE .*: npm install @tensorflow\/tfjs/);
    expect(lines[0]).toBe(
      'TF_UNAVAILABLE no tfjs backend loads (node: not installed; wasm: not installed; cpu: not installed); ' +
        'to install it: npm install @tensorflow/tfjs-core@4.22.0 @tensorflow/tfjs-layers@4.22.0 ' +
        '@tensorflow/tfjs-backend-cpu@4.22.0 @tensorflow/tfjs-backend-wasm@4.22.0',
    );
    expect(lines[1]).toContain("the tfjs backend node doesn't load: not installed");
    expect(lines[1]).toContain('npm run setup:tfjs-node');
  });

  it('says so through the worker too', () => {
    const CALL = `
      import { WorkerCalls } from CORE;
      const network = { kind: 'mlp', hidden: 8, learningRate: 1, batch: 2, targetAccuracy: 1, maxEpochs: 1, dropout: 0 };
      const calls = new WorkerCalls({ backend: undefined, network });
      const work = { type: 'embed', model: 1, inputs: 1 };
      await calls.call(work).catch(({ code, message }) => console.log(code, message));
      console.log(calls.alive);`;
    const { stdout, status } = run(CALL, { core: join(core, 'models', 'worker-calls.js') });
    expect(stdout).toMatch(/^TF_UNAVAILABLE no tfjs backend loads .*npm install[^\n]*\nfalse$/);
    expect(status).toBe(0);
  });
});

describe('a process with a trainer', { timeout: 120_000 }, () => {
  const TRAIN = `
    import { createTrainer, Pool } from CORE;
    const inputs = Pool.fromArray(Float32Array.from({ length: 640 }, (_, i) => Math.sin(i * i)), { rows: 10, dim: 64 });
    const trainer = createTrainer('mlp', { backend: 'BACKEND', targetAccuracy: 1, learningRate: 1e-9 });
    const labels = Int32Array.from([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    const rows = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
    const args = { inputs, rows, labels, classes: 10, seed: 0 };`;
  const backends = ['wasm', ...(hasTfjsNode ? ['node'] : [])];

  it.each(backends)(
    'ends by itself while the worker idles, and by process.exit in a training, on %s',
    (backend) => {
      const train = TRAIN.replace('BACKEND', backend);
      const idle = `${train}
      const { epochs } = await trainer.train({ ...args, labels: labels.fill(3) });
      console.log(epochs > 0);`;
      expect(run(idle)).toEqual({ status: 0, stdout: 'true', stderr: '' });
      const amid = `${train}
      trainer.train({ ...args, onProgress: (done) => done > 0 && process.exit(7) });`;
      expect(run(amid)).toEqual({ status: 7, stdout: '', stderr: '' });
      const closed = `${train}
      const training = trainer.train({ ...args, onProgress: () => trainer.close() });
      await training.catch(({ message }) => console.log(message));`;
      expect(run(closed).stdout).toBe('expected an open trainer, got one that is closed');
    },
  );
});
