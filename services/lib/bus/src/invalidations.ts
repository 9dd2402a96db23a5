import type { TenantId } from '@im/contract';
import type { InvalidationHandler, Invalidations } from '@im/kit';
import type { Logger } from '@im/process';
import { decode, encode, make } from '@im/protocol';
import { parseEvent } from './events.ts';
import type { NatsLink } from './nats-link.ts';
import { RawHeaders } from './slim-client.ts';
import { ALL_INVALIDATIONS, invalidationSubject, subjectTenant } from './subjects.ts';
import type { Events, Unsubscribe } from './types.ts';

/** Header that names the process an invalidation comes from: it has called its own handlers already. */
const SENDER = 'Im-Sender';

/**
 * Cache invalidations across processes. Own handlers are called at once, others when NATS delivers;
 * without a connection a publish reaches only this process, and the others drop everything when
 * theirs comes back.
 */
export class NatsInvalidations implements Invalidations {
  readonly #link: NatsLink;
  readonly #instanceId: string;
  readonly #handlers = new Set<InvalidationHandler>();

  constructor(link: NatsLink, events: Events, log: Logger, instanceId: string) {
    this.#link = link;
    this.#instanceId = instanceId;
    link.subscribe(ALL_INVALIDATIONS, (message) => {
      if (message.headers?.get(SENDER) === instanceId) return;
      const tenant = subjectTenant(message.subject);
      const stale = parseEvent(log, message, () => decode('event.Invalidation', message.data));
      if (tenant !== undefined && stale?.tenant === tenant) this.#tell(tenant, stale.keys);
    });
    events.onMissed(() => {
      for (const handler of this.#handlers) handler.onMissed();
    });
  }

  async publish(tenant: TenantId, keys: readonly string[]): Promise<void> {
    if (keys.length === 0) return;
    this.#tell(tenant, keys);
    const payload = encode('event.Invalidation', make('event.Invalidation', { tenant, keys: [...keys] }));
    this.#link.publish(
      invalidationSubject(tenant),
      payload,
      new RawHeaders(`${SENDER}: ${this.#instanceId}`),
    );
  }

  subscribe(handler: InvalidationHandler): Unsubscribe {
    this.#handlers.add(handler);
    return () => {
      this.#handlers.delete(handler);
    };
  }

  #tell(tenant: TenantId, keys: readonly string[]): void {
    for (const handler of this.#handlers) handler.onKeys(tenant, keys);
  }
}
