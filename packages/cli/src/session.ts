import { ProgressLine } from './terminal/progress.js';

/** One run of a command: where its words go, what stops it, and how long its stages took. */
export class Session {
  readonly signal: AbortSignal;
  readonly json: boolean;
  readonly quiet: boolean;
  readonly startedAt = new Date();
  /** Milliseconds a stage, in the order they ended. */
  readonly timings: Record<string, number> = {};
  readonly #progress: ProgressLine;
  readonly #start = performance.now();

  constructor(signal: AbortSignal, { json, quiet }: { json: boolean; quiet: boolean }) {
    this.signal = signal;
    this.json = json;
    this.quiet = quiet;
    this.#progress = new ProgressLine(process.stderr, { quiet });
  }

  /** For `onProgress` of a long call. */
  readonly progress = (stage: string, done: number, total: number): void =>
    this.#progress.update(stage, done, total);

  /** Progress of one named stage. */
  stage(name: string): (done: number, total: number) => void {
    return (done, total) => this.#progress.update(name, done, total);
  }

  /** Runs a stage and keeps its time under `name`. */
  async timed<T>(name: string, work: () => Promise<T>): Promise<T> {
    const start = performance.now();
    this.#progress.update(name, 0, 0);
    try {
      return await work();
    } finally {
      this.timings[name] = round(performance.now() - start);
    }
  }

  /** Takes over the stages of a library call; the total stays that of the whole run. */
  addTimings(timings: Readonly<Record<string, number>>): void {
    for (const [name, ms] of Object.entries(timings)) if (name !== 'total') this.timings[name] = round(ms);
  }

  /** Adds the whole run so far as `total` and hands back all times. */
  finish(): Record<string, number> {
    this.timings.total = round(performance.now() - this.#start);
    return this.timings;
  }

  /** The result: `summary` as JSON with --json, else `text`; nothing with --quiet alone. */
  print(summary: unknown, text: string): void {
    this.#progress.clear();
    if (this.json) process.stdout.write(`${JSON.stringify(summary, undefined, 2)}\n`);
    else if (!this.quiet) process.stdout.write(`${text}\n`);
  }

  /** A line on stderr, above the progress; for long work where no terminal shows progress. Nothing with --quiet. */
  say(text: string): void {
    if (this.quiet) return;
    this.#progress.clear();
    process.stderr.write(`${text}\n`);
  }

  close(): void {
    this.#progress.clear();
  }
}

const round = (ms: number): number => Math.round(ms * 1000) / 1000;
