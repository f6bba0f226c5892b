import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { lineChart, type Series, standAlone } from 'alfamix/charts';
import type { Sweep } from './sweeps.js';

const WIDTH = 720;
const HEIGHT = 420;
const COLOURS = [0, 2, 5, 3, 1, 7, 9, 6].map((i) => `var(--k${i})`);
const DASHES = [[], [7, 3], [2, 2], [9, 3, 2, 3], [12, 4], [4, 2]];

/**
 * Writes a sweep as SVG: milliseconds against what grows, both axes logarithmic but for threads.
 * @param names of all contenders of the run: one looks the same in every figure
 * @returns the file
 */
export async function writeFigure(sweep: Sweep, names: readonly string[], folder: string): Promise<string> {
  const file = join(folder, `${sweep.id}.svg`);
  writeFileSync(file, await drawSweep(sweep, names));
  return file;
}

export async function drawSweep(sweep: Sweep, names: readonly string[]): Promise<string> {
  const { title, axis, points, yTitle } = sweep;
  const xs = [...new Set(points.map(({ x }) => x))];
  const series = names
    .filter((name) => points.some(({ contender }) => contender === name))
    .map((name): Series => {
      const own = points.filter(({ contender }) => contender === name).sort((a, b) => a.x - b.x);
      return {
        name,
        style: styleOf(name, names),
        points: own.map(({ x, ms }, round) => ({ round, labelled: x, seeds: 1, mean: ms, std: Number.NaN })),
      };
    });
  const chart = await lineChart({
    series,
    width: WIDTH,
    height: HEIGHT,
    xTitle: axis === 'threads' ? axis : `${axis} (logarithmic)`,
    xLog: axis !== 'threads',
    xValues: xs,
    yTitle: `${yTitle} (logarithmic)`,
    yFormat: '~g',
    bands: false,
    log: true,
    label: `${title}, in milliseconds, by ${series.map(({ name }) => name).join(', ')}`,
  });
  return standAlone({ name: sweep.id, title, charts: [chart] });
}

function styleOf(name: string, names: readonly string[]): Series['style'] {
  const i = names.indexOf(name);
  const own = /^(cpu|cuda) /.test(name);
  return {
    colour: COLOURS[i % COLOURS.length],
    dash: own ? [] : DASHES[1 + (i % (DASHES.length - 1))],
    width: own ? 2.4 : 1.6,
    coloured: true,
  };
}
