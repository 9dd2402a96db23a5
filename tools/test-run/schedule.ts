import type { Lane, Suite } from './suites.ts';

/** One file to run, and the suite that says how. */
export interface Task {
  readonly suite: Suite;
  readonly file: string;
}

/** Which lane a worker takes files of, as long as there are any, and which ones after that. */
export interface Worker {
  readonly lanes: readonly Lane[];
  /** Whether it begins with the last file of a lane, and so stays out of the way of one that begins with the first. */
  readonly fromEnd?: boolean;
}

/** Lanes of which only one file runs at a time. */
const ALONE: ReadonlySet<Lane> = new Set(['processes', 'kubernetes', 'waiting']);

/** The files of suites, which workers take one by one. */
export class Schedule {
  readonly #left: Task[];
  readonly #running = new Set<Task>();
  #changed = Promise.withResolvers<void>();

  constructor(suites: readonly Suite[]) {
    this.#left = suites.flatMap((suite) => suite.files.map((file) => ({ suite, file })));
  }

  /** Runs files until none of the worker's lanes is left. Rejects with the first error of `run`. */
  async work({ lanes, fromEnd = false }: Worker, run: (task: Task) => Promise<void>): Promise<void> {
    while (this.#left.some(({ suite }) => lanes.includes(suite.lane))) {
      const task = this.#take(lanes, fromEnd);
      if (task === undefined) {
        await this.#changed.promise;
        continue;
      }
      this.#running.add(task);
      try {
        await run(task);
      } finally {
        this.#running.delete(task);
        this.#changed.resolve();
        this.#changed = Promise.withResolvers();
      }
    }
  }

  #take(lanes: readonly Lane[], fromEnd: boolean): Task | undefined {
    for (const lane of lanes) {
      const possible = ({ suite }: Task) => suite.lane === lane && this.#hasRoom(suite);
      const index = fromEnd ? this.#left.findLastIndex(possible) : this.#left.findIndex(possible);
      if (index >= 0) return this.#left.splice(index, 1)[0];
    }
    return undefined;
  }

  #hasRoom(suite: Suite): boolean {
    const running = [...this.#running];
    if (ALONE.has(suite.lane) && running.some((task) => task.suite.lane === suite.lane)) return false;
    return running.filter((task) => task.suite === suite).length < suite.concurrency;
  }
}
