import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const INSTALLER = 'tools/dev/kubernetes/scripts/install.ts';

/** What tests on Kubernetes run on, being compiled and downloaded. */
export interface Installation {
  /** Waits for the end and shows progress. Never rejects: after a failure, tests report what is missing. */
  finished(): Promise<void>;
  /** Resolves at the end, and shows nothing. */
  readonly ended: Promise<void>;
}

/**
 * Begins to install what is missing for tests on Kubernetes: many minutes on a new machine, while other tests run, and
 * nothing on one that has it.
 */
export function beginInstallation(root: string): Installation {
  const child = spawn(process.execPath, [join(root, INSTALLER), '--background'], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let waitedFor = false;
  createInterface({ input: child.stderr }).on('line', (line) => {
    // Lines in brackets repeat how far each thing is.
    if (waitedFor || !line.startsWith('[')) console.error(line);
  });
  const ended = once(child, 'close').then(
    () => {},
    (error: Error) => console.error(`cannot run ${INSTALLER}: ${error.message}`),
  );
  return {
    ended,
    finished() {
      waitedFor = true;
      return ended;
    },
  };
}
