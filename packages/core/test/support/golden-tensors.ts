import { readFileSync } from 'node:fs';

/** A golden file's tensors, read here without the library's own reader. */
export interface GoldenTensors {
  f32(name: string): Float32Array;
  f64(name: string): Float64Array;
  /** I64 or U8. */
  ints(name: string): Int32Array;
}

export function goldenFile(name: string): GoldenTensors {
  const bytes = readFileSync(new URL(`../golden/${name}.safetensors`, import.meta.url));
  const headerBytes = Number(bytes.readBigUInt64LE(0));
  const header: Record<string, { dtype: string; data_offsets: [number, number] }> = JSON.parse(
    bytes.toString('utf8', 8, 8 + headerBytes),
  );
  const copy = (tensor: string, ...dtypes: string[]): { dtype: string; buffer: ArrayBuffer } => {
    const { dtype, data_offsets: offsets } = header[tensor];
    if (!dtypes.includes(dtype)) throw new Error(`${name}#${tensor} is ${dtype}`);
    const [from, to] = offsets.map((offset) => 8 + headerBytes + offset);
    return { dtype, buffer: new Uint8Array(bytes.subarray(from, to)).slice().buffer };
  };
  return {
    f32: (tensor) => new Float32Array(copy(tensor, 'F32').buffer),
    f64: (tensor) => new Float64Array(copy(tensor, 'F64').buffer),
    ints: (tensor) => {
      const { dtype, buffer } = copy(tensor, 'I64', 'U8');
      return dtype === 'U8'
        ? Int32Array.from(new Uint8Array(buffer))
        : Int32Array.from(new BigInt64Array(buffer), Number);
    },
  };
}
