import os from 'node:os';

/** One line of the result: a rate or a time of one contender, and its ratio to the slowest of its group. */
export interface Row {
  bench: string;
  contender: string;
  value: number;
  unit: string;
  low: number;
  high: number;
  repeats: number;
  /** How many times faster than the group's reference. */
  ratio: number;
  reference: string;
}

export function machine() {
  return {
    cpu: os.cpus()[0]?.model ?? 'unknown',
    cores: os.availableParallelism(),
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
  };
}

/** A table for the terminal. */
export function table(rows: readonly Row[]): string {
  const cells = rows.map((row) => [
    row.bench,
    row.contender,
    `${digits(row.value)} ${row.unit}`,
    `${digits(row.low)} – ${digits(row.high)}, ${row.repeats} runs`,
    `${digits(row.ratio)}× ${row.reference}`,
  ]);
  cells.unshift(['bench', 'kernels', 'median', 'spread', 'against']);
  const widths = cells[0].map((_, column) => Math.max(...cells.map((line) => line[column].length)));
  return cells
    .map((line) =>
      line
        .map((cell, column) => cell.padEnd(widths[column]))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

function digits(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3);
}
