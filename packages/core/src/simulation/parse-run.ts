import { SCALES } from '../datasets/scale.js';
import { AlfamixError, describe } from '../errors.js';
import type { RoundLine } from './round-line.js';
import { isStrategyName, sharingFiles } from './series-name.js';
import type { RunSettings } from './settings.js';

/** Checks one value; a failure names it by its path from the root. */
type Check = (value: unknown) => boolean;
type Shape = { readonly [key: string]: Check | Shape };

const text: Check = (value) => typeof value === 'string';
const integer: Check = (value) => Number.isSafeInteger(value) && (value as number) >= 0;
const positive: Check = (value) => integer(value) && (value as number) > 0;
const number: Check = (value) => typeof value === 'number' && Number.isFinite(value);
const share: Check = (value) => number(value) && (value as number) >= 0 && (value as number) <= 1;
const duration: Check = (value) => number(value) && (value as number) >= 0 && (value as number) <= 1e9;
const cap: Check = (value) => number(value) && (value as number) > 0 && (value as number) <= 1e6;
/** A little beyond 2, for rounding. */
const distance: Check = (value) => number(value) && (value as number) >= 0 && (value as number) <= 2.0001;
const MOST_SERIES = 10_000;
const eachOnce = (value: unknown): boolean => {
  const list = value as readonly unknown[];
  return list.length <= MOST_SERIES && new Set(list).size === list.length;
};
const orNull =
  (check: Check): Check =>
  (value) =>
    value === null || check(value);
const listOf =
  (check: Check): Check =>
  (value) =>
    Array.isArray(value) && value.every(check);
const exactly =
  (...values: unknown[]): Check =>
  (value) =>
    values.includes(value);

const SETTINGS: Shape = {
  format: exactly('alfamix-run'),
  version: exactly(1),
  alfamix: text,
  data: {
    spec: text,
    test: orNull(text),
    splitSeed: integer,
    labelName: orNull(text),
    scale: exactly(...SCALES),
    rows: positive,
    testRows: positive,
    inputDim: positive,
    classes: listOf(text),
    sha256: text,
  },
  model: text,
  tf: orNull(text),
  l2: orNull(number),
  init: positive,
  budget: positive,
  rounds: integer,
  alphaCap: orNull((value) => number(value) && (value as number) > 0),
  maxCandidates: orNull(positive),
  strategies: (value) =>
    listOf((name) => typeof name === 'string' && isStrategyName(name))(value) &&
    eachOnce(value) &&
    sharingFiles(value as string[]) === undefined,
  seeds: (value) => listOf(integer)(value) && eachOnce(value),
};

const QUERY: Shape = {
  picks: listOf(integer),
  filled: integer,
  candidates: orNull(integer),
  capUsed: orNull(cap),
  candidatesPerCap: listOf((value) => failing(value, { cap, count: integer }) === undefined),
  misclassified: share,
  diversity: orNull(distance),
};

const LINE: Shape = {
  strategy: text,
  seed: integer,
  round: integer,
  accuracy: share,
  labelled: positive,
  seconds: duration,
  stages: (value) => typeof value === 'object' && value !== null && Object.values(value).every(duration),
  epochs: orNull(integer),
  query: (value) => value === null || failing(value, QUERY) === undefined,
};

/** The path of the first field that isn't as the shape says. */
function failing(value: unknown, shape: Shape, at = ''): string | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return at || 'it';
  for (const [key, check] of Object.entries(shape)) {
    const field: unknown = Object.hasOwn(value, key) ? value[key as keyof typeof value] : undefined;
    const path = at === '' ? key : `${at}.${key}`;
    if (typeof check === 'function') {
      if (!check(field)) return path;
    } else {
      const inner = failing(field, check, path);
      if (inner !== undefined) return inner;
    }
  }
  return undefined;
}

/** The settings of a run from its run.json. @throws FORMAT naming the field that is wrong */
export function parseSettings(source: string, path: string): RunSettings {
  const value = parseJson(source, path);
  const wrong = failing(value, SETTINGS);
  if (wrong === undefined) return value as RunSettings;
  const what =
    wrong === 'version' ? 'a run of version 1 of the format' : `${wrong} as alfamix simulate writes it`;
  throw new AlfamixError('FORMAT', `expected ${what} in ${path}`, { details: { path, field: wrong } });
}

/** A line of a run. @throws FORMAT when it isn't the series' line of that round */
export function parseLine(
  source: string,
  where: { path: string; round: number; strategy: string; seed: number; settings: RunSettings },
): RoundLine {
  const { path, round, strategy, seed, settings } = where;
  const value = parseJson(source, `${path}, line ${round + 1}`);
  const wrong = failing(value, LINE) ?? outOfPlace(value as RoundLine, round, strategy, seed, settings);
  if (wrong === undefined) return value as RoundLine;
  throw new AlfamixError(
    'FORMAT',
    `${path}, line ${round + 1}: expected ${wrong} of round ${round} of ${describe(strategy)}, seed ${seed}, as alfamix simulate writes it`,
    { details: { path, line: round + 1, field: wrong } },
  );
}

function outOfPlace(
  line: RoundLine,
  round: number,
  strategy: string,
  seed: number,
  { init, budget, rounds, data }: RunSettings,
): string | undefined {
  if (line.round !== round || round > rounds) return 'round';
  if (line.strategy !== strategy) return 'strategy';
  if (line.seed !== seed) return 'seed';
  if (line.labelled !== init + round * budget) return 'labelled';
  const picks = line.query?.picks;
  if ((picks === undefined) !== (round === rounds)) return 'query';
  const counts = [
    line.query?.candidates ?? 0,
    ...(line.query?.candidatesPerCap ?? []).map(({ count }) => count),
  ];
  if (counts.some((count) => count > data.rows)) return 'query.candidates';
  if ((line.query?.filled ?? 0) > budget) return 'query.filled';
  if (picks && (picks.length !== budget || picks.some((row) => row >= data.rows))) return 'query.picks';
  return undefined;
}

function parseJson(source: string, shown: string): unknown {
  try {
    return JSON.parse(source);
  } catch (error) {
    throw new AlfamixError('FORMAT', `expected JSON in ${shown}: ${(error as Error).message}`, {
      cause: error,
    });
  }
}
