import { mean, type SimulateResult, std } from '@alfamix/core';
import { formatTable } from '../terminal/format.js';

export interface StrategySummary {
  strategy: string;
  /** By round: mean and standard deviation (of a sample) over the seeds, and how many they are. */
  rounds: { labelled: number; mean: number; std: number | null; seeds: number }[];
  /** Mean seconds of a query: embedding the pool and selecting. */
  querySeconds: number | null;
}

export interface RunSummary {
  strategies: StrategySummary[];
}

/** Accuracies by strategy and round. */
export function summarize({ settings, lines }: Pick<SimulateResult, 'settings' | 'lines'>): RunSummary {
  const names = settings.strategies.filter((name) => lines.some(({ strategy }) => strategy === name));
  const strategies = names.map((strategy): StrategySummary => {
    const own = lines.filter((line) => line.strategy === strategy);
    const queries = own.filter(({ query }) => query).map(({ stages }) => stages.embed + stages.select);
    const rounds = Array.from({ length: settings.rounds + 1 }, (_, round) => {
      const accuracies = own.filter((line) => line.round === round).map(({ accuracy }) => accuracy);
      return {
        labelled: settings.init + round * settings.budget,
        mean: mean(accuracies),
        std: accuracies.length > 1 ? std(accuracies) : null,
        seeds: accuracies.length,
      };
    });
    return { strategy, rounds, querySeconds: queries.length > 0 ? mean(queries) : null };
  });
  return { strategies };
}

/** The summary as text: a table of some rounds, the first, middle and last. */
export function describeRun(
  { strategies }: RunSummary,
  { found, made, out, backend }: { found: number; made: number; out: string; backend: string },
): string {
  const last = strategies[0].rounds.length - 1;
  const shown = [...new Set([0, Math.ceil(last / 4), Math.ceil(last / 2), last])];
  const percent = (value: number) => (100 * value).toFixed(1);
  const cells = strategies.map(({ strategy, rounds, querySeconds }) => [
    strategy,
    ...shown.map((round) => {
      const { mean: center, std } = rounds[round];
      return percent(center) + (std === null ? '' : ` ± ${percent(std)}`);
    }),
    querySeconds === null ? '' : `${querySeconds.toFixed(2)} s`,
  ]);
  const header = [
    '% right after',
    ...shown.map((round) => `${strategies[0].rounds[round].labelled}`),
    'query',
  ];
  const { seeds } = strategies[0].rounds[last];
  const counted = `${made} line${made === 1 ? '' : 's'} made${found > 0 ? `, ${found} were there` : ''}`;
  return [
    formatTable(header, cells),
    '',
    `${counted}; ${seeds} seed${seeds === 1 ? '' : 's'}; ${backend}`,
    `alfamix report ${out} draws them`,
    out,
  ].join('\n');
}
