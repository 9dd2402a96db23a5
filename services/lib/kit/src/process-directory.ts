import type { ProcessStatus } from '@im/contract';

/** A process of the cluster. */
export interface KnownProcess {
  /** Name of the process among its peers, new at every start. */
  readonly instance: string;
  /** Its services, such as `gateway`. */
  readonly services: readonly string[];
  /** Host and port of its ops server, as others reach it. */
  readonly ops: string;
  /** What it reports of itself, at the time of the answer; versions from before report nothing. */
  readonly status?: ProcessStatus;
}

/** The processes that are connected to the same NATS. */
export interface ProcessDirectory {
  /**
   * Lets others find this process, for as long as it is connected.
   * @param own called for each answer
   * @returns what ends that.
   */
  announce(own: () => KnownProcess): () => void;
  /**
   * The processes that answer within 250 ms, this one included, by address; asked again after 5 s at the earliest. Empty
   * without a connection.
   */
  list(): Promise<readonly KnownProcess[]>;
}
