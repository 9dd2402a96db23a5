import type { RouteAccess, TenantSettings } from '@im/contract';
import type { CallContext } from '@im/kit';
import type { MessageName } from '@im/protocol';
import type { RpcRegistry } from '@im/rpc';
import type { ConsoleCaller } from './admin/console-caller.ts';
import type { Data } from './response-body.ts';

/** One request as a route sees it. */
export interface ApiCall {
  readonly ctx: CallContext;
  readonly tenant: TenantSettings;
  /** The decompressed body; empty for GET. */
  readonly body: Buffer;
  /** As sent; many clients send JSON as text/plain or without a type. */
  readonly contentType: string;
  readonly query: URLSearchParams;
  /** Base URL of this tenant's objects: `<scheme>://<host>[/t/<tenant>]/object/`. */
  readonly objectURL: string;
  /** IP address of the client. */
  readonly clientIP: () => string;
  readonly rpc: Pick<RpcRegistry, 'client'>;
  /** The session that sends it, for requests of the console. */
  readonly console?: ConsoleCaller;
}

/** Executes a valid request. */
export type Action = () => Promise<Data>;

/** One POST route. */
export interface Route {
  readonly path: string;
  /** The implementation, for the compatibility table: `<domain>.<method>`, or `api.<what>`. */
  readonly target: string;
  /** What it is for, by which tokens of backends are refused. */
  readonly access: RouteAccess;
  /** Only for administrators; checked after the request was validated. */
  readonly admin: boolean;
  /** Whether it counts for `limits.userChanges`: it changes data, and has no separate rate limit. */
  readonly changes: boolean;
  /** HTTP status of an invalid request. */
  readonly badInput: 200 | 400;
  /** Messages in the body, without its free-form object. */
  readonly requests: readonly MessageName[];
  /** Largest body in bytes; `api.bodyLimitBytes` applies, too. */
  readonly bodyLimit: number;
  /** Parses and validates the request. @throws ImError 1001. */
  prepare(call: ApiCall): Action;
}
