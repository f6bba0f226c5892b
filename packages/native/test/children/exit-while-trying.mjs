// Ends while a plug-in is being tried: exit-while-trying.mjs ADDON PLUGIN PID_FILE
import { existsSync } from 'node:fs';
import { tryInChild } from '../../dist/cuda-trial.js';

const [, , addon, plugin, pid] = process.argv;
tryInChild(addon, plugin);
setInterval(() => {
  if (existsSync(pid)) process.exit(5);
}, 10);
