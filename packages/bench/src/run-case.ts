import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Compare } from './agreement.js';
import type { Case, Peer } from './cases/case.js';
import { bestRates, type Limit, limitOf, type MachineRates } from './limits.js';
import type { PeerProcess } from './peer-process.js';
import { type Outputs, type Problem, readOutputs, type SharedFolder } from './problem.js';
import type { Entrant, Roster } from './roster.js';
import { interleave, type Timing } from './timing.js';

/** Kinds that are our own kernels. */
const OWN_KINDS: ReadonlySet<string> = new Set(['js', 'cpu']);
/** Kinds that get `few` rows. */
const SLOW_KINDS: ReadonlySet<string> = new Set(['js', 'tfjs']);

export interface Row {
  contender: string;
  /** Rows that it got. */
  rows: number;
  /** Milliseconds of a run; a turn counts as one, by its median. */
  ms: Timing;
  /** Milliseconds of what is compared: a row, a pass or a run. */
  unitMs: number;
  /** Of the machine's limit for this work, 0 … 1; above 1 where a kernel leaves work out. */
  share?: number;
  /** Beside the time: inertia, iterations. */
  numbers: Record<string, number | boolean>;
  extraBytes?: number;
  /** Does a part of the work, or another computation: its result isn't compared. */
  bare?: boolean;
}

export interface CaseResult {
  id: string;
  title: string;
  metric: Case['metric'];
  /** Of all rows. */
  limit?: Limit;
  rates?: MachineRates;
  rows: Row[];
  /** Wrong results and peers that died: each makes the bench fail. */
  failures: string[];
  /** Who took no part, and why. */
  skipped: string[];
}

export interface CaseOptions {
  threads: number;
  repeats: number;
  /** Least milliseconds of a contender's turn: a short run alone would be timed while caches and threads still wake. */
  turn: number;
  /** Milliseconds that a contender may take in a case. */
  budget: number;
  slow: boolean;
  /** Level of the machine's rates: that of the addon in use; undefined without one. */
  rateLevel?: string;
  onProgress?: (text: string) => void;
}

interface Warm {
  entrant: Entrant;
  peer: PeerProcess;
  rows: number;
  ms: number;
  outputs: Outputs | undefined;
  bare: boolean;
}

/** Runs one case with everybody who can: results first, then times in turns, then what share of the machine they reach. */
export async function runCase(
  one: Case,
  roster: Roster,
  folder: SharedFolder,
  options: CaseOptions,
): Promise<CaseResult> {
  const result: CaseResult = {
    id: one.id,
    title: one.title,
    metric: one.metric,
    rows: [],
    failures: [],
    skipped: [],
  };
  options.onProgress?.('making the data');
  const problem = one.problem(folder);
  const entered = await enter(one, roster, options, result);
  const warm = await warmUp(one, entered, problem, folder, roster, options, result);
  const agreed = compareAll(warm, problem, one.compare(folder), result);
  const machine = await machineRates(roster, options);
  const timings = await interleave(
    agreed.map(({ entrant, peer }) => ({
      name: entrant.name,
      run: async () => (await peer.ask({ do: 'run', atLeast: options.turn })).ms,
    })),
    agreed.map(({ ms }) => ms),
    {
      repeats: options.repeats,
      budget: options.budget,
      eachRound: machine.measure,
      onRun: (name, round, rounds) => options.onProgress?.(`run ${round + 1} of ${rounds}: ${name}`),
    },
  );
  if (machine.rates.length > 0) {
    result.rates = bestRates(machine.rates);
    if (one.work) result.limit = limitOf(one.work(problem.args.rows), result.rates);
  }
  for (const [i, timing] of timings.entries()) {
    const { entrant, peer } = agreed[i];
    if (timing instanceof Error) {
      result.failures.push(timing.message);
      await roster.drop(entrant.name);
      continue;
    }
    const row = toRow(one, agreed[i], timing, result.rates);
    if (one.memory && entrant.kind === 'cpu') row.extraBytes = (await peer.ask({ do: 'memory' })).extraBytes;
    result.rows.push(row);
  }
  return result;
}

interface Entered {
  entrant: Entrant;
  peer: PeerProcess;
  few?: number;
  bare: boolean;
}

async function enter(
  one: Case,
  roster: Roster,
  options: CaseOptions,
  result: CaseResult,
): Promise<Entered[]> {
  const entered: Entered[] = [];
  for (const entrant of roster.entrants) {
    const python: Peer | undefined = one.peers?.find(({ name }) => name === entrant.name);
    if (entrant.kind === 'python' ? !python : !one.kinds.includes(entrant.kind)) continue;
    const slow = entrant.kind === 'python' ? python?.slow : one.slow?.includes(entrant.kind);
    if (slow && !options.slow) {
      result.skipped.push(`${entrant.name}: takes minutes; --slow runs it`);
      continue;
    }
    const peer = await roster.get(entrant);
    if (peer) {
      const few =
        entrant.kind === 'python' ? python?.few : SLOW_KINDS.has(entrant.kind) ? one.few : undefined;
      entered.push({ entrant, peer, few, bare: python?.bare ?? false });
    }
  }
  return entered;
}

/** One run of each, whose results are read. */
async function warmUp(
  one: Case,
  entered: readonly Entered[],
  problem: Problem,
  folder: SharedFolder,
  roster: Roster,
  { threads, onProgress }: CaseOptions,
  result: CaseResult,
): Promise<Warm[]> {
  const warm: Warm[] = [];
  for (const [i, { entrant, peer, few, bare }] of entered.entries()) {
    onProgress?.(`first run: ${entrant.name}`);
    const rows = Math.min(few ?? problem.args.rows, problem.args.rows);
    try {
      await peer.ask({ do: 'prepare', problem, rows, threads });
      const { ms } = await peer.ask({ do: 'run', atLeast: 0 });
      const shared = bare
        ? undefined
        : await peer.ask({ do: 'outputs', prefix: join(folder.path, `out-${i}`) });
      const outputs = shared && { ...readOutputs(shared), outside: !OWN_KINDS.has(entrant.kind) };
      for (const { file } of Object.values(shared?.arrays ?? {})) rmSync(file, { force: true });
      warm.push({ entrant, peer, rows, ms, outputs, bare });
    } catch (error) {
      result.failures.push(`${one.id}: ${(error as Error).message}`);
      await roster.drop(entrant.name);
    }
  }
  return warm;
}

/**
 * Those whose results agree with the reference's: the first, the TypeScript twin where it takes part; and, where that
 * had fewer rows, with the first that had all.
 */
function compareAll(warm: readonly Warm[], problem: Problem, compare: Compare, result: CaseResult): Warm[] {
  const candidates = warm.filter(({ bare }) => !bare);
  const reference =
    candidates.find(({ entrant }) => entrant.kind === 'js') ??
    candidates.find(({ entrant }) => entrant.kind === 'cpu') ??
    candidates[0];
  const whole = candidates.find(({ rows, entrant }) => rows === problem.args.rows && entrant.kind === 'cpu');
  return warm.filter((one) => {
    if (one.bare) return true;
    const differ = [reference, whole].flatMap((other) => {
      const difference =
        other &&
        (differentSizes(other, one) ??
          compare(other.outputs!, one.outputs!, { ...problem, args: { ...problem.args, rows: one.rows } }));
      return difference
        ? [`${result.id}: ${one.entrant.name} disagrees with ${other.entrant.name}: ${difference}`]
        : [];
    });
    result.failures.push(...differ.slice(0, 1));
    return differ.length === 0;
  });
}

/** Results are as long as the rows that each had: what one of them lacks would go uncompared. */
function differentSizes(expected: Warm, found: Warm): string | undefined {
  for (const [name, { length }] of Object.entries(found.outputs!.arrays)) {
    const other = expected.outputs!.arrays[name];
    if (!other || length * expected.rows === other.length * found.rows) continue;
    return `expected ${(other.length * found.rows) / expected.rows} values of ${name}, got ${length}`;
  }
  return undefined;
}

/** Asks the addon's fastest process for the machine's rates, once a round. */
async function machineRates(roster: Roster, { rateLevel, threads }: CaseOptions) {
  const rates: MachineRates[] = [];
  const entrant = roster.entrants.filter(({ kind }) => kind === 'cpu').at(-1);
  const peer = rateLevel !== undefined && entrant ? await roster.get(entrant) : undefined;
  const measure = async () => {
    if (peer && rateLevel !== undefined)
      rates.push(await peer.ask({ do: 'rates', level: rateLevel, threads }));
  };
  return { rates, measure };
}

function toRow(
  one: Case,
  { entrant, rows, outputs, bare }: Warm,
  ms: Timing,
  rates: MachineRates | undefined,
): Row {
  const numbers = Object.fromEntries(
    Object.entries(outputs?.numbers ?? {}).filter(([name]) => name !== 'plain' && name !== 'ownStream'),
  );
  const passes = Number(numbers.iterations ?? 0) + 1;
  const parts = one.metric === 'rate' ? rows : one.metric === 'pass' ? passes : 1;
  const unitMs = ms.median / parts;
  const row: Row = { contender: entrant.name, rows, ms, unitMs, numbers, ...(bare && { bare }) };
  if (one.work && rates && !bare) {
    const limit = limitOf(one.work(rows), rates).ms / (one.metric === 'pass' ? 1 : parts);
    row.share = limit / unitMs;
  }
  return row;
}
