import type { Bus } from '@im/bus';
import type { GroupCommitWriter, Store } from '@im/store';
import type { Plant } from './harness.ts';
import { override, type WriteCall, watchWrites } from './override.ts';

/** Steps of a batch, and of the cursor, around which a process may die. */
export type Step = 'commit' | 'rows' | 'conversationSeqs' | 'publish' | 'reads' | 'cursor';

/** Where a process dies: before a step is done, or after it was done but before its answer came. */
export interface DeathPoint {
  readonly step: Step;
  readonly when: 'before' | 'after';
  /** How many times the step is done in peace. */
  readonly after: number;
  /** The database does nothing with one commit, so that rows and conversations are written apart. */
  readonly stepwise?: boolean;
}

/** The step that a direct write to a collection belongs to. */
const STEP_OF: Readonly<Record<string, Step>> = {
  msg: 'rows',
  conv: 'conversationSeqs',
  seq_user: 'reads',
};

/** Lets a process die at one point: from then on nothing that it sends arrives anywhere. */
export class Crash {
  readonly #point: DeathPoint;
  #left: number;
  #died = Promise.withResolvers<void>();
  dead = false;

  constructor(point: DeathPoint) {
    this.#point = point;
    this.#left = point.after;
  }

  /** Resolves at the death. */
  get died(): Promise<void> {
    return this.#died.promise;
  }

  /** What to plant into the process. */
  get plant(): Plant {
    return { bus: (bus) => this.#bus(bus), store: (store) => this.#store(store) };
  }

  async #through<T>(step: Step | undefined, work: () => Promise<T>): Promise<T> {
    if (this.dead) return await silence();
    const fatal = step === this.#point.step && this.#left-- === 0;
    if (fatal && this.#point.when === 'before') return await this.#die();
    const result = await work();
    if (fatal) return await this.#die();
    if (this.dead) return await silence();
    return result;
  }

  #die(): Promise<never> {
    this.dead = true;
    this.#died.resolve();
    return silence();
  }

  #bus(bus: Bus): Bus {
    const deliveries = override(bus.deliveries, {
      publish: (batch) => this.#through('publish', () => bus.deliveries.publish(batch)),
    });
    return override(bus, { deliveries });
  }

  #store(store: Store): Store {
    const watch = <C extends object>(col: C, name: string): C =>
      watchWrites(col, (call, work) => this.#through(this.#stepOf(name, call), work));
    const writer = (step: Step, inner: GroupCommitWriter): GroupCommitWriter => ({
      sessionId: inner.sessionId,
      write: (writes) =>
        this.#point.stepwise
          ? Promise.resolve(false)
          : this.#through(writes.length > 0 ? step : undefined, () => inner.write(writes)),
      writeAllOrNone: (writes) => inner.writeAllOrNone(writes),
      close: () => inner.close(),
    });
    let opened = 0;
    const groupCommit = override(store.groupCommit, {
      // A consumer opens one for rows and conversations, then one for read positions.
      open: () => writer(opened++ % 2 === 0 ? 'commit' : 'reads', store.groupCommit.open()),
    });
    return override(store, {
      groupCommit,
      shared: ((name: string) => watch(store.shared(name), name)) as Store['shared'],
      collection: ((tenant, spec) => {
        const view = store.collection(tenant, spec);
        return { ...view, col: watch(view.col, spec.name) };
      }) as Store['collection'],
    });
  }

  #stepOf(collection: string, { method, args }: WriteCall): Step | undefined {
    if (collection !== 'cursor') return STEP_OF[collection];
    // Progress is the only update of the cursors that raises without counting a beat.
    const update = args[1];
    const isProgress =
      method === 'updateOne' && typeof update === 'object' && update !== null && !('$inc' in update);
    return isProgress ? 'cursor' : undefined;
  }
}

/** What a dead process hears. */
function silence(): Promise<never> {
  return new Promise(() => {});
}
