import type { Bus } from '@im/bus';
import type { Store } from '@im/store';
import type { Plant } from './harness.ts';
import { override, watchWrites } from './override.ts';

/**
 * Stops everything that a process does to the world, in the middle of whatever it is, and lets it go
 * on later as if nothing had happened: what SIGSTOP and SIGCONT do.
 */
export class Freeze {
  #gate: PromiseWithResolvers<void> | undefined;

  freeze(): void {
    this.#gate ??= Promise.withResolvers();
  }

  thaw(): void {
    this.#gate?.resolve();
    this.#gate = undefined;
  }

  get plant(): Plant {
    return { bus: (bus) => this.#bus(bus), store: (store) => this.#store(store) };
  }

  async #through<T>(work: () => Promise<T>): Promise<T> {
    await this.#gate?.promise;
    const result = await work();
    await this.#gate?.promise;
    return result;
  }

  #bus(bus: Bus): Bus {
    const deliveries = override(bus.deliveries, {
      publish: (batch) => this.#through(() => bus.deliveries.publish(batch)),
      // No process learns of it, as of a stopped process.
      announceProducer: () => ({
        announceTakeover: () => undefined,
        liveProducers: () => [],
        stop: async () => undefined,
      }),
    });
    const log = override(bus.log, {
      read: (options) =>
        bus.log.read({
          ...options,
          onBatch: (entries, behind) => this.#through(() => options.onBatch(entries, behind)),
        }),
    });
    return override(bus, { deliveries, log });
  }

  #store(store: Store): Store {
    const through = <T>(_: unknown, work: () => Promise<T>) => this.#through(work);
    const groupCommit = override(store.groupCommit, {
      open: () => {
        const inner = store.groupCommit.open();
        return override(inner, { write: (writes) => this.#through(() => inner.write(writes)) });
      },
    });
    return override(store, {
      groupCommit,
      shared: ((name: string) => watchWrites(store.shared(name), through)) as Store['shared'],
      collection: ((tenant, spec) => {
        const view = store.collection(tenant, spec);
        return { ...view, col: watchWrites(view.col, through) };
      }) as Store['collection'],
    });
  }
}
