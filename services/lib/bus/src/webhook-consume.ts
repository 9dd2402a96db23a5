import { STREAM } from '@im/contract';
import { Backoff } from '@im/kit';
import type { Logger } from '@im/process';
import type { Msg } from '@nats-io/transport-node';
import { parseAckSubject } from './jetstream-api.ts';
import type { NatsLink } from './nats-link.ts';
import { answersOf, pullWhileUp } from './pull.ts';
import { subjectTenant } from './subjects.ts';
import type { WebhookConsumeOptions } from './types.ts';
import { DISPATCHER } from './webhook-stream.ts';

/** {@link WebhookQueue.consume} */
export async function consumeWebhooks(
  link: NatsLink,
  options: WebhookConsumeOptions,
  log: Logger,
  ensure: () => Promise<void>,
): Promise<void> {
  const { signal, room } = options;
  const backoff = new Backoff({ baseMs: 100, maxMs: 5_000 });
  const onMessage = (message: Msg) => hand(link, message, options, log);
  while (!signal.aborted && !link.stopped) {
    try {
      await link.whenUp(5_000);
      await ensure();
      backoff.reset();
      await pullWhileUp(link, { stream: STREAM.webhooks, consumer: DISPATCHER, room, onMessage, signal });
    } catch (error) {
      log.debug({ err: error }, 'reading of webhook deliveries was interrupted');
      if (!signal.aborted) await backoff.wait(signal).catch(() => undefined);
    }
  }
}

function hand(link: NatsLink, message: Msg, { onDelivery }: WebhookConsumeOptions, log: Logger): void {
  const reply = message.reply ?? '';
  const tenant = subjectTenant(message.subject);
  const answers = answersOf(link, reply);
  if (tenant === undefined) {
    log.error({ subject: message.subject }, 'a webhook delivery has no tenant');
    answers.done();
    return;
  }
  const attempt = parseAckSubject(reply)?.delivered ?? 1;
  onDelivery({ tenant, payload: message.data, attempt, ...answers });
}
