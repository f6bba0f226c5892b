import { mkdirSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { AlfamixError, assertWritable, writeFileAtomic } from '@alfamix/core';
import type { ReportOptions } from '../../commands/report.js';
import type { Session } from '../../session.js';
import { formatFacts } from '../../terminal/summary.js';
import { html } from '../html.js';
import { ablationSection } from './ablation-section.js';
import { candidatesSection } from './candidates-section.js';
import { curvesSection } from './curves-section.js';
import { loadRun } from './load-run.js';
import { mapSection } from './map-section.js';
import { matricesOf, matrixSection } from './matrix-section.js';
import { runPage } from './page.js';
import { pngMaker } from './png.js';
import type { Figure, Section } from './section.js';
import { standAlone } from './stand-alone.js';
import { jsonOf, leadOf, settingRows, tilesOf, titleOf } from './summary.js';
import { tableSection } from './table-section.js';
import { timeSection } from './time-section.js';
import { type RunView, viewOf } from './view.js';

/** Reads a run folder and writes its report and figures. */
export async function writeReport(dir: string, options: ReportOptions, session: Session): Promise<void> {
  const view = viewOf(await session.timed('read', () => loadRun(dir)));
  const report = resolve(options.out ?? join(dir, 'report.html'));
  const folder = resolve(options.figures ?? join(dirname(report), 'figures'));
  assertWritable(report);
  makeFolder(folder);
  const matrices = matricesOf(view);
  const sections = await session.timed('draw', () => sectionsOf(view, matrices, options.seed, session));
  const figures = sections.flatMap((section) => section.figures);
  const page = runPage({
    title: titleOf(view),
    lead: leadOf(view),
    tiles: tilesOf(view),
    notes: view.notes,
    sections,
    settings: settingRows(view.settings),
    footer: html`Figures as SVG and PNG: ${basename(folder)}/. Penalty matrices: J. Ash et al., Deep Batch Active Learning by Diverse, Uncertain Gradient Lower Bounds (BADGE), ICLR 2020, and A. Parvaneh et al., Active Learning by Feature Mixing (ALFA-Mix), CVPR 2022. Correction: S. Holm, Scandinavian Journal of Statistics 6, 1979. Map: L. McInnes, J. Healy and J. Melville, UMAP, 2018.`,
  });
  const { files, notes } = await session.timed('write', async () => {
    const written = await writeFigures(folder, figures, options.png, session);
    await writeFileAtomic(report, (append) => append(page));
    return written;
  });
  const all = [...view.notes, ...notes];
  session.print(
    {
      command: 'report',
      run: resolve(dir),
      report,
      figures: files,
      ...jsonOf({ ...view, notes: all }, matrices),
      timings: session.finish(),
    },
    [
      formatFacts([
        ['strategies', view.strategies.map(({ name }) => name).join(', ')],
        ['figures', `${files.length} files in ${folder}`],
        ...all.map((text): [string, string] => ['note', text]),
      ]),
      report,
    ].join('\n\n'),
  );
}

async function sectionsOf(
  view: RunView,
  matrices: ReturnType<typeof matricesOf>,
  seed: number,
  session: Session,
): Promise<Section[]> {
  const makers: (() => Section | undefined | Promise<Section | undefined>)[] = [
    () => curvesSection(view),
    () => matrixSection(view, matrices),
    () => tableSection(view),
    () => timeSection(view),
    () => candidatesSection(view),
    () => mapSection(view, seed, session),
    () => ablationSection(view),
  ];
  const sections: Section[] = [];
  for (const [done, make] of makers.entries()) {
    session.signal.throwIfAborted();
    session.progress('draw', done, makers.length);
    const section = await make();
    if (section) sections.push(section);
  }
  return sections;
}

/** @returns the files, and what couldn't be written, a sentence each */
async function writeFigures(
  folder: string,
  figures: readonly Figure[],
  png: boolean,
  session: Session,
): Promise<{ files: string[]; notes: string[] }> {
  const maker = png ? await pngMaker() : undefined;
  const files: string[] = [];
  const write = async (name: string, content: string | Uint8Array) => {
    const path = join(folder, name);
    await writeFileAtomic(path, (append) => append(content));
    files.push(path);
  };
  for (const [done, one] of figures.entries()) {
    session.signal.throwIfAborted();
    session.progress('write', done, figures.length);
    const svg = standAlone(one);
    await write(`${one.name}.svg`, svg);
    if (maker && 'render' in maker) await write(`${one.name}.png`, maker.render(svg));
  }
  const notes = maker && 'why' in maker ? [`No PNG figures: ${maker.why}.`] : [];
  return { files, notes };
}

function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true });
  } catch (error) {
    throw new AlfamixError('IO', `can't make the folder ${folder}: ${(error as Error).message}`, {
      cause: error,
    });
  }
  assertWritable(join(folder, 'learning-curves.svg'));
}
