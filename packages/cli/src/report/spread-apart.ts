export interface Disc {
  x: number;
  y: number;
}

const ROUNDS = 300;

/**
 * Moves discs just far enough that none covers another, and keeps them inside the square. The same input gives the
 * same places.
 *
 * @param places centres, in a square of side `size`
 * @param gap smallest distance wanted between two centres
 * @param margin smallest distance wanted from the square's edge
 */
export function spreadApart(places: readonly Disc[], gap: number, size: number, margin: number): Disc[] {
  const discs = places.map(({ x, y }) => ({ x, y }));
  for (let round = 0; round < ROUNDS; round++) {
    let moved = false;
    for (let i = 0; i < discs.length; i++) {
      for (let j = i + 1; j < discs.length; j++) moved = push(discs[i], discs[j], gap, i + j) || moved;
    }
    for (const disc of discs) {
      disc.x = Math.min(Math.max(disc.x, margin), size - margin);
      disc.y = Math.min(Math.max(disc.y, margin), size - margin);
    }
    if (!moved) break;
  }
  return discs;
}

/** Half the overlap each; discs in one place part in a direction that depends on which they are. */
function push(a: Disc, b: Disc, gap: number, which: number): boolean {
  let dx = b.x - a.x;
  let dy = b.y - a.y;
  let distance = Math.hypot(dx, dy);
  if (distance >= gap) return false;
  if (distance < 1e-6) {
    dx = Math.cos(which);
    dy = Math.sin(which);
    distance = 1;
    a.x -= dx * 1e-3;
    a.y -= dy * 1e-3;
  }
  const shift = (gap - distance) / 2 + 0.01;
  a.x -= (dx / distance) * shift;
  a.y -= (dy / distance) * shift;
  b.x += (dx / distance) * shift;
  b.y += (dy / distance) * shift;
  return true;
}
