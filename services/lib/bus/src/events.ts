import type { Logger, TenantId } from '@im/kit';
import { decode, encode, type event, make } from '@im/protocol';
import type { Msg } from '@nats-io/transport-node';
import type { NatsLink } from './nats-link.ts';
import { parseEvent } from './parse-event.ts';
import { ALL_KICKS, kickSubject, presenceSubject, subjectTenant } from './subjects.ts';
import type { Events, Unsubscribe } from './types.ts';

/** Handlers of one subject, behind one subscription. */
class Fan<T> {
  readonly #link: NatsLink;
  readonly #handlers = new Map<string, Set<(value: T) => void>>();
  readonly #ends = new Map<string, Unsubscribe>();
  readonly #parse: (message: Msg) => T | undefined;

  constructor(link: NatsLink, parse: (message: Msg) => T | undefined) {
    this.#link = link;
    this.#parse = parse;
  }

  add(subject: string, handler: (value: T) => void): Unsubscribe {
    const handlers = this.#handlers.get(subject) ?? new Set();
    // A wrapper of its own, so that one function may be added twice.
    const own = (value: T) => handler(value);
    handlers.add(own);
    if (handlers.size === 1) {
      this.#handlers.set(subject, handlers);
      this.#ends.set(
        subject,
        this.#link.subscribe(subject, (message) => this.#receive(handlers, message)),
      );
    }
    return () => {
      if (!handlers.delete(own) || handlers.size > 0) return;
      this.#handlers.delete(subject);
      this.#ends.get(subject)?.();
      this.#ends.delete(subject);
    };
  }

  #receive(handlers: ReadonlySet<(value: T) => void>, message: Msg): void {
    const value = this.#parse(message);
    if (value === undefined) return;
    for (const handler of [...handlers]) handler(value);
  }
}

/** Kicks and presence on core NATS. */
export class NatsEvents implements Events {
  readonly #link: NatsLink;
  readonly #kicks: Fan<{ tenant: TenantId; kick: event.Kick }>;
  readonly #presence: Fan<event.Presence>;

  constructor(link: NatsLink, log: Logger) {
    this.#link = link;
    this.#kicks = new Fan(link, (message) => {
      const tenant = subjectTenant(message.subject);
      const kick = parseEvent(log, message, () => decode('event.Kick', message.data));
      return tenant !== undefined && kick?.tenant === tenant ? { tenant, kick } : undefined;
    });
    this.#presence = new Fan(link, (message) => {
      const presence = parseEvent(log, message, () => decode('event.Presence', message.data));
      return presence?.tenant === subjectTenant(message.subject) ? presence : undefined;
    });
  }

  publishKick(tenant: TenantId, kick: event.Kick): void {
    const own = make('event.Kick', kick);
    own.tenant = tenant;
    this.#link.publish(kickSubject(tenant, kick.userID), encode('event.Kick', own));
  }

  subscribeKicks(tenant: TenantId, userID: string, handler: (kick: event.Kick) => void): Unsubscribe {
    return this.#kicks.add(kickSubject(tenant, userID), ({ kick }) => {
      if (kick.userID === userID) handler(kick);
    });
  }

  subscribeAllKicks(handler: (tenant: TenantId, kick: event.Kick) => void): Unsubscribe {
    return this.#kicks.add(ALL_KICKS, ({ tenant, kick }) => handler(tenant, kick));
  }

  publishPresence(tenant: TenantId, presence: event.Presence): void {
    const own = make('event.Presence', presence);
    own.tenant = tenant;
    this.#link.publish(presenceSubject(tenant, presence.userID), encode('event.Presence', own));
  }

  subscribePresence(
    tenant: TenantId,
    userID: string,
    handler: (presence: event.Presence) => void,
  ): Unsubscribe {
    return this.#presence.add(presenceSubject(tenant, userID), (presence) => {
      if (presence.userID === userID) handler(presence);
    });
  }

  onMissed(handler: () => void): Unsubscribe {
    let { outages } = this.#link;
    return this.#link.listen({
      onUp: () => {
        if (this.#link.outages > outages) handler();
        outages = this.#link.outages;
      },
    });
  }
}
