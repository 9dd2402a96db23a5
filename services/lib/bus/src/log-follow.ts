import { STREAM, type TenantId } from '@im/contract';
import { Backoff, sleep } from '@im/kit';
import type { Logger } from '@im/process';
import type { Msg } from '@nats-io/transport-node';
import { consumerConfig, createConsumer, NS_PER_MS, parseAckSubject } from './jetstream-api.ts';
import type { NatsLink } from './nats-link.ts';
import { answersOf, pullWhileUp } from './pull.ts';
import { LOG_SUBJECTS, parseLogSubject, tenantLogSubjects } from './subjects.ts';
import type { LogFollowOptions } from './types.ts';

/** A record that was not answered for within this time comes again. */
const ACK_WAIT_MS = 60_000;
const MAX_ACK_PENDING = 20_000;
/** A reader that is unused for this long is removed, and begins again. */
const UNUSED_MS = 24 * 3_600_000;
/** With more tenants than this all records are read, and those of others dropped here. */
const MAX_FILTERS = 64;
const LOOK_MS = 1_000;

/** {@link MessageLog.follow} */
export async function followLog(
  link: NatsLink,
  name: string,
  options: LogFollowOptions,
  log: Logger,
): Promise<void> {
  const { signal, tenants, room } = options;
  const backoff = new Backoff({ baseMs: 100, maxMs: 5_000 });
  while (!signal.aborted && !link.stopped) {
    try {
      const filters = filtersOf(tenants());
      if (filters.length === 0) {
        await sleep(LOOK_MS, signal);
        continue;
      }
      await link.whenUp(5_000);
      await ensureReader(link, name, filters);
      backoff.reset();
      const onMessage = (message: Msg) => hand(link, message, options);
      const goesOn = () => filtersOf(tenants()).join() === filters.join();
      await pullWhileUp(link, { stream: STREAM.log, consumer: name, room, onMessage, goesOn, signal });
    } catch (error) {
      log.debug({ err: error, name }, 'reading of the log was interrupted');
      if (!signal.aborted) await backoff.wait(signal).catch(() => undefined);
    }
  }
}

function filtersOf(tenants: readonly TenantId[]): readonly string[] {
  return tenants.length > MAX_FILTERS ? LOG_SUBJECTS : tenants.map(tenantLogSubjects).sort();
}

/** Makes the reader unless it exists, and gives it the filters. Processes may differ for a moment; the last one is right. */
async function ensureReader(link: NatsLink, name: string, filters: readonly string[]): Promise<void> {
  const { filter_subject, ...found } = (await consumerConfig(link, STREAM.log, name)) ?? {};
  // A single filter comes back under another name.
  const known = filter_subject === undefined ? found.filter_subjects : [filter_subject];
  if (known && [...known].sort().join() === filters.join()) return;
  await createConsumer(link, STREAM.log, {
    ...found,
    name,
    durable_name: name,
    deliver_policy: 'new',
    ack_policy: 'explicit',
    ack_wait: ACK_WAIT_MS * NS_PER_MS,
    max_ack_pending: MAX_ACK_PENDING,
    inactive_threshold: UNUSED_MS * NS_PER_MS,
    filter_subjects: filters,
  });
}

function hand(link: NatsLink, message: Msg, { onEntry }: LogFollowOptions): void {
  const place = parseLogSubject(message.subject);
  const answers = answersOf(link, message.reply ?? '');
  const ack = parseAckSubject(message.reply ?? '');
  if (!place || !ack) {
    answers.done();
    return;
  }
  const { streamSequence: position, timeMs, delivered: attempt } = ack;
  onEntry({ ...place, position, timeMs, record: message.data, attempt, ...answers });
}
