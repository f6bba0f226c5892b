/** What a computation must do at least, whoever does it. */
export interface Work {
  /** Read from and written to memory: inputs once, outputs once. */
  bytes: number;
  /** Float32 operations; a multiply-add counts two. */
  flops: number;
}

/** Measured: see measureMachine. A second. */
export interface MachineRates {
  readBytes: number;
  multiplyFlops: number;
}

export interface Limit {
  /** No computation of this work is faster here. */
  ms: number;
  /** Which of the two binds. */
  by: 'memory' | 'product';
}

/** The least time the machine could need for the work, from its measured rates: reading, or multiplying and adding. */
export function limitOf({ bytes, flops }: Work, { readBytes, multiplyFlops }: MachineRates): Limit {
  const memory = (1e3 * bytes) / readBytes;
  const product = (1e3 * flops) / multiplyFlops;
  return product > memory ? { ms: product, by: 'product' } : { ms: memory, by: 'memory' };
}

/** The best of several measurements: what slows the machine for a while doesn't lower its limit. */
export function bestRates(rates: readonly MachineRates[]): MachineRates {
  return {
    readBytes: Math.max(...rates.map(({ readBytes }) => readBytes)),
    multiplyFlops: Math.max(...rates.map(({ multiplyFlops }) => multiplyFlops)),
  };
}

/** rows × dim · dim × columns, with rows and results passing through memory once. */
export function productWork(rows: number, dim: number, columns: number, valueBytes = 4, outputs = 0): Work {
  return { bytes: rows * (dim * valueBytes + outputs * 4), flops: 2 * rows * dim * columns };
}
