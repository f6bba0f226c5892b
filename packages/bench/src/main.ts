import { backendInfo } from '@alfamix/core';
import { benchFlipSearch, benchScore } from './flip-search.js';
import { benchKMeans } from './kmeans.js';
import { machine, table } from './report.js';

const usage = `Usage: npm run bench -- [--quick] [--json]

Times the kernels against each other and against ml-kmeans on the same data, after comparing their results.
--quick takes smaller data (under a minute); --json prints rows and machine as JSON.`;

/** Returns the exit code: 0, 1 for results that disagree, 2 for a wrong option. */
export async function main(args: readonly string[]): Promise<number> {
  const unknown = args.find((arg) => !['--quick', '--json', '--help'].includes(arg));
  if (unknown !== undefined || args.includes('--help')) {
    (unknown ? process.stderr : process.stdout).write(
      `${unknown ? `unknown option ${unknown}\n` : ''}${usage}\n`,
    );
    return unknown ? 2 : 0;
  }
  const quick = args.includes('--quick');
  const info = await backendInfo();
  const levels = info.backend === 'cpu' ? info.levels : [];
  try {
    const scored = await benchScore(quick ? 10_000 : 50_000, quick ? 3 : 15);
    const rows = [
      scored.row,
      ...(await benchFlipSearch(quick ? 10_000 : 50_000, levels, quick ? 3 : 9)),
      ...(await benchKMeans(quick ? 2000 : 20_000, quick ? 50 : 200, levels, 3)),
    ];
    if (args.includes('--json')) {
      console.log(JSON.stringify({ machine: machine(), extraBytes: scored.extraBytes, rows }, null, 2));
    } else {
      const { cpu, cores, node, platform } = machine();
      console.log(
        `${cpu}, ${cores} cores, ${platform}, Node ${node}${info.reason ? `; ${info.reason}` : ''}\n`,
      );
      console.log(table(rows));
      console.log(`\nscore(): ${(scored.extraBytes / 1e6).toFixed(1)} MB beyond the pool and the outputs`);
    }
    return 0;
  } catch (error) {
    console.error(`results disagree or a run failed: ${error instanceof Error ? error.message : error}`);
    return 1;
  }
}
