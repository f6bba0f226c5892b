// Tries a plug-in where no file can be opened: cuda-without-files.mjs ADDON PLUGIN
import { closeSync, openSync } from 'node:fs';
import { tryInChild } from '../../dist/cuda-trial.js';

const [, , addon, plugin] = process.argv;
const files = [];
try {
  for (;;) files.push(openSync('/dev/null'));
} catch {}
const { reason, passing } = await tryInChild(addon, plugin);
for (const file of files) closeSync(file);
setTimeout(() => process.stdout.write(`${passing} ${reason}`), 50);
