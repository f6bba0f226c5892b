/** A mistake of a caller, or a state of the service, with its HTTP status and a code that a program can read. */
export class ServiceError extends Error {
  /** @param {number} statusCode @param {string} code @param {string} message */
  constructor(statusCode, code, message) {
    super(message);
    this.statusCode = statusCode;
    this.code = code;
  }
}

const BAD_INPUT = new Set(['INVALID_ARGUMENT', 'SHAPE_MISMATCH', 'NON_FINITE']);

/**
 * The answer to an error: its status, and the body that every error has.
 * @param {unknown} error
 * @returns {{ status: number, body: { error: { code: string, message: string } } }}
 */
export function answerTo(error) {
  const { statusCode, code, name, message } =
    /** @type {{ statusCode?: number, code?: string, name?: string, message: string }} */ (error);
  const body = (/** @type {string} */ as) => ({ error: { code: as, message } });
  if (code === 'ABORTED' || name === 'AbortError') return { status: 499, body: body('ABORTED') };
  if (statusCode !== undefined) {
    // Fastify's own codes say which check of its failed: to a caller all are bad input.
    const own = code === undefined || code.startsWith('FST_');
    return {
      status: statusCode,
      body: body(own && statusCode < 500 ? 'INVALID_ARGUMENT' : (code ?? 'INTERNAL')),
    };
  }
  if (code !== undefined && BAD_INPUT.has(code)) return { status: 400, body: body(code) };
  return { status: 500, body: body(code ?? 'INTERNAL') };
}

/**
 * The sentence for a body that its schema refuses, naming the property and the values it may have.
 * @param {readonly { instancePath: string, message?: string, params: Record<string, unknown> }[]} errors
 * @param {string} part what was refused: `body`
 */
export function schemaError([{ instancePath, message, params }], part) {
  const { additionalProperty, allowedValues } = params;
  const detail =
    additionalProperty !== undefined
      ? `: ${JSON.stringify(additionalProperty)}`
      : Array.isArray(allowedValues)
        ? `: ${allowedValues.join(', ')}`
        : '';
  return new Error(`${part}${instancePath} ${message}${detail}`);
}
