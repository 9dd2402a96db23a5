import type { AfterEvent } from '@im/contract';
import type { CallContext } from '@im/kit';
import { callFields, type Logger } from '@im/process';
import type { AfterBody, AfterOptions, Webhooks } from '@im/webhooks';

/** What {@link reportEvent} needs. */
export interface ReportDeps {
  readonly webhooks: Pick<Webhooks, 'after'>;
  readonly log: Logger;
}

/**
 * Hands over an after-event of a change that cannot be repeated. Never rejects: a failure of the call would not undo the
 * change, so an event that cannot be stored is logged and lost (`openim_webhook_handed_total{outcome="failed"}`).
 */
export async function reportEvent<E extends AfterEvent>(
  { webhooks, log }: ReportDeps,
  ctx: CallContext,
  event: E,
  body: AfterBody[E],
  options?: AfterOptions,
): Promise<void> {
  try {
    await webhooks.after(ctx, event, body, options);
  } catch (error) {
    log.error({ ...callFields(ctx), event, err: error }, 'event of a webhook lost');
  }
}
