import { type ChildProcess, spawn } from 'node:child_process';
import type { Socket } from 'node:net';
import { basename } from 'node:path';
import type { Readable } from 'node:stream';
import type { NativeCuda } from './binding.js';

/** A driver without a persistence daemon takes some seconds to start a machine of many devices. */
const TIMEOUT_MS = 30_000;
/** What a dead child has said arrives at once, but a grandchild may hold the pipe open for ever. */
const GRACE_MS = 1000;
const MOST_CHARS = 1 << 20;
/** The child's answer, apart from its standard output, which belongs to whatever the plug-in and the driver print. */
const ANSWER = 3;

/** Ends with its parent: its standard input closes then. Not by process.exit, which waits for a job that hangs. */
const SCRIPT = `
  const [addon, path] = process.argv.slice(1);
  process.stdin.on('end', () => process.kill(process.pid, 'SIGKILL')).resume();
  require(addon).cuda({ path, selfTest: true }).promise.then(
    (found) => {
      require('fs').writeSync(${ANSWER}, JSON.stringify(found) + '\\n');
      process.exit(0);
    },
    (error) => process.stderr.write('Error: ' + error.message + '\\n', () => process.exit(1)),
  );`;

/** What a plug-in said in a process of its own, or how that ended. */
export type CudaTrial =
  | { found: NativeCuda; reason?: undefined }
  | {
      found?: undefined;
      reason: string;
      /** Whether it says more of the machine's load than of the plug-in. */
      passing: boolean;
    };

/**
 * Opens the plug-in in a child process, describes the machine and runs the self-test there: a driver that crashes, hangs
 * or computes wrongly costs a sentence and not this process. Never rejects. Keeps no process alive.
 */
export function tryInChild(addon: string, path: string, timeoutMs = TIMEOUT_MS): Promise<CudaTrial> {
  // Anything else (a single-executable application, another runtime) would start itself again.
  if (!/^(node|electron)/i.test(basename(process.execPath)) && !process.versions.electron)
    return Promise.resolve(untried(`expected Node for ${process.execPath}`, false));
  return new Promise((resolve) => {
    try {
      const child = spawn(process.execPath, ['-e', SCRIPT, '--', addon, path], {
        stdio: ['pipe', 'ignore', 'pipe', 'pipe'],
        windowsHide: true,
        // Not the host's hooks, debugger port or heap limit.
        env: { ...process.env, NODE_OPTIONS: '', ELECTRON_RUN_AS_NODE: '1' },
      });
      // First of all: a child that couldn't start has no streams.
      child.on('error', (error) => resolve(untried(error.message, true)));
      if (child.pid !== undefined) attend(child, timeoutMs, resolve);
    } catch (error) {
      resolve(untried((error as Error).message, true));
    }
  });
}

const untried = (why: string, passing: boolean): CudaTrial => ({
  reason: `it can't be tried first: ${why}`,
  passing,
});

/** Listens to a child until it has ended or the time is over, whoever else holds its pipes. */
function attend(child: ChildProcess, timeoutMs: number, resolve: (trial: CudaTrial) => void): void {
  let answer = '';
  let complaint = '';
  let ended = false;
  let grace: NodeJS.Timeout | undefined;
  const kill = () => child.kill('SIGKILL');
  const end = (trial: CudaTrial) => {
    clearTimeout(timer);
    clearTimeout(grace);
    process.off('exit', kill);
    for (const stream of child.stdio) stream?.destroy();
    resolve(trial);
  };
  const timer = setTimeout(() => {
    kill();
    end({ reason: `it doesn't answer: nothing within ${timeoutMs / 1000} s`, passing: true });
  }, timeoutMs);
  process.once('exit', kill);
  // Who waits keeps the process alive, not the trial.
  timer.unref();
  child.unref();
  for (const stream of child.stdio) (stream as Socket | null)?.unref();
  const judge = (code: number | null) => {
    if (code === 0) end(parse(answer));
    else end({ reason: `it fails: ${complaintOf(complaint) || `exit ${code}`}`, passing: false });
  };
  child.stdin?.on('error', () => {});
  listen(child.stdio[ANSWER] as Readable | null, (text) => {
    answer = (answer + text).slice(0, MOST_CHARS);
    if (ended && answer.endsWith('\n')) end(parse(answer));
  });
  listen(child.stderr, (text) => {
    complaint = (complaint + text).slice(0, MOST_CHARS);
  });
  child.on('exit', (code, signal) => {
    if (signal) return end({ reason: `it crashes (${signal})`, passing: false });
    ended = code === 0;
    if (ended && answer.endsWith('\n')) return end(parse(answer));
    grace = setTimeout(() => judge(code), GRACE_MS);
  });
  child.on('close', judge);
}

function listen(stream: Readable | null, callback: (text: string) => void): void {
  stream?.setEncoding('utf8').on('data', callback);
  stream?.on('error', () => {});
}

/** The line that names an error; Node's own last line is its version. */
function complaintOf(text: string): string {
  const lines = text.split('\n').map((line) => line.trim());
  const error = lines.findLast((line) => /^\w*Error\b.*: ./.test(line));
  return error?.replace(/^Error: /, '') ?? lines.findLast((line) => line !== '') ?? '';
}

function parse(text: string): CudaTrial {
  try {
    const found: unknown = JSON.parse(text);
    if (isAnswer(found)) return { found };
    return { reason: 'it fails: its answer is none of the addon', passing: false };
  } catch {
    return { reason: 'it fails: its answer is cut', passing: false };
  }
}

/** Whether everything that is read later is there. */
function isAnswer(value: unknown): value is NativeCuda {
  const { opened, driver, runtime, devices, device, cublas, reason } = Object(value) as Partial<NativeCuda>;
  if (typeof opened !== 'boolean' || typeof reason !== 'string') return false;
  if (!opened) return reason !== '';
  const versions = [driver, runtime].every((version) => version === null || typeof version === 'string');
  const described = Array.isArray(devices) && devices.every((one) => typeof one?.name === 'string');
  if (!versions || !described || typeof cublas !== 'string') return false;
  // One that works names the device it works on.
  return reason !== '' || devices[Number(device)] !== undefined;
}
