import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs';

/** Fields of a 64-bit little-endian ELF file: its header, and one entry of its program header table. */
const ELF = { magic: 0x464c457f, bytes: 64, programs: { bytes: 56, loaded: 1 } } as const;

/**
 * Looks at a file before it is loaded: the system's loader maps what the file's own tables say, and reading past the end
 * of a file that was cut ends the process (SIGBUS) instead of failing.
 *
 * @param what the words for what it should be
 * @throws an Error that says what is wrong; nothing where there is no file, which is for the loader to say
 */
export function checkAddonFile(path: string, what = 'the addon, a .node file'): void {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats === undefined) return;
  if (stats.isDirectory()) throw new Error(`it is a folder, expected ${what}`);
  if (!stats.isFile()) throw new Error(`it is a pipe, socket or device, expected ${what}`);
  const file = openSync(path, 'r');
  try {
    const needed = elfEnd(file);
    const { size } = fstatSync(file);
    if (needed > size)
      throw new Error(
        `it is cut short, ${size} of at least ${needed} bytes: build it here (npm run build), or install the package again`,
      );
  } finally {
    closeSync(file);
  }
}

/** Where the tables and segments of an ELF file end; 0 for another kind of file. */
function elfEnd(file: number): number {
  const header = read(file, 0, ELF.bytes);
  const [wide, little] = [header[4] === 2, header[5] === 1];
  if (header.length < ELF.bytes || header.readUInt32LE(0) !== ELF.magic || !wide || !little) return 0;
  const [programs, sections] = [header.readBigUInt64LE(0x20), header.readBigUInt64LE(0x28)].map(Number);
  const count = header.readUInt16LE(0x38);
  const end = sections + header.readUInt16LE(0x3a) * header.readUInt16LE(0x3c);
  const table = read(file, programs, count * ELF.programs.bytes);
  const ends = [end, programs + count * ELF.programs.bytes];
  for (let at = 0; at + ELF.programs.bytes <= table.length; at += ELF.programs.bytes) {
    if (table.readUInt32LE(at) !== ELF.programs.loaded) continue;
    ends.push(Number(table.readBigUInt64LE(at + 8)) + Number(table.readBigUInt64LE(at + 32)));
  }
  return Math.max(...ends);
}

/** What there is of `length` bytes from `position` on. */
function read(file: number, position: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  if (!Number.isSafeInteger(position)) return bytes.subarray(0, 0);
  return bytes.subarray(0, readSync(file, bytes, 0, length, position));
}
