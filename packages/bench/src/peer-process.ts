import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { AlfamixError } from '@alfamix/core';
import type { Answer, Answers, Greeting, Request } from './protocol.js';

/** Of what a peer wrote on stderr, kept for when it dies. */
const KEPT = 2000;

/** A process that runs problems one at a time, on request. */
export class PeerProcess {
  readonly name: string;
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #waiting: { resolve: (line: string) => void; reject: (error: Error) => void }[] = [];
  readonly #exit: Promise<void>;
  #stderr = '';
  #death: Error | undefined;

  private constructor(name: string, command: string, args: readonly string[], env: NodeJS.ProcessEnv) {
    this.name = name;
    this.#child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'], env });
    this.#child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-KEPT);
    });
    createInterface({ input: this.#child.stdout }).on('line', (line) => this.#waiting.shift()?.resolve(line));
    // A peer that dies while it is written to is told of by its exit.
    this.#child.stdin.on('error', () => {});
    this.#exit = new Promise((resolve) => {
      this.#child.on('error', (error) => this.#die(error.message, resolve));
      this.#child.on('close', (code, signal) =>
        this.#die(signal ? `killed by ${signal}` : `exit ${code}`, resolve),
      );
    });
  }

  /**
   * Starts a peer and waits until it is ready.
   * @param threads told to every library that counts its own
   * @throws PeerUnavailable with the reason, where it can't do its part here
   */
  static async start(
    name: string,
    command: string,
    args: readonly string[],
    threads: number,
  ): Promise<{ peer: PeerProcess; version: string }> {
    const peer = new PeerProcess(name, command, args, { ...process.env, ...threadLimits(threads) });
    let line: string;
    try {
      line = await peer.#next();
    } catch (error) {
      throw new PeerUnavailable(name, (error as Error).message);
    }
    const greeting = parse<Greeting>(line, name);
    if (greeting.ready) return { peer, version: greeting.version };
    await peer.stop();
    throw new PeerUnavailable(name, greeting.why);
  }

  /** @throws what the peer says went wrong; that it died, with its last words */
  async ask<Kind extends Request['do']>(request: Extract<Request, { do: Kind }>): Promise<Answers[Kind]> {
    const answered = this.#next();
    this.#child.stdin.write(`${JSON.stringify(request)}\n`);
    const answer = parse<Answer>(await answered, this.name);
    if (!answer.ok) throw new Error(`${this.name}: ${answer.error}`);
    return answer.value as Answers[Kind];
  }

  /** Ends the process: it leaves when its input ends. */
  async stop(): Promise<void> {
    this.#child.stdin.end();
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), 5000);
    await this.#exit;
    clearTimeout(timer);
  }

  #next(): Promise<string> {
    if (this.#death) return Promise.reject(this.#death);
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  #die(how: string, resolve: () => void): void {
    const words = this.#stderr.trim();
    this.#death ??= new Error(`${this.name} died (${how})${words ? `: ${words}` : ''}`);
    for (const { reject } of this.#waiting.splice(0)) reject(this.#death);
    resolve();
  }
}

/** A peer that this machine can't run: skipped with a line, no failure. */
export class PeerUnavailable extends Error {
  constructor(peer: string, why: string) {
    super(`${peer}: ${why}`);
    this.name = 'PeerUnavailable';
  }
}

/** The variables by which numeric libraries are held to a number of threads; they read them when they load. */
function threadLimits(threads: number): Record<string, string> {
  const names = [
    'OMP_NUM_THREADS',
    'OPENBLAS_NUM_THREADS',
    'MKL_NUM_THREADS',
    'BLIS_NUM_THREADS',
    'VECLIB_MAXIMUM_THREADS',
    'NUMEXPR_NUM_THREADS',
    'TF_NUM_INTRAOP_THREADS',
  ];
  return {
    ...Object.fromEntries(names.map((name) => [name, String(threads)])),
    TF_NUM_INTEROP_THREADS: '1',
    PYTHONUNBUFFERED: '1',
  };
}

function parse<T>(line: string, name: string): T {
  try {
    return JSON.parse(line) as T;
  } catch {
    throw new AlfamixError('INTERNAL', `${name} said ${JSON.stringify(line.slice(0, 200))}, expected JSON`);
  }
}
