import { open, readdir, stat, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { AlfamixError, describe } from '../errors.js';
import { writeFileAtomic } from '../formats/atomic-file.js';
import { ioError, type OpenFile, openFile } from '../formats/file-io.js';
import { Rng } from '../random/xoshiro.js';
import { parseLine, parseSettings } from './parse-run.js';
import type { RoundLine } from './round-line.js';
import { lockFolder } from './run-lock.js';
import { seriesName } from './series-name.js';
import type { RunSettings } from './settings.js';

const SETTINGS = 'run.json';
/** Of a file that is read whole; a line has some kilobytes. */
const MOST_BYTES = 256 * 2 ** 20;
/** What `lock` and an atomic write leave when they are killed. */
const OWN = /^run\.lock(\.over)*$|^\.run\.(json|lock)\.\d+\.\d+\.tmp$/;

/** The lines of one strategy and seed. */
export interface SeriesFile {
  readonly path: string;
  /** In the order of their rounds, from 0. */
  readonly lines: readonly RoundLine[];
  /** Bytes of the whole lines: what follows was cut short. */
  readonly length: number;
}

/**
 * A run's folder: run.json with the settings, and for each strategy and seed a file of JSON lines that only grows.
 */
export class RunFolder {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  /**
   * The settings; undefined for a folder that isn't there or is empty.
   * @param purpose an empty folder would do to write a run, not to read one
   * @throws FORMAT, IO
   */
  async settings(purpose: 'read' | 'write' = 'write'): Promise<RunSettings | undefined> {
    const path = join(this.#path, SETTINGS);
    const text = await readText(path);
    if (text !== undefined) return parseSettings(text, path);
    const others = await readdir(this.#path).catch((error) => {
      if (error.code === 'ENOENT') return [];
      throw ioError(error, 'read', this.#path);
    });
    const [foreign] = others.filter((name) => !OWN.test(name));
    if (foreign === undefined) return undefined;
    const empty = purpose === 'write' ? ', or an empty folder' : '';
    throw new AlfamixError(
      'FORMAT',
      `expected a run of alfamix simulate, with a ${SETTINGS}${empty} for ${this.#path}, found ${describe(foreign)} in it`,
      { details: { path: this.#path } },
    );
  }

  /** Whether a run has got further than its settings. @throws IO */
  async hasLines(): Promise<boolean> {
    try {
      for (const name of await readdir(this.#path)) {
        if (name.endsWith('.jsonl') && (await stat(join(this.#path, name))).size > 0) return true;
      }
      return false;
    } catch (error) {
      throw ioError(error, 'read', this.#path);
    }
  }

  async writeSettings(settings: RunSettings): Promise<void> {
    await writeFileAtomic(join(this.#path, SETTINGS), (append) =>
      append(`${JSON.stringify(settings, undefined, 2)}\n`),
    );
  }

  /**
   * What has been written for a strategy and seed. A last line that was cut short doesn't count.
   * @throws FORMAT naming the line that isn't this series' next; IO
   */
  async read(strategy: string, seed: number, settings: RunSettings): Promise<SeriesFile> {
    const path = join(this.#path, seriesName(strategy, seed));
    const text = (await readText(path)) ?? '';
    const end = text.lastIndexOf('\n') + 1;
    const whole = text.slice(0, end);
    const lines = whole
      .split('\n')
      .slice(0, -1)
      .map((line, round) => parseLine(line, { path, round, strategy, seed, settings }));
    if (lines.length > 0) checkPicks(lines, path, new Rng(seed).sample(settings.data.rows, settings.init));
    return { path, lines, length: Buffer.byteLength(whole) };
  }

  /** Drops what a killed run left of a line, so that the next begins on a line of its own. */
  async repair({ path, length }: SeriesFile): Promise<void> {
    try {
      await truncate(path, length);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw ioError(error, 'write', path);
    }
  }

  /** Adds a line and flushes it to the disk. @throws IO; the lines before it stay */
  async append({ path }: SeriesFile, line: RoundLine): Promise<void> {
    try {
      const handle = await open(path, 'a');
      try {
        await handle.writeFile(`${JSON.stringify(line)}\n`);
        await handle.datasync();
      } finally {
        await handle.close();
      }
    } catch (error) {
      throw ioError(error, 'write', path);
    }
  }

  /** Keeps others from writing here until the function it gives is called. @throws INVALID_ARGUMENT while another does; IO */
  lock(): Promise<() => Promise<void>> {
    return lockFolder(this.#path);
  }
}

/** A row is labelled once. */
function checkPicks(lines: readonly RoundLine[], path: string, initial: readonly number[]): void {
  const seen = new Set(initial);
  for (const { round, query } of lines) {
    for (const row of query?.picks ?? []) {
      if (seen.has(row))
        throw new AlfamixError(
          'FORMAT',
          `${path}: row ${row} is picked in round ${round}, when it had a label`,
        );
      seen.add(row);
    }
  }
}

/** A file's text; undefined for one that isn't there. @throws IO, also for a pipe, which would never end */
async function readText(path: string): Promise<string | undefined> {
  let file: OpenFile;
  try {
    file = await openFile(path);
  } catch (error) {
    if (error instanceof AlfamixError && error.details.errno === 'ENOENT') return undefined;
    throw error;
  }
  try {
    if (file.size > MOST_BYTES) {
      throw new AlfamixError(
        'FORMAT',
        `expected at most ${MOST_BYTES / 2 ** 20} MiB in ${path}, got ${file.size} bytes`,
      );
    }
    return await file.handle.readFile('utf8');
  } catch (error) {
    throw ioError(error, 'read', path);
  } finally {
    await file.handle.close();
  }
}
