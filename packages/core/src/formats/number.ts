/** Why a text isn't a finite number that float32 can hold; the values are ready for "got …". */
export type BadNumber = 'blank' | 'text' | 'non-finite' | 'overflow';

const NON_FINITE = /^[+-]?(?:nan|inf|infinity)$/i;

/**
 * A decimal number, exactly as Number() reads it, rounded once to float32. Strict: no hexadecimal, no blanks inside;
 * blanks around are let pass.
 */
export function parseFloat32(text: string): number | BadNumber {
  const value = parseDecimal(text);
  if (typeof value === 'string') return value;
  const rounded = Math.fround(value);
  return Number.isFinite(rounded) ? rounded : 'overflow';
}

/** `parseFloat32` without the rounding. */
export function parseDecimal(text: string): number | BadNumber {
  const value = Number(text);
  // Number() reads '' and ' ' as 0, and 0x10, 0b1, 0o7 as integers.
  if (Number.isFinite(value)) {
    const trimmed = text.trim();
    if (trimmed === '') return 'blank';
    return trimmed.charCodeAt(0) === 48 && /^0[xbo]/i.test(trimmed) ? 'text' : value;
  }
  const trimmed = text.trim();
  if (NON_FINITE.test(trimmed)) return 'non-finite';
  return Number.isNaN(value) ? 'text' : 'overflow';
}
