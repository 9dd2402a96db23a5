import type { Unsubscribe } from '@im/bus';
import type { TenantId } from '@im/contract';
import type { FrameKind } from '../metrics.ts';

/** A connection that wants to hear of the presence of users. */
export interface Watcher {
  readonly open: boolean;
  /** Index of `FRAMINGS`. */
  readonly framing: number;
  send(frame: Buffer, kind: FrameKind): void;
}

/** A user whose presence some connections here want to hear of. */
export interface Watch {
  readonly key: string;
  readonly tenant: TenantId;
  readonly userID: string;
  readonly connections: Set<Watcher>;
  readonly unsubscribe: Unsubscribe;
  /** Of the latest change heard of. */
  version: number;
  /** Changes heard of so far. */
  heard: number;
  /** As last told to the connections; undefined until known. */
  platforms: string | undefined;
  /** performance.now() when the last connection left. */
  leftAt: number;
}
