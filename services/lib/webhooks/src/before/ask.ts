import type { BeforeEvent, TenantWebhooks, Webhook } from '@im/contract';
import {
  type CallContext,
  type Counter,
  endWith,
  type Histogram,
  messageOf,
  randomId,
  remainingMs,
  withSpan,
} from '@im/kit';
import { callFields, type Logger } from '@im/process';
import { ERR, ImError } from '@im/protocol';
import type { BeforeBody } from '../events/bodies.ts';
import { type BeforeReply, type ReadReply, readReply } from '../events/replies.ts';
import { EVENTS } from '../events/table.ts';
import type { HttpAnswer } from '../http/body-reader.ts';
import { type Failure, RequestError } from '../http/request-error.ts';
import { encodeBody, requestHeaders } from '../request.ts';
import type { Receiver } from './receiver.ts';

/** Most bytes of an answer to a before-event. */
const MAX_ANSWER_BYTES = 1_048_576;
/** A question with less time left is not sent. */
const LEAST_MS = 10;
/** Longest text of a refusal that is passed on. */
const MAX_TEXT = 1_024;

/** How a question ended. */
export type BeforeOutcome =
  | 'allowed'
  | 'refused'
  /** The answer is not JSON of the event's shape, or too large. */
  | 'invalid'
  /** The receiver has failed several times and is not asked for a while. */
  | 'suspended'
  /** The tenant has too many questions open. */
  | 'full'
  | Exclude<Failure, 'too large'>;

export interface AskDeps {
  readonly log: Logger;
  readonly outcomes: Counter<'event' | 'outcome'>;
  readonly seconds: Histogram<'event'>;
}

/** A question that has no answer. */
class NoAnswer extends Error {
  readonly outcome: BeforeOutcome;
  constructor(outcome: BeforeOutcome, message: string) {
    super(message);
    this.outcome = outcome;
  }
}

/** Whom to ask, and how. */
export interface Question {
  readonly settings: TenantWebhooks;
  readonly hook: Webhook;
  readonly receiver: Receiver;
}

/** Asks once; see {@link Webhooks.before}. */
export async function ask<E extends BeforeEvent>(
  ctx: CallContext,
  event: E,
  body: BeforeBody[E],
  question: Question,
  { log, outcomes, seconds }: AskDeps,
): Promise<BeforeReply[E] | undefined> {
  const { hook, settings } = question;
  try {
    const text = encodeBody(EVENTS[event], ctx.operationID, body);
    const end = seconds.startTimer({ event });
    const span = ctx.span?.child(`webhook ${event}`, { kind: 'client' });
    const posted = post(withSpan(ctx, span), event, text, question).finally(end);
    if (span) endWith(span, posted);
    const answer = await posted;
    const read = understood(event, answer.body);
    outcomes.inc({ event, outcome: 'refused' in read ? 'refused' : 'allowed' });
    if ('refused' in read) throw refusal(read.refused);
    return read.reply;
  } catch (error) {
    if (!(error instanceof NoAnswer)) throw error;
    const { outcome, message } = error;
    outcomes.inc({ event, outcome });
    const fields = {
      ...callFields(ctx),
      event,
      outcome,
      reason: message,
      host: URL.parse(settings.url)?.host,
    };
    if (outcome !== 'aborted') log.debug(fields, 'a before-webhook has no usable answer');
    if (hook.failedContinue) return undefined;
    throw outcome === 'invalid'
      ? new ImError(ERR.DataError, `webhook ${event}: response format error: ${message}`)
      : new ImError(ERR.NetworkError, `webhook ${event}: ${message}`);
  }
}

async function post(
  ctx: CallContext,
  event: BeforeEvent,
  body: string,
  { settings, hook, receiver: { urls, client, breaker, slots } }: Question,
): Promise<HttpAnswer> {
  if (!breaker.mayCall())
    throw new NoAnswer('suspended', 'the receiver has failed several times and is not asked for a while');
  const { secret, previousSecret } = settings;
  const until = performance.now() + Math.min(hook.timeoutMs, remainingMs(ctx));
  const call = slots.run(body.length, async () => {
    const timeoutMs = Math.ceil(until - performance.now());
    if (timeoutMs < LEAST_MS) throw new RequestError('timeout', `no turn within ${hook.timeoutMs} ms`);
    return client.post(urls.of(EVENTS[event].command), {
      headers: requestHeaders(
        `evt_${randomId()}`,
        ctx.operationID,
        body,
        [secret, previousSecret],
        ctx.span?.traceparent,
      ),
      ...{ body, timeoutMs, maxBytes: MAX_ANSWER_BYTES, whenLarger: 'fail', signal: ctx.signal },
    });
  });
  if (!call) {
    breaker.dropped();
    throw new NoAnswer('full', 'too many questions of the tenant are open');
  }
  try {
    const answer = await call;
    breaker.succeeded();
    return answer;
  } catch (error) {
    if (!(error instanceof RequestError)) {
      breaker.dropped();
      throw error;
    }
    const { failure } = error;
    if (failure === 'aborted') breaker.dropped();
    else breaker.failed();
    throw new NoAnswer(failure === 'too large' ? 'invalid' : failure, error.message);
  }
}

function understood<E extends BeforeEvent>(event: E, answer: string): ReadReply<E> {
  try {
    return readReply(event, answer);
  } catch (error) {
    throw new NoAnswer('invalid', messageOf(error).slice(0, MAX_TEXT));
  }
}

/** Codes below 100 are none that a call could fail with; OpenIM makes them 500, and takes 0 for a success. */
function refusal({ errCode, errMsg, errDlt }: { errCode: number; errMsg: string; errDlt: string }): ImError {
  const code = errCode === 0 ? ERR.CallbackError : errCode < 100 ? ERR.ServerInternalError : errCode;
  const [message, detail] = [errMsg.slice(0, MAX_TEXT), errDlt.slice(0, MAX_TEXT)];
  return new ImError(code, detail, message === '' ? undefined : message);
}
