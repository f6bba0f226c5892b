/** Stable codes a program can branch on; the message is for people. */
export type ErrorCode =
  | 'INVALID_ARGUMENT'
  | 'SHAPE_MISMATCH'
  | 'NON_FINITE'
  | 'FORMAT'
  | 'IO'
  | 'NATIVE_UNAVAILABLE'
  | 'CUDA_UNAVAILABLE'
  | 'OUT_OF_MEMORY'
  | 'QUEUE_FULL'
  | 'ABORTED'
  | 'INTERNAL';

/** The one error type that alfamix throws. `details` holds fields a program can read (row, path, expected …). */
export class AlfamixError extends Error {
  override readonly name = 'AlfamixError';
  readonly code: ErrorCode;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(
    code: ErrorCode,
    message: string,
    options: { cause?: unknown; details?: Record<string, unknown> } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.details = options.details ?? {};
  }
}

/** How a value is shown in an error: short, on one line. */
export function describe(value: unknown): string {
  if (typeof value === 'string') {
    return JSON.stringify(value.length > 80 ? `${value.slice(0, 77)}...` : value);
  }
  if (ArrayBuffer.isView(value)) {
    return `${value.constructor.name}(${'length' in value ? value.length : value.byteLength})`;
  }
  if (Array.isArray(value)) return `an array of ${value.length}`;
  if (value === null || value === undefined) return String(value);
  if (typeof value === 'object') return `an object (${value.constructor?.name ?? 'Object'})`;
  if (typeof value === 'function') return 'a function';
  return String(value);
}

/** "expected X for NAME, got V": the one wording for a bad argument. */
export function expected(
  what: string,
  name: string,
  got: unknown,
  code: ErrorCode = 'INVALID_ARGUMENT',
): AlfamixError {
  return new AlfamixError(code, `expected ${what} for ${name}, got ${describe(got)}`, { details: { name } });
}

/** Throws ABORTED with the signal's reason as the cause when the signal has fired. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw abortError(signal);
}

export function abortError(signal: AbortSignal): AlfamixError {
  return new AlfamixError('ABORTED', 'the operation was aborted', { cause: signal.reason });
}
