import { Readable } from 'node:stream';
import { select, strategyNames } from '@alfamix/core';
import fastify from 'fastify';
import { JobQueue } from './job-queue.js';
import { jsonParts } from './json-parts.js';
import { Labels } from './labels.js';
import { Metrics } from './metrics.js';
import { answerTo, ServiceError, schemaError } from './service-error.js';

/** After the last job its answer is on its way for so long at most. */
const LAST_ANSWERS_MS = 1000;

const SELECT = {
  type: 'object',
  additionalProperties: false,
  required: ['budget'],
  properties: {
    budget: { type: 'integer', minimum: 1 },
    strategy: { enum: [...strategyNames], default: 'alfa-mix' },
    alphaCap: { type: 'number', exclusiveMinimum: 0 },
    maxCandidates: { type: 'integer', minimum: 1 },
    seed: { type: 'integer', minimum: 0, maximum: Number.MAX_SAFE_INTEGER, default: 0 },
    exclude: { type: 'array', items: { type: 'integer', minimum: 0 }, maxItems: 1_000_000 },
  },
};

const LABELS = {
  type: 'object',
  additionalProperties: false,
  required: ['labels'],
  properties: {
    replace: { type: 'boolean', default: false },
    labels: {
      type: 'array',
      minItems: 1,
      maxItems: 1_000_000,
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['label'],
        properties: {
          row: { type: 'integer', minimum: 0 },
          id: { type: 'string' },
          label: { type: 'string', minLength: 1, maxLength: 1000 },
        },
      },
    },
  },
};

/**
 * The service over one pool.
 *
 * @param {{ pool: import('@alfamix/core').Pool, labelsFile?: string, maxRunning?: number, maxWaiting?: number,
 *   logger?: boolean }} options `maxRunning` selections at once (default 2), `maxWaiting` more that may wait (default
 *   128): beyond that callers get 503 with Retry-After
 */
export async function buildServer({ pool, labelsFile, maxRunning = 2, maxWaiting = 128, logger = false }) {
  const app = fastify({
    logger,
    bodyLimit: 16 << 20,
    // While it closes it answers itself, in the shape of every answer.
    return503OnClosing: false,
    ajv: { customOptions: { coerceTypes: false, removeAdditional: false } },
    schemaErrorFormatter: schemaError,
  });
  const labels = new Labels(pool, labelsFile);
  await labels.load();
  const queue = new JobQueue({ maxRunning, maxWaiting });
  const metrics = new Metrics();

  app.setErrorHandler((error, _request, reply) => {
    const { status, body } = answerTo(error);
    if (status === 503) reply.header('retry-after', '1');
    return reply.status(status).send(body);
  });
  // A connection kept open after its last answer would keep `close` waiting.
  let closing = false;
  app.addHook('onSend', async (_request, reply) => {
    if (closing) reply.header('connection', 'close');
  });
  app.setNotFoundHandler(({ method, url }) => {
    throw new ServiceError(404, 'NOT_FOUND', `expected a route of this service, got ${method} ${url}`);
  });

  app.get('/healthz', async () => ({ ok: true, rows: pool.rows, dim: pool.dim, labels: labels.count }));
  app.get('/metrics', async (_request, reply) =>
    reply.type('text/plain; version=0.0.4').send(metrics.text(queue.counts, labels.count)),
  );
  app.post('/metrics/reset', async () => {
    metrics.reset();
    return { ok: true };
  });
  app.get('/labels.csv', async (_request, reply) => reply.type('text/csv').send(labels.csv()));
  app.post('/labels', { schema: { body: LABELS } }, async (request) => {
    const body = /** @type {{ labels: { row?: number, id?: string, label: string }[], replace: boolean }} */ (
      request.body
    );
    await labels.add(body.labels, body.replace);
    return { labels: labels.count };
  });

  /** @param {import('fastify').FastifyRequest} request */
  const submit = (request) => {
    const options = /** @type {import('@alfamix/core').SelectArgs} */ (request.body);
    const caller = String(request.headers['x-caller'] ?? request.ip);
    const job = queue.submit(caller, options.budget, async ({ signal, onProgress }) => {
      const { labeled, head, classNames } = await labels.fitted(signal);
      const { picks, stats, backend, candidates, capUsed } = await select({
        ...options,
        pool,
        labeled,
        head,
        signal,
        onProgress,
      });
      const named = picks.map(({ pseudoLabel, flipCap, ...pick }) => ({
        ...pick,
        pseudoLabel: pseudoLabel === undefined ? undefined : classNames[pseudoLabel],
        flipCap: flipCap === Number.POSITIVE_INFINITY ? null : flipCap,
      }));
      return { picks: named, candidates, capUsed, notes: stats.notes, backend };
    });
    const ended = () => {
      metrics.count(job.state);
      if (job.cancelledAt > 0) metrics.aborted(job.endedAt - job.cancelledAt);
    };
    job.promise.then(ended, ended);
    return job;
  };

  // The picks, when they are there; a caller who hangs up has cancelled.
  app.post('/select', { schema: { body: SELECT } }, async (request, reply) => {
    const job = submit(request);
    reply.header('x-job', job.id);
    reply.raw.once('close', () => queue.cancel(job));
    const result = /** @type {{ picks: object[] }} */ (await job.promise);
    return reply.type('application/json; charset=utf-8').send(Readable.from(jsonParts(result)));
  });

  // Or a job to ask about, follow and cancel.
  app.post('/jobs', { schema: { body: SELECT } }, async (request, reply) => {
    const job = submit(request);
    return reply.status(202).header('location', `/jobs/${job.id}`).send(describe(job));
  });
  app.get('/jobs/:id', async (request) => describe(jobOf(request)));
  app.delete('/jobs/:id', async (request) => {
    const job = jobOf(request);
    queue.cancel(job);
    await job.promise.catch(() => {});
    return describe(job);
  });
  app.get('/jobs/:id/events', (request, reply) => {
    const job = jobOf(request);
    reply.hijack();
    reply.raw.writeHead(200, {
      'content-type': 'text/event-stream',
      'cache-control': 'no-cache',
      connection: 'close',
    });
    const send = () => {
      reply.raw.write(
        `event: ${job.endedAt > 0 ? job.state : 'progress'}\ndata: ${JSON.stringify(describe(job))}\n\n`,
      );
      if (job.endedAt > 0) reply.raw.end();
    };
    job.listeners.add(send);
    reply.raw.once('close', () => job.listeners.delete(send));
    send();
  });

  /** @param {import('fastify').FastifyRequest} request */
  function jobOf(request) {
    const { id } = /** @type {{ id: string }} */ (request.params);
    const job = queue.get(id);
    if (job === undefined)
      throw new ServiceError(404, 'NOT_FOUND', `expected the id of a job, got ${JSON.stringify(id)}`);
    return job;
  }

  /** Lets running jobs end, at most so long. @param {number} graceMs */
  const shutdown = async (graceMs) => {
    closing = true;
    // A client that is slow to send, or to read, doesn't keep us longer than the jobs may take and a second more.
    const impatient = setTimeout(() => app.server.closeAllConnections(), graceMs + LAST_ANSWERS_MS);
    await queue.close(graceMs);
    await app.close();
    clearTimeout(impatient);
    pool.close();
  };
  return { app, shutdown };
}

/** @param {import('./job-queue.js').Job} job */
function describe({ id, state, progress, result, error }) {
  const failed = state === 'failed' ? answerTo(error).body.error : undefined;
  return { id, state, progress, result, error: failed };
}
