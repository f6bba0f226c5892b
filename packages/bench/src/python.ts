/** Peers in Python: the interpreter, its packages, the data that only they can make. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { ioError } from '@alfamix/core';
import type { Case } from './cases/case.js';
import { type GivenRows, outsideCases } from './cases/outside.js';
import { unitRows } from './data.js';
import { type Options, ownFolder, Usage } from './options.js';
import type { Entrant } from './roster.js';

const PEERS = fileURLToPath(new URL('../peers/', import.meta.url));
const PACKAGES = ['numpy', 'torch', 'scikit-learn', 'faiss-cpu'];
const SYN = { rows: 50_000, dim: 512 };
const IMAGES = 't10k-images-idx3-ubyte';
const IDX_HEADER = 16;

/** @throws Usage where there is no Python to run them with, or MNIST isn't where it should be */
export async function pythonPeers({
  python,
  mnist,
  only,
}: Options): Promise<{ cases: Case[]; entrants: Entrant[] }> {
  const command = python ?? ownPython();
  requireNumpy(command);
  const cases = outsideCases([syn(command), ...(mnist === undefined ? [] : [mnistPixels(mnist)])]);
  if (mnist === undefined && only.length === 0)
    process.stderr.write('without k-means on MNIST: --mnist DIR names the folder of its test images\n');
  const names = new Set(cases.flatMap(({ peers = [] }) => peers.map(({ name }) => name)));
  const script = join(PEERS, 'peer.py');
  const entrants = [...names].map(
    (name): Entrant => ({ name, kind: 'python', command, args: [script, name] }),
  );
  return { cases, entrants };
}

/** @throws Usage where the Python isn't there, doesn't run, or lacks what every peer needs */
function requireNumpy(command: string): void {
  const { error, status, stderr } = spawnSync(command, ['-c', 'import numpy'], { encoding: 'utf8' });
  if (status === 0) return;
  if (error && 'code' in error && error.code === 'ENOENT')
    throw new Usage(2, `expected a Python for --python, got ${command}: there is no such program`);
  if (/No module named '?numpy\b/.test(stderr ?? ''))
    throw new Usage(
      2,
      `${command} has no NumPy; the peers need ${PACKAGES.join(', ')}: ${command} -m pip install ${PACKAGES.join(' ')}`,
    );
  const why = error?.message ?? (stderr.trim().split('\n').at(-1) || `it ended with ${status}`);
  throw new Usage(2, `expected a Python for --python, got ${command}, which can't import NumPy: ${why}`);
}

/** The environment under the cache folder, made where it isn't there yet. */
function ownPython(): string {
  const folder = ownFolder();
  const windows = process.platform === 'win32';
  const python = windows ? join(folder, 'Scripts', 'python.exe') : join(folder, 'bin', 'python');
  if (existsSync(python)) return python;
  const install = ['-m', 'pip', 'install', '--disable-pip-version-check', ...PACKAGES];
  process.stderr.write(`making ${folder} with ${PACKAGES.join(', ')} (pip downloads several hundred MB)\n`);
  for (const [command, args] of [
    [windows ? 'python' : 'python3', ['-m', 'venv', folder]],
    [python, install],
  ] as const) {
    const { status } = spawnSync(command, args, { stdio: ['ignore', 2, 2] });
    if (status === 0) continue;
    // Half an environment would be taken for a whole one.
    rmSync(folder, { recursive: true, force: true });
    throw new Usage(
      2,
      `no environment for the peers: ${command} ${args.join(' ')} failed; give --python a Python with ${PACKAGES.join(', ')}`,
    );
  }
  return python;
}

/** NumPy's generator makes it, so that it is the same data as in other papers of this project. */
function syn(python: string): GivenRows {
  const read = () => {
    const folder = mkdtempSync(join(tmpdir(), 'alfamix-syn-'));
    try {
      const file = join(folder, 'syn');
      const { status, stderr } = spawnSync(python, [join(PEERS, 'make_syn.py'), file], { encoding: 'utf8' });
      if (status !== 0) throw new Error(`make_syn.py failed: ${stderr.trim()}`);
      return floatsOf(readFileSync(file));
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  };
  return { name: 'syn', ...SYN, read };
}

const floatsOf = (bytes: Buffer) =>
  new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));

/** MNIST's test images as unit rows. */
function mnistPixels(folder: string): GivenRows {
  const file = [`${IMAGES}.gz`, IMAGES].map((name) => join(folder, name)).find((path) => existsSync(path));
  if (!file) throw new Usage(2, `expected ${IMAGES}(.gz) in ${folder}`);
  const read = () => {
    let bytes: Uint8Array;
    try {
      bytes = file.endsWith('.gz') ? gunzipSync(readFileSync(file)) : readFileSync(file);
    } catch (error) {
      throw ioError(error, 'read', file);
    }
    return unitRows(Float32Array.from(bytes.subarray(IDX_HEADER)), 784);
  };
  return { name: 'mn784', rows: 10_000, dim: 784, read };
}
