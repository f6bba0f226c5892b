import type { Pick, Pool } from '@alfamix/core';
import { formatCount, formatNumber, formatShare, formatTable } from '../terminal/format.js';
import { DIGIT_NAMES } from './digits.js';
import type { Accuracies } from './experiment.js';

/** The picks as a table for the terminal, with the true labels. */
export function picksTable(picks: readonly Pick[], pool: Pool, labels: Int32Array): string {
  return formatTable(
    ['rank', 'row', 'id', 'pseudo-label', 'true label', 'flip cap', 'cluster', 'cluster size'],
    picks.map(({ rank, row, pseudoLabel, flipCap, cluster, clusterSize }) => [
      String(rank),
      String(row),
      pool.idOf(row),
      pseudoLabel === undefined ? '' : DIGIT_NAMES[pseudoLabel],
      DIGIT_NAMES[labels[row]],
      flipCap === undefined ? '' : formatNumber(flipCap),
      cluster === undefined ? '' : String(cluster),
      clusterSize === undefined ? '' : String(clusterSize),
    ]),
  );
}

/** Test accuracy before and after labelling, against random, in three lines. */
export function describeAccuracies(
  { before, after, random }: Accuracies,
  testRows: number,
  budget: number,
): string {
  const draws = `mean of ${random.seeds} draws, ${formatShare(random.low)} to ${formatShare(random.high)}`;
  return [
    `Accuracy on ${formatCount(testRows)} test digits, once the picks' true labels are looked up:`,
    `  ${formatShare(before)} before`,
    `  ${formatShare(after)} after labelling the ${formatCount(budget)} picks`,
    `  ${formatShare(random.mean)} after labelling ${formatCount(budget)} random rows instead (${draws})`,
  ].join('\n');
}
