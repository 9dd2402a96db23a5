import type { TenantWebhooks, WebhookEvent } from '@im/contract';
import { type CallContext, randomId, remainingMs } from '@im/kit';
import { SAMPLES } from '../events/samples.ts';
import { EVENTS } from '../events/table.ts';
import type { HttpClient } from '../http/http-client.ts';
import { RequestError } from '../http/request-error.ts';
import { commandURL, encodeBody, requestHeaders } from '../request.ts';

/** What came back of a sample. */
export interface ProbeResult {
  readonly url: string;
  /** `answered`, or why there is no answer. */
  readonly outcome: string;
  /** HTTP status; 0 without an answer. */
  readonly status: number;
  /** Beginning of the answer. */
  readonly answer: string;
  readonly tookMs: number;
}

const TIMEOUT_MS = 5_000;
const ANSWER_BYTES = 4_096;

/** Sends a sample of an event; see {@link Webhooks.probe}. */
export async function probe(
  ctx: CallContext,
  event: WebhookEvent,
  { url: base, secret, previousSecret }: TenantWebhooks,
  client: HttpClient,
): Promise<ProbeResult> {
  const url = commandURL(base, EVENTS[event].command);
  const body = encodeBody(EVENTS[event], ctx.operationID, SAMPLES[event]);
  const startedAt = performance.now();
  const result = (outcome: string, status = 0, answer = '') => {
    return { url: url.href, outcome, status, answer, tookMs: Math.round(performance.now() - startedAt) };
  };
  try {
    const { status, body: answer } = await client.post(url, {
      headers: requestHeaders(`evt_test_${randomId()}`, ctx.operationID, body, [secret, previousSecret]),
      ...{
        body,
        timeoutMs: Math.min(TIMEOUT_MS, remainingMs(ctx)),
        maxBytes: ANSWER_BYTES,
        whenLarger: 'cut',
      },
    });
    return result('answered', status, answer);
  } catch (error) {
    if (!(error instanceof RequestError)) throw error;
    return result(error.message);
  }
}
