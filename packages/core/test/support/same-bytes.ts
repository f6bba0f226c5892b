import { expect } from 'vitest';

const bytesOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView) =>
  new Uint8Array(buffer, byteOffset, byteLength);

/**
 * Vitest's setup file. `toEqual` compares typed arrays element by element, some microseconds each: here those of one type
 * and the same bytes are equal at once. Others it compares as ever, and says where they differ.
 */
expect.addEqualityTesters([
  (a: unknown, b: unknown) => {
    if (!ArrayBuffer.isView(a) || !ArrayBuffer.isView(b) || a.constructor !== b.constructor) return undefined;
    return Buffer.compare(bytesOf(a), bytesOf(b)) === 0 ? true : undefined;
  },
]);
