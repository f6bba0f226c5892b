import { Rng } from '@alfamix/core';

/** Seeded standard normal values (Box and Muller), float32. */
export function gaussian(count: number, seed: number): Float32Array {
  const rng = new Rng(seed);
  const values = new Float32Array(count);
  for (let i = 0; i < count; i += 2) {
    const radius = Math.sqrt(-2 * Math.log(1 - rng.uniform()));
    const angle = 2 * Math.PI * rng.uniform();
    values[i] = radius * Math.cos(angle);
    if (i + 1 < count) values[i + 1] = radius * Math.sin(angle);
  }
  return values;
}

/** What a ReLU layer makes of them: a quarter of the units silent in every row, the rest positive or zero. */
export function relu(values: Float32Array, dim: number): Float32Array {
  return values.map((x, i) => ((i % dim) % 4 === 0 ? 0 : Math.max(0, x + 0.5)));
}
