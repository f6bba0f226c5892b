// Waits for a plug-in that hangs, and then no more: abort-while-trying.mjs ADDON
import { loadNative, tryCuda } from '../../dist/index.js';

const signal = AbortSignal.timeout(300);
const alive = setTimeout(() => {}, 300);
const { reason } = await tryCuda(loadNative(), { signal });
clearTimeout(alive);
process.stdout.write(reason);
