import type { Unsubscribe } from '@im/bus';
import type { TenantId } from '@im/contract';
import type { FrameKind } from '../metrics.ts';

/** A connection that subscribes to the presence of users. */
export interface Watcher {
  readonly open: boolean;
  /** Index of `FRAMINGS`. */
  readonly framing: number;
  send(frame: Buffer, kind: FrameKind): void;
}

/** A user whose presence connections here subscribe to. */
export interface Watch {
  readonly key: string;
  readonly tenant: TenantId;
  readonly userID: string;
  readonly connections: Set<Watcher>;
  readonly unsubscribe: Unsubscribe;
  /** Version of the latest change received. */
  version: number;
  /** Changes received so far. */
  changes: number;
  /** As last sent to the connections; undefined until known. */
  platforms: string | undefined;
  /** performance.now() when the last connection left. */
  leftAt: number;
}
