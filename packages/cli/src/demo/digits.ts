import { readFileSync } from 'node:fs';

const DATA = new URL('../../data/', import.meta.url);

/** Paths of the bundled files, for the manifest. */
export const DIGIT_FILES = {
  digits: new URL('digits.csv', DATA),
  split: new URL('digits-split.csv', DATA),
} as const;

export const DIGIT_DIM = 64;
export const DIGIT_NAMES: readonly string[] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'];
/** Pixels are 0 … 16. */
const FULL_INK = 16;

/** One part of the digits. */
export interface DigitPart {
  /** Rows × 64, 0 … 1. */
  readonly pixels: Float32Array;
  readonly labels: Int32Array;
  readonly rows: number;
  /** The row of digits.csv each came from. */
  readonly origin: readonly number[];
}

/** The digits in their three parts. */
export interface Digits {
  readonly pool: DigitPart;
  readonly labelled: DigitPart;
  readonly test: DigitPart;
}

/**
 * The bundled digits.
 *
 * @param split text of a split file; default: the bundled one (see data/README.md)
 */
export function loadDigits(split = readFileSync(DIGIT_FILES.split, 'utf8')): Digits {
  const digits = lines(readFileSync(DIGIT_FILES.digits, 'utf8')).map((line) => line.split(',').map(Number));
  const parts = lines(split).map((line) => line.split(',')[1]);
  const take = (name: string): DigitPart => {
    const origin = parts.flatMap((part, row) => (part === name ? [row] : []));
    const pixels = new Float32Array(origin.length * DIGIT_DIM);
    origin.forEach((row, i) => {
      for (let j = 0; j < DIGIT_DIM; j++) pixels[i * DIGIT_DIM + j] = digits[row][j] / FULL_INK;
    });
    return {
      pixels,
      labels: Int32Array.from(origin, (row) => digits[row][DIGIT_DIM]),
      rows: origin.length,
      origin,
    };
  };
  return { pool: take('pool'), labelled: take('labelled'), test: take('test') };
}

/** The image at a row. */
export function digitPixels(part: DigitPart, row: number): Float32Array {
  return part.pixels.subarray(row * DIGIT_DIM, (row + 1) * DIGIT_DIM);
}

/** The lines below the header. */
const lines = (text: string): string[] => text.trim().split('\n').slice(1);
