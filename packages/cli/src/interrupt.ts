import { discardUnfinishedFiles } from '@alfamix/core';

const SIGNALS = { SIGINT: 130, SIGTERM: 143 } as const;
/** A command stops within 50 ms; one that hasn't by now is stuck. */
const GRACE_MS = 3000;

/** Ctrl-C and SIGTERM as an AbortSignal. A second one, or a command that won't stop, ends the process. */
export class Interrupt {
  readonly #controller = new AbortController();
  readonly #listeners: (() => void)[] = [];
  /** 130 or 143 once a signal came. */
  exitCode: number | undefined;

  constructor() {
    for (const [name, code] of Object.entries(SIGNALS)) {
      const onSignal = () => {
        if (this.exitCode !== undefined) leave(code);
        this.exitCode = code;
        setTimeout(leave, GRACE_MS, code).unref();
        this.#controller.abort(new Error(`received ${name}`));
      };
      process.on(name, onSignal);
      this.#listeners.push(() => process.off(name, onSignal));
    }
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Gives the signals back their usual effect. */
  dispose(): void {
    for (const off of this.#listeners) off();
  }
}

function leave(code: number): never {
  process.stderr.write('alfamix: interrupted; what was under way did not stop by itself\n');
  discardUnfinishedFiles();
  process.exit(code);
}
