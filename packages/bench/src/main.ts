import { mkdirSync, writeFileSync } from 'node:fs';
import { backendInfo } from '@alfamix/core';
import type { Case } from './cases/case.js';
import { fullCases, quickCases } from './cases/index.js';
import type { Sweep } from './figures/sweeps.js';
import type { MachineRates } from './limits.js';
import { type Options, readOptions, Usage } from './options.js';
import { SharedFolder } from './problem.js';
import { progressLine } from './progress-line.js';
import type { ProductRow } from './protocol.js';
import { caseMarkdown, caseTable, describeMachine, machineLines } from './report.js';
import { type Entrant, entrantsHere, Roster } from './roster.js';
import { type CaseOptions, type CaseResult, runCase } from './run-case.js';

/** Milliseconds of one contender in one case, without --budget. */
const BUDGET = { full: 4000, quick: 500 };
/** Least milliseconds of a turn. */
const TURN = { full: 50, quick: 5 };

/** Returns the exit code: 0, 1 for results that disagree or a contender that died, 2 for a wrong option. */
export async function main(args: readonly string[]): Promise<number> {
  let options: Options;
  try {
    options = readOptions(args, (text) => process.stderr.write(text));
  } catch (error) {
    if (!(error instanceof Usage)) throw error;
    if (error.message) process.stderr.write(`error: ${error.message}\n`);
    return error.exitCode;
  }
  try {
    return await bench(options);
  } catch (error) {
    process.stderr.write(`error: ${(error as Error).message}\n`);
    return error instanceof Usage ? error.exitCode : 1;
  }
}

async function bench(options: Options): Promise<number> {
  if (options.figures !== undefined) mkdirSync(options.figures, { recursive: true });
  const info = await backendInfo();
  const threads = options.threads ?? info.threads;
  const outside = options.peers ? await (await import('./python.js')).pythonPeers(options) : undefined;
  const cases = chooseCases(outside?.cases ?? (options.quick ? quickCases() : fullCases()), options.only);
  // Beside outside peers our default stands for itself; how the levels compare is the plain bench's.
  const here = outside && info.backend !== 'js' ? { ...info, levels: [info.level] } : info;
  const entrants: Entrant[] = [...entrantsHere(here), ...(outside?.entrants ?? [])];
  const roster = new Roster(entrants, threads);
  const folder = new SharedFolder();
  const stop = () => {
    folder.remove();
    process.exit(130);
  };
  process.once('SIGINT', stop);
  const text = options.json === true ? process.stderr : process.stdout;
  try {
    const levels = info.backend === 'js' ? [] : info.levels;
    const rates = await levelRates(roster, levels);
    const products = await productRows(roster, levels);
    const machine = describeMachine(threads, rates, products);
    text.write(`${machineLines(machine)}${info.reason ? `\n${info.reason}` : ''}\n\n`);
    const caseOptions: CaseOptions = {
      threads,
      repeats: options.repeats ?? (options.quick ? 2 : 9),
      turn: options.quick ? TURN.quick : TURN.full,
      budget: options.budget ? 1000 * options.budget : options.quick ? BUDGET.quick : BUDGET.full,
      slow: options.slow || options.quick,
      rateLevel: fastest(rates),
    };
    const results = await runAll(cases, roster, folder, caseOptions, (line) => text.write(line));
    const sweeps =
      options.figures === undefined
        ? []
        : await drawFigures(options.figures, roster, folder, caseOptions, options.quick);
    for (const why of roster.absent.values()) text.write(`without ${why}\n`);
    const versions = Object.fromEntries(roster.versions);
    const report = { machine, versions, cases: results, sweeps, absent: Object.fromEntries(roster.absent) };
    if (options.json === true) process.stdout.write(`${JSON.stringify(report, undefined, 2)}\n`);
    else if (options.json) writeFileSync(options.json, `${JSON.stringify(report, undefined, 2)}\n`);
    if (options.markdown) writeFileSync(options.markdown, `${results.map(caseMarkdown).join('\n')}`);
    return exitCodeOf([...results, ...sweeps]);
  } finally {
    process.off('SIGINT', stop);
    await roster.stop();
    folder.remove();
  }
}

async function runAll(
  cases: readonly Case[],
  roster: Roster,
  folder: SharedFolder,
  options: CaseOptions,
  write: (text: string) => void,
): Promise<CaseResult[]> {
  const results: CaseResult[] = [];
  const line = progressLine(process.stderr);
  for (const [i, one] of cases.entries()) {
    const onProgress = (text: string) => line.show(`${i + 1}/${cases.length} ${one.id}: ${text}`);
    const result = await runCase(one, roster, folder, { ...options, onProgress });
    line.clear();
    results.push(result);
    write(`${caseTable(result)}\n\n`);
  }
  return results;
}

async function drawFigures(
  folder: string,
  roster: Roster,
  shared: SharedFolder,
  options: CaseOptions,
  quick: boolean,
) {
  const { runSweeps } = await import('./figures/sweeps.js');
  const { writeFigure } = await import('./figures/draw.js');
  const line = progressLine(process.stderr);
  const names = roster.entrants.map(({ name }) => name);
  const sweeps: Sweep[] = [];
  for await (const sweep of runSweeps(roster, shared, options, quick, (text) => line.show(text))) {
    line.clear();
    sweeps.push(sweep);
    if (sweep.points.length > 0) process.stderr.write(`${await writeFigure(sweep, names, folder)}\n`);
  }
  return sweeps;
}

/** Slow is no failure; wrong is. */
export const exitCodeOf = (results: readonly { failures: readonly string[] }[]): number =>
  results.some(({ failures }) => failures.length > 0) ? 1 : 0;

function chooseCases(cases: readonly Case[], only: readonly string[]): Case[] {
  const names = cases.map(({ id }) => id);
  const lost = only.find((word) => !names.some((name) => name.includes(word)));
  if (lost !== undefined)
    throw new Usage(2, `expected a part of ${names.join(', ')} for --only, got ${lost}`);
  return cases.filter(({ id }) => only.length === 0 || only.some((word) => id.includes(word)));
}

/** What the machine does at each level, before anything else. */
async function levelRates(roster: Roster, levels: readonly string[]): Promise<Record<string, MachineRates>> {
  const entrant = roster.entrants.filter(({ kind }) => kind === 'cpu').at(-1);
  const peer = entrant && (await roster.get(entrant));
  const rates: Record<string, MachineRates> = {};
  if (peer)
    for (const level of levels)
      rates[level] = await peer.ask({ do: 'rates', level, threads: roster.threads });
  return rates;
}

/** Few columns, as a flip search has them; many; and as many as a k-means panel. */
const PRODUCT_COLUMNS = [20, 100, 1000];

/** Our product beside BLAS's, at each level. */
async function productRows(roster: Roster, levels: readonly string[]): Promise<ProductRow[]> {
  const entrant = roster.entrants.filter(({ kind }) => kind === 'cpu').at(-1);
  const peer = entrant && (await roster.get(entrant));
  const rows: ProductRow[] = [];
  if (!peer) return rows;
  for (const level of levels)
    for (const columns of PRODUCT_COLUMNS) rows.push(await peer.ask({ do: 'product', level, columns }));
  return rows;
}

const fastest = (rates: Record<string, MachineRates>): string | undefined =>
  Object.keys(rates).sort((a, b) => rates[b].multiplyFlops - rates[a].multiplyFlops)[0];
