// The experiments of docs/results.md: `npm run experiment -- NAME` runs one with `alfamix simulate` (or goes on with it) and prints
// its tables in Markdown. `--mnist DIR` is the folder with MNIST's test images as IDX files, `--out DIR` where runs are kept.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import {
  compareWithPublished,
  mean,
  penaltyMatrix,
  quantile,
  readRun,
  std,
} from '../packages/core/dist/index.js';

const CLI = fileURLToPath(new URL('../packages/cli/bin/alfamix.js', import.meta.url));
const PUBLISHED = new URL('../docs/experiments/mnist10k-pytorch.json', import.meta.url);

const seeds = (count) => Array.from({ length: count }, (_, i) => i + 1).join(',');
const PROTOCOL = ['--model', 'mlp', '--init', '100', '--budget', '100', '--rounds', '8'];
const CORE = ['random', 'entropy', 'margin', 'coreset', 'badge'];
const RIVALS = [...CORE, 'least-confidence', 'bald', 'cdal', 'dropquery'];
const OTHERS = ['deepfool:space=head', 'cluster-margin', 'typiclust', 'k-means'];
const DIVERSIFY = ['uniform', 'norm', 'symmetric-kl'].map((how) => `alfa-mix:diversify=${how}`);
const VARIANTS = ['alfa-mix:alpha=random', ...DIVERSIFY];
const WEIGHTED = ['0.1', '0.2'].map(
  (tau) => `alfa-mix:weights=flip-cap${tau === '0.2' ? '' : `:tau=${tau}`}`,
);

const CLUSTERINGS = ['clustering=hartigan', 'clustering=hartigan:nInit=8'].map((how) => `alfa-mix:${how}`);

/** By name: the arguments of `alfamix simulate`, and the tables that are made of its lines. */
const EXPERIMENTS = {
  mnist10k: {
    data: 'mnist',
    args: [
      ...PROTOCOL,
      '--seeds',
      seeds(10),
      '--strategies',
      ['alfa-mix', ...RIVALS, ...OTHERS, ...VARIANTS].join(),
    ],
    tables: [accuracies, beaten, published, choices],
  },
  'mnist10k-slow': {
    data: 'mnist',
    args: [...PROTOCOL, '--seeds', seeds(3), '--strategies', 'alfa-mix,gcn'],
    tables: [accuracies, choices],
  },
  // On a quiet machine: what a query takes.
  'mnist10k-times': {
    data: 'mnist',
    args: [
      ...PROTOCOL,
      '--rounds',
      '2',
      '--seeds',
      '1,2',
      '--strategies',
      ['alfa-mix', ...RIVALS, ...OTHERS, ...VARIANTS, 'alfa-mix:alpha=learned', 'gcn'].join(),
    ],
    tables: [times],
  },
  'mnist10k-alpha': {
    data: 'mnist',
    args: [
      ...PROTOCOL,
      '--rounds',
      '1',
      '--alpha-cap',
      '0.03125',
      '--seeds',
      seeds(10),
      '--strategies',
      'alfa-mix,alfa-mix:alpha=learned,alfa-mix:alpha=random',
    ],
    tables: [firstCaps],
  },
  'mnist10k-beyond': {
    data: 'mnist',
    args: [...PROTOCOL, '--seeds', seeds(20), '--strategies', ['alfa-mix', WEIGHTED[1]].join()],
    tables: [accuracies, againstAlfaMix],
  },
  'mnist10k-inertia': {
    data: 'mnist',
    args: [...PROTOCOL, '--seeds', seeds(20), '--strategies', ['alfa-mix', ...CLUSTERINGS].join()],
    tables: [accuracies, againstAlfaMix, choices],
  },
  digits: {
    data: 'digits',
    args: [...PROTOCOL, '--seeds', seeds(10), '--strategies', ['alfa-mix', ...CORE].join()],
    tables: [accuracies, beaten, choices],
  },
  'digits-beyond': {
    data: 'digits',
    args: [
      ...PROTOCOL,
      '--init',
      '40',
      '--budget',
      '40',
      '--seeds',
      seeds(20),
      '--strategies',
      ['alfa-mix', ...WEIGHTED].join(),
    ],
    tables: [accuracies, againstAlfaMix],
  },
  'digits-inertia': {
    data: 'digits',
    args: [
      ...PROTOCOL,
      '--init',
      '40',
      '--budget',
      '40',
      '--seeds',
      seeds(20),
      '--strategies',
      ['alfa-mix', ...CLUSTERINGS].join(),
    ],
    tables: [accuracies, againstAlfaMix, choices],
  },
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    mnist: { type: 'string' },
    out: { type: 'string', default: 'runs' },
    jobs: { type: 'string' },
    tf: { type: 'string' },
    tables: { type: 'boolean' },
  },
});
const [name] = positionals;
const experiment = Object.hasOwn(EXPERIMENTS, name ?? '') ? EXPERIMENTS[name] : undefined;
if (!experiment || positionals.length !== 1)
  fail(`expected one of ${Object.keys(EXPERIMENTS).join(', ')}, got ${name ?? 'nothing'}`);
const folder = join(values.out, name);
if (!values.tables) run();
const found = await readRun(folder);
for (const table of experiment.tables) console.log(table(found));

function run() {
  const args = ['simulate', ...dataArgs(), ...experiment.args, '--out', folder];
  for (const option of ['jobs', 'tf']) if (values[option]) args.push(`--${option}`, values[option]);
  const { status } = spawnSync(process.execPath, [CLI, ...args], { stdio: ['ignore', 'ignore', 'inherit'] });
  if (status !== 0) process.exit(status ?? 1);
}

function dataArgs() {
  if (experiment.data === 'digits') return ['--data', 'digits'];
  if (!values.mnist) fail('expected --mnist DIR, a folder with t10k-images-idx3-ubyte(.gz) and its labels');
  return ['--data', `idx:${values.mnist}[0:8000]`, '--test', `idx:${values.mnist}[8000:10000]`];
}

function fail(message) {
  console.error(`experiments: ${message}`);
  process.exit(2);
}

/** Accuracies in % of a strategy after a round, one a seed. */
function percents({ lines }, strategy, round) {
  const own = lines.filter((line) => line.strategy === strategy && line.round === round);
  return own.map(({ accuracy }) => 100 * accuracy);
}

/** One row a strategy; none where there is nothing to tell. */
function ofStrategy(run, row) {
  return namesIn(run).map(row).filter(Boolean);
}

/** The strategies that have at least two seeds after every round. */
function namesIn(run) {
  const { rounds, strategies } = run.settings;
  return strategies.filter((strategy) => percents(run, strategy, rounds).length >= 2);
}

function markdown(title, header, rows) {
  const line = (cells) => `| ${cells.join(' | ')} |`;
  return [`\n${title}\n`, line(header), line(header.map(() => '---')), ...rows.map(line)].join('\n');
}

function accuracies(run) {
  const { settings } = run;
  const rounds = Array.from({ length: settings.rounds + 1 }, (_, round) => round).filter(
    (round) => round === 0 || round === 1 || round === 3 || round === 5 || round === settings.rounds,
  );
  const rows = ofStrategy(run, (strategy) => {
    const cells = rounds.map((round) => percents(run, strategy, round));
    if (cells.some((cell) => cell.length < 2)) return undefined;
    return [
      `\`${strategy}\``,
      ...cells.map((cell) => `${mean(cell).toFixed(1)} ± ${std(cell).toFixed(1)}`),
      String(cells[0].length),
    ];
  });
  const labelled = rounds.map((round) => String(settings.init + round * settings.budget));
  return markdown(
    'Accuracy in % (mean ± sample std) after so many labels:',
    ['strategy', ...labelled, 'seeds'],
    rows,
  );
}

/** How often each strategy is beaten by the others, and beats them: rows and columns of the penalty matrices. */
function beaten(run) {
  const names = namesIn(run).filter((strategy) => !strategy.startsWith('alfa-mix:'));
  const rows = names.map((strategy) => {
    const cells = ['paper', 'corrected'].flatMap((mode) => {
      const { shares, penalty } = penaltyMatrix(names, run.lines, mode);
      const i = names.indexOf(strategy);
      const won = mean(shares[i].filter((share) => !Number.isNaN(share)));
      return [won.toFixed(2), penalty[i].toFixed(2)];
    });
    return [`\`${strategy}\``, ...cells];
  });
  rows.sort((a, b) => Number(a[2]) - Number(b[2]));
  return markdown(
    'Share of the (other strategy, round) pairs won and lost on the same seeds:',
    ['strategy', 'won, as the papers', 'lost', 'won, Holm', 'lost'],
    rows,
  );
}

/** Ours and the PyTorch run's, Welch's t with Holm over all points. */
function published(run) {
  const { labelled, seeds: n, accuracy } = JSON.parse(readFileSync(PUBLISHED, 'utf8'));
  const { init, budget } = run.settings;
  const points = Object.entries(accuracy).flatMap(([strategy, summaries]) =>
    summaries.map(([center, spread], i) => {
      const own = percents(run, strategy, (labelled[i] - init) / budget);
      return {
        strategy,
        labels: labelled[i],
        ours: { mean: mean(own), std: std(own), n: own.length },
        theirs: { mean: center, std: spread, n },
      };
    }),
  );
  const tests = compareWithPublished(points);
  const rows = points.map(({ strategy, labels, ours, theirs }, i) => [
    strategy,
    String(labels),
    ...[ours, theirs].map((side) => `${side.mean.toFixed(1)} ± ${side.std.toFixed(1)}`),
    tests[i].t.toFixed(2),
    tests[i].p.toFixed(3),
    tests[i].adjusted.toFixed(3),
  ]);
  return markdown(
    `Against the PyTorch run (${n} seeds), Welch's t, Holm over ${points.length} points; rejected at 0.05: ${tests.filter(({ adjusted }) => adjusted < 0.05).length}.`,
    ['strategy', 'labels', 'ours', 'PyTorch', 't', 'p', 'Holm'],
    rows,
  );
}

/** Seconds of a query: embedding the pool is the same for all, so one median over all lines. */
function times(run) {
  const median = (values) => quantile(values, 0.5);
  const queries = run.lines.filter(({ query }) => query);
  const embed = median(queries.map(({ stages }) => stages.embed));
  const selecting = (strategy) =>
    median(queries.filter((line) => line.strategy === strategy).map(({ stages }) => stages.select));
  const base = embed + selecting('entropy');
  const rows = ofStrategy(run, (strategy) => {
    const select = selecting(strategy);
    return [
      `\`${strategy}\``,
      select.toFixed(3),
      (embed + select).toFixed(2),
      ((embed + select) / base).toFixed(2),
    ];
  });
  return markdown(
    `Seconds of a query, medians; embedding the pool takes ${embed.toFixed(2)} of them:`,
    ['strategy', 'selecting', 'query', "entropy's query = 1"],
    rows,
  );
}

/** What was picked. */
function choices(run) {
  const rows = ofStrategy(run, (strategy) => {
    const queries = run.lines
      .filter((line) => line.strategy === strategy && line.query)
      .map(({ query }) => query);
    if (queries.length === 0) return undefined;
    const candidates = queries.map(({ candidates: count }) => count).filter((count) => count !== null);
    const caps = queries.map(({ capUsed }) => capUsed).filter((cap) => cap !== null);
    return [
      `\`${strategy}\``,
      `${(100 * mean(queries.map(({ misclassified }) => misclassified))).toFixed(1)} %`,
      mean(queries.map(({ diversity }) => diversity)).toFixed(3),
      candidates.length > 0 ? mean(candidates).toFixed(0) : '',
      caps.length > 0 ? mean(caps).toFixed(3) : '',
      mean(queries.map(({ filled }) => filled)).toFixed(1),
    ];
  });
  return markdown(
    'Picks, means over queries: share that the model got wrong, mean distance of two picks (unit embeddings), candidates, cap used, filled at random:',
    ['strategy', 'wrong', 'distance', 'candidates', 'cap', 'filled'],
    rows,
  );
}

/** Candidates of the first query, where every variant has the same model, at the first cap. */
function firstCaps(run) {
  const rows = ofStrategy(run, (strategy) => {
    const counts = run.lines
      .filter((line) => line.strategy === strategy && line.round === 0)
      .map(({ query }) => query.candidatesPerCap[0]);
    if (counts.length < 2) return undefined;
    const values = counts.map(({ count }) => count);
    return [
      `\`${strategy}\``,
      String(counts[0].cap),
      `${mean(values).toFixed(0)} ± ${std(values).toFixed(0)}`,
      String(values.length),
    ];
  });
  return markdown(
    'Rows of the pool whose prediction changes, in the first query (the same model for all), at the first cap:',
    ['strategy', 'cap', 'candidates', 'seeds'],
    rows,
  );
}

/** Paired differences to alfa-mix. */
function againstAlfaMix(run) {
  const names = namesIn(run).filter((strategy) => strategy !== 'alfa-mix');
  const { tests } = penaltyMatrix(['alfa-mix', ...names], run.lines, 'corrected');
  const rows = names.map((strategy) => {
    const differences = Array.from({ length: run.settings.rounds }, (_, i) => {
      const [own, base] = [strategy, 'alfa-mix'].map((each) => percents(run, each, i + 1));
      const count = Math.min(own.length, base.length);
      return mean(Array.from({ length: count }, (_value, seed) => own[seed] - base[seed]));
    });
    const paired = tests.filter(({ a, b }) => a === 0 && b === names.indexOf(strategy) + 1);
    const significant = paired.filter(({ winner }) => winner !== undefined).length;
    return [
      `\`${strategy}\``,
      ...differences.map((value) => `${value >= 0 ? '+' : ''}${value.toFixed(2)}`),
      `${significant} of ${paired.length}`,
    ];
  });
  const labelled = Array.from({ length: run.settings.rounds }, (_, i) =>
    String(run.settings.init + (i + 1) * run.settings.budget),
  );
  return markdown(
    'Percentage points more than `alfa-mix`, on the same seeds, after so many labels; the last column counts the rounds that differ (paired t, Holm over all pairs and rounds, 0.05):',
    ['strategy', ...labelled, 'differ'],
    rows,
  );
}
