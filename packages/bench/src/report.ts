/** What the terminal shows. */
import os from 'node:os';
import type { MachineRates } from './limits.js';
import type { ProductRow } from './protocol.js';
import type { CaseResult, Row } from './run-case.js';

export interface Machine {
  cpu: string;
  cores: number;
  node: string;
  platform: string;
  threads: number;
  /** By level: bytes read and float32 operations, a second, on all threads. */
  rates: Record<string, MachineRates>;
  /** Our product and BLAS's, on one thread. */
  products: readonly ProductRow[];
}

export function describeMachine(
  threads: number,
  rates: Record<string, MachineRates>,
  products: readonly ProductRow[],
): Machine {
  return {
    cpu: os.cpus()[0]?.model.trim() ?? 'unknown',
    cores: os.availableParallelism(),
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
    threads,
    rates,
    products,
  };
}

export function machineLines({ cpu, cores, node, platform, threads, rates, products }: Machine): string {
  const levels = Object.entries(rates).map(
    ([level, { readBytes, multiplyFlops }]) =>
      `  ${level.padEnd(10)} reads ${digits(readBytes / 1e9)} GB/s, multiplies ${digits(multiplyFlops / 1e9)} GFLOP/s`,
  );
  return [
    `${cpu}, ${cores} cores, ${platform}, Node ${node}, ${threads} threads`,
    ...levels,
    ...productLines(products),
  ].join('\n');
}

/** Of one thread, GFLOP/s: `ours / BLAS's` for each number of columns. */
function productLines(products: readonly ProductRow[]): string[] {
  if (products.length === 0) return [];
  const [{ library, blas }] = products;
  if (blas === 0) return [`  no BLAS: ${library}`];
  const columns = [...new Set(products.map((row) => row.columns))];
  const lines = [...new Set(products.map(({ level }) => level))].map((level) => {
    const cells = products
      .filter((row) => row.level === level)
      .map(
        ({ own, blas, used }) =>
          `${digits(own / 1e9)} / ${digits(blas / 1e9)}${used ? ' (taken by logits)' : ''}`,
      );
    return `  ${level.padEnd(10)} ${cells.join(', ')}`;
  });
  return [
    `  product of 256 × 512 with ${columns.join(', ')} columns, one thread, GFLOP/s, ours / ${library}`,
    ...lines,
  ];
}

/** Our own fastest: the last level. */
export const ours = (rows: readonly Row[]): Row | undefined =>
  rows.filter(({ contender }) => /^(cpu|cuda) /.test(contender)).at(-1) ??
  rows.find(({ contender }) => contender === 'js');

/** One case as a table, with what went wrong under it. */
export function caseTable({ title, metric, limit, rows, failures, skipped }: CaseResult): string {
  const own = ours(rows);
  const shares = rows.some(({ share }) => share !== undefined);
  const head = [
    'kernels',
    metric === 'rate' ? 'Mrow/s' : metric === 'pass' ? 'ms a pass' : 'ms',
    'spread',
    shares ? 'of the limit' : '',
    own ? `${own.contender} is faster by` : '',
    '',
  ];
  const total = Math.max(...rows.map((row) => row.rows));
  const cells = rows.map((row) => {
    const scale = row.ms.median > 0 ? row.unitMs / row.ms.median : 0;
    const [value, low, high] = [row.ms.median, row.ms.low, row.ms.high].map((ms) =>
      shown(ms * scale, metric),
    );
    const [least, most] = metric === 'rate' ? [high, low] : [low, high];
    const spread = row.ms.runs > 1 ? `${least} – ${most}, ${row.ms.runs} runs` : '1 run';
    const notes = [
      ...(row.rows < total ? [`${row.rows.toLocaleString('en-US')} rows`] : []),
      ...(typeof row.numbers.inertia === 'number' && metric === 'time'
        ? [`inertia ${digits(row.numbers.inertia, 6)}`]
        : []),
      ...(row.extraBytes === undefined ? [] : [`${digits(row.extraBytes / 1e6)} MB beyond its inputs`]),
      ...(row.bare ? ['result not compared'] : []),
    ];
    return [
      row.contender,
      value,
      spread,
      row.share === undefined ? '' : percent(row.share),
      own ? `${digits(row.unitMs / own.unitMs)}×` : '',
      notes.join(', '),
    ];
  });
  const bound = limit ? `; limit ${digits(limit.ms)} ms, by ${limit.by}` : '';
  return [
    `${title}${bound}`,
    ...align([head, ...cells]).map((line) => `  ${line}`),
    ...failures.map((failure) => `  WRONG: ${failure}`),
    ...skipped.map((why) => `  without ${why}`),
  ].join('\n');
}

function shown(ms: number, metric: CaseResult['metric']): string {
  return digits(metric === 'rate' ? 1 / (ms * 1e3) : ms);
}

function align(lines: readonly (readonly string[])[]): string[] {
  const used = lines[0]
    .map((_, column) => column)
    .filter((column) => lines.some((line) => line[column] !== ''));
  const widths = used.map((column) => Math.max(...lines.map((line) => line[column].length)));
  return lines.map((line) =>
    line
      .map((cell, column) => cell.padEnd(widths[column]))
      .join('  ')
      .trimEnd(),
  );
}

const percent = (share: number): string => `${(100 * share).toFixed(share < 0.1 ? 1 : 0)} %`;

/** A number for people: thousands with commas, otherwise `count` significant digits. */
export function digits(value: number, count = 3): string {
  if (Math.abs(value) >= 10 ** (count - 1)) return Math.round(value).toLocaleString('en-US');
  return value.toPrecision(count);
}
