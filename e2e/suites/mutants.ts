/**
 * Mutants of the server: each has one bug that the checker must find. Started as a process, this file is the product's
 * entry with the mutant that E2E_MUTANT names.
 */
import type { Overrides } from '@im/main';

type Bus = Parameters<NonNullable<Overrides['bus']>>[0];
type Store = Parameters<NonNullable<Overrides['store']>>[0];

/** Names of the mutants. */
export const MUTANTS = ['push-doubled', 'acknowledged-before-publish', 'lease-ignored'] as const;
export type Mutant = (typeof MUTANTS)[number];

/** Every how many deliveries one is doubled. */
const DOUBLED_EVERY = 25;
/** How long an acknowledged record waits before it is published: longer than a busy machine may stall. */
const PUBLISH_LATE_MS = 2_500;

/** The replaced parts of a process that make it this mutant. @throws RangeError for an unknown name. */
export function overridesFor(name: string): Overrides {
  switch (name) {
    case 'push-doubled':
      return { bus: doublePushes };
    case 'acknowledged-before-publish':
      return { bus: acknowledgeEarly };
    case 'lease-ignored':
      return { bus: aloneAmongProducers, store: ownLeases };
    default:
      throw new RangeError(`E2E_MUTANT must be one of ${MUTANTS.join(', ')}`);
  }
}

/** Some deliveries reach the gateway's forwarding twice, as if nothing dropped copies. */
function doublePushes(bus: Bus): Bus {
  let seen = 0;
  return replacing(bus, {
    deliveries: replacing(bus.deliveries, {
      feed: (options) =>
        bus.deliveries.feed({
          ...options,
          onDelivery(delivery, payload) {
            options.onDelivery(delivery, payload);
            seen += 1;
            if (seen % DOUBLED_EVERY === 0) options.onDelivery(delivery, payload);
          },
        }),
    }),
  });
}

/** The sender is answered immediately, and the record is appended later, if the process is still alive. */
function acknowledgeEarly(bus: Bus): Bus {
  return replacing(bus, {
    log: replacing(bus.log, {
      append: async (tenant, partition, record) => {
        setTimeout(() => {
          bus.log.append(tenant, partition, record).catch(() => {});
        }, PUBLISH_LATE_MS);
        return { position: 1 };
      },
    }),
  });
}

/** The process writes and reads leases that no other process sees, so it takes every partition. */
function ownLeases(store: Store): Store {
  return replacing(store, {
    shared: (name) => store.shared(name === 'cursor' ? `cursor_${process.pid}` : name),
  });
}

/** The process believes that no other one folds, so that its share is everything. */
function aloneAmongProducers(bus: Bus): Bus {
  return replacing(bus, {
    deliveries: replacing(bus.deliveries, {
      announceProducer(...options) {
        const producer = bus.deliveries.announceProducer(...options);
        return replacing(producer, { liveProducers: () => producer.liveProducers().slice(0, 1) });
      },
    }),
  });
}

/** The same object with some members replaced; methods of the others keep their `this`. */
function replacing<T extends object>(whole: T, changes: Partial<T>): T {
  return new Proxy(whole, {
    get(target, key) {
      if (key in changes) return changes[key as keyof T];
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

if (import.meta.main) {
  const { serve } = await import('@im/main');
  await serve(process.argv.slice(2), overridesFor(process.env.E2E_MUTANT ?? ''));
}
