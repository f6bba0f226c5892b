/** A point of the line: t, the value f(x + t d) and its slope in t. */
export interface LinePoint {
  t: number;
  value: number;
  slope: number;
}

const SUFFICIENT = 1e-4;
const CURVATURE = 0.5;
const MAX_PROBES = 30;
/** Rounding of the value itself: near a minimum a true decrease drowns in it, and the slope alone must decide. */
const VALUE_NOISE = 1e-13;

/**
 * A step that meets the strong Wolfe conditions (Nocedal and Wright, algorithms 3.5 and 3.6), by bracketing and
 * cubic interpolation. Where the value is flat within rounding, the sufficient decrease is waived and only the slope
 * counts (the "approximate Wolfe" of Hager and Zhang, 2005).
 *
 * @returns the step, or undefined when no step lowers the value
 */
export async function lineSearch(
  probe: (t: number) => Promise<LinePoint>,
  start: LinePoint,
  firstStep: number,
): Promise<LinePoint | undefined> {
  const noise = VALUE_NOISE * Math.abs(start.value);
  const tooHigh = (p: LinePoint) => !(p.value <= start.value + SUFFICIENT * p.t * start.slope + noise);
  const flat = (p: LinePoint) => Math.abs(p.slope) <= -CURVATURE * start.slope;
  // low: best point so far that decreases enough; high: the other end of the bracket, once there is one.
  let low = start;
  let high: LinePoint | undefined;
  let t = firstStep;
  for (let probes = 0; probes < MAX_PROBES; probes++) {
    const point = await probe(t);
    if (tooHigh(point) || (low !== start && point.value > low.value + noise)) {
      high = point;
    } else if (flat(point)) {
      return point;
    } else {
      if (high === undefined ? point.slope >= 0 : point.slope * (high.t - low.t) >= 0) high = low;
      low = point;
    }
    if (high === undefined) {
      t = 3 * low.t;
    } else {
      t = interpolate(low, high);
      if (Math.abs(high.t - low.t) <= 1e-15 * Math.max(low.t, high.t)) break;
    }
  }
  return low.t > 0 && low.value <= start.value ? low : undefined;
}

/** The minimum of the cubic through both ends' values and slopes, kept off the ends; the middle when it has none. */
function interpolate(a: LinePoint, b: LinePoint): number {
  const width = b.t - a.t;
  const d1 = a.slope + b.slope - (3 * (b.value - a.value)) / width;
  const square = d1 * d1 - a.slope * b.slope;
  let t = a.t + width / 2;
  if (square >= 0 && Number.isFinite(square)) {
    const d2 = Math.sign(width) * Math.sqrt(square);
    const cubic = b.t - width * ((b.slope + d2 - d1) / (b.slope - a.slope + 2 * d2));
    if (Number.isFinite(cubic)) t = cubic;
  }
  const margin = 0.05 * Math.abs(width);
  return Math.min(Math.max(t, Math.min(a.t, b.t) + margin), Math.max(a.t, b.t) - margin);
}
