import type { TenantSettings } from '@im/contract';
import type { CallContext } from '@im/kit';
import type { MessageName } from '@im/protocol';
import type { RpcRegistry } from '@im/rpc';
import type { Data } from './answer-parts.ts';

/** One request as a route sees it. */
export interface Call {
  readonly ctx: CallContext;
  readonly tenant: TenantSettings;
  /** The body, decompressed; empty for GET. */
  readonly body: Buffer;
  /** As the client named it; many send JSON as text/plain or without a type. */
  readonly contentType: string;
  readonly query: URLSearchParams;
  /** Where clients reach this tenant's objects: `<scheme>://<host>[/t/<tenant>]/object/`. */
  readonly objectURL: string;
  readonly rpc: Pick<RpcRegistry, 'client'>;
}

/** What is left to do once the request is understood. */
export type Action = () => Promise<Data>;

/** One POST route. */
export interface Route {
  readonly path: string;
  /** Where the work is done, for the compatibility table: `<domain>.<method>`, or `api.<what>`. */
  readonly target: string;
  /** Only administrators; looked at after the request was understood. */
  readonly admin: boolean;
  /** Whether it counts for `limits.userChanges`: it changes something, and has no rate of its own. */
  readonly changes: boolean;
  /** HTTP status of a request that cannot be understood. */
  readonly badInput: 200 | 400;
  /** What the body holds, without an object of any shape beside it. */
  readonly requests: readonly MessageName[];
  /** Largest body, bytes; `api.bodyLimitBytes` holds, too. */
  readonly bodyLimit: number;
  /** Understands the request. @throws ImError 1001. */
  prepare(call: Call): Action;
}
