import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BackendName, type BackendTypes, startBackends } from '@im/dev-stores';

/** Store servers of one test file, in a folder that is removed with them. */
export type TestStores<K extends BackendName = BackendName> = Pick<BackendTypes, K> &
  AsyncDisposable & {
    /** Kills those that run, and removes their files. */
    stop(): Promise<void>;
  };

/** Starts these servers side by side. */
export async function startStores<K extends BackendName>(...only: readonly K[]): Promise<TestStores<K>> {
  const dir = await mkdtemp(join(tmpdir(), 'im-test-'));
  const stores = await startBackends({ dir, only });
  const stop = async () => {
    const running = only.map((name) => stores[name]).filter(({ pid }) => pid !== undefined);
    await Promise.all(running.map((server) => server.kill()));
    await rm(dir, { recursive: true, force: true });
  };
  return { ...stores, stop, [Symbol.asyncDispose]: stop };
}
