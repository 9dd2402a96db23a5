import type { TenantId } from '@im/contract';
import type { Logger } from '@im/process';
import { decode, encode, type event, make } from '@im/protocol';
import type { Msg } from '@nats-io/transport-node';
import type { NatsLink } from './nats-link.ts';
import { ALL_KICKS, kickSubject, presenceSubject, subjectTenant } from './subjects.ts';
import type { Events, Unsubscribe } from './types.ts';

interface Fanned<T> {
  /** Few, mostly one: an array is smaller than a set. */
  handlers: readonly ((value: T) => void)[];
  readonly end: Unsubscribe;
}

/** Handlers by subject, those of one subject behind one subscription. */
class Fan<T> {
  readonly #link: NatsLink;
  readonly #subjects = new Map<string, Fanned<T>>();
  readonly #parse: (message: Msg) => T | undefined;

  constructor(link: NatsLink, parse: (message: Msg) => T | undefined) {
    this.#link = link;
    this.#parse = parse;
  }

  add(subject: string, handler: (value: T) => void): Unsubscribe {
    // A separate wrapper, so that one function may be added twice.
    const own = (value: T) => handler(value);
    const fanned = this.#subjects.get(subject);
    if (fanned) fanned.handlers = [...fanned.handlers, own];
    else {
      const end = this.#link.subscribe(subject, this.#onMessage);
      this.#subjects.set(subject, { handlers: [own], end });
    }
    return () => this.#remove(subject, own);
  }

  #remove(subject: string, own: (value: T) => void): void {
    const fanned = this.#subjects.get(subject);
    if (!fanned?.handlers.includes(own)) return;
    fanned.handlers = fanned.handlers.filter((handler) => handler !== own);
    if (fanned.handlers.length > 0) return;
    this.#subjects.delete(subject);
    fanned.end();
  }

  readonly #onMessage = (message: Msg, subject: string): void => {
    const fanned = this.#subjects.get(subject);
    const value = fanned && this.#parse(message);
    if (value === undefined) return;
    for (const handler of fanned?.handlers ?? []) handler(value);
  };
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

/** What `read` makes of a message; undefined, with a line in the log, when it is malformed. */
export function parseEvent<T>(log: Logger, message: Msg, read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    log.warn({ err: error, subject: message.subject }, 'an event could not be read');
    return undefined;
  }
}
