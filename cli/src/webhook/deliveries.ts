import type { WebhookDelivery } from '@im/admin-api';
import { withAdmin } from '../admin/call.ts';
import { type ListOptions, printList, timeText } from '../admin/list.ts';
import { usageError } from '../exit-codes.ts';
import { isForPeople, type OutputFormat, printObject, printValue } from '../output.ts';
import type { TargetOptions } from '../target-options.ts';
import { sinceTime } from './since.ts';

/** Which deliveries are printed, and how. */
export interface DeliveryOptions extends TargetOptions, Omit<ListOptions, 'output'> {
  output: OutputFormat;
  state: 'dead' | 'waiting';
  event?: string;
  since?: number;
  /** Why the body of one is read. */
  reason?: string;
}

/** Most entries of a page of deliveries. */
const PAGE = 100;

function rowOf({ deliveryID, event, state, createTime, attempts, outcome, nextTime }: WebhookDelivery) {
  return {
    ...{ id: deliveryID, event, state, created: timeText(createTime) },
    ...{ attempts, outcome, next: timeText(nextTime) },
  };
}

/** Prints deliveries, newest first; one alone with its body and the last answer. */
export async function printDeliveries(id: string | undefined, options: DeliveryOptions): Promise<void> {
  if (id !== undefined) {
    await printDelivery(id, options);
    return;
  }
  const { listWebhookDeliveries } = await import('@im/admin-api');
  const { state, event, since } = options;
  const query = { state, event, from: sinceTime(since) || undefined };
  await withAdmin(options, (admin) =>
    printList<WebhookDelivery>(admin, listWebhookDeliveries, { query }, options, {
      field: 'deliveries',
      columns: ['id', 'event', 'state', 'created', 'attempts', 'outcome', 'next'],
      most: PAGE,
      row: rowOf,
    }),
  );
}

async function printDelivery(deliveryID: string, options: DeliveryOptions): Promise<void> {
  const { reason, output } = options;
  if (reason === undefined)
    throw usageError('--reason: say why the body, which may have the text of a message, is read');
  const { getWebhookDelivery } = await import('@im/admin-api');
  const found = await withAdmin(options, (admin) =>
    admin.call(getWebhookDelivery, { params: { deliveryID }, query: { reason } }),
  );
  if (!isForPeople(output)) {
    await printValue(found, output);
    return;
  }
  const { delivery, body } = found;
  await printObject({ ...rowOf(delivery), status: delivery.status, answer: delivery.answer, body }, output);
}
