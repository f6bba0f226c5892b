// `npm run service`: builds, then runs the service in this very process, so that what npm sends (Ctrl-C, SIGTERM) reaches
// it: a shell in between would end and leave it running.
await import('./build.js');
if (!process.exitCode) await import('../examples/service/src/main.js');
