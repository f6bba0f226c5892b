import { type MessagePort, parentPort, type Transferable } from 'node:worker_threads';
import { AlfamixError } from '../../errors.js';
import type { Reply, Request } from './messages.js';
import { readMatrix } from './read-matrix.js';
import { readRecords } from './read-records.js';

/** The reading thread's own side: one request at a time. */
function serve(port: MessagePort): void {
  let replies: AsyncGenerator<Reply> | undefined;
  port.on('message', async (request: Request) => {
    try {
      if (request.kind === 'matrix') replies = readMatrix(request.path, request.columns);
      if (request.kind === 'records') replies = readRecords(request.path, request.columns);
      const next = await replies?.next();
      const reply: Reply = next === undefined || next.done ? { kind: 'end' } : next.value;
      const moved = reply.kind === 'matrix' ? [reply.data.buffer as Transferable] : [];
      port.postMessage(reply, moved);
    } catch (error) {
      port.postMessage(failure(error));
    }
  });
}

function failure(error: unknown): Reply {
  const known = error instanceof AlfamixError ? error : undefined;
  return {
    kind: 'error',
    code: known?.code ?? 'INTERNAL',
    message: error instanceof Error ? error.message : String(error),
    details: known?.details ?? {},
    cause: known?.cause instanceof Error ? known.cause.message : undefined,
  };
}

if (parentPort) serve(parentPort);
