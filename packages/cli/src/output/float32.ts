/**
 * The shortest decimal that reads back as the same float32: `0.1`, not `0.10000000149011612`. Infinity is `inf`, NaN
 * `nan`. A value that isn't a float32 (a double) keeps all its digits.
 */
export function formatFloat32(value: number): string {
  if (Number.isInteger(value) && Math.abs(value) < 1e7) return Object.is(value, -0) ? '-0' : String(value);
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'nan' : value > 0 ? 'inf' : '-inf';
  if (Math.fround(value) !== value) return String(value);
  // Six significant digits always survive float32; nine always suffice.
  for (let digits = 6; digits < 9; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) return String(short);
  }
  return String(Number(value.toPrecision(9)));
}
