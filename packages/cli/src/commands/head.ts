import { AlfamixError, LinearHead } from '@alfamix/core';
import type { Inputs } from '../inputs/load.js';
import type { CommonOptions, InputOptions } from '../options.js';
import type { Session } from '../session.js';
import { formatNumber, formatShare } from '../terminal/format.js';

/** How a head was fitted, as core reports it. */
export type FitReport = NonNullable<LinearHead['fitted']>;

/** The head given, or one fitted on the labelled rows. */
export async function headFor(
  inputs: Inputs,
  { l2, seed }: Pick<InputOptions & CommonOptions, 'l2' | 'seed'>,
  session: Session,
): Promise<LinearHead> {
  if (inputs.head) return inputs.head;
  return fitHead(inputs, { l2, seed }, session);
}

/** Fits a head on the labelled rows; l2 is chosen by cross-validation unless given. */
export async function fitHead(
  { labeled, classNames }: Pick<Inputs, 'labeled' | 'classNames'>,
  { l2, seed }: { l2?: number; seed: number },
  session: Session,
): Promise<LinearHead> {
  if (!labeled || !classNames) {
    throw new AlfamixError(
      'INVALID_ARGUMENT',
      'expected --labels (a CSV with a header row,label or id,label), on which a head is fitted, or --head',
    );
  }
  const { signal } = session;
  return session.timed('fit', () =>
    LinearHead.fit({
      labeled,
      classNames,
      l2,
      seed,
      signal,
      onProgress: session.stage('fit'),
    }),
  );
}

/** `87.5 % in cross-validation (40 rows, 4 folds); l2 = 0.1`; undefined for a head that wasn't fitted here. */
export function describeFit(report: FitReport | undefined): string | undefined {
  if (!report) return undefined;
  const l2 = `l2 = ${formatNumber(report.l2)}`;
  const validation = report.crossValidation;
  if (!validation) return `fitted; ${l2}`;
  const { accuracy, heldOut, folds, kind, majority } = validation;
  const how = kind === 'leave-one-out' ? 'leave one out' : `${folds} folds`;
  return (
    `${formatShare(accuracy)} right in cross-validation (${heldOut} rows, ${how}; ` +
    `most frequent class ${formatShare(majority)}); ${l2}`
  );
}

/** The fit's warnings, if any. */
export const fitWarnings = (report: FitReport | undefined): string[] =>
  [report?.warning, report?.crossValidation?.warning].filter((text) => text !== undefined);
