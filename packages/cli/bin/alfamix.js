#!/usr/bin/env node
// Committed rather than built, because npm links a bin only if its file exists at install.
try {
  const { main } = await import('../dist/main.js');
  await main(process.argv.slice(2));
} catch (error) {
  if (error?.code !== 'ERR_MODULE_NOT_FOUND' || process.env.ALFAMIX_DEBUG) throw error;
  process.stderr.write(`alfamix: not built yet (${error.message}); run: npm ci && npm run build\n`);
  process.exitCode = 1;
}
