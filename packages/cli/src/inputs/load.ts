import { AlfamixError, LabeledSet, LinearHead, Pool, parseSpec } from '@alfamix/core';
import type { InputOptions } from '../options.js';
import type { Session } from '../session.js';
import { resolveClasses } from './classes.js';
import { readExcluded } from './exclude.js';
import { readLabelList, readPoolLabels } from './label-files.js';

/** A file that was read, for the manifest. */
export interface InputFile {
  /** The option it was given with. */
  readonly option: string;
  /** As given, with its `#tensor`. */
  readonly spec: string;
  readonly path: string;
  readonly shape?: readonly number[];
}

/** What a command works on. */
export interface Inputs {
  readonly pool: Pool | undefined;
  readonly labeled: LabeledSet | undefined;
  readonly head: LinearHead | undefined;
  /** By class index; undefined when there is neither head nor label to name classes. */
  readonly classNames: readonly string[] | undefined;
  readonly exclude: readonly number[];
  readonly files: readonly InputFile[];
  readonly notes: readonly string[];
}

/**
 * Opens and checks everything a command was given. A head isn't fitted here.
 *
 * @throws AlfamixError: one sentence naming file and place
 */
export async function loadInputs(options: InputOptions, session: Session): Promise<Inputs> {
  const { signal } = session;
  const files: InputFile[] = [];
  const note = (option: string, spec: string, shape?: readonly number[]) =>
    files.push({ option, spec, path: parseSpec(spec).path, shape });

  const pool =
    options.pool === undefined ? undefined : await Pool.open(options.pool, { ids: options.ids, signal });
  for (const { spec, path, rows } of pool?.files ?? [])
    files.push({ option: 'pool', spec, path, shape: [rows, pool!.dim] });
  if (options.ids !== undefined) note('ids', options.ids);
  const head = options.head === undefined ? undefined : await LinearHead.open(options.head);
  if (head && options.head !== undefined) note('head', options.head, [head.classes, head.dim]);
  const { labeled, classNames, notes } = await loadLabels(options, pool, head, signal);
  if (options.labeled !== undefined && labeled) note('labeled', options.labeled, [labeled.rows, labeled.dim]);
  if (options.labels !== undefined && labeled) note('labels', options.labels, [labeled.rows]);
  const exclude =
    options.exclude === undefined || !pool ? [] : await readExcluded(options.exclude, pool, signal);
  if (options.exclude !== undefined) note('exclude', options.exclude, [exclude.length]);
  const unused = head && options.l2 !== undefined ? ['--l2 is not used: a head was given'] : [];
  return { pool, labeled, head, classNames, exclude, files, notes: [...notes, ...unused] };
}

/** Labels in these are the M integers of --labeled; anything else is read as CSV. */
const TENSOR_FILES: ReadonlySet<string> = new Set(['.npy', '.npz', '.safetensors']);

interface Labels {
  readonly labeled: LabeledSet | undefined;
  readonly classNames: readonly string[] | undefined;
  readonly notes: readonly string[];
}

async function loadLabels(
  { labels, labeled, classes }: InputOptions,
  pool: Pool | undefined,
  head: LinearHead | undefined,
  signal: AbortSignal,
): Promise<Labels> {
  if (labels === undefined) {
    if (labeled !== undefined) throw usage('expected --labels beside --labeled: the labels of its rows');
    return { labeled: undefined, classNames: head?.classNames ?? classes ?? headIndices(head), notes: [] };
  }
  if (labeled !== undefined) {
    using rows = await Pool.open(labeled, { signal });
    const list = await readLabelList(labels, rows.rows, signal);
    const { names, indices, notes } = resolveClasses({ labels: list, head, given: classes });
    const embeddings = await rows.toArray({ signal });
    const set = { embeddings, labels: indices, dim: rows.dim, classNames: names };
    return { labeled: inFile(labeled, () => LabeledSet.from(set)), classNames: names, notes };
  }
  if (!pool) throw usage('expected --pool, whose rows --labels names, or --labeled');
  if (TENSOR_FILES.has(parseSpec(labels).extension)) {
    throw usage(
      `expected a CSV or .parquet with columns row,label or id,label for --labels, got ${labels}, which says no rows: write each label beside its row, or give the embeddings of the labelled rows with --labeled`,
    );
  }
  const table = await readPoolLabels(labels, pool, signal);
  const { names, indices, notes } = resolveClasses({ labels: table, head, given: classes });
  const rows = { rows: table.rows, labels: indices, classNames: names, signal };
  return { labeled: await LabeledSet.fromPool(pool, rows), classNames: names, notes };
}

const headIndices = (head: LinearHead | undefined): string[] | undefined =>
  head && Array.from({ length: head.classes }, (_, i) => String(i));

const usage = (message: string): AlfamixError => new AlfamixError('INVALID_ARGUMENT', message);

/** Names the file in an error about an array that came from it. */
function inFile<T>(file: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof AlfamixError)) throw error;
    throw new AlfamixError(error.code, `${file}: ${error.message}`, {
      cause: error,
      details: { ...error.details },
    });
  }
}
