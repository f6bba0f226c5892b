/** How the reports draw, for the benchmark's figures: a part of this repository, not of the published interface. */
export { lineChart } from './report/run/line-chart.js';
export type { Series } from './report/run/line-layers.js';
export { standAlone } from './report/run/stand-alone.js';
