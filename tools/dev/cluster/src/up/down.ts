import { rm } from 'node:fs/promises';
import { openCluster } from '@im/dev-kubernetes';
import { backendsCacheDir } from '@im/dev-stores';

/** Stops Kubernetes with all that runs in it. @param wipe removes the data too, and everything that was compiled and downloaded. */
export async function down(wipe: boolean): Promise<void> {
  const print = (line: string): void => {
    process.stdout.write(`${line}\n`);
  };
  const kubernetes = await openCluster({ print });
  await kubernetes.down({ wipe });
  if (!wipe) {
    print('data and compiled programs stay for the next make up; WIPE=1 make down removes them');
    return;
  }
  await rm(backendsCacheDir(), { recursive: true, force: true });
  print(`removed ${backendsCacheDir()}`);
}
