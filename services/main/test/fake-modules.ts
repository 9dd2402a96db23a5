import { type BaseDeps, notReady, READY, type Readiness, type Service } from '@im/process';
import type { ModuleName, ProcessModule } from '../src/index.ts';

/** What a fake service did, in order, such as `+gateway`, `-gateway`. */
export type Trace = string[];

/** Methods of a fake service that do something. */
export interface Fake {
  readonly requires?: ProcessModule['requires'];
  readonly readyThroughOutages?: boolean;
  readonly start?: (deps: BaseDeps) => Promise<void>;
  readonly stop?: (deadline: AbortSignal) => Promise<void>;
  readonly drain?: () => Promise<void>;
  readonly ready?: () => Readiness;
  readonly create?: (deps: Parameters<ProcessModule['create']>[1]) => void;
}

/** Services that only tell when they start and stop. */
export function fakeModules(trace: Trace, fakes: Partial<Record<ModuleName, Fake>> = {}) {
  return async (name: ModuleName): Promise<ProcessModule> => {
    const fake = fakes[name] ?? {};
    return {
      name,
      requires: fake.requires ?? [],
      settings: [],
      readyThroughOutages: fake.readyThroughOutages,
      async create(_config, deps): Promise<Service> {
        fake.create?.(deps);
        return {
          async start() {
            await fake.start?.(deps);
            trace.push(`+${name}`);
          },
          async stop(deadline) {
            await fake.stop?.(deadline);
            trace.push(`-${name}`);
          },
          drain: fake.drain,
          ready: fake.ready ?? (() => READY),
        };
      },
    };
  };
}

export { notReady };
