import type { ImError } from '@im/protocol';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Arrivals } from './arrivals.ts';
import type { PlainAnswer } from './get-routes.ts';
import { errorBody, gzip, takesGzip } from './response-body.ts';

/** Answers in the envelope of the API. */
export interface Answers {
  send(request: FastifyRequest, reply: FastifyReply, body: Buffer): Promise<FastifyReply>;
  /** Sends an error, and records its code. */
  fail(request: FastifyRequest, reply: FastifyReply, error: ImError): Promise<FastifyReply>;
}

export function createAnswers(arrivals: Arrivals): Answers {
  async function send(request: FastifyRequest, reply: FastifyReply, body: Buffer): Promise<FastifyReply> {
    const compressed = takesGzip(request.headers['accept-encoding']) ? await gzip(body) : undefined;
    if (compressed) reply.header('content-encoding', 'gzip').header('vary', 'Accept-Encoding');
    return reply.send(compressed ?? body);
  }
  return {
    send,
    async fail(request, reply, error) {
      arrivals.of(request).errCode = error.code;
      return send(request, reply, Buffer.from(errorBody(error)));
    },
  };
}

/** Sends an answer without an envelope. */
export async function sendPlain(
  reply: FastifyReply,
  { status, headers, body }: PlainAnswer,
): Promise<FastifyReply> {
  return reply
    .code(status)
    .headers({ ...headers })
    .send(Buffer.from(body));
}
