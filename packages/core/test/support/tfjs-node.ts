import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** Whether tfjs-node is there, addon included: `npm run setup:tfjs-node` brings it. */
export const hasTfjsNode = (() => {
  try {
    const folder = dirname(createRequire(import.meta.url).resolve('@tensorflow/tfjs-node/package.json'));
    return existsSync(join(folder, 'lib', 'napi-v8', 'tfjs_binding.node'));
  } catch {
    return false;
  }
})();
