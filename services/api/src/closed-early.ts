import type { FastifyReply } from 'fastify';

/** Aborts when the client disconnects before it has its answer. */
export function closedEarly(reply: FastifyReply): AbortSignal {
  const controller = new AbortController();
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) controller.abort();
  });
  return controller.signal;
}
