// What a CUDA plug-in was built for, read from the file itself: nvcc puts its machine code and PTX into "fat binaries",
// whose headers tell kind and architecture. As CMAKE_CUDA_ARCHITECTURES lists them: 90-real is machine code, 90-virtual
// PTX, 90 both.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './toolchain.js';

const MAGIC = Buffer.from([0x50, 0xed, 0x55, 0xba]);
const PTX = 1;
const MACHINE_CODE = 2;

/** Those that CMakeLists.txt lists. */
export function releaseArchitectures() {
  const cmake = readFileSync(join(root, 'CMakeLists.txt'), 'utf8');
  return cmake.match(/ALFAMIX_CUDA_ARCHITECTURES "(.*?)"/)[1].split(';');
}

/** Each once, in order: ['80-real', '90']. */
export function architecturesOf(file) {
  const bytes = readFileSync(file);
  const found = { [PTX]: new Set(), [MACHINE_CODE]: new Set() };
  for (let at = bytes.indexOf(MAGIC); at >= 0; at = bytes.indexOf(MAGIC, at + 1)) {
    let entry = at + bytes.readUInt16LE(at + 6);
    const end = Math.min(entry + Number(bytes.readBigUInt64LE(at + 8)), bytes.length);
    while (entry + 32 <= end) {
      found[bytes.readUInt16LE(entry)]?.add(bytes.readUInt32LE(entry + 28));
      const size = bytes.readUInt32LE(entry + 4) + Number(bytes.readBigUInt64LE(entry + 8));
      if (size === 0) break;
      entry += size;
    }
  }
  const all = [...new Set([...found[PTX], ...found[MACHINE_CODE]])].sort((a, b) => a - b);
  return all.map((one) => {
    if (!found[PTX].has(one)) return `${one}-real`;
    return found[MACHINE_CODE].has(one) ? `${one}` : `${one}-virtual`;
  });
}
