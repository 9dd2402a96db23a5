import type { MessageName } from '@im/protocol';
import { createHandlers, type HandlerDeps } from './handlers.ts';

/** One request that clients make over WebSocket, for tables about it. */
export interface RequestDescription {
  readonly identifier: number;
  /** Undefined for a request that is refused whatever it holds. */
  readonly request: MessageName | undefined;
}

/** Every request, by its identifier. */
export function describeRequests(): RequestDescription[] {
  // The handlers only hold what they need until they are called.
  return [...createHandlers({} as HandlerDeps)].map(([identifier, { request }]) => ({ identifier, request }));
}
