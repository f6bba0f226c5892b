import type { Kernels } from '@alfamix/core';

/** What a call gives, by name; a single number as an array of one. */
export type Numbers = Readonly<Record<string, ArrayLike<number>>>;

/** How far a number may lie from what is expected, by name; without an entry not at all. */
export type Allowed = Readonly<Record<string, (expected: number, index: number) => number>>;

/** A call of a kernel and what it must give. */
export interface NumbersCheck {
  /** The kernel, and on what. */
  name: string;
  run(kernels: Kernels): Promise<Numbers>;
  expected: Numbers;
  allowed?: Allowed;
}

/**
 * Runs a check.
 * @returns the first number that is wrong, a sentence; undefined when none is
 */
export async function wrongNumber(
  { name, run, expected, allowed = {} }: NumbersCheck,
  kernels: Kernels,
): Promise<string | undefined> {
  const found = await run(kernels);
  for (const [field, values] of Object.entries(expected)) {
    const got = found[field];
    if (got.length !== values.length)
      return `${name}: expected ${values.length} numbers for ${field}, got ${got.length}`;
    for (let i = 0; i < values.length; i++) {
      // NaN is near nothing, infinity only itself.
      const near =
        got[i] === values[i] || Math.abs(got[i] - values[i]) <= (allowed[field]?.(values[i], i) ?? 0);
      if (!near) return `${name}: expected ${values[i]} for ${field}[${i}], got ${got[i]}`;
    }
  }
  return undefined;
}

/** The bands of docs/flip-search.md. */
export const FLIP_BANDS: Allowed = {
  confidence: () => 2e-5,
  margin: () => 2e-5,
  entropy: () => 2e-5,
  flipCap: (cap) => 1e-5 + 1e-4 * cap,
};

/** Errors of the parts of a row together: `share` of the row's norm. */
export function shareOfNorm(rows: ArrayLike<number>, dim: number, share: number): Allowed[string] {
  const norms = Array.from({ length: rows.length / dim }, (_, i) =>
    Math.hypot(...Array.prototype.slice.call(rows, i * dim, (i + 1) * dim)),
  );
  return (_, index) => share * norms[Math.floor(index / dim)];
}
