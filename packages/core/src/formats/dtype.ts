/** Element types by one name each, whichever format they came from. */
export type DType =
  | 'bool'
  | 'int8'
  | 'uint8'
  | 'int16'
  | 'uint16'
  | 'int32'
  | 'uint32'
  | 'int64'
  | 'uint64'
  | 'float16'
  | 'bfloat16'
  | 'float32'
  | 'float64';

export const DTYPE_BYTES: Readonly<Record<DType, number>> = {
  bool: 1,
  int8: 1,
  uint8: 1,
  int16: 2,
  uint16: 2,
  int32: 4,
  uint32: 4,
  int64: 8,
  uint64: 8,
  float16: 2,
  bfloat16: 2,
  float32: 4,
  float64: 8,
};

const SAFETENSORS = new Map<string, DType>([
  ['BOOL', 'bool'],
  ['I8', 'int8'],
  ['U8', 'uint8'],
  ['I16', 'int16'],
  ['U16', 'uint16'],
  ['I32', 'int32'],
  ['U32', 'uint32'],
  ['I64', 'int64'],
  ['U64', 'uint64'],
  ['F16', 'float16'],
  ['BF16', 'bfloat16'],
  ['F32', 'float32'],
  ['F64', 'float64'],
]);

const NPY = new Map<string, DType>([
  ['b1', 'bool'],
  ['i1', 'int8'],
  ['u1', 'uint8'],
  ['i2', 'int16'],
  ['u2', 'uint16'],
  ['i4', 'int32'],
  ['u4', 'uint32'],
  ['i8', 'int64'],
  ['u8', 'uint64'],
  ['f2', 'float16'],
  ['f4', 'float32'],
  ['f8', 'float64'],
]);

/** No real tensor has more dimensions; a header that claims more would make its product slow to compute. */
export const MAX_RANK = 64;

/** The type a safetensors header names, undefined for one this package doesn't know. */
export function safetensorsDType(name: string): DType | undefined {
  return SAFETENSORS.get(name);
}

/** The type an .npy `descr` such as '<f4' names, byte order aside. */
export function npyDType(descr: string): DType | undefined {
  return NPY.get(descr.slice(1));
}

export function isFloat(dtype: DType | undefined): boolean {
  return dtype?.includes('float') ?? false;
}

/** Any integer type, signed or not; not `bool`. */
export function isInteger(dtype: DType | undefined): boolean {
  return dtype?.includes('int') ?? false;
}

/** The number of elements, exact for any shape a header may claim. */
export function elementCount(shape: readonly number[]): bigint {
  return shape.reduce((product, size) => product * BigInt(size), 1n);
}

/** A shape as a Python tuple: (3, 4), (3,), (). */
export function showShape(shape: readonly (number | bigint)[]): string {
  return shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(', ')})`;
}
