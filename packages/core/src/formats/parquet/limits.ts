/**
 * What a file may claim before its claims are refused. A JavaScript array too large for what is left of a thread's heap
 * ends the whole process, in a worker thread too, so no array grows with a claim: only with bytes that were seen.
 */
export const MOST = {
  /** Levels of the schema below its root. */
  depth: 64,
  /** Levels of structures and lists in a Thrift message. */
  nesting: 64,
  /** Values of a page; pages of one run of equal values take a few bytes, whatever their count. */
  pageValues: 2 ** 26,
  /** Distinct values of a dictionary; they are held as JavaScript values. */
  dictionaryValues: 2 ** 22,
  /** Bytes of a page once decompressed; more only where it was at least a thousandth as long before. */
  pageBytes: 2 ** 26,
} as const;

/** What is wrong with a file; becomes FORMAT, with the file's name, where the file's name is known. */
export class Unsound extends Error {}

/** A count or an offset of the file: a safe integer of at least 0. */
export function whole(value: unknown, name: string, most: number = Number.MAX_SAFE_INTEGER): number {
  const number = typeof value === 'bigint' || typeof value === 'number' ? Number(value) : Number.NaN;
  if (Number.isSafeInteger(number) && number >= 0 && number <= most) return number;
  throw new Unsound(`expected a whole number from 0 to ${most} for ${name}, got ${String(value)}`);
}
