import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { arch, cpus, platform, release } from 'node:os';
import { backendInfo, currentTarget, getKernels, libcOf, type NativeLoad } from '@alfamix/core';
import { addonChecks } from './addon.js';
import { cudaChecks } from './cuda.js';
import { INSTALLED, mendAddon } from './mend.js';
import { selfTest } from './self-test.js';

export interface Check {
  name: string;
  /** `none`: not there, nor needed. */
  status: 'ok' | 'none' | 'warning' | 'bad';
  value: string;
  /** What mends it. */
  fix?: string;
  /** More, for programs. */
  details?: Readonly<Record<string, unknown>>;
}

const WANTED_FLAGS = /^(avx2?|fma|f16c|avx512(f|bw|dq|vl|_bf16)|amx_\w+|asimd|neon|sve|bf16)$/;

/** Everything the doctor looks at, in the order it is shown. */
export async function runChecks(): Promise<Check[]> {
  const checks = [nodeCheck(), npmCheck(), osCheck(), libcCheck(), cpuCheck(), environmentCheck()];
  const mend = await mendAddon();
  const addon = await addonChecks(mend);
  checks.push(...addon.checks);
  if (!addon.load) {
    checks.push({ name: 'self-test', status: 'bad', value: 'not run: the binary crashes', fix: mend });
    return [...checks, ...(await cudaChecks(undefined))];
  }
  checks.push(await backendCheck(mend));
  checks.push(...(await selfTests(addon.load, mend)));
  checks.push(await blasCheck(addon.load), ...(await cudaChecks(addon.load)));
  return checks;
}

function nodeCheck(): Check {
  const [major, minor] = process.versions.node.split('.').map(Number);
  const old = major < 20 || (major === 20 && minor < 19);
  const value = `${process.version}, Node-API ${process.versions.napi}`;
  if (old)
    return { name: 'node', status: 'bad', value, fix: 'install Node 20.19 or later: https://nodejs.org' };
  return { name: 'node', status: 'ok', value };
}

function npmCheck(): Check {
  try {
    const version = execFileSync('npm', ['--version'], {
      encoding: 'utf8',
      shell: process.platform === 'win32',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
    return { name: 'npm', status: 'ok', value: version };
  } catch {
    return { name: 'npm', status: 'warning', value: 'not found; only installing needs it' };
  }
}

const osCheck = (): Check => ({ name: 'os', status: 'ok', value: `${platform()} ${release()} ${arch()}` });

function libcCheck(): Check {
  const libc = libcOf();
  const value = libc ? `${libc.family}${libc.version ? ` ${libc.version}` : ''}` : 'that of the system';
  return { name: 'libc', status: 'ok', value };
}

function cpuCheck(): Check {
  const [cpu] = cpus();
  const flags = cpuFlags();
  const value = `${cpu?.model.trim() ?? 'unknown'}${flags.length > 0 ? `; ${flags.join(' ')}` : ''}`;
  return { name: 'cpu', status: 'ok', value, details: { model: cpu?.model, flags } };
}

function cpuFlags(): string[] {
  try {
    const line = /^(?:flags|Features)\s*:\s*(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1] ?? '';
    return line.split(' ').filter((flag) => WANTED_FLAGS.test(flag));
  } catch {
    return [];
  }
}

function environmentCheck(): Check {
  const set = Object.entries(process.env).filter(([name]) => name.startsWith('ALFAMIX_'));
  const value = set.map(([name, text]) => `${name}=${text}`).join(' ') || 'no ALFAMIX_ variable is set';
  return { name: 'environment', status: 'ok', value, details: Object.fromEntries(set) };
}

async function backendCheck(mend: string): Promise<Check> {
  try {
    const info = await backendInfo();
    const kernels = info.backend === 'js' ? 'TypeScript' : `${info.backend} ${info.level}`;
    const value = `${kernels}, ${info.threads} thread${info.threads === 1 ? '' : 's'}; levels here: ${info.levels.join(', ')}`;
    const details = { ...info };
    if (info.backend !== 'js') return { name: 'kernels', status: 'ok', value, details };
    const slow = `${value}; they are much slower than the native ones`;
    if (process.env.ALFAMIX_BACKEND === 'js')
      return { name: 'kernels', status: 'warning', value: slow, fix: 'unset ALFAMIX_BACKEND', details };
    if (!currentTarget() && INSTALLED)
      return {
        name: 'kernels',
        status: 'warning',
        value: `${slow}; no binary is released for this platform`,
        details,
      };
    return { name: 'kernels', status: 'bad', value: slow, fix: mend, details };
  } catch (error) {
    const fix = 'unset ALFAMIX_BACKEND and ALFAMIX_LEVEL, or give them a value that exists here';
    return { name: 'kernels', status: 'bad', value: (error as Error).message, fix };
  }
}

async function selfTests({ binding }: NativeLoad, mend: string): Promise<Check[]> {
  const makers = [await getKernels('js')];
  for (const level of binding?.levels() ?? []) makers.push(await getKernels('cpu', { level }));
  const checks: Check[] = [];
  for (const kernels of makers) {
    const name = `self-test (${kernels.level})`;
    const wrong = await selfTest(kernels).catch((error) => String(error.message ?? error));
    checks.push(
      wrong === undefined
        ? { name, status: 'ok', value: 'every kernel gives its golden numbers' }
        : {
            name,
            status: 'bad',
            value: wrong,
            fix: `${mend}; if it stays, report it with the output of alfamix doctor --json`,
          },
    );
  }
  return checks;
}

/** The block by which BLAS and our own product are compared. */
const BLOCK = { rows: 256, dim: 512, columns: 512 };

/** Which BLAS is there, how fast it is beside our product on one thread, and whether anything takes it. */
async function blasCheck({ binding }: NativeLoad): Promise<Check> {
  const name = 'blas';
  const ours = 'the kernels are our own';
  if (!binding) return { name, status: 'ok', value: `none used: ${ours}` };
  const blas = binding.blas();
  if (!blas.name) {
    // A path that the user gave and that can't be used is worth more than a word in passing.
    const asked = !['', 'off', undefined].includes(process.env.ALFAMIX_BLAS);
    const fix = 'unset ALFAMIX_BLAS, or give it the path of an OpenBLAS, BLIS or MKL library';
    return {
      name,
      status: asked ? 'warning' : 'ok',
      value: `none used: ${blas.reason}; ${ours}`,
      details: { ...blas },
      ...(asked && { fix }),
    };
  }
  const levels = binding.levels();
  // A level that isn't there is a line of its own.
  const level = levels.find((name) => name === process.env.ALFAMIX_LEVEL) ?? levels.at(-1)!;
  const { own, blas: theirs, used } = await binding.measureProduct({ threads: 1, level, ...BLOCK }).promise;
  const rates = `${(theirs / 1e9).toFixed(0)} GFLOP/s a thread beside our ${(own / 1e9).toFixed(0)} at ${level}`;
  const value = `${(blas.version || blas.name).replace(/\s+/g, ' ').trim()} (${blas.path}): ${rates}; ${used ? 'logits takes it' : `not used: ${ours}`}`;
  return { name, status: 'ok', value, details: { ...blas, level, own, blas: theirs, used } };
}
