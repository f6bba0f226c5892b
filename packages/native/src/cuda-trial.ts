import { spawn } from 'node:child_process';
import { basename } from 'node:path';
import type { NativeCuda } from './binding.js';

/** A driver without a persistence daemon takes some seconds to start a machine of many devices. */
const TIMEOUT_MS = 30_000;
const MOST_CHARS = 1 << 20;

/** Ends with its parent: its standard input closes then. Not by process.exit, which waits for a job that hangs. */
const SCRIPT = `
  const [addon, path] = process.argv.slice(1);
  process.stdin.on('end', () => process.kill(process.pid, 'SIGKILL')).resume();
  require(addon).cuda({ path, selfTest: true }).promise.then(
    (found) => process.stdout.write(JSON.stringify(found) + '\\n', () => process.exit(0)),
    (error) => process.stderr.write(String(error.message), () => process.exit(1)),
  );`;

/** What a plug-in said in a process of its own, or how that ended. */
export type CudaTrial = { found: NativeCuda; reason?: undefined } | { found?: undefined; reason: string };

/**
 * Opens the plug-in in a child process, describes the machine and runs the self-test there: a driver that crashes, hangs
 * or computes wrongly costs a sentence and not this process. Never rejects.
 */
export function tryInChild(addon: string, path: string, timeoutMs = TIMEOUT_MS): Promise<CudaTrial> {
  // Anything else (a single-executable application, another runtime) would start itself again.
  if (!/^(node|electron)/i.test(basename(process.execPath)) && !process.versions.electron)
    return Promise.resolve({
      reason: `it can't be tried first: expected Node for ${process.execPath}`,
    });
  return new Promise((resolve) => {
    let told = '';
    let complaint = '';
    let late = false;
    try {
      const child = spawn(process.execPath, ['-e', SCRIPT, '--', addon, path], {
        stdio: ['pipe', 'pipe', 'pipe'],
        windowsHide: true,
        // Not the host's hooks, debugger port or heap limit.
        env: { ...process.env, NODE_OPTIONS: '', ELECTRON_RUN_AS_NODE: '1' },
      });
      const kill = () => child.kill('SIGKILL');
      const timer = setTimeout(() => {
        late = true;
        kill();
      }, timeoutMs);
      process.once('exit', kill);
      const end = (trial: CudaTrial) => {
        clearTimeout(timer);
        process.off('exit', kill);
        resolve(trial);
      };
      child.stdin.on('error', () => {});
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        told = (told + text).slice(0, MOST_CHARS);
      });
      child.stderr.setEncoding('utf8').on('data', (text: string) => {
        complaint = (complaint + text).slice(0, MOST_CHARS);
      });
      child.on('error', (error) => end({ reason: `it can't be tried first: ${error.message}` }));
      child.on('close', (code, signal) => {
        if (late) end({ reason: `it doesn't answer: nothing within ${timeoutMs / 1000} s` });
        else if (signal) end({ reason: `it crashes (${signal})` });
        else if (code !== 0) end({ reason: `it fails: ${lastLine(complaint) || `exit ${code}`}` });
        else end(parse(told));
      });
    } catch (error) {
      resolve({ reason: `it can't be tried first: ${(error as Error).message}` });
    }
  });
}

const lastLine = (text: string): string => text.trim().split('\n').at(-1)?.trim() ?? '';

/** What a plug-in prints itself comes before our line. */
function parse(text: string): CudaTrial {
  try {
    return { found: JSON.parse(lastLine(text)) };
  } catch {
    return { reason: 'it fails: its answer is cut' };
  }
}
