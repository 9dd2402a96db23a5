import type { third } from '@im/protocol';
import { callApi } from '../api-client.ts';
import { isForPeople, type OutputFormat, printRows, printValue } from '../output.ts';
import { asAdmin, resolveTarget } from '../target.ts';
import type { TargetOptions } from '../target-options.ts';
import { sinceTime } from './since.ts';

/** Which deliveries are printed, and how. */
export interface DeliveryOptions extends TargetOptions {
  state: 'dead' | 'waiting';
  event?: string;
  since?: number;
  limit: number;
  cursor?: string;
  output: OutputFormat;
}

const time = (ms: number) => (ms === 0 ? '' : new Date(ms).toISOString());

/** Prints deliveries, newest first; one alone with its body and the last answer. */
export async function printDeliveries(id: string | undefined, options: DeliveryOptions): Promise<void> {
  const { state, event = '', since, limit, cursor = '', output } = options;
  const admin = await asAdmin(await resolveTarget(options));
  const request =
    id === undefined
      ? { state, event, startTime: sinceTime(since), limit: Math.min(limit, 100), cursor }
      : { deliveryID: id };
  const found = await callApi<{ deliveries: third.WebhookDelivery[] | null; cursor: string }>(
    admin,
    '/admin/v1/webhooks/deliveries',
    request,
  );
  const deliveries = found.deliveries ?? [];
  if (!isForPeople(output)) {
    await printValue({ deliveries, cursor: found.cursor }, output);
    return;
  }
  const rows = deliveries.map(({ attempts, outcome, ...one }) => ({
    ...{ id: one.id, event: one.event, state: one.state, created: time(one.createTime) },
    ...{ attempts, outcome, next: time(one.nextTime) },
  }));
  await printRows(rows, ['id', 'event', 'state', 'created', 'attempts', 'outcome', 'next'], output);
  for (const { answer, body } of id === undefined ? [] : deliveries)
    console.log(`answer: ${answer}\nbody: ${body}`);
  if (found.cursor) console.error(`more with: --cursor ${found.cursor}`);
}
