import { AlfamixError, distinctLabels } from '@alfamix/core';

/** Labels as text, in order, and where each was read, for messages. */
export interface LabelTexts {
  readonly texts: readonly string[];
  readonly where: (i: number) => string;
}

export interface ClassSources {
  readonly labels: LabelTexts;
  /** The head given, if any. */
  readonly head?: { readonly classes: number; readonly classNames: readonly string[] | undefined };
  /** --classes. */
  readonly given?: readonly string[];
}

export interface ResolvedClasses {
  readonly names: readonly string[];
  /** The class index of each label. */
  readonly indices: Int32Array;
  readonly notes: readonly string[];
}

const INTEGER = /^(?:0|-?[1-9]\d*)$/;
const isNumber = (text: string): boolean => text !== '' && Number.isFinite(Number(text));

/**
 * Names the classes and finds each label's index. The head's own names come first, then --classes, then the sorted
 * distinct labels (numerically if all are integers). With a head that names no classes, integer labels are its row
 * indices, and numbers beside other labels are refused. Where no class is named by an integer, an integer label is an index too.
 *
 * @throws INVALID_ARGUMENT for a label that is no class, SHAPE_MISMATCH where the names don't fit the head
 */
export function resolveClasses({ labels, head, given }: ClassSources): ResolvedClasses {
  const notes: string[] = [];
  const named = head?.classNames;
  if (named && given && named.join('\n') !== given.join('\n')) {
    notes.push(`--classes is not used: the head names its classes itself (${preview(named)})`);
  }
  const names = named ?? checkedAgainstHead(given, head, '--classes') ?? namesFromLabels(labels, head);
  if (head && !named && !given && names.some((name) => !INTEGER.test(name))) {
    notes.push(
      `the head names no classes: its rows were taken to be the labels in sorted order (${preview(names)}); if they are not, give --classes in the head's order`,
    );
  }
  return { names, indices: indicesOf(labels, names), notes };
}

function namesFromLabels(labels: LabelTexts, head: ClassSources['head']): readonly string[] {
  const distinct = distinctLabels(labels.texts);
  if (head && distinct.every((text) => INTEGER.test(text)))
    return Array.from({ length: head.classes }, (_, i) => String(i));
  if (head && distinct.some(isNumber)) throw notAnInteger(labels, head.classes);
  return checkedAgainstHead(distinct, head, 'the distinct labels', `: ${CURE}`) ?? distinct;
}

const CURE = "give --classes, the names of the head's classes in its order";

/** Labels were meant as rows of the head: `3.0`, or a stray `?` among integers. */
function notAnInteger({ texts, where }: LabelTexts, classes: number): AlfamixError {
  const i = texts.findIndex((text) => !INTEGER.test(text));
  return new AlfamixError(
    'INVALID_ARGUMENT',
    `expected an integer, a row of the head from 0 to ${classes - 1}, for the label at ${where(i)}, got ${JSON.stringify(texts[i])}; for labels that are names, ${CURE}`,
    { details: { label: texts[i], classes } },
  );
}

function checkedAgainstHead(
  names: readonly string[] | undefined,
  head: ClassSources['head'],
  what: string,
  cure = '',
): readonly string[] | undefined {
  if (names && head && names.length !== head.classes) {
    throw new AlfamixError(
      'SHAPE_MISMATCH',
      `expected ${head.classes} names, one a class of the head, for ${what}, got ${names.length} (${preview(names)})${cure}`,
      { details: { classes: head.classes, names } },
    );
  }
  return names;
}

function indicesOf({ texts, where }: LabelTexts, names: readonly string[]): Int32Array {
  const index = new Map(names.map((name, i) => [name, i]));
  const byPosition = !names.some((name) => INTEGER.test(name));
  return Int32Array.from(texts, (text, i) => {
    const found = index.get(text) ?? (byPosition && INTEGER.test(text) ? Number(text) : -1);
    if (found >= 0 && found < names.length) return found;
    throw new AlfamixError(
      'INVALID_ARGUMENT',
      `expected one of the ${names.length} classes (${preview(names)}) for the label at ${where(i)}, got ${JSON.stringify(text)}`,
      { details: { label: text, classes: names } },
    );
  });
}

function preview(names: readonly string[]): string {
  return names.length > 8
    ? `${names.slice(0, 7).join(', ')}, … ${names[names.length - 1]}`
    : names.join(', ');
}

/** A class by its name, or its index where classes have none. */
export const className = (index: number, names: readonly string[] | undefined): string =>
  names?.[index] ?? String(index);
