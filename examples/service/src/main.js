import { parseArgs } from 'node:util';
import { Pool } from '@alfamix/core';
import { buildServer } from './server.js';

const { values } = parseArgs({
  options: {
    pool: { type: 'string' },
    ids: { type: 'string' },
    'labels-file': { type: 'string' },
    port: { type: 'string', default: '8080' },
    host: { type: 'string', default: '127.0.0.1' },
    'max-running': { type: 'string', default: '2' },
    'max-waiting': { type: 'string', default: '128' },
    'grace-ms': { type: 'string', default: '10000' },
  },
});

if (values.pool === undefined) {
  console.error(
    'usage: npm run service -- --pool pool.npy [--ids ids.csv] [--labels-file labels.csv] [--port 8080]',
  );
  process.exit(2);
}
const pool = await Pool.open(values.pool, values.ids === undefined ? {} : { ids: values.ids });
const { app, shutdown } = await buildServer({
  pool,
  labelsFile: values['labels-file'],
  maxRunning: Number(values['max-running']),
  maxWaiting: Number(values['max-waiting']),
});
for (const signal of ['SIGTERM', 'SIGINT']) {
  process.once(signal, () => {
    shutdown(Number(values['grace-ms'])).then(() => process.exit(0));
  });
}
const address = await app.listen({ port: Number(values.port), host: values.host });
console.log(`alfamix service on ${address}: ${pool.rows} rows of ${pool.dim}`);
