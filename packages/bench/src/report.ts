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
export function caseTable(result: CaseResult): string {
  return [
    heading(result),
    ...align(tableOf(result)).map((line) => `  ${line}`),
    ...result.failures.map((failure) => `  WRONG: ${failure}`),
    ...result.skipped.map((why) => `  without ${why}`),
  ].join('\n');
}

/** The same for a Markdown page. */
export function caseMarkdown(result: CaseResult): string {
  const lines = usedColumns(tableOf(result)).map((cells) => `| ${cells.join(' | ')} |`);
  const rule = lines[0].replace(/[^|]+/g, '---');
  return [`${heading(result)}:`, '', lines[0], rule, ...lines.slice(1), ''].join('\n');
}

function heading({ title, limit }: CaseResult): string {
  return `${title}${limit ? `; limit ${digits(limit.ms)} ms, by ${limit.by}` : ''}`;
}

/** Head and rows; a column that nobody fills has empty cells. */
function tableOf({ metric, rows }: CaseResult): string[][] {
  const own = ours(rows);
  const total = Math.max(...rows.map((row) => row.rows));
  const head = [
    'kernels',
    metric === 'rate' ? 'Mrow/s' : metric === 'pass' ? 'ms a pass' : 'ms',
    'spread',
    rows.some(({ share }) => share !== undefined) ? 'of the limit' : '',
    own && rows.length > 1 ? `${own.contender} is` : '',
    '',
  ];
  const cells = rows.map((row) => {
    const scale = row.ms.median > 0 ? row.unitMs / row.ms.median : 0;
    const [value, low, high] = [row.ms.median, row.ms.low, row.ms.high].map((ms) =>
      shown(ms * scale, metric),
    );
    const [least, most] = metric === 'rate' ? [high, low] : [low, high];
    return [
      row.contender,
      value,
      row.ms.runs > 1 ? `${least} – ${most}, ${row.ms.runs} runs` : '1 run',
      row.share === undefined ? '' : percent(row.share),
      own && row !== own ? `${digits(row.unitMs / own.unitMs)}× as fast` : '',
      notesOf(row, metric, total).join(', '),
    ];
  });
  return [head, ...cells];
}

function notesOf(
  { rows, numbers, extraBytes, bare }: Row,
  metric: CaseResult['metric'],
  total: number,
): string[] {
  const { inertia } = numbers;
  return [
    ...(rows < total ? [`${rows.toLocaleString('en-US')} rows`] : []),
    ...(typeof inertia === 'number' && metric === 'time' ? [`inertia ${digits(inertia, 6)}`] : []),
    ...(extraBytes === undefined ? [] : [`${digits(extraBytes / 1e6)} MB beyond its inputs`]),
    ...(bare ? ['result not compared'] : []),
  ];
}

function shown(ms: number, metric: CaseResult['metric']): string {
  return digits(metric === 'rate' ? 1 / (ms * 1e3) : ms);
}

function usedColumns(lines: readonly (readonly string[])[]): string[][] {
  const used = lines[0].map((_, column) => lines.some((line) => line[column] !== ''));
  return lines.map((line) => line.filter((_, column) => used[column]));
}

function align(table: readonly (readonly string[])[]): string[] {
  const lines = usedColumns(table);
  const widths = lines[0].map((_, column) => Math.max(...lines.map((line) => line[column].length)));
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
