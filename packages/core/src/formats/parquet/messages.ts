import type { ErrorCode } from '../../errors.js';
import type { CsvRecord } from '../csv.js';

/** What a reading thread is asked for; after each reply that isn't `end` or `error` it waits for `next`. */
export type Request =
  | { readonly kind: 'matrix'; readonly path: string; readonly columns: string | undefined }
  | { readonly kind: 'records'; readonly path: string; readonly columns: readonly string[] | undefined }
  | { readonly kind: 'next' };

export type Reply =
  | { readonly kind: 'ids'; readonly ids: readonly string[] }
  | {
      readonly kind: 'matrix';
      readonly rows: number;
      readonly dim: number;
      /** rows × dim; moved, not copied. */
      readonly data: Float32Array;
      readonly withIds: boolean;
    }
  | { readonly kind: 'records'; readonly records: readonly CsvRecord[] }
  | { readonly kind: 'end' }
  | {
      readonly kind: 'error';
      readonly code: ErrorCode;
      readonly message: string;
      readonly details: Readonly<Record<string, unknown>>;
      readonly cause: string | undefined;
    };
