import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const KEEPER = 'e2e/suites/kubernetes/keep-cluster.ts';

/** Lets suites know that their cluster is kept by the runner, and which images it has. */
const KEPT_IMAGES = 'E2E_KEPT_IMAGES';

/**
 * Keeps one cluster for all suites on Kubernetes until it is disposed of, and waits until it is ready. If that
 * fails, every suite deploys its own cluster, or reports why it cannot.
 */
export async function keepCluster(root: string): Promise<AsyncDisposable> {
  const startedAt = performance.now();
  const child = spawn(process.execPath, [join(root, KEEPER)], {
    cwd: root,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const ended = once(child, 'close');
  const lines = createInterface({ input: child.stdout });
  const kept = await Promise.race([
    once(lines, 'line').then(([line]) => String(line)),
    ended.then(() => undefined),
  ]);
  if (kept !== undefined) {
    process.env[KEPT_IMAGES] = kept;
    console.log(
      `the cluster that suites share is up after ${((performance.now() - startedAt) / 1_000).toFixed(1)} s`,
    );
  }
  return {
    async [Symbol.asyncDispose]() {
      delete process.env[KEPT_IMAGES];
      child.stdin.end();
      await ended;
    },
  };
}
