// `npm run service`: builds, then runs the service in this very process. npm passes a SIGTERM on to its shell, which ends
// without a word to its child: the shell's end is a SIGTERM too.
const WATCH_MS = 200;
const parent = process.ppid;

await import('./build.js');
if (!process.exitCode) {
  await import('../examples/service/src/main.js');
  setInterval(() => {
    if (process.ppid !== parent) process.emit('SIGTERM');
  }, WATCH_MS).unref();
}
