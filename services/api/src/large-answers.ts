import { pipeline, Readable } from 'node:stream';
import { createGzip } from 'node:zlib';
import { type CallContext, KEY_SEPARATOR, type Metrics } from '@im/kit';
import { ERR, ImError } from '@im/protocol';
import type { FastifyReply } from 'fastify';

/** Most concurrent large answers of one user, and of the process. */
const MOST = { ofUser: 4, inAll: 16 };
/** A client that reads nothing for this long is disconnected. */
const STALL_MS = 30_000;

/** Writes answers that are too large for one string. */
export interface LargeAnswers {
  /**
   * @param failed called when the answer ended early; the client then sees its connection close.
   * @throws ImError 429 when too many are in progress.
   */
  send(
    reply: FastifyReply,
    ctx: CallContext,
    parts: AsyncIterable<string>,
    options: { readonly gzip: boolean; readonly failed: (error: unknown) => void },
  ): FastifyReply;
}

export function createLargeAnswers(metrics: Metrics): LargeAnswers {
  const ofUser = new Map<string, number>();
  let inAll = 0;
  metrics.observe(
    'openim_api_large_answers',
    'Answers of more than 1 MiB in progress, written in parts',
    () => inAll,
  );
  const refused = metrics.counter(
    'openim_api_large_answers_refused_total',
    'Large answers refused: too many at once',
  );

  function take(key: string): () => void {
    const own = ofUser.get(key) ?? 0;
    if (own >= MOST.ofUser || inAll >= MOST.inAll) {
      refused.inc();
      throw new ImError(
        ERR.TooManyRequests,
        'too many large answers at once; ask for smaller pages or try again',
      );
    }
    ofUser.set(key, own + 1);
    inAll++;
    return () => {
      inAll--;
      const left = (ofUser.get(key) ?? 0) - 1;
      if (left > 0) ofUser.set(key, left);
      else ofUser.delete(key);
    };
  }

  return {
    send(reply, { tenant, opUserID }, parts, { gzip, failed }) {
      reply.raw.once('close', take(`${tenant}${KEY_SEPARATOR}${opUserID}`));
      reply.raw.setTimeout(STALL_MS, () => reply.raw.destroy());
      const text = Readable.from(parts, { highWaterMark: 2 });
      if (!gzip) {
        text.once('error', failed);
        return reply.send(text);
      }
      reply.header('content-encoding', 'gzip').header('vary', 'Accept-Encoding');
      return reply.send(
        pipeline(text, createGzip(), (error) => {
          if (error) failed(error);
        }),
      );
    },
  };
}
