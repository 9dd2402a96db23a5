import { pipeline, Readable } from 'node:stream';
import { createGzip } from 'node:zlib';
import { type CallContext, KEY_SEPARATOR, type Metrics } from '@im/kit';
import { ERR, ImError } from '@im/protocol';
import type { FastifyReply } from 'fastify';

/** Most concurrent answers of one user, and of the process. */
export interface AnswerLimits {
  readonly ofUser: number;
  readonly inAll: number;
}

/** Limits of answers that are written as fast as they are read. */
const LARGE: AnswerLimits = { ofUser: 4, inAll: 16 };
/** Limits of answers that come as something changes. */
const LIVE: AnswerLimits = { ofUser: 20, inAll: 100 };
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

/** Answers that are too large for one string. */
export function createLargeAnswers(metrics: Metrics): LargeAnswers {
  const refused = metrics.counter(
    'openim_api_large_answers_refused_total',
    'Large answers refused: too many at once',
  );
  const answers = writtenInParts(LARGE, () => refused.inc());
  metrics.observe(
    'openim_api_large_answers',
    'Answers of more than 1 MiB in progress, written in parts',
    answers.count,
  );
  return answers;
}

/** Answers that come line by line for a minute. */
export function createLiveAnswers(metrics: Metrics): LargeAnswers {
  const refused = metrics.counter(
    'openim_api_live_answers_refused_total',
    'Answers of live figures refused: too many at once',
  );
  const answers = writtenInParts(LIVE, () => refused.inc());
  metrics.observe('openim_api_live_answers', 'Answers of live figures in progress', answers.count);
  return answers;
}

function writtenInParts(most: AnswerLimits, refused: () => void): LargeAnswers & { count(): number } {
  const ofUser = new Map<string, number>();
  let inAll = 0;

  function take(key: string): () => void {
    const own = ofUser.get(key) ?? 0;
    if (own >= most.ofUser || inAll >= most.inAll) {
      refused();
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
    count: () => inAll,
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
