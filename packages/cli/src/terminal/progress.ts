import { formatDuration } from './format.js';

const REDRAW_MS = 100;
/** Before this a forecast jumps about too much to help. */
const FORECAST_AFTER_MS = 500;

/** What the line needs of a stream; process.stderr is one. */
export interface TerminalStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

/** One line on the terminal, redrawn: stage, percent and time left. Silent where the stream is no terminal. */
export class ProgressLine {
  readonly #stream: TerminalStream;
  readonly #enabled: boolean;
  readonly #now: () => number;
  #stage = '';
  #stageStart = 0;
  #drawn = Number.NEGATIVE_INFINITY;
  #visible = false;

  constructor(stream: TerminalStream, { quiet = false, now = () => performance.now() } = {}) {
    this.#stream = stream;
    this.#enabled = stream.isTTY === true && !quiet;
    this.#now = now;
  }

  /** @param total 0 while unknown: the stage alone is shown */
  update(stage: string, done: number, total: number): void {
    if (!this.#enabled) return;
    const now = this.#now();
    if (stage !== this.#stage) {
      this.#stage = stage;
      this.#stageStart = now;
    } else if (now - this.#drawn < REDRAW_MS) {
      return;
    }
    this.#drawn = now;
    this.#visible = true;
    const text = this.#describe(stage, done, total, now - this.#stageStart);
    this.#stream.write(`\r\x1b[K${text.slice(0, (this.#stream.columns || 80) - 1)}`);
  }

  /** Wipes the line, before anything else is printed. */
  clear(): void {
    if (this.#visible) this.#stream.write('\r\x1b[K');
    this.#visible = false;
  }

  #describe(stage: string, done: number, total: number, elapsed: number): string {
    if (!(total > 0)) return `${stage} …`;
    const share = Math.min(done / total, 1);
    const percent = `${stage} ${String(Math.floor(share * 100)).padStart(3)} %`;
    if (elapsed < FORECAST_AFTER_MS || share <= 0 || share >= 1) return percent;
    return `${percent} · ${formatDuration(Math.max((elapsed * (1 - share)) / share, 1))} left`;
  }
}
