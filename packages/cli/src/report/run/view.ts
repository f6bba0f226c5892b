import { mean, type RoundLine, type RunSettings, std } from '@alfamix/core';
import type { FoundRun } from './load-run.js';
import { type StrategyStyle, strategyStyles } from './strategy-style.js';

/** One value of a strategy at one round, over its seeds. */
export interface CurvePoint {
  readonly round: number;
  readonly labelled: number;
  /** Seeds that have it. */
  readonly seeds: number;
  readonly mean: number;
  /** Of the sample; NaN for one seed. */
  readonly std: number;
}

export interface StrategyView {
  readonly name: string;
  readonly style: StrategyStyle;
  readonly lines: readonly RoundLine[];
  /** Accuracy, by round. */
  readonly accuracy: readonly CurvePoint[];
}

/** A run as the report's sections see it. */
export interface RunView {
  readonly settings: RunSettings;
  /** Those that have results, in the order of run.json. */
  readonly strategies: readonly StrategyView[];
  readonly lines: readonly RoundLine[];
  /** The last round that every strategy has reached with some seed. */
  readonly lastRound: number;
  /** What isn't there yet, and what was left out, a sentence each. */
  readonly notes: readonly string[];
}

export function viewOf({ settings, lines, notes }: FoundRun): RunView {
  const found = settings.strategies.flatMap((name) => {
    const own = lines.filter(({ strategy }) => strategy === name);
    return own.length > 0 ? [{ name, lines: own, accuracy: curve(own, ({ accuracy }) => accuracy) }] : [];
  });
  const lastRound = Math.min(...found.map(({ accuracy }) => accuracy.at(-1)!.round));
  const ranked = found
    .map(({ name, accuracy }) => ({ name, value: at(accuracy, lastRound)?.mean ?? 0 }))
    .sort((a, b) => b.value - a.value)
    .map(({ name }) => name);
  const styles = strategyStyles(ranked, settings.strategies);
  const strategies = found.map((strategy) => ({ ...strategy, style: styles.get(strategy.name)! }));
  return { settings, strategies, lines, lastRound, notes: [...missing(settings, lines), ...notes] };
}

/** A value of each round over the seeds that have one. */
export function curve(
  lines: readonly RoundLine[],
  pick: (line: RoundLine) => number | null | undefined,
): CurvePoint[] {
  const rounds = new Map<number, { labelled: number[]; values: number[] }>();
  for (const line of lines) {
    const value = pick(line);
    if (value === null || value === undefined) continue;
    if (!rounds.has(line.round)) rounds.set(line.round, { labelled: [], values: [] });
    rounds.get(line.round)!.labelled.push(line.labelled);
    rounds.get(line.round)!.values.push(value);
  }
  return [...rounds]
    .sort(([a], [b]) => a - b)
    .map(([round, { labelled, values }]) => ({
      round,
      labelled: mean(labelled),
      seeds: values.length,
      mean: mean(values),
      std: std(values),
    }));
}

export const at = (points: readonly CurvePoint[], round: number): CurvePoint | undefined =>
  points.find((point) => point.round === round);

/** What an unfinished run still lacks: strategies not begun, and those whose seeds haven't all reached the end. */
function missing(settings: RunSettings, lines: readonly RoundLine[]): string[] {
  const { strategies, seeds, rounds } = settings;
  const absent: string[] = [];
  const partial: string[] = [];
  for (const name of strategies) {
    const own = lines.filter(({ strategy }) => strategy === name);
    const done = seeds.filter((seed) => own.some((line) => line.seed === seed && line.round === rounds));
    const begun = new Set(own.map(({ seed }) => seed)).size;
    if (begun === 0) absent.push(name);
    else if (done.length < seeds.length)
      partial.push(
        `${name} (${done.length} of ${seeds.length} seeds done${begun > done.length ? `, ${begun - done.length} under way` : ''})`,
      );
  }
  return [
    ...(absent.length > 0 ? [`Not begun: ${absent.join(', ')}.`] : []),
    ...(partial.length > 0
      ? [`Unfinished: ${partial.join(', ')}. Means are over the seeds that have reached the round.`]
      : []),
  ];
}
