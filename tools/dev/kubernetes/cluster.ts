import { join } from 'node:path';
import { backendsCacheDir, printToStderr } from '@im/dev-stores';
import { chooseDriver, type DriverName } from './choose-driver.ts';
import type { ClusterDriver, KubernetesCluster } from './cluster-driver.ts';
import { ClusterUsers } from './cluster-users.ts';
import { KindCluster } from './kind/kind-cluster.ts';
import { LocalCluster } from './local/local-cluster.ts';

export interface ClusterOptions {
  /** Default: `$CLUSTER`, else what this machine can run, kind before local. */
  driver?: DriverName;
  /** Where progress goes, line by line. Default stderr. */
  print?: (line: string) => void;
}

/** The cluster of this machine, up or not. */
export async function openCluster(options: ClusterOptions = {}): Promise<KubernetesCluster> {
  return driverOf(options);
}

function usersOf(driver: DriverName): ClusterUsers {
  return new ClusterUsers(join(backendsCacheDir(), `${driver}-cluster-users`));
}

async function driverOf(options: ClusterOptions): Promise<ClusterDriver> {
  const driver = options.driver ?? (await chooseDriver());
  const print = options.print ?? printToStderr;
  const users = usersOf(driver);
  switch (driver) {
    case 'kind':
      return new KindCluster(print, users);
    case 'local':
      return new LocalCluster(print, users);
    default:
      return driver satisfies never;
  }
}

/** A running cluster, and the function that releases it. */
export interface UsedCluster extends AsyncDisposable {
  readonly cluster: KubernetesCluster;
}

/**
 * The cluster for a test: the one that is up, left as it is found; else one that is brought up now and stopped by the
 * last test that gives it back. A later `up` that means to keep it is noticed.
 */
export async function useCluster(options: ClusterOptions = {}): Promise<UsedCluster> {
  const cluster = await driverOf(options);
  const users = usersOf(cluster.driver);
  await users.enter();
  try {
    if (!(await cluster.isUp()) && (await cluster.bringUp())) await users.noteBroughtUp();
  } catch (error) {
    await users.leave();
    throw error;
  }
  let left: Promise<void> | undefined;
  const leave = async (): Promise<void> => {
    if (await users.leave()) await cluster.down();
  };
  return {
    cluster,
    [Symbol.asyncDispose]: () => {
      left ??= leave();
      return left;
    },
  };
}
