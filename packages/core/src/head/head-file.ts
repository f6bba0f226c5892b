import { AlfamixError, describe, expected } from '../errors.js';
import type { WriteOptions } from '../formats/atomic-file.js';
import { elementCount, isFloat, safetensorsDType, showShape } from '../formats/dtype.js';
import {
  readSafetensorsHeader,
  type SafetensorsEntry,
  type SafetensorsHeader,
} from '../formats/safetensors.js';
import { writeSafetensors } from '../formats/safetensors-writer.js';
import { parseSpec, readTensorData, tensorOf } from '../formats/tensor-file.js';
import type { FitReport } from './fit-report.js';

/** What a head file holds, as stored: 1×D stays 1×D. */
export interface HeadFile {
  weight: Float32Array;
  bias: Float32Array | undefined;
  /** Rows and columns of the weight. */
  shape: [number, number];
  classNames: string[] | undefined;
  metadata: Readonly<Record<string, string>>;
}

/**
 * Reads `weight` (C×D) and `bias` (C) of a .safetensors file such as a torch state dict: under their plain names,
 * under the only prefix that holds a two-dimensional weight (`fc.weight`), or under the one named by `#`
 * (`model.safetensors#fc`). Other tensors are ignored.
 *
 * @throws IO, FORMAT, SHAPE_MISMATCH, NON_FINITE; INVALID_ARGUMENT when no weight, or more than one, fits
 */
export async function readHeadFile(spec: string): Promise<HeadFile> {
  const { path, tensor, extension } = parseSpec(spec);
  if (extension !== '.safetensors') {
    throw new AlfamixError('FORMAT', `expected a .safetensors file for the head, got ${describe(path)}`, {
      details: { path },
    });
  }
  const header = await readSafetensorsHeader(path);
  const entry = tensor === undefined ? onlyWeight(header) : namedWeight(header, tensor);
  if (entry.shape.length !== 2 || entry.shape.includes(0)) {
    throw mismatch(
      `expected a weight of classes x dim for ${path}#${entry.name}, got shape ${showShape(entry.shape)}`,
    );
  }
  const [rows, columns] = entry.shape;
  const weight = await readFloat32(header, entry, columns);
  const biasEntry = header.tensors.get(entry.name.replace(/weight$/, 'bias'));
  if (biasEntry && !(biasEntry.shape.length === 1 && biasEntry.shape[0] === rows)) {
    const got = showShape(biasEntry.shape);
    throw mismatch(
      `expected ${rows} values, one a row of the weight, for ${path}#${biasEntry.name}, got shape ${got}`,
    );
  }
  return {
    weight,
    bias: biasEntry && (await readFloat32(header, biasEntry, 1)),
    shape: [rows, columns],
    classNames: parseClassNames(header.metadata.classes, Math.max(rows, 2), path),
    metadata: header.metadata,
  };
}

const isWeight = ({ name }: SafetensorsEntry) => name === 'weight' || name.endsWith('.weight');
const isMatrix = ({ shape, dtype }: SafetensorsEntry) =>
  shape.length === 2 && isFloat(safetensorsDType(dtype));

function onlyWeight(header: SafetensorsHeader): SafetensorsEntry {
  const plain = header.tensors.get('weight');
  if (plain) return plain;
  const all = [...header.tensors.values()];
  const weights = all.filter((entry) => isWeight(entry) && isMatrix(entry));
  if (weights.length === 1) return weights[0];
  const { path } = header;
  const shown = (entries: SafetensorsEntry[]) =>
    entries.length === 0
      ? 'no tensors'
      : entries
          .slice(0, 8)
          .map(({ name, shape }) => `${name} ${showShape(shape)}`)
          .join(', ') + (entries.length > 8 ? ` and ${entries.length - 8} more` : '');
  if (weights.length === 0) {
    throw bad(
      `expected a two-dimensional tensor named weight, or ending in .weight, in ${path}, got ${shown(all)}`,
      path,
    );
  }
  const example = `${path}#${weights[0].name.slice(0, -'.weight'.length)}`;
  throw bad(
    `expected one head in ${path}, got ${shown(weights)}: name its prefix, as in ${example}`,
    path,
    weights.map(({ name }) => name.slice(0, -'.weight'.length)),
  );
}

function namedWeight(header: SafetensorsHeader, tensor: string): SafetensorsEntry {
  const prefix = tensor.replace(/(^|\.)weight$/, '');
  const name = prefix === '' ? 'weight' : `${prefix}.weight`;
  const entry = header.tensors.get(name);
  if (entry) return entry;
  const prefixes = [...header.tensors.values()].filter(isWeight).map(({ name: other }) => other);
  const got = prefixes.length === 0 ? 'no weight at all' : prefixes.slice(0, 8).join(', ');
  throw bad(`expected a tensor ${describe(name)} in ${header.path}, got ${got}`, header.path, prefixes);
}

async function readFloat32(
  header: SafetensorsHeader,
  entry: SafetensorsEntry,
  columns: number,
): Promise<Float32Array> {
  const at = `${header.path}#${entry.name}`;
  if (!isFloat(safetensorsDType(entry.dtype))) {
    throw new AlfamixError('FORMAT', `expected a float type for ${at}, got ${describe(entry.dtype)}`, {
      details: { path: header.path, tensor: entry.name },
    });
  }
  if (elementCount(entry.shape) > 2n ** 31n)
    throw mismatch(`expected at most 2^31 values for ${at}, got more`);
  const stored = await readTensorData(tensorOf(header, entry));
  const data = Float32Array.from(stored);
  const at0 = data.findIndex((value) => !Number.isFinite(value));
  if (at0 >= 0) {
    const row = Math.floor(at0 / columns);
    throw new AlfamixError(
      'NON_FINITE',
      `expected finite float32 values for ${at}, got ${stored[at0]} in row ${row}`,
      {
        details: { path: header.path, tensor: entry.name, row },
      },
    );
  }
  return data;
}

/** Names by a JSON array, or separated by commas. */
function parseClassNames(text: string | undefined, classes: number, path: string): string[] | undefined {
  if (text === undefined) return undefined;
  const names = text.trimStart().startsWith('[')
    ? parseJsonNames(text, path)
    : text.split(',').map((s) => s.trim());
  if (names.length !== classes) {
    throw mismatch(`expected ${classes} names for the metadata classes of ${path}, got ${names.length}`);
  }
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) {
    throw new AlfamixError(
      'FORMAT',
      `expected different names for the metadata classes of ${path}, got ${describe(twice)} twice`,
      { details: { path } },
    );
  }
  return names;
}

function parseJsonNames(text: string, path: string): string[] {
  try {
    const value: unknown = JSON.parse(text);
    if (Array.isArray(value) && value.every((name) => typeof name === 'string' || typeof name === 'number')) {
      return value.map(String);
    }
  } catch {
    // Said below, like every other value that isn't a list of names.
  }
  throw new AlfamixError(
    'FORMAT',
    `expected a JSON array of names for the metadata classes of ${path}, got ${describe(text)}`,
    { details: { path } },
  );
}

function mismatch(message: string): AlfamixError {
  return new AlfamixError('SHAPE_MISMATCH', message);
}

function bad(message: string, path: string, candidates: string[] = []): AlfamixError {
  return new AlfamixError('INVALID_ARGUMENT', message, { details: { path, candidates } });
}

/** What `writeHeadFile` stores. */
export interface HeadToWrite {
  weight: Float32Array;
  bias: Float32Array;
  classes: number;
  dim: number;
  classNames: readonly string[] | undefined;
  fitted: FitReport | undefined;
}

/** Writes a head as .safetensors: class names as a JSON array and the fit's report as JSON in its metadata. */
export async function writeHeadFile(
  path: string,
  head: HeadToWrite,
  options: WriteOptions = {},
): Promise<void> {
  if (typeof path !== 'string' || path === '') throw expected('a path', 'path', path);
  const { weight, bias, classes, dim, classNames, fitted } = head;
  const metadata: Record<string, string> = { format: 'pt' };
  if (classNames) metadata.classes = JSON.stringify(classNames);
  if (fitted) metadata.fit = JSON.stringify(fitted);
  await writeSafetensors(
    path,
    {
      weight: { dtype: 'F32', shape: [classes, dim], data: weight },
      bias: { dtype: 'F32', shape: [classes], data: bias },
    },
    metadata,
    options,
  );
}
