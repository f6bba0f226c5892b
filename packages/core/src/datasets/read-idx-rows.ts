import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { AlfamixError } from '../errors.js';
import { ioError } from '../formats/file-io.js';
import { readIdx } from '../formats/idx.js';
import type { LabeledRows } from './dataset.js';

const IMAGES = /^(.*?)[-.]?images[-.]idx3[-.]ubyte(?:\.gz)?$/i;
const LABELS = /^(.*?)[-.]?labels[-.]idx1[-.]ubyte(?:\.gz)?$/i;

/** MNIST's pair of files: images (N × height × width bytes) and labels (N bytes) whose names begin alike. */
export async function readIdxRows(path: string): Promise<LabeledRows> {
  const { folder, prefix } = await locate(path);
  const names = await list(folder);
  const images = only(names, IMAGES, prefix, path, 'images');
  const labels = only(names, LABELS, IMAGES.exec(images)![1], path, 'labels');
  const [pixels, classes] = await Promise.all([readIdx(join(folder, images)), readIdx(join(folder, labels))]);
  const [rows] = pixels.shape;
  if (pixels.shape.length < 2)
    throw bad(join(folder, images), `expected at least 2 dimensions, got ${pixels.shape.length}`);
  if (classes.shape.length !== 1 || classes.shape[0] !== rows) {
    const got = classes.shape.join(' × ');
    throw bad(join(folder, labels), `expected ${rows} labels, one an image of ${images}, got ${got}`);
  }
  const dim = rows === 0 ? 0 : pixels.data.length / rows;
  return { features: Float32Array.from(pixels.data), rows, dim, labels: Array.from(classes.data, String) };
}

/** `DIR`, or `DIR/train`: a prefix of the names in it. */
async function locate(path: string): Promise<{ folder: string; prefix: string | undefined }> {
  const isFolder = await stat(path).then(
    (stats) => stats.isDirectory(),
    () => false,
  );
  return isFolder ? { folder: path, prefix: undefined } : { folder: dirname(path), prefix: basename(path) };
}

async function list(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).sort();
  } catch (error) {
    throw ioError(error, 'read', folder);
  }
}

function only(
  names: readonly string[],
  pattern: RegExp,
  prefix: string | undefined,
  path: string,
  what: string,
): string {
  const found = names.filter((name) => {
    const match = pattern.exec(name);
    return match && (prefix === undefined || match[1] === prefix);
  });
  // The same set, gzipped and not.
  const [first, second] = found;
  if (found.length === 1 || (found.length === 2 && second === `${first}.gz`)) return first;
  throw new AlfamixError(
    'INVALID_ARGUMENT',
    found.length === 0
      ? `expected IDX ${what} (*-${what}-idx${what === 'images' ? 3 : 1}-ubyte, or .gz) in ${path}, found none`
      : `expected one set of IDX ${what} in ${path}, found ${found.join(', ')}: name one, as in idx:${join(path, pattern.exec(first)![1])}`,
    { details: { path, found } },
  );
}

const bad = (path: string, message: string): AlfamixError =>
  new AlfamixError('FORMAT', `${path}: ${message}`, { details: { path } });
