/** Stable codes a program can branch on; the message is for people. */
export type ErrorCode =
  | 'INVALID_ARGUMENT'
  | 'SHAPE_MISMATCH'
  | 'NON_FINITE'
  | 'FORMAT'
  | 'IO'
  | 'NATIVE_UNAVAILABLE'
  | 'CUDA_UNAVAILABLE'
  | 'TF_UNAVAILABLE'
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
    super(printable(message), options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.details = options.details ?? {};
  }
}

const MOST_CHARS = 1000;
/** Control characters, line separators, and marks that turn the direction of writing. */
const UNPRINTABLE = /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu;

/** Messages quote names and fields of files: none may break the line, steer a terminal or fill it. */
export function printable(text: string): string {
  const short = text.length > MOST_CHARS ? `${text.slice(0, 700)} … ${text.slice(-250)}` : text;
  return short.replace(UNPRINTABLE, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
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

/** The names a call takes; the compiler sees to it that none is missing. */
export type ArgumentNames<Args> = Readonly<Record<keyof Args, true>>;

/** The names that every call which runs kernels takes. */
export const JOB_ARGUMENTS = {
  backend: true,
  kernels: true,
  threads: true,
  signal: true,
  onProgress: true,
} as const;

/**
 * @param known the names the call takes, where others are refused: a misspelt option would count for nothing
 * @throws INVALID_ARGUMENT unless a call got an object of named arguments
 */
export function requireArguments(args: unknown, name: string, known?: Readonly<Record<string, true>>): void {
  if (typeof args !== 'object' || args === null) throw expected('an object of named arguments', name, args);
  const odd =
    known &&
    Object.entries(args).find(([key, value]) => value !== undefined && !Object.hasOwn(known, key))?.[0];
  if (odd === undefined) return;
  const what = name.startsWith('the ') ? name : `the arguments of ${name}`;
  throw expected(`one of ${Object.keys(known!).join(', ')}`, what, odd);
}

/**
 * Throws ABORTED with the signal's reason as the cause when the signal has fired, and INVALID_ARGUMENT when it isn't an
 * AbortSignal.
 */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal === undefined) return;
  if (!isAbortSignal(signal)) throw expected('an AbortSignal', 'signal', signal);
  if (signal.aborted) throw abortError(signal);
}

/** By its shape, not instanceof: one of another realm is as good. */
function isAbortSignal(value: unknown): value is AbortSignal {
  const { aborted, addEventListener, removeEventListener } = Object(value) as Record<string, unknown>;
  return (
    typeof aborted === 'boolean' &&
    typeof addEventListener === 'function' &&
    typeof removeEventListener === 'function'
  );
}

/** Throws unless `value` is an array, a typed array, or looks like one. */
export function requireList(value: unknown, what: string, name: string): void {
  if (typeof value === 'object' && value !== null && 'length' in value) {
    const { length } = value;
    if (typeof length === 'number' && Number.isSafeInteger(length) && length >= 0) return;
  }
  throw expected(what, name, value);
}

export function abortError(signal: AbortSignal): AlfamixError {
  return new AlfamixError('ABORTED', 'the operation was aborted', { cause: signal.reason });
}
