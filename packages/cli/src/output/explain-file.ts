import {
  type Explanation,
  type Flip,
  type Pool,
  printable,
  throwIfAborted,
  type WriteOptions,
  writeFileAtomic,
} from '@alfamix/core';
import { className } from '../inputs/classes.js';
import { formatCount, formatNumber, formatShare } from '../terminal/format.js';
import { formatFloat32 } from './float32.js';

/** The explanations' place: beside the picks, named after them. */
export const explainPath = (out: string): string => `${out}.explain.jsonl`;

type Names = readonly string[] | undefined;

/** An explanation with classes by name, as a line of the file; of the mix only its numbers. */
export function explanationRecord(
  { flip, nearest, members, ...rest }: Explanation,
  rank: number,
  pool: Pool,
  names: Names,
): object {
  return {
    rank,
    ...rest,
    pseudoLabel: className(rest.pseudoLabel, names),
    confidence: short(rest.confidence),
    flip: flip ? flipRecord(flip, names) : null,
    nearest: nearest.map(({ label, distance, ...neighbour }) => ({
      label: className(label, names),
      ...neighbour,
      distance: short(distance),
    })),
    members: members.map((row) => ({ row, ...(pool.ids && { id: pool.idOf(row) }) })),
  };
}

function flipRecord({ mixed: _, ...flip }: Flip, names: Names): object {
  const numbers = { distance: short(flip.distance), step: short(flip.step) };
  const probability = { before: short(flip.before), after: short(flip.after) };
  // The cap is written as picks.csv has it.
  const cap = Number(formatFloat32(flip.cap));
  return {
    ...flip,
    cap,
    anchor: className(flip.anchor, names),
    to: className(flip.to, names),
    ...numbers,
    ...probability,
  };
}

/** Seven significant digits, about those of float32. */
const short = (value: number): number => Number(value.toPrecision(7));

/** Writes one JSON object a pick, a line each, in the order of the picks. */
export async function writeExplanations(
  path: string,
  explanations: readonly Explanation[],
  { pool, classNames }: { pool: Pool; classNames: Names },
  options: WriteOptions,
): Promise<void> {
  const write = async (append: (text: string) => Promise<void>) => {
    for (const [i, explanation] of explanations.entries()) {
      throwIfAborted(options.signal);
      await append(`${JSON.stringify(explanationRecord(explanation, i + 1, pool, classNames))}\n`);
    }
  };
  await writeFileAtomic(path, write, options);
}

/** The explanation as one line that a person reads. */
export function explanationLine(explanation: Explanation, names: Names): string {
  const { row, id } = explanation;
  return printable(`row ${row}${id ? ` (${id})` : ''}: ${explanationParts(explanation, names).join('; ')}`);
}

/** The explanation as a person reads it, in parts. */
function explanationParts(explanation: Explanation, names: Names): string[] {
  const { pseudoLabel, confidence, flip, nearest, clusterSize, filled } = explanation;
  const near = nearest.map(
    ({ label, id, row, distance }) =>
      `${className(label, names)}${id ? ` ${id}` : row === undefined ? '' : ` row ${row}`} (${formatNumber(distance)})`,
  );
  return [
    `predicted ${className(pseudoLabel, names)} (${formatShare(confidence)})`,
    flip
      ? `flips to ${className(flip.to, names)} at cap ${formatNumber(flip.cap)}, mixed with ${anchorName(flip, names)}`
      : 'no mix flips it',
    ...(near.length > 0 ? [`nearest labelled: ${near.join(', ')}`] : []),
    ...(clusterSize === undefined ? [] : [standsFor(clusterSize)]),
    ...(filled ? ['drawn at random'] : []),
  ];
}

export const standsFor = (size: number): string =>
  `stands for ${formatCount(size)} row${size === 1 ? '' : 's'}`;

function anchorName({ anchor, anchorRows }: NonNullable<Explanation['flip']>, names: Names): string {
  return anchorRows === 0 ? `the mean of all labelled rows` : `the mean of ${className(anchor, names)}`;
}
