import { parseArgs } from 'node:util';
import { AlfamixError, expected, Pool } from '@alfamix/core';
import { buildServer } from './server.js';

const HELP = `Holds a pool, takes labels and says over HTTP which rows to label next.

  npm run service -- --pool pool.npy [options]

  --pool <tensor>         N×D embeddings, as alfamix select takes them
  --ids <file>            one id a pool row
  --labels-file <file>    CSV that keeps the labels (header row,label); read at start
  --port <n>              default 8080; 0 for any that is free
  --host <name>           default 127.0.0.1
  --max-running <n>       selections at once, default 2
  --max-waiting <n>       more that may wait, default 128; beyond that callers get 503
  --grace-ms <n>          how long running selections may take after SIGTERM, default 10000
  --help
`;

const text = /** @type {const} */ ({ type: 'string' });
const OPTIONS = {
  pool: text,
  ids: text,
  'labels-file': text,
  port: { ...text, default: '8080' },
  host: { ...text, default: '127.0.0.1' },
  'max-running': { ...text, default: '2' },
  'max-waiting': { ...text, default: '128' },
  'grace-ms': { ...text, default: '10000' },
  help: /** @type {const} */ ({ type: 'boolean' }),
};

async function main() {
  const { values } = parseArgs({ options: OPTIONS });
  if (values.help) {
    process.stdout.write(HELP);
    return;
  }
  if (!values.pool) throw usage('expected --pool, the embeddings to choose from; see --help');
  /** @param {'port' | 'max-running' | 'max-waiting' | 'grace-ms'} name @param {number} low @param {number} high */
  const integer = (name, low, high) => {
    const value = /^\d+$/.test(values[name]) ? Number(values[name]) : Number.NaN;
    if (value >= low && value <= high) return value;
    throw expected(`an integer from ${low} to ${high}`, `--${name}`, values[name]);
  };
  const port = integer('port', 0, 65535);
  const graceMs = integer('grace-ms', 0, 2 ** 31 - 1);
  const limits = {
    maxRunning: integer('max-running', 1, 1000),
    maxWaiting: integer('max-waiting', 0, 1_000_000),
  };
  const pool = await Pool.open(values.pool, values.ids === undefined ? {} : { ids: values.ids });
  const { app, shutdown } = await buildServer({ pool, labelsFile: values['labels-file'], ...limits });
  for (const signal of ['SIGTERM', 'SIGINT']) {
    process.once(signal, () => {
      shutdown(graceMs).then(() => process.exit(0));
    });
  }
  const address = await app.listen({ port, host: values.host });
  console.log(`alfamix service on ${address}: ${pool.rows} rows of ${pool.dim}`);
}

/** @param {string} message */
const usage = (message) => new AlfamixError('INVALID_ARGUMENT', message);

const SAYS_IT_ALL = /^(ERR_PARSE_ARGS_|EADDR|EACCES|ENOTFOUND)/;

main().catch((error) => {
  const known = error instanceof AlfamixError || SAYS_IT_ALL.test(error?.code);
  process.stderr.write(`alfamix service: ${error?.message ?? error}\n`);
  if (process.env.ALFAMIX_DEBUG) console.error(error);
  process.exit(known ? 2 : 1);
});
