import type { DriverName } from './choose-driver.ts';

/** The Kubernetes of this machine's tests and of `make up`. There is one, used by all at once in separate namespaces. */
export interface KubernetesCluster {
  readonly driver: DriverName;
  /** Absolute path of an administrator's kubeconfig; the file exists while the cluster is up. */
  readonly kubeconfig: string;
  /** Absolute paths of the command-line tools, installed by `up`. */
  kubectlPath(): Promise<string>;
  helmPath(): Promise<string>;
  /**
   * Brings the cluster up from any state, announcing and installing what is missing. Resumes where an
   * interrupted `up` stopped; returns soon when it is up already. Concurrent callers wait for one another.
   * Resolves with whether the cluster was down before.
   */
  up(): Promise<boolean>;
  /** Stops the cluster and restores the machine. Data is kept for the next `up` unless wiped. */
  down(options?: { wipe?: boolean }): Promise<void>;
  isUp(): Promise<boolean>;
  /** Loads an image from a tarball (`writeImage`, `docker save`) under the name that it carries. */
  loadImage(tarball: string): Promise<void>;
  /** Where a NodePort of a service answers on this machine. */
  nodePortAddress(nodePort: number): Promise<{ host: string; port: number }>;
  /** Folder of the logs of Kubernetes' own programs; pods' logs come from kubectl. */
  collectLogs(): Promise<string>;
  /** Runs kubectl as administrator and returns its standard output. */
  kubectl(...args: readonly string[]): Promise<string>;
}

/** What a driver does beyond that. */
export interface ClusterDriver extends KubernetesCluster {
  /** `up` of a cluster that is not to be kept. */
  bringUp(): Promise<boolean>;
}
