import { MOST, Unsound } from './limits.js';

const BYTES_OF: Readonly<Record<number, number>> = { 3: 1, 7: 8 };
const [BOOLEAN_TRUE, BOOLEAN_FALSE, BINARY, LIST, STRUCT] = [1, 2, 8, 9, 12];

/**
 * Walks a Thrift structure in the compact protocol without building anything, and returns where it ends. A parser that
 * allocates what a list claims may follow once this has passed: lists are no longer than the bytes behind them, numbers
 * have at most ten bytes, and nesting is shallow.
 *
 * @throws Unsound; RangeError where the bytes end too early
 */
export function thriftEnd(view: DataView, start: number): number {
  let offset = start;
  const byte = () => view.getUint8(offset++);
  const varint = (): number => {
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const next = byte();
      value += (next & 0x7f) * 2 ** shift;
      if (next < 0x80) return value;
    }
    throw new Unsound('a Thrift number is longer than ten bytes');
  };
  const skip = (bytes: number) => {
    if (bytes > view.byteLength - offset)
      throw new RangeError(`a Thrift field of ${bytes} bytes runs over the end`);
    offset += bytes;
  };
  const value = (type: number, nesting: number, inList: boolean): void => {
    if (nesting > MOST.nesting) throw new Unsound(`Thrift is nested deeper than ${MOST.nesting} levels`);
    if (type === BOOLEAN_TRUE || type === BOOLEAN_FALSE) skip(inList ? 1 : 0);
    else if (type in BYTES_OF) skip(BYTES_OF[type]);
    else if (type >= 4 && type <= 6) varint();
    else if (type === BINARY) skip(varint());
    else if (type === STRUCT) struct(nesting + 1);
    else if (type === LIST) list(nesting + 1);
    else throw new Unsound(`Thrift of unknown type ${type}`);
  };
  const list = (nesting: number): void => {
    const header = byte();
    const count = header >> 4 === 15 ? varint() : header >> 4;
    // Every element takes a byte or more.
    if (count > view.byteLength - offset) throw new RangeError(`a Thrift list of ${count} runs over the end`);
    for (let i = 0; i < count; i++) value(header & 15, nesting, true);
  };
  const struct = (nesting: number): void => {
    for (;;) {
      const header = byte();
      if ((header & 15) === 0) return;
      if (header >> 4 === 0) varint();
      value(header & 15, nesting, false);
    }
  };
  struct(0);
  return offset;
}
